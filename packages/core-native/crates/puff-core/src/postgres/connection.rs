//! One connection: it writes requests, reads answers and feeds sinks.
//!
//! A connection works for the pool (one request at a time, then it asks the pool for the next) or for
//! a session (requests of one caller, pipelined). A task of the runtime drives it: it waits for the
//! socket's two directions and for a running cancel request together, so that a server that stops
//! reading until we read cannot block it.
//!
//! Whoever sends a command does what it can itself: it encodes the request and writes it to the
//! socket on its own thread, without waking the task. That saves a thread switch per statement. The
//! task is woken when the socket does not take everything, or when it holds the connection right now.
//! What a step produces (answers, sessions) is handed over after the connection is unlocked, so that
//! receivers may use the pool, or this very connection.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::connect::{CancelKey, Established, Stream, cancel};
use super::error::{Error, ServerError};
use super::frontend::{self, Name};
use super::message::{RowRef, frame_size, next_frame};
use super::packed::PackedLayout;
use super::pool::{Checkout, Job, Next, Shared};
use super::request::{Operation, Outcome, Request};
use super::session::{Event, Listener, Session};
use super::statement::{Prepared, Statement, StatementCache, parse_columns, parse_parameters};
use super::types::Profile;
use crate::runtime;

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

/// A statement that was terminated before this time can hardly have begun to run: it was on its way
/// when the server shut down, and is repeated. Later ones were stopped on purpose.
const UNSTARTED: Duration = Duration::from_millis(100);

/// How often a request is handed to another connection after the one it was given to had died.
const MAX_ATTEMPTS: u8 = 5;

/// A cancel request that reaches the server before the statement has no effect: it is repeated.
const CANCEL_AGAIN: Duration = Duration::from_millis(100);

/// Room for reading, kept between messages; larger messages take more for as long as they need it.
const READ_BUFFER: usize = 32 * 1024;

/// A portal's name on the wire, apart from the statements' (they have a space of their own).
fn portal_name(cursor: u32) -> Name {
    Name(cursor)
}

/// Something in flight: what to do when its answer is complete.
enum Work {
    Request(Box<Request>),
    Begin(Checkout),
    Rollback,
}

impl Work {
    fn is_raw(&self) -> bool {
        matches!(self, Work::Request(request) if matches!(request.operation, Operation::Raw { .. }))
    }

    fn is_simple(&self) -> bool {
        matches!(self, Work::Request(request) if matches!(request.operation, Operation::Simple { .. }))
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Work::Request(request) => request.is_cancelled(),
            Work::Begin(checkout) => checkout.is_cancelled(),
            Work::Rollback => false,
        }
    }
}

/// Where an extended query stands.
enum Phase {
    /// Parse and Describe are sent; Bind follows when the answer is here.
    Describing {
        name: Name,
        parameters: Option<Box<[u32]>>,
    },
    /// Everything up to Sync is sent.
    Executing,
}

struct InFlight {
    work: Work,
    phase: Phase,
    sent: Instant,
    /// The first error, from the server or from a sink.
    error: Option<Error>,
    has_rows: bool,
    outcome: Outcome,
}

enum Owner {
    Pool,
    Session,
    /// The session is over, its last requests are still running.
    Released,
}

enum Cancelling {
    No,
    /// A cancel request is on its way; nothing new may start until it has arrived.
    Sending(oneshot::Receiver<()>),
    Waiting(Pin<Box<Sleep>>),
}

/// A connection as others see it: they send commands.
pub(crate) struct Connection {
    pool: Arc<Shared>,
    /// Of the server process at the other end.
    process_id: i32,
    mailbox: Mutex<Mailbox>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Mailbox {
    commands: VecDeque<Command>,
    is_closed: bool,
    /// Of the task, since it was last polled.
    waker: Option<Waker>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connection")
    }
}

