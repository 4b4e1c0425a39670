//! One isolate's side of the boundary: its waiting calls, its sessions and its queue of answers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use napi::bindgen_prelude::{Array, Function, Int32Array, JsValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status, sys};
use napi_derive::napi;
use puff_core::event_loop::EventLoop;
use puff_core::postgres::{Call, Session};
use puff_core::runtime::Begun;

use puff_server::script::{self, Exchanges, Message};
use puff_server::websocket::IsolateSockets;

use super::completion::{Answer, Completion, Writer};
use super::deliveries::{Deliveries, Delivery, MAX_EVENTS};
use super::operations::Operations;
use super::single_statements::SingleStatements;
use super::socket_loop::SocketLoop;
use super::streams::Streams;
use super::subscriptions::Subscriptions;
use super::task_workers::TaskWorkers;
use super::wake_clock::WakeClock;
use crate::redis;
use crate::server;
use crate::task_numbers::TaskRuns;

type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// What an isolate shares with the threads of the runtime.
pub(crate) struct Isolate {
    wake: Wake,
    wake_clock: WakeClock,
    /// Where JavaScript's own event loop reads answers.
    socket_loop: Arc<SocketLoop>,
    statements: SingleStatements,
    is_closed: AtomicBool,
    queue: Mutex<VecDeque<Completion>>,
    /// The calls that can be cancelled, by id, until their answer is queued.
    calls: Mutex<HashMap<u32, Cancellable>>,
    sessions: Mutex<Sessions>,
    /// What GraphQL operations of this isolate share with it.
    pub(crate) operations: Operations,
    /// The requests that this isolate is answering.
    pub(crate) exchanges: Arc<Exchanges>,
    /// The WebSockets whose handlers run in this isolate.
    pub(crate) sockets: Arc<IsolateSockets>,
    /// What this isolate listens to on the hub.
    pub(crate) subscriptions: Subscriptions,
    /// Messages of the hub that it has not taken.
    deliveries: Deliveries,
    /// The streams of responses that this isolate reads.
    pub(crate) streams: Streams,
    /// The workers that run tasks in this isolate.
    pub(crate) task_workers: TaskWorkers,
    /// What of tasks runs in this isolate.
    pub(crate) task_runs: TaskRuns,
    /// The connections to Redis that this isolate made.
    pub(crate) redis: redis::Connections,
}

impl script::Isolate for Isolate {
    fn send(&self, message: Message) {
        self.push(message.id, Answer::Message(Box::new(message)));
    }

    fn event_loop_delay(&self) -> Duration {
        self.wake_clock.last_delay()
    }

    fn stuck_for(&self) -> Duration {
        self.wake_clock.pending_for()
    }
}

/// Messages of the hub in one turn of the event loop: whoever reads them gets to run in between, and loses none.
const MAX_DELIVERED: usize = 4 * MAX_EVENTS;

/// How a call is cancelled.
enum Cancellable {
    Statement(Arc<Call>),
    /// Its future is dropped.
    Task(Arc<Begun>),
}

impl Cancellable {
    fn cancel(&self) {
        match self {
            Cancellable::Statement(call) => call.cancel(),
            Cancellable::Task(task) => task.abort(),
        }
    }
}

#[derive(Default)]
struct Sessions {
    open: HashMap<u32, Arc<Session>>,
    last_id: u32,
}

impl Isolate {
    /// Queues the answer that ends a call; called from any thread.
    pub(crate) fn complete(&self, call: u32, answer: Answer) {
        lock(&self.calls).remove(&call);
        self.push(call, answer);
    }

