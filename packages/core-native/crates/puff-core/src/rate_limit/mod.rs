//! How often something may happen.
//!
//! The algorithm is GCRA (the generic cell rate algorithm of ITU-T I.371): `limit` units may be taken at once, and they come
//! back evenly, one per `window / limit`. It needs one number per key, the time at which all units are back.

mod limit;
mod memory;

pub use limit::{Decision, Limit};
pub use memory::{Memory, memory};
