//! The socket below a connection without TLS, for somebody who writes past the connection's task.

use std::io::{self, IoSlice};
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Arc;

use socket2::SockRef;

use super::metrics::Metrics;

/// The socket of a connection; it does not keep it open.
pub(crate) struct PlainSocket {
    descriptor: RawFd,
    metrics: Arc<Metrics>,
}

impl PlainSocket {
    pub(super) fn new(descriptor: RawFd, metrics: Arc<Metrics>) -> PlainSocket {
        PlainSocket {
            descriptor,
            metrics,
        }
    }

    /// Writes what the operating system takes at once.
    ///
    /// # Safety
    /// The connection that it was taken from is still there.
    ///
    /// # Errors
    /// It takes nothing now, or the connection is broken: its owner will see that, too.
    pub(crate) unsafe fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // SAFETY: the connection owns the descriptor and is still there, as the caller promises.
        let socket = unsafe { BorrowedFd::borrow_raw(self.descriptor) };
        let written = SockRef::from(&socket).send_vectored(slices)?;
        self.metrics.sent.add(written as u64);
        Ok(written)
    }
}
