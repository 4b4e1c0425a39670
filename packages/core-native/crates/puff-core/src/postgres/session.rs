//! A connection that belongs to one caller for a while, for transactions and cursors.

use std::sync::Arc;

use super::connection::{Command, Connection};
use super::error::{Error, ServerError};
use super::message::Reader;
use super::request::Request;

/// Hears what the server says beside the answers to requests.
pub trait Listener: Send + Sync {
    /// Takes an event, on any thread.
    fn notify(&self, event: Event);
}

/// What a server says unasked, to the session that has the connection.
#[derive(Debug, Clone)]
pub enum Event {
    /// A notice or warning.
    Notice(Box<ServerError>),
    /// A NOTIFY on a channel that this connection listens to.
    Notification {
        /// Of the server process that notified.
        process_id: i32,
        /// The channel.
        channel: String,
        /// The payload, empty for none.
        payload: String,
    },
    /// A run-time parameter has this value now.
    Parameter {
        /// For example `TimeZone`.
        name: String,
        /// The value.
        value: String,
    },
    /// The connection has ended.
    Lost {
        /// Whether it was closed from here: idle or open for too long, destroyed, its pool closed.
        is_orderly: bool,
        /// What the operating system or the server said.
        reason: String,
        /// The server's last error, where it sent one.
        error: Option<Box<ServerError>>,
    },
}

impl Event {
    /// Reads the body of a NotificationResponse.
    pub(crate) fn notification(body: &[u8]) -> Option<Event> {
        let mut reader = Reader(body);
        Some(Event::Notification {
            process_id: reader.i32()?,
            channel: String::from_utf8_lossy(reader.text()?).into_owned(),
            payload: String::from_utf8_lossy(reader.text()?).into_owned(),
        })
    }

    /// Reads the body of a ParameterStatus.
    pub(crate) fn parameter(body: &[u8]) -> Option<Event> {
        let mut reader = Reader(body);
        Some(Event::Parameter {
            name: String::from_utf8_lossy(reader.text()?).into_owned(),
            value: String::from_utf8_lossy(reader.text()?).into_owned(),
        })
    }
}

/// A connection checked out of the pool.
///
/// Requests run in the order of the calls, the next one is sent without waiting for the answer to the
/// one before. Dropping the session gives the connection back; a transaction that is still open is
/// rolled back first.
#[derive(Debug)]
pub struct Session {
    worker: Arc<Connection>,
    process_id: i32,
}

impl Session {
    pub(crate) fn new(worker: Arc<Connection>, process_id: i32) -> Session {
        Session { worker, process_id }
    }

    /// Of the server process at the other end, as `pg_backend_pid()` has it.
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// Runs a request on this connection.
    pub fn run(&self, request: Request) {
        if let Err(Command::Run(request)) = self.worker.send(Command::Run(Box::new(request))) {
            request.finish(Err(Error::ConnectionLost {
                reason: "the connection of this transaction is gone".into(),
                server: None,
            }));
        }
    }

    /// Sends more messages of a raw exchange; after its end they are dropped.
    pub fn write_raw(&self, bytes: Vec<u8>) {
        // If the connection is gone, the exchange has failed already.
        let _ = self.worker.send(Command::RawWrite(bytes));
    }

    /// The transaction status of the last answer: `I` for none, `T` in one, `E` in one that failed.
    pub fn transaction_status(&self) -> char {
        self.worker.transaction_status()
    }

    /// Closes the connection instead of giving it back.
    pub fn destroy(&self) {
        let _ = self.worker.send(Command::Close);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A connection that is gone needs no release.
        let _ = self.worker.send(Command::Release);
    }
}