    /// Queues an answer; called from any thread.
    pub(crate) fn push(&self, call: u32, answer: Answer) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        lock(&self.queue).push_back(Completion { call, answer });
        self.wake_up();
    }

    /// Queues a message of the hub; called from any thread.
    pub(crate) fn deliver(&self, delivery: &Delivery<'_>) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        self.deliveries.push(delivery);
        self.wake_up();
    }

    fn wake_up(&self) {
        if self.wake_clock.begin() && !self.socket_loop.drains_soon() {
            // If the environment is being torn down, nobody waits for the answer any more.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Notes that a statement begins; tells the event loop that may read its answer.
    pub(crate) fn begin_statement(&self) -> Option<Arc<dyn EventLoop>> {
        self.statements
            .begin()
            .then(|| self.socket_loop.clone() as Arc<dyn EventLoop>)
    }

    /// Notes that a statement has ended.
    pub(crate) fn end_statement(&self) {
        self.statements.end();
    }

    /// Makes a call cancellable.
    pub(crate) fn register(&self, call: u32) -> Arc<Call> {
        let handle = Arc::new(Call::default());
        lock(&self.calls).insert(call, Cancellable::Statement(handle.clone()));
        handle
    }

    /// Runs a call's future on the shared runtime; cancelling the call drops it.
    pub(crate) fn spawn(&self, call: u32, future: impl Future<Output = ()> + Send + 'static) {
        let task = Begun::new();
        lock(&self.calls).insert(call, Cancellable::Task(task.clone()));
        task.begin(future);
    }

    /// Keeps a session for JavaScript and returns its id; a closed isolate gives it back at once.
    pub(crate) fn adopt(&self, session: Arc<Session>) -> u32 {
        let mut sessions = lock(&self.sessions);
        if self.is_closed.load(Ordering::SeqCst) {
            return 0;
        }
        sessions.last_id = sessions.last_id.wrapping_add(1).max(1);
        let id = sessions.last_id;
        sessions.open.insert(id, session);
        id
    }

    pub(crate) fn session(&self, id: u32) -> Option<Arc<Session>> {
        lock(&self.sessions).open.get(&id).cloned()
    }

    pub(crate) fn release(&self, id: u32) {
        // Dropped after the lock: giving the connection back may start the next job.
        let session = lock(&self.sessions).open.remove(&id);
        drop(session);
    }

    /// Closes a session's connection.
    pub(crate) fn destroy(&self, id: u32) {
        let session = lock(&self.sessions).open.remove(&id);
        if let Some(session) = session {
            session.destroy();
        }
    }

    /// Gives up everything that this isolate waits for or holds: it is about to end.
    fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let calls = std::mem::take(&mut *lock(&self.calls));
        for call in calls.into_values() {
            call.cancel();
        }
        lock(&self.sessions).open.clear();
        lock(&self.queue).clear();
        server::forget_isolate(self);
        self.exchanges.abort_all();
        self.sockets.abandon();
        self.subscriptions.clear();
        self.deliveries.clear();
        self.streams.clear();
        self.task_workers.clear();
        self.task_runs.clear();
        self.redis.clear();
        self.operations.close();
    }

    /// Whether it has ended: nobody reads what it is told.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// An isolate's boundary; `wake` is called when answers wait to be drained.
#[napi]
pub struct Boundary {
    pub(crate) isolate: Arc<Isolate>,
    /// Shapes whose columns this isolate knows.
    known_shapes: HashSet<u32>,
}

#[napi]
impl Boundary {
    /// Sets up the boundary of the isolate that calls it.
    #[napi(constructor)]
    pub fn new(env: Env, wake: Function<(), ()>) -> Result<Boundary> {
        let drain = wake.raw();
        let wake = wake
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .build()?;
        let isolate = Arc::new(Isolate {
            wake,
            wake_clock: WakeClock::default(),
            socket_loop: Arc::new(SocketLoop::new()?),
            statements: SingleStatements::default(),
            is_closed: AtomicBool::new(false),
            queue: Mutex::default(),
            calls: Mutex::default(),
            sessions: Mutex::default(),
            operations: Operations::default(),
            exchanges: Arc::default(),
            sockets: Arc::default(),
            subscriptions: Subscriptions::default(),
            deliveries: Deliveries::default(),
            streams: Streams::default(),
            task_workers: TaskWorkers::default(),
            task_runs: TaskRuns::default(),
            redis: redis::Connections::default(),
        });
        SocketLoop::begin(&isolate.socket_loop, env.raw(), drain)?;
        env.add_env_cleanup_hook(isolate.clone(), |isolate| isolate.close())?;
        Ok(Boundary {
            isolate,
            known_shapes: HashSet::new(),
        })
    }

    /// Keeps the process alive: calls are waiting.
    #[napi]
    pub fn hold(&self, env: Env) {
        // SAFETY: the environment is the one the function was made in, and we are on its thread.
        unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.isolate.wake.raw()) };
    }

    /// Lets the process end: no call is waiting.
    #[napi]
    pub fn unhold(&self, env: Env) {
        // SAFETY: as in `hold`.
        unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.isolate.wake.raw()) };
    }

    /// Writes answers into `inbox`, in words from index 2 on, and returns their attachments.
    ///
    /// Word 0 becomes the number of records, word 1 tells whether more answers wait.
    #[napi(catch_unwind)]
    pub fn drain<'env>(&mut self, env: &'env Env, mut inbox: Int32Array) -> Result<Array<'env>> {
        self.isolate.wake_clock.end();
        // SAFETY: JavaScript made the array for this purpose and does not touch it during the call.
        let words = unsafe { inbox.as_mut() };
        let mut writer = Writer {
            env,
            words,
            used: 2,
            attachments: env.create_array(0)?,
        };
        let mut records = 0;
        let has_more = loop {
            let completion = {
                let mut queue = lock(&self.isolate.queue);
                match queue.front() {
                    None => break false,
                    Some(next) if !writer.fits(next) => break true,
                    Some(_) => queue.pop_front(),
                }
            };
            let Some(completion) = completion else {
                break false;
            };
            let known_shapes = &mut self.known_shapes;
            writer.write(completion, |shape| {
                shape.id == 0 || known_shapes.insert(shape.id)
            })?;
            records += 1;
        };
        let mut delivered = 0;
        while delivered < MAX_DELIVERED
            && writer.fits_deliveries()
            && let Some(packed) = self.isolate.deliveries.take()
        {
            delivered += packed.count();
            writer.write_deliveries(packed)?;
            records += 1;
        }
        if !self.isolate.deliveries.is_empty() {
            self.isolate.wake_up();
        }
        let Writer {
            words, attachments, ..
        } = writer;
        words[0] = records;
        words[1] = i32::from(has_more);
        Ok(attachments)
    }

    /// Cancels a call; one that is done or cannot be cancelled is left alone.
    #[napi]
    pub fn cancel(&self, call: u32) {
        let cancellable = lock(&self.isolate.calls).remove(&call);
        if let Some(cancellable) = cancellable {
            cancellable.cancel();
        }
    }
}
