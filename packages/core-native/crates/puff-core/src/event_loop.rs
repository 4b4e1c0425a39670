//! An event loop of JavaScript that reads a socket itself.
//!
//! An answer usually takes two wake-ups: the socket wakes a thread of the runtime, which reads the
//! answer and wakes JavaScript. Where JavaScript waits for this answer alone, its own event loop can
//! watch the socket: then there is one.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Weak};

/// An event loop of JavaScript.
pub trait EventLoop: Send + Sync {
    /// Whether the calling thread runs it.
    fn is_current(&self) -> bool;

    /// Watches a socket from now on: whenever it can be read, [`Readable::read_here`] is called on the
    /// loop's thread. Returns the number of the watch, or nothing where the loop cannot watch.
    ///
    /// The socket must stay open until the watch has ended. Called from any thread.
    fn watch(&self, socket: BorrowedFd<'_>, readable: Weak<dyn Readable>) -> Option<u32>;

    /// Ends a watch; `read_here` may be running. Called from any thread.
    fn unwatch(&self, watch: u32);
}

/// What an event loop reads.
pub trait Readable: Send + Sync {
    /// Reads what has arrived, without waiting for more.
    fn read_here(self: Arc<Self>);

    /// The event loop ends: from now on the runtime has to read.
    fn return_to_runtime(self: Arc<Self>);
}
