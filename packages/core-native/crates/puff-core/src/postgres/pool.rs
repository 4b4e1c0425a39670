//! A pool: idle connections, a queue of jobs, and what to do while the server is away.
//!
//! Whoever has a job hands it to an idle connection; where there is none, it queues and a new
//! connection is opened up to the limit. A connection that is done takes the next job from the queue
//! by itself. Nothing is opened before the first job.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::sync::Notify;

use super::call::Call;
use super::config::{ConfigError, PoolConfig};
use super::connect::connect;
use super::connection::{Command, Connection};
use super::error::Error;
use super::request::Request;
use super::session::{Listener, Session};
use super::tls::client_config;
use crate::runtime;

/// How long callers without a shorter limit of their own wait for a server that went away.
const MAX_OUTAGE: Duration = Duration::from_secs(10);

/// How many jobs a connection takes with the first from a long queue: enough to share system calls, few
/// enough to hold nobody up for long.
const MAX_COMPANIONS: usize = 7;

/// A pool of connections to one database as one user.
///
/// Cloning gives another handle to the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

/// What a pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The limit.
    pub max_connections: usize,
    /// Open connections, idle or in use.
    pub open: usize,
    /// Attempts to open a connection.
    pub opening: usize,
    /// Open connections that wait for work.
    pub idle: usize,
    /// Callers that wait for a connection.
    pub waiting: usize,
}

pub(crate) struct Shared {
    pub(crate) config: PoolConfig,
    pub(crate) tls: Arc<ClientConfig>,
    state: Mutex<State>,
    /// The janitor has something new to look at.
    changed: Notify,
    /// The last connection of a closed pool has ended.
    drained: Notify,
    /// For the connections to come.
    password: Mutex<Option<Arc<str>>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    queue: VecDeque<Queued>,
    open: usize,
    opening: usize,
    has_connected: bool,
    is_closed: bool,
    has_janitor: bool,
    /// When the janitor looks again, unless it is woken before.
    next_look: Option<Instant>,
    outage: Option<Outage>,
}

impl State {
    /// A connection's share of the queue, as far as its head may be sent together.
    fn take_companions(&mut self, may_share: impl Fn(&Job) -> bool) -> Vec<Job> {
        let share = (self.queue.len() / self.open.max(1)).min(MAX_COMPANIONS);
        let mut companions = Vec::with_capacity(share);
        while companions.len() < share
            && let Some(queued) = self.queue.pop_front_if(|queued| may_share(&queued.job))
        {
            companions.push(queued.job);
        }
        companions
    }
}

struct Idle {
    connection: Arc<Connection>,
    opened: Instant,
    since: Instant,
}

impl Idle {
    /// When it has been idle or open for too long.
    fn end(&self, config: &PoolConfig, is_spare: bool) -> Instant {
        let end_of_life = self.opened + config.max_lifetime;
        match is_spare {
            true => end_of_life.min(self.since + config.idle_timeout),
            false => end_of_life,
        }
    }
}

struct Queued {
    job: Job,
    deadline: Instant,
}

/// The server could not be reached at the last attempt.
struct Outage {
    since: Instant,
    attempts: u32,
    error: Error,
    /// No new attempt before this time; without open connections, callers get `error` until then.
    pause_until: Instant,
    /// Whether jobs still queue because the server is expected back.
    is_waited_out: bool,
}

/// Work for a connection.
pub(crate) enum Job {
    Run(Box<Request>),
    /// Requests of one caller that go to the server together, one after the other.
    RunAll(Vec<Request>),
    Checkout(Checkout),
}

/// A caller that wants a connection for itself.
pub(crate) struct Checkout {
    /// The statement that begins its transaction.
    pub(crate) begin: Option<Arc<str>>,
    pub(crate) call: Option<Arc<Call>>,
    pub(crate) attempts: usize,
    pub(crate) listener: Option<Arc<dyn Listener>>,
    reply: Reply,
}

type Reply = Box<dyn FnOnce(Result<Session, Error>) + Send>;

impl Checkout {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.is_cancelled())
    }

    pub(crate) fn finish(self, result: Result<Session, Error>) {
        if let Some(call) = &self.call {
            call.end();
        }
        (self.reply)(result);
    }
}

impl Job {
    fn fail(self, error: Error) {
        match self {
            Job::Run(request) => request.finish(Err(error)),
            Job::RunAll(requests) => {
                for request in requests {
                    request.finish(Err(error.clone()));
                }
            }
            Job::Checkout(checkout) => checkout.finish(Err(error)),
        }
    }
}

