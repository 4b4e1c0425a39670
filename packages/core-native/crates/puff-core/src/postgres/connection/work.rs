//! What a connection is asked to do, and what is known of it while it is under way.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::postgres::error::Error;
use crate::postgres::frontend::Name;
use crate::postgres::pace::Pace;
use crate::postgres::pool::{Checkout, Job};
use crate::postgres::request::{Operation, Outcome, Request};
use crate::postgres::session::{Event, Listener};

/// What can be sent to a connection's task.
pub(crate) enum Command {
    /// A job from the pool, for an idle connection.
    Start(Job),
    /// A request of the session that has the connection.
    Run(Box<Request>),
    /// More messages of the session's raw exchange.
    RawWrite(Vec<u8>),
    /// A call that this connection works on was cancelled.
    CheckCancelled,
    /// The session is over.
    Release,
    /// The pool wants the idle connection closed.
    Close,
}

/// Something in flight: what to do when its answer is complete.
pub(super) enum Work {
    Request(Box<Request>),
    Begin(Checkout),
    Rollback,
}

impl Work {
    pub(super) fn is_raw(&self) -> bool {
        matches!(self, Work::Request(request) if matches!(request.operation, Operation::Raw { .. }))
    }

    /// Whether it may have its Sync in common with others.
    pub(super) fn shares_sync(&self) -> bool {
        matches!(self, Work::Request(request) if request.shares_sync)
    }

    /// Whether it is a statement that asks for rows and, by its first word, changes none.
    pub(super) fn is_read(&self) -> bool {
        let Work::Request(request) = self else {
            return false;
        };
        let Operation::Query { sql, .. } = &request.operation else {
            return false;
        };
        let mut words = sql
            .trim_start()
            .split(|letter: char| !letter.is_ascii_alphabetic());
        words.next().is_some_and(|word| {
            ["select", "values", "table", "show"]
                .iter()
                .any(|read| word.eq_ignore_ascii_case(read))
        })
    }

    pub(super) fn is_simple(&self) -> bool {
        matches!(self, Work::Request(request) if matches!(request.operation, Operation::Simple { .. }))
    }

    pub(super) fn is_cancelled(&self) -> bool {
        match self {
            Work::Request(request) => request.is_cancelled(),
            Work::Begin(checkout) => checkout.is_cancelled(),
            Work::Rollback => false,
        }
    }
}

/// Where an extended query stands.
pub(super) enum Phase {
    /// Parse and Describe are sent; Bind follows when the answer is here.
    Describing {
        name: Name,
        parameters: Option<Box<[u32]>>,
    },
    /// Everything up to Sync is sent.
    Executing,
}

pub(super) struct InFlight {
    pub(super) work: Work,
    pub(super) phase: Phase,
    /// Whether its statement was prepared for an earlier request.
    pub(super) was_cached: bool,
    /// Of such a statement.
    pub(super) pace: Option<Arc<Pace>>,
    /// Whether ReadyForQuery ends its answer; otherwise its CommandComplete does.
    pub(super) has_sync: bool,
    pub(super) sent: Instant,
    /// The first error, from the server or from a sink.
    pub(super) error: Option<Error>,
    pub(super) has_rows: bool,
    pub(super) outcome: Outcome,
}

pub(super) enum Owner {
    Pool,
    Session,
    /// The session is over, its last requests are still running.
    Released,
}

pub(super) enum Cancelling {
    No,
    /// A cancel request is on its way; nothing new may start until it has arrived.
    Sending(oneshot::Receiver<()>),
    Waiting(Pin<Box<Sleep>>),
}

/// Something to hand over once the connection is unlocked.
pub(super) enum Delivery {
    Answer(Box<Request>, Result<Outcome, Error>),
    Session(Checkout, Result<(), Error>),
    Requeue(Job),
    Event(Arc<dyn Listener>, Event),
}

/// What came of looking at the socket once.
pub(super) enum Step {
    Progress,
    Waiting,
    Closed,
}
