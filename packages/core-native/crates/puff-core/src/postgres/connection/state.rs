//! The sending side: what is written to the server, and when.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::AsyncWrite;
use tokio::sync::oneshot;

use super::handle::Connection;
use super::loan::Reader;
use super::read_buffer::{READ_BUFFER, ReadBuffer};
use super::work::{Cancelling, Command, Delivery, InFlight, Owner, Phase, Step, Work};
use crate::postgres::connect::{CancelKey, cancel};
use crate::postgres::error::{Error, ServerError};
use crate::postgres::frontend::{self, Name};
use crate::postgres::pace::Pace;
use crate::postgres::packed::PackedLayout;
use crate::postgres::pool::{Checkout, Job, Next, Shared};
use crate::postgres::request::{Operation, Outcome};
use crate::postgres::session::Listener;
use crate::postgres::statement::{Prepared, StatementCache};
use crate::runtime;
use crate::stream::Stream;

/// A cancel request that reaches the server before the statement has no effect: it is repeated.
pub(super) const CANCEL_AGAIN: Duration = Duration::from_millis(100);

/// A portal's name on the wire, apart from the statements' (they have a space of their own).
fn portal_name(cursor: u32) -> Name {
    Name(cursor)
}

pub(super) struct State {
    pub(super) pool: Arc<Shared>,
    pub(super) stream: Stream,
    pub(super) read: ReadBuffer,
    pub(super) write: BytesMut,
    pub(super) written: usize,
    pub(super) cancel_key: CancelKey,
    pub(super) statements: StatementCache,
    /// The form of the rows of open cursors, for the later fetches.
    pub(super) cursors: HashMap<u32, Arc<PackedLayout>>,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Whether the last in flight still lacks its Sync.
    pub(super) owes_sync: bool,
    pub(super) backlog: VecDeque<Work>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) owner: Owner,
    /// Whether the session was checked out with a transaction, whose end is the caller's to ask for.
    pub(super) is_transaction: bool,
    /// Of the session that has the connection, or had it last: LISTEN outlives a session.
    pub(super) listener: Option<Arc<dyn Listener>>,
    /// The transaction status of the last ReadyForQuery: I, T or E.
    pub(super) status: u8,
    pub(super) cancelling: Cancelling,
    /// When the last cancel request had arrived at the server.
    pub(super) cancelled: Option<Instant>,
    /// Who reads instead of the runtime.
    pub(super) reader: Option<Reader>,
    /// For how many more statements the socket is not lent.
    pub(super) unlendable: u32,
    /// What an event loop met when it read: the connection's task ends with it.
    pub(super) read_error: Option<io::Error>,
    /// The last words of a server that closes the connection.
    pub(super) fatal: Option<ServerError>,
    pub(super) is_closing: bool,
    pub(super) opened: Instant,
    /// When the last answer was complete.
    pub(super) answered: Instant,
}

impl State {
    /// Reads, then writes, once.
    pub(super) fn step(
        &mut self,
        connection: &Arc<Connection>,
        context: &mut Context<'_>,
    ) -> io::Result<Step> {
        if let Some(error) = self.read_error.take() {
            return Err(error);
        }
        let mut has_progressed = self.poll_cancelling(connection, context);
        match self.read.poll_fill(&mut self.stream, context) {
            Poll::Ready(result) => {
                result?;
                self.on_bytes(connection)?;
                has_progressed = true;
            }
            Poll::Pending => {}
        }
        self.poll_write(context)?;
        Ok(
            match (has_progressed, self.is_closing && self.write.is_empty()) {
                (_, true) => Step::Closed,
                (true, false) => Step::Progress,
                (false, false) => Step::Waiting,
            },
        )
    }

    /// Whether the task has to be told of a cancel request that it has not polled yet.
    pub(super) fn has_new_cancelling(&self) -> bool {
        matches!(self.cancelling, Cancelling::Sending(_))
    }

    /// Writes what the socket takes at once; true if that is everything.
    ///
    /// An error is left for the task to meet.
    pub(super) fn try_write(&mut self) -> bool {
        while self.written < self.write.len() {
            match self.stream.try_write(&self.write[self.written..]) {
                Ok(count) if count > 0 => self.written += count,
                _ => return false,
            }
        }
        if self.written > 0 {
            self.end_write();
        }
        true
    }

    pub(super) fn end_write(&mut self) {
        self.written = 0;
        if self.write.capacity() > READ_BUFFER {
            self.write = BytesMut::new();
        } else {
            self.write.clear();
        }
    }

    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.written < self.write.len() {
            let bytes = &self.write[self.written..];
            match Pin::new(&mut self.stream).poll_write(context, bytes) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        if self.written > 0 {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
            self.end_write();
        }
        Ok(())
    }

    pub(super) fn on_command(&mut self, connection: &Arc<Connection>, command: Command) {
        match command {
            Command::Start(job) => self.accept(job),
            Command::Run(request) => self.backlog.push_back(Work::Request(request)),
            Command::RawWrite(bytes) => self.write_raw(&bytes),
            Command::CheckCancelled => self.check_cancelled(),
            Command::Release => self.owner = Owner::Released,
            Command::Close => self.close(),
        }
        self.advance(connection);
    }

