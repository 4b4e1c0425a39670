//! A connection that reconnects by itself.
//!
//! `work` is what it is asked to do, `state` the socket and what is under way on it, `handle` what others see, and
//! `driver` the task that connects, reads, and tries again.

mod driver;
mod handle;
mod state;
mod work;

pub use handle::Connection;
pub use work::{Answers, Batch, Expects, Listener, Replies, State, StateChange};