/// What a connection that is done should do.
pub(crate) enum Next {
    /// A job, and those that go to the server together with it.
    Jobs(Job, Vec<Job>),
    Idle,
    Close,
}

impl Pool {
    /// Makes a pool; it reads certificate files and connects to nothing.
    ///
    /// # Errors
    /// Certificate or key files that cannot be used.
    pub fn new(config: PoolConfig) -> Result<Pool, ConfigError> {
        let tls = client_config(&config.tls)?;
        let password = config.password.as_deref().map(Arc::from);
        Ok(Pool(Arc::new(Shared {
            config,
            password: Mutex::new(password),
            tls,
            state: Mutex::default(),
            changed: Notify::new(),
            drained: Notify::new(),
        })))
    }

    /// Runs a request on any connection; the answer goes to its sink.
    ///
    /// Outside of a session each request is a transaction of its own. One that meets a dead connection
    /// before it could have any effect is run again on another.
    pub fn run(&self, request: Request) {
        self.0.dispatch(Job::Run(Box::new(request)));
    }

    /// Runs requests of one caller that do not wait for each other.
    ///
    /// While nobody else uses the pool each gets a connection of its own, if so many are open. A busy
    /// pool sends them over one connection, in one write, in their order: that takes the least work. Plain
    /// reads that follow each other are one transaction then.
    pub fn run_all(&self, requests: Vec<Request>) {
        let is_quiet = {
            let state = self.0.lock();
            state.idle.len() == state.open && state.idle.len() >= requests.len()
        };
        if !is_quiet {
            return self.0.dispatch(Job::RunAll(requests));
        }
        for request in requests {
            self.run(request);
        }
    }

    /// Asks for a connection of one's own; `begin` is run first, for example `BEGIN`.
    ///
    /// `reply` is called once, on any thread; from then on the listener hears of what the server says
    /// beside the answers to requests.
    pub fn checkout(
        &self,
        begin: Option<Arc<str>>,
        call: Option<Arc<Call>>,
        listener: Option<Arc<dyn Listener>>,
        reply: impl FnOnce(Result<Session, Error>) + Send + 'static,
    ) {
        let reply = Box::new(reply);
        self.0.dispatch(Job::Checkout(Checkout {
            begin,
            call,
            attempts: 0,
            listener,
            reply,
        }));
    }

    /// A pool of its own for one service of the core, to the same database as the same user: it opens at
    /// most so many connections and keeps them.
    ///
    /// # Errors
    /// As [`Pool::new`].
    pub fn companion(&self, name: &str, max_connections: usize) -> Result<Pool, ConfigError> {
        let mut config = self.0.config.clone();
        config.password = self.0.password().as_deref().map(str::to_owned);
        config.application_name = format!("{} {name}", config.application_name);
        config.max_connections = max_connections;
        config.min_connections = 1;
        config.statement_timeout = None;
        Pool::new(config)
    }

    /// Sets the password that connections opened from now on use.
    pub fn set_password(&self, password: Option<&str>) {
        *self.0.password() = password.map(Arc::from);
    }

    /// Whether [`Pool::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }

    /// What the pool is doing now.
    pub fn status(&self) -> Status {
        let state = self.0.lock();
        Status {
            max_connections: self.0.config.max_connections,
            open: state.open,
            opening: state.opening,
            idle: state.idle.len(),
            waiting: state.queue.len(),
        }
    }

    /// Closes the pool: jobs in the queue fail, running ones end, then `close` returns.
    pub async fn close(&self) {
        let (idle, queue) = {
            let mut state = self.0.lock();
            state.is_closed = true;
            (
                std::mem::take(&mut state.idle),
                std::mem::take(&mut state.queue),
            )
        };
        for idle in idle {
            // One that ended by itself needs no closing.
            let _ = idle.connection.send(Command::Close);
        }
        for queued in queue {
            queued.job.fail(Error::Closed { what: "the pool" });
        }
        loop {
            let drained = self.0.drained.notified();
            if self.0.lock().open == 0 {
                return;
            }
            drained.await;
        }
    }
}

