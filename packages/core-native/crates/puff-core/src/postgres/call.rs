//! Something that a caller waits for and may give up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::connection::{Command, Connection};

/// The handle by which a running request is cancelled.
///
/// Whoever executes the request keeps it; cancelling sets the mark and, where a connection is already
/// at work, has it send a CancelRequest. Cancelling twice, or after the end, does nothing.
#[derive(Debug, Default)]
pub struct Call {
    is_cancelled: AtomicBool,
    /// The connection at work, from the moment it takes the request until it has answered.
    worker: Mutex<Option<Arc<Connection>>>,
}

impl Call {
    /// Gives the request up: it ends with `PUFF_POSTGRES_CANCELLED` unless it was done already.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        if let Some(worker) = worker.as_ref() {
            // A connection that is gone has nothing left to cancel.
            let _ = worker.send(Command::CheckCancelled);
        }
    }

    /// Whether [`Call::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn begin(&self, worker: Arc<Connection>) {
        *self
            .worker
            .lock()
            .unwrap_or_else(|poison| poison.into_inner()) = Some(worker);
    }

    pub(crate) fn end(&self) {
        *self
            .worker
            .lock()
            .unwrap_or_else(|poison| poison.into_inner()) = None;
    }
}