    pub(super) fn close(&mut self) {
        self.is_closing = true;
        if !self.in_flight.is_empty() {
            // The server would notice only when it has rows to send.
            self.send_cancel();
        }
        frontend::terminate(&mut self.write);
    }

    /// Starts whatever can be started now.
    pub(super) fn advance(&mut self, connection: &Arc<Connection>) {
        loop {
            if self.is_closing || self.is_exclusive() {
                return;
            }
            if let Some(work) = self.backlog.pop_front() {
                if !self.can_share_sync(&work) {
                    self.put_owed_sync();
                }
                self.start(connection, work);
                continue;
            }
            self.put_owed_sync();
            if !self.in_flight.is_empty() || matches!(self.cancelling, Cancelling::Sending(_)) {
                return;
            }
            self.cancelling = Cancelling::No;
            if matches!(self.owner, Owner::Session) {
                return;
            }
            if self.status != b'I' {
                self.start(connection, Work::Rollback);
                continue;
            }
            self.owner = Owner::Pool;
            let statements = &self.statements;
            let may_share = |job: &Job| match job {
                Job::Run(request) => request
                    .sql()
                    .is_some_and(|sql| statements.has_quick_read(sql)),
                Job::RunAll(_) | Job::Checkout(_) => false,
            };
            match self.pool.next(connection, self.opened, may_share) {
                Next::Jobs(job, companions) => {
                    self.accept(job);
                    for companion in companions {
                        self.accept(companion);
                    }
                }
                Next::Idle => return,
                Next::Close => self.close(),
            }
        }
    }

    /// Whether nothing may be written after what is in flight: its last messages are still to come.
    pub(super) fn is_exclusive(&self) -> bool {
        self.in_flight.back().is_some_and(|last| {
            matches!(last.phase, Phase::Describing { .. }) || last.work.is_raw()
        })
    }

    pub(super) fn write_raw(&mut self, bytes: &[u8]) {
        if let Some(Work::Request(request)) = self.backlog.back_mut()
            && let Operation::Raw { bytes: first } = &mut request.operation
        {
            first.extend_from_slice(bytes);
        } else if self.in_flight.back().is_some_and(|last| last.work.is_raw()) {
            self.write.extend_from_slice(bytes);
        }
        // Otherwise the exchange has ended, and what belongs to it is of no use to anybody.
    }

    pub(super) fn accept(&mut self, job: Job) {
        match job {
            Job::Run(request) => self.backlog.push_back(Work::Request(request)),
            Job::RunAll(requests) => self.accept_all(requests),
            Job::Checkout(checkout) if checkout.begin.is_none() => self.lend(checkout),
            Job::Checkout(checkout) => self.backlog.push_back(Work::Begin(checkout)),
        }
    }

    /// Makes the connection a session's.
    pub(super) fn lend(&mut self, checkout: Checkout) {
        self.owner = Owner::Session;
        self.listener = checkout.listener.clone();
        self.is_transaction = checkout.begin.is_some();
        self.deliveries.push(Delivery::Session(checkout, Ok(())));
    }

    /// Whether the session's transaction is over although nothing is under way that could end it.
    pub(super) fn has_lost_transaction(&self) -> bool {
        self.is_transaction
            && matches!(self.owner, Owner::Session)
            && self.status == b'I'
            && self.in_flight.is_empty()
    }

    /// Writes the first messages of a piece of work.
    pub(super) fn start(&mut self, connection: &Arc<Connection>, mut work: Work) {
        let call = match &work {
            Work::Request(request) => request.call.as_ref(),
            Work::Begin(checkout) => checkout.call.as_ref(),
            Work::Rollback => None,
        };
        if let Some(call) = call {
            call.begin(connection.clone());
            if call.is_cancelled() {
                return self.fail(work, Error::Cancelled);
            }
        }
        if self.has_lost_transaction()
            && matches!(&work, Work::Request(request) if !request.is_end())
        {
            return self.fail(
                work,
                Error::Closed {
                    what: "the transaction",
                },
            );
        }
        let (phase, pace) = match self.put_first_messages(&mut work) {
            Ok(started) => started,
            Err(error) => return self.fail(work, error),
        };
        self.in_flight.push_back(InFlight {
            work,
            was_cached: matches!(phase, Phase::Executing),
            phase,
            pace,
            has_sync: !self.owes_sync,
            sent: Instant::now(),
            error: None,
            has_rows: false,
            outcome: Outcome {
                command: Box::default(),
                row_count: 0,
                is_suspended: false,
            },
        });
    }