impl Shared {
    fn password(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.password
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn dispatch(self: &Arc<Self>, mut job: Job) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            return job.fail(Error::Closed { what: "the pool" });
        }
        while let Some(idle) = state.idle.pop() {
            // A connection that has something to do may ask the pool for more.
            drop(state);
            match idle.connection.send(Command::Start(job)) {
                Err(Command::Start(unsent)) => job = unsent,
                _ => return,
            }
            state = self.lock();
        }
        if state.open == 0
            && let Some(outage) = &state.outage
            && !outage.is_waited_out
            && Instant::now() < outage.pause_until
        {
            let error = outage.error.clone();
            drop(state);
            return job.fail(error);
        }
        let deadline = Instant::now() + self.config.acquire_timeout;
        state.queue.push_back(Queued { job, deadline });
        self.open_connections(&mut state);
        self.keep_janitor(&mut state);
    }

    /// Puts a job back at the head of the queue after its connection died.
    pub(crate) fn requeue(self: &Arc<Self>, job: Job) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            return job.fail(Error::Closed { what: "the pool" });
        }
        let deadline = Instant::now() + self.config.acquire_timeout;
        state.queue.push_front(Queued { job, deadline });
        self.open_connections(&mut state);
        self.keep_janitor(&mut state);
    }

    /// Gives a connection that is done its next job, or takes it among the idle ones.
    ///
    /// `may_share` tells which jobs may be sent together: those that are done at once and wait for nobody.
    pub(crate) fn next(
        &self,
        connection: &Arc<Connection>,
        opened: Instant,
        may_share: impl Fn(&Job) -> bool,
    ) -> Next {
        let mut state = self.lock();
        if state.is_closed || opened.elapsed() > self.config.max_lifetime {
            return Next::Close;
        }
        if let Some(queued) = state.queue.pop_front() {
            let companions = match state.queue.len() < state.open || !may_share(&queued.job) {
                true => Vec::new(),
                false => state.take_companions(may_share),
            };
            return Next::Jobs(queued.job, companions);
        }
        let idle = Idle {
            connection: connection.clone(),
            opened,
            since: Instant::now(),
        };
        let is_spare = state.open > self.config.min_connections;
        self.look_by(&state, idle.end(&self.config, is_spare));
        state.idle.push(idle);
        Next::Idle
    }

    /// Opens as many connections as the queue can use.
    fn open_connections(self: &Arc<Self>, state: &mut State) {
        if let Some(outage) = &state.outage {
            // One attempt at a time until the server is back.
            if state.opening > 0 || Instant::now() < outage.pause_until {
                return;
            }
        }
        let is_outage = state.outage.is_some();
        while state.opening < state.queue.len()
            && state.open + state.opening < self.config.max_connections
        {
            state.opening += 1;
            let attempt = OpeningGuard {
                shared: self.clone(),
                is_settled: false,
            };
            runtime::spawn(attempt.open());
            if is_outage {
                return;
            }
        }
    }

    fn keep_janitor(self: &Arc<Self>, state: &mut State) {
        if !state.has_janitor {
            state.has_janitor = true;
            runtime::spawn(janitor(self.clone()));
        } else if let Some(first) = state.queue.front() {
            self.look_by(state, first.deadline);
        }
    }

    /// Wakes the janitor if it would look too late for something that ends at this time.
    fn look_by(&self, state: &State, end: Instant) {
        if state.next_look.is_some_and(|next| end < next) {
            self.changed.notify_one();
        }
    }

    fn connected(self: &Arc<Self>) {
        let mut state = self.lock();
        state.opening -= 1;
        state.open += 1;
        state.has_connected = true;
        // Each job has had its connection asked for when it came, except while the server was away.
        if state.outage.take().is_some() {
            self.open_connections(&mut state);
        }
    }

    /// Decides, after a failed attempt, who waits on and who is told.
    fn connect_failed(self: &Arc<Self>, error: Error) {
        let mut state = self.lock();
        state.opening -= 1;
        let now = Instant::now();
        let (since, attempts) = match &state.outage {
            Some(outage) => (outage.since, outage.attempts + 1),
            None => (now, 1),
        };
        // A server that was there a moment ago is probably restarting: wait for it, but not for ever.
        let may_return = matches!(error, Error::Unavailable { .. })
            && state.has_connected
            && now.duration_since(since) < self.config.acquire_timeout.min(MAX_OUTAGE);
        // Other connections, or attempts to open them, may serve the queue yet.
        let is_waited_out = may_return || state.open > 0 || state.opening > 0;
        let pause = backoff(attempts);
        state.outage = Some(Outage {
            since,
            attempts,
            error: error.clone(),
            pause_until: now + pause,
            is_waited_out,
        });
        if is_waited_out {
            let shared = self.clone();
            runtime::spawn(async move {
                tokio::time::sleep(pause).await;
                let mut state = shared.lock();
                shared.open_connections(&mut state);
            });
            return;
        }
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        for queued in queue {
            queued.job.fail(error.clone());
        }
    }

    fn ended(self: &Arc<Self>) {
        let mut state = self.lock();
        state.open -= 1;
        // Handles of connections that ended while idle would only be tried in vain.
        state.idle.retain(|idle| !idle.connection.is_closed());
        if state.open == 0 {
            self.drained.notify_waiters();
        }
        self.open_connections(&mut state);
    }

    /// Takes out what is overdue and says when to look again.
    fn sweep(&self, state: &mut State) -> Sweep {
        let now = Instant::now();
        let mut overdue = Vec::new();
        while let Some(queued) = state.queue.pop_front_if(|queued| queued.deadline <= now) {
            let error = match &state.outage {
                Some(outage) if state.open == 0 => outage.error.clone(),
                _ => Error::PoolTimeout {
                    waited: self.config.acquire_timeout,
                    max: self.config.max_connections,
                    waiting: state.queue.len(),
                },
            };
            overdue.push((queued.job, error));
        }
        let (timeout, lifetime) = (self.config.idle_timeout, self.config.max_lifetime);
        // Longest idle first: the last one given back is the next one to be used.
        let mut spare = state.open.saturating_sub(self.config.min_connections);
        let stale: Vec<_> = state
            .idle
            .extract_if(.., |idle| {
                let is_idle = spare > 0 && now.duration_since(idle.since) >= timeout;
                let is_stale = is_idle || now.duration_since(idle.opened) >= lifetime;
                spare = spare.saturating_sub(usize::from(is_stale));
                is_stale
            })
            .collect();
        let deadlines = state.queue.front().map(|queued| queued.deadline);
        let idle_ends = state
            .idle
            .iter()
            .map(|idle| idle.end(&self.config, spare > 0));
        let next = deadlines
            .into_iter()
            .chain(idle_ends)
            .min()
            .unwrap_or(now + LOOK_AGAIN);
        state.next_look = Some(next);
        Sweep {
            overdue,
            stale,
            next,
        }
    }
}

