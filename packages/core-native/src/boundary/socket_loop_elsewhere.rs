//! Where there is no epoll, the runtime reads all sockets.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Weak};

use napi::{Result, sys};
use puff_core::event_loop::{EventLoop, Readable};

/// The event loop of an isolate, which reads no sockets.
pub(crate) struct SocketLoop;

impl SocketLoop {
    pub(super) fn new() -> Result<SocketLoop> {
        Ok(SocketLoop)
    }

    pub(super) fn begin(self: &Arc<Self>, _: sys::napi_env, _: sys::napi_value) -> Result<()> {
        Ok(())
    }

    pub(super) fn drains_soon(&self) -> bool {
        false
    }
}

impl EventLoop for SocketLoop {
    fn is_current(&self) -> bool {
        false
    }

    fn watch(&self, _: BorrowedFd<'_>, _: Weak<dyn Readable>) -> Option<u32> {
        None
    }

    fn unwatch(&self, _: u32) {}
}
