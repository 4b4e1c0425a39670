//! A connection that belongs to one caller for a while, for transactions and cursors.

use std::sync::Arc;

use super::connection::{Command, Connection};
use super::error::Error;
use super::request::Request;

/// A connection checked out of the pool.
///
/// Requests run in the order of the calls, the next one is sent without waiting for the answer to the
/// one before. Dropping the session gives the connection back; a transaction that is still open is
/// rolled back first.
#[derive(Debug)]
pub struct Session {
    worker: Arc<Connection>,
}

impl Session {
    pub(crate) fn new(worker: Arc<Connection>) -> Session {
        Session { worker }
    }

    /// Runs a request on this connection.
    pub fn run(&self, request: Request) {
        if let Err(lost) = self.worker.send(Command::Run(Box::new(request)))
            && let Command::Run(request) = lost
        {
            request.finish(Err(Error::ConnectionLost {
                reason: "the connection of this transaction is gone".into(),
            }));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A connection that is gone needs no release.
        let _ = self.worker.send(Command::Release);
    }
}