/// Something to hand over once the connection is unlocked.
enum Delivery {
    Answer(Box<Request>, Result<Outcome, Error>),
    Session(Checkout, Result<(), Error>),
    Requeue(Job),
    Event(Arc<dyn Listener>, Event),
}

impl Connection {
    pub(crate) fn new(pool: Arc<Shared>, established: Established) -> Arc<Connection> {
        let statements = StatementCache::new(pool.config.statement_cache_size);
        Arc::new(Connection {
            pool: pool.clone(),
            process_id: established.cancel_key.process_id,
            mailbox: Mutex::default(),
            state: Mutex::new(State {
                pool,
                stream: established.stream,
                read: ReadBuffer::with(&established.read),
                write: BytesMut::new(),
                written: 0,
                cancel_key: established.cancel_key,
                statements,
                cursors: HashMap::new(),
                in_flight: VecDeque::new(),
                backlog: VecDeque::new(),
                deliveries: Vec::new(),
                owner: Owner::Pool,
                listener: None,
                status: b'I',
                cancelling: Cancelling::No,
                fatal: None,
                is_closing: false,
                opened: Instant::now(),
            }),
        })
    }

    /// Gives the connection a command and does as much of it as can be done here and now.
    ///
    /// # Errors
    /// The command, when the connection has ended.
    pub(crate) fn send(self: &Arc<Self>, command: Command) -> Result<(), Command> {
        {
            let mut mailbox = self.mailbox();
            if mailbox.is_closed {
                return Err(command);
            }
            mailbox.commands.push_back(command);
        }
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            // The task has it and may have looked at the mailbox already.
            Err(TryLockError::WouldBlock) => {
                self.wake();
                return Ok(());
            }
            Err(TryLockError::Poisoned(_)) => return Ok(()),
        };
        self.take_commands(&mut state);
        let is_done = state.try_write() && !state.is_closing && !state.has_new_cancelling();
        let deliveries = std::mem::take(&mut state.deliveries);
        drop(state);
        if !is_done {
            self.wake();
        }
        self.deliver(deliveries);
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.mailbox().is_closed
    }

    pub(crate) fn transaction_status(&self) -> char {
        self.lock().status.into()
    }

    /// Serves the pool until the connection ends.
    pub(crate) async fn run(self: Arc<Self>) {
        let guard = EndGuard(self.clone());
        {
            let mut state = self.lock();
            state.advance(&self);
            let deliveries = std::mem::take(&mut state.deliveries);
            drop(state);
            self.deliver(deliveries);
        }
        let end = poll_fn(|context| self.poll(context)).await;
        guard.0.give_up(end);
    }

    fn poll(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut state = self.lock();
            self.keep_waker(context.waker());
            self.take_commands(&mut state);
            let step = state.step(self, context);
            let deliveries = std::mem::take(&mut state.deliveries);
            drop(state);
            self.deliver(deliveries);
            match step {
                Ok(Step::Progress) => {}
                Ok(Step::Waiting) => return Poll::Pending,
                Ok(Step::Closed) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn keep_waker(&self, waker: &Waker) {
        let mut mailbox = self.mailbox();
        if !mailbox
            .waker
            .as_ref()
            .is_some_and(|kept| kept.will_wake(waker))
        {
            mailbox.waker = Some(waker.clone());
        }
    }

    fn take_commands(self: &Arc<Self>, state: &mut State) {
        loop {
            let command = self.mailbox().commands.pop_front();
            match command {
                Some(command) => state.on_command(self, command),
                None => return,
            }
        }
    }

    fn deliver(self: &Arc<Self>, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Answer(request, outcome) => request.finish(outcome),
                Delivery::Session(checkout, result) => {
                    let process_id = self.process_id;
                    checkout.finish(result.map(|()| Session::new(self.clone(), process_id)));
                }
                Delivery::Requeue(job) => self.pool.requeue(job),
                Delivery::Event(listener, event) => listener.notify(event),
            }
        }
    }

    /// Settles everything that is left when the connection has ended.
    fn give_up(self: &Arc<Self>, end: io::Result<()>) {
        let commands = {
            let mut mailbox = self.mailbox();
            if mailbox.is_closed {
                return;
            }
            mailbox.is_closed = true;
            std::mem::take(&mut mailbox.commands)
        };
        let deliveries = {
            let mut state = self.lock();
            state.settle_all(commands, end);
            std::mem::take(&mut state.deliveries)
        };
        self.deliver(deliveries);
    }

    fn wake(&self) {
        let waker = self.mailbox().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Settles what is left even if the task panics.
struct EndGuard(Arc<Connection>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0
            .give_up(Err(io::Error::other("the task of the connection panicked")));
    }
}

