//! What callers ask of a connection, and where the answer goes.

use std::sync::Arc;

use super::call::Call;
use super::error::Error;
use super::message::RowRef;
use super::packed::PackedLayout;
use super::params::Params;
use super::types::Profile;
use crate::event_loop::EventLoop;

/// One thing to do on a connection.
#[derive(Debug, Clone)]
pub enum Operation {
    /// One statement with parameters, prepared and cached by its text.
    Query {
        /// The SQL text with `$1`, `$2`, ...
        sql: Arc<str>,
        /// The values.
        params: Params,
        /// What its columns become.
        profile: Profile,
    },
    /// Statements separated by semicolons, without parameters; rows are dropped. Outside of a
    /// transaction block the server runs them as one implicit transaction.
    Script {
        /// The SQL text.
        sql: Arc<str>,
    },
    /// Ends the transaction that the session was checked out with.
    End {
        /// Whether it commits or rolls back.
        commits: bool,
    },
    /// As a script, but each statement's rows go to the sink, as text.
    Simple {
        /// The SQL text.
        sql: Arc<str>,
    },
    /// Messages of the frontend/backend protocol that the caller wrote and whose answers it reads
    /// itself, up to the next ReadyForQuery; sessions only.
    Raw {
        /// Whole messages.
        bytes: Vec<u8>,
    },
    /// Opens a cursor and fetches its first rows; sessions in a transaction only.
    OpenCursor {
        /// The caller's number for it, unique on the session, from 1.
        cursor: u32,
        /// The SQL text with `$1`, `$2`, ...
        sql: Arc<str>,
        /// The values.
        params: Params,
        /// Rows to fetch, at least 1.
        max_rows: u32,
        /// What its columns become.
        profile: Profile,
    },
    /// Fetches the next rows of a cursor.
    FetchCursor {
        /// The caller's number for it.
        cursor: u32,
        /// Rows to fetch, at least 1.
        max_rows: u32,
    },
    /// Closes a cursor.
    CloseCursor {
        /// The caller's number for it.
        cursor: u32,
    },
}

/// An operation with the place its answer goes to.
pub struct Request {
    pub(crate) operation: Operation,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) call: Option<Arc<Call>>,
    /// Whoever waits for the answer, and for no other.
    pub(crate) event_loop: Option<Arc<dyn EventLoop>>,
    /// Whether it may have its Sync in common with others.
    pub(crate) shares_sync: bool,
    /// How often it was handed to a connection that turned out to be dead.
    pub(crate) attempts: usize,
}

impl Request {
    /// Makes a request; with a [`Call`] it can be cancelled.
    pub fn new(operation: Operation, sink: Box<dyn Sink>, call: Option<Arc<Call>>) -> Request {
        Request {
            operation,
            sink,
            call,
            event_loop: None,
            shares_sync: false,
            attempts: 0,
        }
    }

    /// Lets an event loop read the answer itself, if it is free to: it waits for no other.
    pub fn read_by(mut self, event_loop: Arc<dyn EventLoop>) -> Request {
        self.event_loop = Some(event_loop);
        self
    }

    /// The text of a statement with parameters.
    pub(crate) fn sql(&self) -> Option<&Arc<str>> {
        match &self.operation {
            Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. } => Some(sql),
            _ => None,
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        matches!(self.operation, Operation::End { .. })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.is_cancelled())
    }

    pub(crate) fn finish(self, outcome: Result<Outcome, Error>) {
        if let Some(call) = &self.call {
            call.end();
        }
        self.sink.finish(outcome);
    }
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command tag's first words, for example `SELECT` or `CREATE TABLE`.
    pub command: Box<str>,
    /// Rows selected or changed.
    pub row_count: u64,
    /// Whether a cursor has more rows.
    pub is_suspended: bool,
}

/// Receives the answer to one request, on a thread of the runtime.
///
/// `start` comes before the first row, `finish` exactly once at the end. An implementation must treat
/// being dropped without `finish` as a failure: that happens when a connection's task panics.
pub trait Sink: Send {
    /// Tells the form of the rows. Where a statement is repeated it comes again: the rows so far are
    /// void.
    fn start(&mut self, layout: &Arc<PackedLayout>);

    /// Takes a row; its bytes are gone after the call.
    ///
    /// # Errors
    /// A value that cannot be decoded: the statement runs on, its rows are dropped and the error is
    /// what `finish` gets.
    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error>;

    /// Takes the end of one of several statements of [`Operation::Simple`].
    fn end_statement(&mut self, _outcome: Outcome) {}

    /// Takes a message that answers [`Operation::Raw`], with its header.
    fn raw(&mut self, _message: &[u8]) {}

    /// Takes note that what has arrived for [`Operation::Raw`] was handed over.
    fn pause(&mut self) {}

    /// Takes the end of it.
    fn finish(self: Box<Self>, outcome: Result<Outcome, Error>);
}