/// What the janitor has to do outside of the lock, and when to look again.
struct Sweep {
    overdue: Vec<(Job, Error)>,
    stale: Vec<Idle>,
    next: Instant,
}

/// How long the janitor waits when nothing ends.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// 50 ms, doubling, at most 250 ms: a server that is back should not go unnoticed for long.
fn backoff(attempts: u32) -> Duration {
    Duration::from_millis(50 << attempts.saturating_sub(1).min(3)).min(Duration::from_millis(250))
}

/// Fails jobs that waited too long and closes connections that were idle too long.
///
/// It ends when there is neither, and the next job starts another.
async fn janitor(shared: Arc<Shared>) {
    loop {
        let changed = shared.changed.notified();
        let Sweep {
            overdue,
            stale,
            next,
        } = {
            let mut state = shared.lock();
            let sweep = shared.sweep(&mut state);
            let is_unused = state.queue.is_empty() && state.open + state.opening == 0;
            if is_unused && sweep.overdue.is_empty() {
                state.has_janitor = false;
                return;
            }
            sweep
        };
        for (job, error) in overdue {
            job.fail(error);
        }
        for idle in stale {
            // One that ended by itself needs no closing.
            let _ = idle.connection.send(Command::Close);
        }
        // Woken early or not, the next round looks at everything.
        let _ = tokio::time::timeout_at(next.into(), changed).await;
    }
}

/// An attempt to open a connection; its count is given back even if the task panics.
struct OpeningGuard {
    shared: Arc<Shared>,
    is_settled: bool,
}

impl OpeningGuard {
    async fn open(mut self) {
        let password = self.shared.password().clone();
        let result = connect(&self.shared.config, &self.shared.tls, password).await;
        self.is_settled = true;
        match result {
            Ok(established) => {
                self.shared.connected();
                let guard = OpenGuard {
                    shared: self.shared.clone(),
                };
                Connection::new(guard.shared.clone(), established)
                    .run()
                    .await;
            }
            Err(error) => self.shared.connect_failed(error),
        }
    }
}

impl Drop for OpeningGuard {
    fn drop(&mut self) {
        if !self.is_settled {
            let error = Error::Protocol("the attempt to connect panicked".into());
            self.shared.connect_failed(error);
        }
    }
}

/// An open connection; the pool learns of its end even if the task panics.
struct OpenGuard {
    shared: Arc<Shared>,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.shared.ended();
    }
}
