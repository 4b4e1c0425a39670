//! The jobs of one database.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, Once, Weak};

use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::adding::Additions;
use super::claiming::tell_ended;
use super::error::Error;
use super::job::{AddedJob, NewJob};
use super::listening;
use super::params::push_id;
use super::records::{COUNTS, Filter, GET, column, now, parsed, record, state_of};
use super::runner::{Runner, WorkerOptions};
use super::schema::Schema;
use super::waiting::Waiters;
use super::worker::Worker;
use super::{clock, lease};
use crate::postgres::{ConfigError, Params, Pool, Session};
use crate::runtime;

/// Connections for reading and for what time brings.
const CONNECTIONS: usize = 2;

/// Connections that add.
const ADDERS: usize = 2;

/// Connections of a worker; the second one is opened when there is enough to do.
const WORKER_CONNECTIONS: usize = 2;

/// `$1` id. A job that has not ended is over; its worker is told.
const CANCEL: &str = concat!(
    "with clock as materialized (select ",
    now!(),
    " as ms),
    old as (select id, state, worker from next_puff.jobs where id = $1::uuid for update),
    ended as (
      update next_puff.jobs as job set state = 'x', ended_at = clock.ms, expires_at = clock.ms + job.keep_result_ms
      from old, clock where job.id = old.id and old.state in ('d', 'w', 'r')
      returning job.id)",
    tell_ended!(),
    " select ended.id::text, case when old.state = 'r'
        then pg_notify('next_puff_tasks', 'cancelled ' || old.worker || ' ' || old.id) end,
      (select count(*) from told)
    from ended join old on old.id = ended.id"
);

/// `$1` id. The queue of a job that is to run again.
const RETRY: &str = concat!(
    "with again as (
      update next_puff.jobs set state = 'w', failures = 0, run_at = ",
    now!(),
    ", ended_at = null, expires_at = null, failure = null, progress = null
      where id = $1::uuid and state in ('f', 'x') and expires_at > ",
    now!(),
    " returning id)
    select id::text, pg_notify('next_puff_tasks', 'added') from again"
);

/// The jobs of one database; cloning gives another handle to the same.
///
/// It opens no connection before the first call. A store has connections of its own beside the pool that it
/// was made from: two that read, two that add, one that listens, and one per worker, or two while it is busy.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

pub(super) struct Shared {
    /// Unique among all processes.
    pub(super) node: Uuid,
    /// Whose companions all connections are.
    base: Pool,
    pub(super) pool: Pool,
    pub(super) adding: Pool,
    pub(super) listener: Pool,
    pub(super) schema: Schema,
    pub(super) additions: Additions,
    pub(super) waiters: Waiters,
    /// Told when delayed jobs should be looked at.
    pub(super) clock: Notify,
    /// Jobs that this process has claimed since the table was last vacuumed.
    pub(super) claims: AtomicUsize,
    workers: Mutex<HashMap<Uuid, Weak<Worker>>>,
    has_listener: Once,
    has_clock: Once,
    closed: watch::Sender<bool>,
}

impl Store {
    /// Makes a store on the database of a pool.
    ///
    /// # Errors
    /// Certificate files of the pool that cannot be used any more.
    pub fn new(pool: &Pool) -> Result<Store, ConfigError> {
        Ok(Store(Arc::new(Shared {
            node: Uuid::now_v7(),
            base: pool.clone(),
            pool: pool.companion("tasks", CONNECTIONS)?,
            adding: pool.companion("task adder", ADDERS)?,
            listener: pool.companion("task listener", 1)?,
            schema: Schema::default(),
            additions: Additions::default(),
            waiters: Waiters::default(),
            clock: Notify::new(),
            claims: AtomicUsize::new(0),
            workers: Mutex::default(),
            has_listener: Once::new(),
            has_clock: Once::new(),
            closed: watch::Sender::new(false),
        })))
    }

    /// Adds jobs and answers in their order; they are durable then. Jobs that are added at the same time share
    /// statements.
    ///
    /// # Errors
    /// All jobs were added, or none: PostgreSQL cannot be reached within the pool's limits, or refuses.
    pub async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<AddedJob>, Error> {
        self.0.additions.add(&self.0, jobs).await
    }

