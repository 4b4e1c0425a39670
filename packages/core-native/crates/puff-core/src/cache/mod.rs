//! The cache of the process: entries of bytes with tags, bounded by their bytes, shared by all isolates and by the HTTP server.
//!
//! It knows neither Next.js nor JavaScript: what the bytes mean is the business of whoever puts them, except for their
//! division into [`parts`]. [`Store`] is the in-process level, which never waits; [`SecondLevel`] is the one behind it, in
//! Redis, which its users ask where the store has nothing. [`Peers`] brings revalidations to other processes.

mod entry;
mod packing;
mod peers;
mod second_level;
mod store;
mod tags;

pub use entry::{Entry, NewEntry};
pub use packing::parts;
pub use peers::{Peers, peers};
pub use second_level::{Fetched, SecondLevel, SecondLevelOptions};
pub use store::{DEFAULT_CAPACITY, Lookup, Put, Stats, Store, store};
pub use tags::{Revalidation, TagChange, Tags};

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as JavaScript's `Date.now()` counts them.
pub fn now_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_millis() as f64)
}
