//! The level behind the store of the process: entries in Redis, which all processes of the app share.
//!
//! Whether an entry may be used is decided in Redis, by numbers and not by times, so that clocks need not agree: every
//! revalidation there gets the next version, an entry has the version that its maker knew of when it began, and it is good as long
//! as no tag of it has a higher one. A Redis that lost its data has another epoch, which no older entry has. Times are kept beside
//! the versions only for what has no version: files of the build, and entries read with tags that are not their own.
//!
//! Nothing here is waited for without a limit. Where Redis fails it is left alone for a moment, and the store of the process
//! goes on alone.

mod claims;
mod health;
mod known;
mod level;
mod owed;
mod recall;
mod stored;

pub use level::{Fetched, SecondLevel, SecondLevelOptions};