    /// Adds jobs in the transaction of a session, with which they become visible.
    ///
    /// # Errors
    /// As PostgreSQL reports them; the transaction has then failed.
    pub async fn add_in(
        &self,
        session: &Session,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<AddedJob>, Error> {
        self.0.insert_in(session, jobs).await
    }

    /// What is known of a job.
    ///
    /// # Errors
    /// As PostgreSQL reports them.
    pub async fn get(&self, id: Uuid) -> Result<Option<Value>, Error> {
        let rows = self.0.query_id(GET, &id).await?;
        Ok(rows.first().map(|row| record(row)))
    }

    /// A page of jobs, `{ jobs, next }`.
    ///
    /// # Errors
    /// As PostgreSQL reports them.
    pub async fn list(&self, filter: &Filter) -> Result<Value, Error> {
        self.0.schema.ready(&self.0.pool).await?;
        let (sql, params) = filter.statement();
        let mut rows = self.0.pool.query(&sql, params).await?;
        let has_more = rows.len() > filter.page();
        rows.truncate(filter.page());
        let jobs: Vec<_> = rows.iter().map(|row| record(row)).collect();
        Ok(match jobs.last() {
            Some(last) if has_more => json!({ "next": last["id"], "jobs": jobs }),
            _ => json!({ "jobs": jobs }),
        })
    }

    /// How many jobs of each queue are in which state.
    ///
    /// # Errors
    /// As PostgreSQL reports them.
    pub async fn counts(&self) -> Result<Value, Error> {
        self.0.schema.ready(&self.0.pool).await?;
        let rows = self.0.pool.query(COUNTS, Params::new()).await?;
        let mut queues: Vec<(String, Map<String, Value>)> = Vec::new();
        for row in &rows {
            let name = column(row, 0).unwrap_or_default();
            if queues.last().is_none_or(|(last, _)| last != name) {
                let none = ["d", "w", "r", "c", "f", "x"]
                    .map(|state| (state_of(state).to_owned(), 0.into()));
                queues.push((name.to_owned(), Map::from_iter(none)));
            }
            let state = state_of(column(row, 1).unwrap_or_default());
            let count = parsed::<u64>(row, 2).unwrap_or(0);
            if let Some((_, counts)) = queues.last_mut() {
                counts.insert(state.to_owned(), count.into());
            }
        }
        let queues = queues
            .into_iter()
            .map(|(queue, counts)| json!({ "queue": queue, "counts": counts }));
        Ok(queues.collect())
    }

    /// Resolves with what is known of a job once it has ended; with nothing if there is none.
    ///
    /// While PostgreSQL is away it waits on. Dropping the future ends the wait.
    ///
    /// # Errors
    /// The tables cannot be made or used.
    pub async fn ended(&self, id: Uuid) -> Result<Option<Value>, Error> {
        self.0.waiters.wait(&self.0, id).await
    }

    /// Cancels a job; false if it had ended or there is none. The worker that runs it is told.
    ///
    /// # Errors
    /// As PostgreSQL reports them.
    pub async fn cancel(&self, id: Uuid) -> Result<bool, Error> {
        let rows = self.0.query_id(CANCEL, &id).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        self.0.waiters.ended(std::iter::once(id));
        Ok(true)
    }

    /// Runs a failed or cancelled job again; false if there is none.
    ///
    /// # Errors
    /// As PostgreSQL reports them.
    pub async fn retry(&self, id: Uuid) -> Result<bool, Error> {
        let rows = self.0.query_id(RETRY, &id).await?;
        self.0.wake_all();
        Ok(!rows.is_empty())
    }

    /// Makes the tables, unless they are there.
    ///
    /// # Errors
    /// They cannot be made.
    pub async fn prepare(&self) -> Result<(), Error> {
        self.0.schema.ready(&self.0.pool).await
    }

    /// Begins to work on jobs.
    ///
    /// # Errors
    /// Certificate files of the pool that cannot be used any more.
    pub fn work(
        &self,
        options: WorkerOptions,
        runner: Arc<dyn Runner>,
    ) -> Result<Arc<Worker>, ConfigError> {
        let store = self.0.clone();
        let pool = store.base.companion("task worker", WORKER_CONNECTIONS)?;
        let worker = Worker::new(store.clone(), pool, options, runner);
        store.workers().insert(worker.id(), Arc::downgrade(&worker));
        store.listen();
        let clock_store = store.clone();
        store
            .has_clock
            .call_once(|| drop(runtime::spawn(clock::run(clock_store))));
        runtime::spawn(worker.clone().run());
        runtime::spawn(lease::keep(store, worker.clone()));
        Ok(worker)
    }

    /// Ends what is open; workers are closed before.
    pub async fn close(&self) {
        self.0.closed.send_replace(true);
        self.0.clock.notify_one();
        self.0.listener.close().await;
        self.0.adding.close().await;
        self.0.pool.close().await;
    }
}

impl Shared {
    fn workers(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<Worker>>> {
        self.workers
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    async fn query_id(&self, sql: &str, id: &Uuid) -> Result<crate::postgres::Rows, Error> {
        self.schema.ready(&self.pool).await?;
        let mut params = Params::new();
        push_id(&mut params, id);
        Ok(self.pool.query(sql, params).await?)
    }

    /// Listens to other processes from now on.
    pub(super) fn listen(self: &Arc<Self>) {
        let store = self.clone();
        self.has_listener
            .call_once(|| drop(runtime::spawn(listening::listen(store))));
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Resolves when the store is closed.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as we do.
        let _ = closed.wait_for(|is_closed| *is_closed).await;
    }

    /// A worker has ended.
    pub(super) fn forget(&self, worker: &Uuid) {
        self.workers().remove(worker);
    }

    /// The ids of the workers here.
    pub(super) fn worker_ids(&self) -> Vec<Uuid> {
        self.workers().keys().copied().collect()
    }

    fn living(&self) -> Vec<Arc<Worker>> {
        self.workers().values().filter_map(Weak::upgrade).collect()
    }

    /// Tells workers here of jobs in queues, and whether they may be delayed.
    pub(super) fn tell_queues<'a>(&self, queues: impl Iterator<Item = (&'a str, bool)>) {
        let workers = self.living();
        if workers.is_empty() {
            return;
        }
        let mut last: Option<(&str, bool)> = None;
        for (queue, is_delayed) in queues {
            if last == Some((queue, is_delayed)) {
                continue;
            }
            last = Some((queue, is_delayed));
            if is_delayed {
                self.clock.notify_one();
            }
            for worker in &workers {
                worker.wake_for(queue);
            }
        }
    }

    /// Any worker may find something.
    pub(super) fn wake_all(&self) {
        for worker in self.living() {
            worker.wake();
        }
    }

    /// Everything may have changed unheard.
    pub(super) fn look_at_all(&self) {
        self.wake_all();
        self.clock.notify_one();
        self.waiters.look_at_all();
        for worker in self.living() {
            worker.check_lease();
        }
    }

    /// A job that a worker here may run was cancelled.
    pub(super) fn cancelled(&self, worker: &Uuid, job: &Uuid) {
        let worker = self.workers().get(worker).and_then(Weak::upgrade);
        if let Some(worker) = worker {
            worker.give_up(&[*job], super::runner::Abort::Cancelled);
        }
    }
}