    /// Writes them; returns with the phase the pace of a statement that is prepared.
    fn put_first_messages(&mut self, work: &mut Work) -> Result<(Phase, Option<Arc<Pace>>), Error> {
        let request = match work {
            Work::Rollback => {
                frontend::query(&mut self.write, "ROLLBACK");
                return Ok((Phase::Executing, None));
            }
            Work::Begin(checkout) => {
                frontend::query(
                    &mut self.write,
                    checkout.begin.as_deref().unwrap_or("BEGIN"),
                );
                return Ok((Phase::Executing, None));
            }
            Work::Request(request) => request,
        };
        match &request.operation {
            Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. } => {
                check_text(sql)?;
                let sql = sql.clone();
                if let Some(prepared) = self.statements.get(&sql) {
                    self.begin_rows(work, &prepared)?;
                    return Ok((Phase::Executing, Some(prepared.pace)));
                }
                let name = match self.pool.config.named_statements {
                    true => self.statements.new_name(),
                    false => Name::UNNAMED,
                };
                frontend::parse(&mut self.write, name, &sql);
                frontend::describe_statement(&mut self.write, name);
                // Flush, not Sync: a pooler between us and the server may give the session to
                // somebody else after a Sync.
                frontend::flush(&mut self.write);
                let parameters = None;
                return Ok((Phase::Describing { name, parameters }, None));
            }
            Operation::Script { sql } | Operation::Simple { sql } => {
                check_text(sql)?;
                frontend::query(&mut self.write, sql);
            }
            Operation::End { commits } => {
                frontend::query(
                    &mut self.write,
                    if *commits { "COMMIT" } else { "ROLLBACK" },
                );
            }
            Operation::Raw { bytes } => self.write.extend_from_slice(bytes),
            Operation::FetchCursor { cursor, max_rows } => {
                let layout = self
                    .cursors
                    .get(cursor)
                    .ok_or(Error::Closed { what: "the cursor" })?;
                request.sink.start(layout);
                frontend::execute(&mut self.write, portal_name(*cursor), *max_rows);
                frontend::sync(&mut self.write);
            }
            Operation::CloseCursor { cursor } => {
                self.cursors.remove(cursor);
                frontend::close_portal(&mut self.write, portal_name(*cursor));
                frontend::sync(&mut self.write);
            }
        }
        Ok((Phase::Executing, None))
    }

    /// Writes Bind, Execute and, unless others may share it, Sync for a statement that the server knows.
    pub(super) fn put_bind(&mut self, work: &Work, prepared: &Prepared) -> Result<(), Error> {
        let Work::Request(request) = work else {
            return Ok(());
        };
        let (portal, params, max_rows, profile) = match &request.operation {
            Operation::Query {
                params, profile, ..
            } => (Name::UNNAMED, params, 0, *profile),
            Operation::OpenCursor {
                cursor,
                params,
                max_rows,
                profile,
                ..
            } => (portal_name(*cursor), params, *max_rows, *profile),
            _ => return Ok(()),
        };
        let statement = &prepared.statement;
        frontend::bind(
            &mut self.write,
            portal,
            prepared.name,
            |buffer| params.encode(&statement.parameters, buffer),
            statement.layout(profile).formats(),
        )?;
        frontend::execute(&mut self.write, portal, max_rows);
        match request.shares_sync && prepared.pace.is_plain_read() {
            true => self.owes_sync = true,
            false => frontend::sync(&mut self.write),
        }
        Ok(())
    }

    pub(super) fn check_cancelled(&mut self) {
        let is_idle = matches!(self.cancelling, Cancelling::No);
        if is_idle
            && self
                .in_flight
                .front()
                .is_some_and(|head| head.work.is_cancelled())
        {
            self.send_cancel();
        }
    }

    pub(super) fn send_cancel(&mut self) {
        let (arrived, arrival) = oneshot::channel();
        let (pool, key) = (self.pool.clone(), self.cancel_key);
        runtime::spawn(async move {
            // If it cannot be delivered the statement runs to its end; the caller has its answer.
            let _ = cancel(&pool.config, &pool.tls, key).await;
            let _ = arrived.send(());
        });
        self.cancelling = Cancelling::Sending(arrival);
    }

    pub(super) fn poll_cancelling(
        &mut self,
        connection: &Arc<Connection>,
        context: &mut Context<'_>,
    ) -> bool {
        match &mut self.cancelling {
            Cancelling::No => return false,
            Cancelling::Sending(arrival) => {
                if Pin::new(arrival).poll(context).is_pending() {
                    return false;
                }
                self.cancelled = Some(Instant::now());
                self.cancelling = Cancelling::Waiting(Box::pin(tokio::time::sleep(CANCEL_AGAIN)));
            }
            Cancelling::Waiting(sleep) => {
                if sleep.as_mut().poll(context).is_pending() {
                    return false;
                }
                self.cancelling = Cancelling::No;
                self.check_cancelled();
            }
        }
        self.advance(connection);
        true
    }
}

/// A zero byte would end the text early on the wire.
fn check_text(sql: &str) -> Result<(), Error> {
    match sql.contains('\0') {
        true => Err(Error::Unsupported("the SQL text has a zero byte in it")),
        false => Ok(()),
    }
}