/// What came of looking at the socket once.
enum Step {
    Progress,
    Waiting,
    Closed,
}

struct State {
    pool: Arc<Shared>,
    stream: Stream,
    read: ReadBuffer,
    write: BytesMut,
    written: usize,
    cancel_key: CancelKey,
    statements: StatementCache,
    /// The form of the rows of open cursors, for the later fetches.
    cursors: HashMap<u32, Arc<PackedLayout>>,
    in_flight: VecDeque<InFlight>,
    backlog: VecDeque<Work>,
    deliveries: Vec<Delivery>,
    owner: Owner,
    /// Of the session that has the connection, or had it last: LISTEN outlives a session.
    listener: Option<Arc<dyn Listener>>,
    /// The transaction status of the last ReadyForQuery: I, T or E.
    status: u8,
    cancelling: Cancelling,
    /// The last words of a server that closes the connection.
    fatal: Option<ServerError>,
    is_closing: bool,
    opened: Instant,
}

impl State {
    /// Reads, then writes, once.
    fn step(
        &mut self,
        connection: &Arc<Connection>,
        context: &mut Context<'_>,
    ) -> io::Result<Step> {
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
    fn has_new_cancelling(&self) -> bool {
        matches!(self.cancelling, Cancelling::Sending(_))
    }

    /// Writes what the socket takes at once; true if that is everything.
    ///
    /// An error is left for the task to meet.
    fn try_write(&mut self) -> bool {
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

    fn end_write(&mut self) {
        self.written = 0;
        if self.write.capacity() > READ_BUFFER {
            self.write = BytesMut::new();
        } else {
            self.write.clear();
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
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

    fn on_command(&mut self, connection: &Arc<Connection>, command: Command) {
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

    fn close(&mut self) {
        self.is_closing = true;
        frontend::terminate(&mut self.write);
    }

    /// Starts whatever can be started now.
    fn advance(&mut self, connection: &Arc<Connection>) {
        loop {
            if self.is_closing || self.is_exclusive() {
                return;
            }
            if let Some(work) = self.backlog.pop_front() {
                self.start(connection, work);
                continue;
            }
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
            match self.pool.next(connection, self.opened) {
                Next::Job(job) => self.accept(job),
                Next::Idle => return,
                Next::Close => self.close(),
            }
        }
    }

    /// Whether nothing may be written after what is in flight: its last messages are still to come.
    fn is_exclusive(&self) -> bool {
        self.in_flight.back().is_some_and(|last| {
            matches!(last.phase, Phase::Describing { .. }) || last.work.is_raw()
        })
    }

    fn write_raw(&mut self, bytes: &[u8]) {
        if let Some(Work::Request(request)) = self.backlog.back_mut()
            && let Operation::Raw { bytes: first } = &mut request.operation
        {
            first.extend_from_slice(bytes);
        } else if self.in_flight.back().is_some_and(|last| last.work.is_raw()) {
            self.write.extend_from_slice(bytes);
        }
        // Otherwise the exchange has ended, and what belongs to it is of no use to anybody.
    }

    fn accept(&mut self, job: Job) {
        match job {
            Job::Run(request) => self.backlog.push_back(Work::Request(request)),
            Job::Checkout(checkout) if checkout.begin.is_none() => self.lend(checkout),
            Job::Checkout(checkout) => self.backlog.push_back(Work::Begin(checkout)),
        }
    }

    /// Makes the connection a session's.
    fn lend(&mut self, checkout: Checkout) {
        self.owner = Owner::Session;
        self.listener = checkout.listener.clone();
        self.deliveries.push(Delivery::Session(checkout, Ok(())));
    }

    /// Writes the first messages of a piece of work.
    fn start(&mut self, connection: &Arc<Connection>, mut work: Work) {
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
        let phase = match self.put_first_messages(&mut work) {
            Ok(phase) => phase,
            Err(error) => return self.fail(work, error),
        };
        self.in_flight.push_back(InFlight {
            work,
            phase,
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

    fn put_first_messages(&mut self, work: &mut Work) -> Result<Phase, Error> {
        let request = match work {
            Work::Rollback => {
                frontend::query(&mut self.write, "ROLLBACK");
                return Ok(Phase::Executing);
            }
            Work::Begin(checkout) => {
                frontend::query(
                    &mut self.write,
                    checkout.begin.as_deref().unwrap_or("BEGIN"),
                );
                return Ok(Phase::Executing);
            }
            Work::Request(request) => request,
        };
        match &request.operation {
            Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. } => {
                check_text(sql)?;
                let sql = sql.clone();
                if let Some(prepared) = self.statements.get(&sql) {
                    return self.begin_rows(work, &prepared).map(|()| Phase::Executing);
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
                return Ok(Phase::Describing {
                    name,
                    parameters: None,
                });
            }
            Operation::Script { sql } | Operation::Simple { sql } => {
                check_text(sql)?;
                frontend::query(&mut self.write, sql);
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
        Ok(Phase::Executing)
    }

    /// Writes Bind, Execute and Sync for a statement that the server knows.
    fn put_bind(&mut self, work: &Work, prepared: &Prepared) -> Result<(), Error> {
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
        frontend::sync(&mut self.write);
        Ok(())
    }

    fn check_cancelled(&mut self) {
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

    fn send_cancel(&mut self) {
        let (arrived, arrival) = oneshot::channel();
        let (pool, key) = (self.pool.clone(), self.cancel_key);
        runtime::spawn(async move {
            // If it cannot be delivered the statement runs to its end; the caller has its answer.
            let _ = cancel(&pool.config, &pool.tls, key).await;
            let _ = arrived.send(());
        });
        self.cancelling = Cancelling::Sending(arrival);
    }

    fn poll_cancelling(&mut self, connection: &Arc<Connection>, context: &mut Context<'_>) -> bool {
        match &mut self.cancelling {
            Cancelling::No => return false,
            Cancelling::Sending(arrival) => {
                if Pin::new(arrival).poll(context).is_pending() {
                    return false;
                }
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

    fn on_bytes(&mut self, connection: &Arc<Connection>) -> io::Result<()> {
        let mut read = std::mem::take(&mut self.read);
        let result = loop {
            match next_frame(read.filled()) {
                Ok(Some(frame)) => {
                    let (size, is_raw) = (frame.size, self.head_is_raw());
                    if is_raw
                        && let Some(InFlight {
                            work: Work::Request(request),
                            ..
                        }) = self.in_flight.front_mut()
                    {
                        request.sink.raw(&read.filled()[..size]);
                    }
                    let result = match is_raw {
                        true => self.on_raw_message(connection, frame.tag, frame.body),
                        false => self.on_message(connection, frame.tag, frame.body),
                    };
                    if let Err(what) = result {
                        break Err(what);
                    }
                    read.consume(size);
                }
                Ok(None) => break Ok(()),
                Err(what) => break Err(what),
            }
        };
        self.read = read;
        if self.head_is_raw()
            && let Some(InFlight {
                work: Work::Request(request),
                ..
            }) = self.in_flight.front_mut()
        {
            request.sink.pause();
        }
        result.map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))
    }

    fn head_is_raw(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| head.work.is_raw())
    }

    /// The caller reads the messages itself; only the end of the exchange concerns the connection.
    fn on_raw_message(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        match tag {
            b'Z' => self.on_ready(connection, body.first().copied().unwrap_or(b'I')),
            b'E' => {
                let error = ServerError::parse(body);
                if error.is_fatal() {
                    self.fatal = Some(error);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn on_message(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        match tag {
            b'D' => self.on_row(body),
            b'Z' => self.on_ready(connection, body.first().copied().unwrap_or(b'I')),
            b'C' => self.on_command_complete(body),
            b'E' => self.on_error(body),
            b't' => {
                let parameters =
                    parse_parameters(body).ok_or("a malformed ParameterDescription")?;
                if let Some(InFlight {
                    phase:
                        Phase::Describing {
                            parameters: place, ..
                        },
                    ..
                }) = self.in_flight.front_mut()
                {
                    *place = Some(parameters);
                }
            }
            b'T' | b'n' if self.head_is_describing() => self.on_described(connection, tag, body)?,
            b's' => {
                if let Some(head) = self.in_flight.front_mut() {
                    head.outcome.is_suspended = true;
                }
            }
            b'G' => self.refuse_copy_in(),
            b'H' => self.set_error(Error::Unsupported(
                "COPY TO STDOUT cannot run here: its data would be lost",
            )),
            b'T' if self.head_is_simple() => self.on_simple_rows(body)?,
            b'I' if self.head_is_simple() => self.on_command_complete(b""),
            b'N' => self.notify(|| Event::Notice(Box::new(ServerError::parse(body)))),
            b'A' => {
                let event = Event::notification(body).ok_or("a malformed notification")?;
                self.notify(|| event);
            }
            b'S' => {
                let event = Event::parameter(body).ok_or("a malformed ParameterStatus")?;
                self.notify(|| event);
            }
            // Parse-, Bind- and CloseComplete, EmptyQueryResponse, NoData, descriptions of a
            // script's rows, COPY data that was refused.
            b'1' | b'2' | b'3' | b'I' | b'n' | b'T' | b'd' | b'c' => {}
            _ => return Err("a message of an unknown type"),
        }
        Ok(())
    }

    fn notify(&mut self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.listener {
            self.deliveries
                .push(Delivery::Event(listener.clone(), event()));
        }
    }

    fn head_is_simple(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| head.work.is_simple())
    }

    fn on_simple_rows(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let columns = parse_columns(body).ok_or("a malformed RowDescription")?;
        let layout = PackedLayout::new(&columns, Profile::Text, self.pool.config.int8);
        if let Some(InFlight {
            work: Work::Request(request),
            ..
        }) = self.in_flight.front_mut()
        {
            request.sink.start(&Arc::new(layout));
        }
        Ok(())
    }

    fn head_is_describing(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| matches!(head.phase, Phase::Describing { .. }))
    }

    fn on_row(&mut self, body: &[u8]) {
        let Some(head) = self.in_flight.front_mut() else {
            return;
        };
        head.has_rows = true;
        if head.error.is_none()
            && let Work::Request(request) = &mut head.work
            && !matches!(request.operation, Operation::Script { .. })
            && let Err(error) = request.sink.row(RowRef::new(body))
        {
            head.error = Some(error);
        }
    }

    fn on_described(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        let columns = match tag {
            b'T' => parse_columns(body).ok_or("a malformed RowDescription")?,
            _ => Box::default(),
        };
        let Some(mut head) = self.in_flight.pop_front() else {
            return Ok(());
        };
        let phase = std::mem::replace(&mut head.phase, Phase::Executing);
        if let (Phase::Describing { name, parameters }, Work::Request(request)) =
            (phase, &mut head.work)
        {
            let parameters = parameters.unwrap_or_default();
            let statement = Arc::new(Statement::new(parameters, columns, self.pool.config.int8));
            let prepared = Prepared { name, statement };
            if let Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. } =
                &request.operation
                && name != Name::UNNAMED
                && let Some(evicted) = self.statements.insert(sql.clone(), prepared.clone())
            {
                frontend::close_statement(&mut self.write, evicted);
            }
            let bound = match head.work.is_cancelled() {
                true => Err(Error::Cancelled),
                false => self.begin_rows(&mut head.work, &prepared),
            };
            if let Err(error) = bound {
                head.error = Some(error);
                frontend::sync(&mut self.write);
            }
        }
        self.in_flight.push_front(head);
        self.advance(connection);
        Ok(())
    }

    fn begin_rows(&mut self, work: &mut Work, prepared: &Prepared) -> Result<(), Error> {
        self.put_bind(work, prepared)?;
        let Work::Request(request) = work else {
            return Ok(());
        };
        match request.operation {
            Operation::Query { profile, .. } => {
                request.sink.start(prepared.statement.layout(profile));
            }
            Operation::OpenCursor {
                cursor, profile, ..
            } => {
                let layout = prepared.statement.layout(profile);
                request.sink.start(layout);
                self.cursors.insert(cursor, layout.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn on_command_complete(&mut self, body: &[u8]) {
        let tag = String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body));
        if matches!(&*tag, "DISCARD ALL" | "DEALLOCATE ALL") {
            self.statements.clear();
        }
        if self.status != b'I' && is_definition(&tag) {
            // A plan that the definition outdates would fail, and take the transaction with it.
            for name in self.statements.take_names() {
                frontend::close_statement(&mut self.write, name);
            }
        }
        let Some(head) = self.in_flight.front_mut() else {
            return;
        };
        let (command, row_count) = split_tag(&tag);
        head.outcome = Outcome {
            command: command.into(),
            row_count,
            is_suspended: false,
        };
        if let Work::Request(request) = &mut head.work
            && matches!(request.operation, Operation::Simple { .. })
            && head.error.is_none()
        {
            request.sink.end_statement(head.outcome.clone());
        }
    }

    fn on_error(&mut self, body: &[u8]) {
        let error = ServerError::parse(body);
        if error.is_fatal() {
            self.fatal = Some(error);
            return;
        }
        if self.head_is_describing() {
            frontend::sync(&mut self.write);
            if let Some(head) = self.in_flight.front_mut() {
                head.phase = Phase::Executing;
            }
        }
        self.set_error(Error::Server(Box::new(error)));
    }

    fn set_error(&mut self, error: Error) {
        if let Some(head) = self.in_flight.front_mut() {
            head.error.get_or_insert(error);
        }
    }

    fn refuse_copy_in(&mut self) {
        let reason = "COPY FROM STDIN cannot run here: there is no data to send";
        frontend::copy_fail(&mut self.write, reason);
        // The server ignored the Sync that came while it waited for data.
        if let Some(InFlight {
            work: Work::Request(request),
            ..
        }) = self.in_flight.front()
            && !matches!(
                request.operation,
                Operation::Script { .. } | Operation::Simple { .. }
            )
        {
            frontend::sync(&mut self.write);
        }
        self.set_error(Error::Unsupported(reason));
    }

    fn on_ready(&mut self, connection: &Arc<Connection>, status: u8) {
        self.status = status;
        if status == b'I' {
            self.cursors.clear();
        }
        if let Some(head) = self.in_flight.pop_front() {
            self.finish(head);
        }
        if let Cancelling::Waiting(_) = self.cancelling {
            self.cancelling = Cancelling::No;
        }
        self.check_cancelled();
        self.advance(connection);
    }

    /// Hands a complete answer over.
    fn finish(&mut self, mut head: InFlight) {
        match head.work {
            Work::Rollback => {}
            Work::Begin(checkout) => match head.error {
                None if checkout.is_cancelled() => self
                    .deliveries
                    .push(Delivery::Session(checkout, Err(Error::Cancelled))),
                None => self.lend(checkout),
                Some(error) => self
                    .deliveries
                    .push(Delivery::Session(checkout, Err(error))),
            },
            Work::Request(request) => {
                if let Some(Error::Server(error)) = &head.error {
                    if self.is_stale(&request, error) && request.attempts < MAX_ATTEMPTS {
                        let mut request = request;
                        request.attempts += 1;
                        self.backlog.push_front(Work::Request(request));
                        return;
                    }
                    if error.sqlstate == "57014" && request.is_cancelled() {
                        head.error = Some(Error::Cancelled);
                    }
                }
                if head.error.is_none() && self.status != b'I' && matches!(self.owner, Owner::Pool)
                {
                    head.error = Some(Error::Unsupported(
                        "the statement opened a transaction that nothing would end, it was rolled \
                         back: a transaction needs a connection of its own, as \
                         postgres.transaction(...) or a client of the pool has it",
                    ));
                }
                let outcome = match head.error {
                    Some(error) => Err(error),
                    None => Ok(head.outcome),
                };
                self.deliveries.push(Delivery::Answer(request, outcome));
            }
        }
    }

    /// Whether a statement failed only because what we know of it is out of date: the schema changed,
    /// or the server forgot its name. Such a statement did nothing and can run again, except inside a
    /// transaction, which the error has aborted.
    fn is_stale(&mut self, request: &Request, error: &ServerError) -> bool {
        let (Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. }) = &request.operation
        else {
            return false;
        };
        let is_outdated = match error.sqlstate.as_str() {
            "0A000" => error.routine.as_deref() == Some("RevalidateCachedQuery"),
            "26000" => true,
            _ => false,
        };
        if !is_outdated {
            return false;
        }
        if let Some(name) = self.statements.remove(sql) {
            frontend::close_statement(&mut self.write, name);
        }
        self.status == b'I'
    }

    /// Settles everything that is left when the connection has ended.
    fn settle_all(&mut self, commands: VecDeque<Command>, end: io::Result<()>) {
        let is_orderly = end.is_ok();
        let reason = match (&self.fatal, end) {
            (Some(fatal), _) => format!("{} (SQLSTATE {})", fatal.message, fatal.sqlstate),
            (None, Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => error.to_string(),
            (None, _) => "the server closed the connection".into(),
        };
        let was_terminated = self
            .fatal
            .as_ref()
            .is_some_and(ServerError::is_orderly_termination);
        let is_unsent = self.written == 0 && !self.write.is_empty();
        let is_pooled = matches!(self.owner, Owner::Pool);
        for item in std::mem::take(&mut self.in_flight) {
            let is_untouched =
                is_unsent || was_terminated && !item.has_rows && item.sent.elapsed() < UNSTARTED;
            self.settle(item.work, is_pooled && is_untouched, &reason);
        }
        for work in std::mem::take(&mut self.backlog) {
            self.settle(work, is_pooled, &reason);
        }
        let error = self.fatal.clone().map(Box::new);
        self.notify(|| Event::Lost {
            is_orderly,
            reason: reason.clone(),
            error,
        });
        for command in commands {
            match command {
                Command::Start(Job::Run(request)) => {
                    self.settle(Work::Request(request), true, &reason);
                }
                Command::Start(Job::Checkout(checkout)) => {
                    self.settle(Work::Begin(checkout), true, &reason);
                }
                Command::Run(request) => self.settle(Work::Request(request), false, &reason),
                Command::RawWrite(_)
                | Command::CheckCancelled
                | Command::Release
                | Command::Close => {}
            }
        }
    }

    fn settle(&mut self, work: Work, did_nothing: bool, reason: &str) {
        match work {
            // A transaction that never came to be can always begin elsewhere.
            Work::Begin(mut checkout) if checkout.attempts < MAX_ATTEMPTS => {
                checkout.attempts += 1;
                self.deliveries
                    .push(Delivery::Requeue(Job::Checkout(checkout)));
            }
            Work::Request(mut request) if did_nothing && request.attempts < MAX_ATTEMPTS => {
                request.attempts += 1;
                self.deliveries.push(Delivery::Requeue(Job::Run(request)));
            }
            work => self.fail(
                work,
                Error::ConnectionLost {
                    reason: reason.into(),
                    server: self.fatal.clone().map(Box::new),
                },
            ),
        }
    }

    fn fail(&mut self, work: Work, error: Error) {
        match work {
            Work::Request(request) => self.deliveries.push(Delivery::Answer(request, Err(error))),
            Work::Begin(checkout) => self
                .deliveries
                .push(Delivery::Session(checkout, Err(error))),
            Work::Rollback => {}
        }
    }
}

/// A zero byte would end the text early on the wire.
fn check_text(sql: &str) -> Result<(), Error> {
    match sql.contains('\0') {
        true => Err(Error::Unsupported("the SQL text has a zero byte in it")),
        false => Ok(()),
    }
}

/// Whether a command changes what other statements mean.
fn is_definition(tag: &str) -> bool {
    ["ALTER ", "CREATE ", "DROP "]
        .iter()
        .any(|word| tag.starts_with(word))
}

/// Splits a command tag such as `INSERT 0 5` or `CREATE TABLE`.
fn split_tag(tag: &str) -> (&str, u64) {
    let (words, count) = match tag.rsplit_once(' ') {
        Some((words, last)) => match last.parse() {
            Ok(count) => (words, count),
            Err(_) => return (tag, 0),
        },
        None => return (tag, 0),
    };
    // INSERT has an OID before its count, always zero since PostgreSQL 12.
    (words.strip_suffix(" 0").unwrap_or(words), count)
}

/// Bytes read and not yet understood.
#[derive(Default)]
struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    fn with(bytes: &[u8]) -> ReadBuffer {
        let mut buffer = vec![0; READ_BUFFER.max(bytes.len())];
        buffer[..bytes.len()].copy_from_slice(bytes);
        ReadBuffer {
            bytes: buffer,
            start: 0,
            end: bytes.len(),
        }
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Reads once; the end of the stream is an error.
    fn poll_fill(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.make_room();
        let mut buffer = ReadBuf::new(&mut self.bytes[self.end..]);
        match Pin::new(stream).poll_read(context, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Poll::Ready(Ok(())) => {
                self.end += buffer.filled().len();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Moves the unread rest to the front and grows for a message that does not fit, or shrinks back
    /// after one.
    fn make_room(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > 8 * READ_BUFFER {
                self.bytes = vec![0; READ_BUFFER];
            }
            return;
        }
        let needed = frame_size(self.filled()).unwrap_or(5);
        if self.start > 0 && self.start + needed > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if needed > self.bytes.len() {
            // Grow with what arrives, not with what a header claims.
            let size = needed.min((self.end * 2).max(READ_BUFFER));
            self.bytes.resize(size.max(self.end + 1), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_tags_split_into_words_and_count() {
        assert_eq!(split_tag("INSERT 0 5"), ("INSERT", 5));
        assert_eq!(split_tag("SELECT 12"), ("SELECT", 12));
        assert_eq!(split_tag("CREATE TABLE"), ("CREATE TABLE", 0));
        assert_eq!(split_tag("BEGIN"), ("BEGIN", 0));
    }

    #[test]
    fn the_buffer_keeps_what_is_unread_and_grows_for_large_messages() {
        let mut buffer = ReadBuffer::with(&[b'D', 0, 1, 0, 0, 7]);
        buffer.make_room();
        assert_eq!(buffer.bytes.len(), READ_BUFFER);
        assert_eq!(buffer.filled(), [b'D', 0, 1, 0, 0, 7]);
        buffer.end = READ_BUFFER;
        buffer.make_room();
        assert!(buffer.bytes.len() > READ_BUFFER);
    }
}
