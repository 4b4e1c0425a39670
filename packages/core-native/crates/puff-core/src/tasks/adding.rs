//! Adding jobs: what is added while a statement is on its way goes in the next one.
//!
//! Ids are made here and grow with time, so that a statement whose connection was lost can be repeated: what it
//! may have added already is found again by its id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::Error;
use super::job::{AddedJob, BackoffKind, NewJob, whole};
use super::params::{
    push_doubles, push_flags, push_id, push_ids, push_integers, push_longs, push_texts,
};
use super::records::{column, parsed};
use super::store::Shared;
use crate::postgres::{self, Params, Pool, Rows, Session};
use crate::runtime;

/// Jobs in one statement.
const BATCH: usize = 1_000;

/// Statements on their way at the same time.
const LANES: usize = 2;

/// A statement is tried so often when its connection is lost, or another's transaction is in its way.
const ATTEMPTS: usize = 5;

/// `$1` id, `$2` task, `$3` queue, `$4` payload, `$5` priority, `$6` run_at, `$7` timeout, `$8` kept for,
/// `$9` attempts, `$10` exponential, `$11` delay, `$12` largest delay, `$13` key, `$14` parent, `$15` trace, all
/// arrays in which '' or the job's own id stand for nothing; `$16` whether the time has come by the clock of who
/// adds, which need not be PostgreSQL's: what is to run at once must not wait for that; `$17` the node that tells
/// its own workers itself.
///
/// The notification is left out of what it says where it would get too long: everybody looks then.
const INSERT: &str = "with input as materialized (
    select *, (extract(epoch from clock_timestamp()) * 1000)::bigint as now
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[], $7::bigint[],
      $8::bigint[], $9::integer[], $10::boolean[], $11::bigint[], $12::bigint[], $13::text[], $14::uuid[],
      $15::text[], $16::boolean[]) as input (id, task, queue, payload, priority, run_at, timeout_ms, keep_result_ms,
      max_attempts, is_exponential, backoff_ms, max_backoff_ms, key, parent_id, trace, is_due)),
  inserted as (
    insert into next_puff.jobs (id, state, task, queue, payload, priority, run_at, created_at, timeout_ms,
      keep_result_ms, max_attempts, is_exponential, backoff_ms, max_backoff_ms, idempotency_key, parent_id, trace)
    select id, case when run_at > now and not is_due then 'd'::\"char\" else 'w'::\"char\" end, task, queue, payload, priority,
      case when run_at = 0 then now else run_at end, now, timeout_ms, keep_result_ms, max_attempts,
      is_exponential, backoff_ms, max_backoff_ms, nullif(key, ''), nullif(parent_id, id), nullif(trace, '')
    from input
    on conflict do nothing
    returning queue, state, run_at - created_at as delay),
  news as (
    select sum(added)::bigint as added, json_agg(json_build_array(queue, delay))::text as queues
    from (select queue, count(*) as added, case when state = 'd' then min(delay) else 0 end as delay
      from inserted group by queue, state) as per_queue)
  select added::text, case when added > 0 then pg_notify('next_puff_tasks', 'added ' || $17::text || ' '
    || case when octet_length(queues) < 7000 then queues else '' end) end
  from news";

/// The jobs that have one of the ids in `$1`, or one of the pairs of task and key in `$2` and `$3`; what has
/// expired is removed instead, if it has such a key.
const FIND: &str = "with wanted as (select * from unnest($2::text[], $3::text[]) as wanted (task, key)),
  expired as (
    delete from next_puff.jobs as job using wanted
    where job.task = wanted.task and job.idempotency_key = wanted.key
      and job.expires_at <= (extract(epoch from clock_timestamp()) * 1000)::bigint
      and job.id <> all ($1::uuid[])
    returning job.id)
  select job.id::text, job.task, job.idempotency_key from next_puff.jobs as job
  where (job.id = any ($1::uuid[]) or (job.task, job.idempotency_key) in (select task, key from wanted))
    and job.id not in (select id from expired)";

/// A job with the id that it will have.
struct Entry {
    id: Uuid,
    job: NewJob,
}

/// What one caller adds.
struct Waiting {
    entries: Vec<Entry>,
    reply: oneshot::Sender<Result<Vec<AddedJob>, Error>>,
}

/// Jobs that wait for their statement.
#[derive(Default)]
pub(super) struct Additions {
    waiting: Mutex<Vec<Waiting>>,
    lanes: AtomicUsize,
}

impl Additions {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    /// Adds jobs, together with those of others.
    pub(super) async fn add(
        &self,
        store: &Arc<Shared>,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<AddedJob>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let entries = entries(jobs)?;
        let (reply, added) = oneshot::channel();
        self.waiting().push(Waiting { entries, reply });
        if self.open_lane() {
            let store = store.clone();
            runtime::spawn(async move { store.additions.send(&store).await });
        }
        added
            .await
            .unwrap_or(Err(Error::Postgres(postgres::Error::Closed {
                what: "the task store",
            })))
    }

    fn open_lane(&self) -> bool {
        let open = |lanes| (lanes < LANES).then_some(lanes + 1);
        self.lanes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, open)
            .is_ok()
    }

    /// Sends batch after batch until nothing waits.
    async fn send(&self, store: &Arc<Shared>) {
        loop {
            let batch = self.next();
            if batch.is_empty() {
                self.lanes.fetch_sub(1, Ordering::SeqCst);
                // Something may have come after the look and before the end of the lane.
                if self.waiting().is_empty() || !self.open_lane() {
                    return;
                }
                continue;
            }
            let entries: Vec<&Entry> = batch.iter().flat_map(|waiting| &waiting.entries).collect();
            let result = store.insert(&entries).await;
            let mut added = result.map(Vec::into_iter);
            for waiting in batch {
                let count = waiting.entries.len();
                let own = match &mut added {
                    Ok(added) => Ok(added.take(count).collect()),
                    Err(error) => Err(error.clone()),
                };
                // Whoever added them may have gone.
                let _ = waiting.reply.send(own);
            }
        }
    }

    /// What goes in the next statement; many jobs of one caller are not divided.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let mut count = 0;
        let fitting = waiting.iter().take_while(|one| {
            count += one.entries.len();
            count <= BATCH
        });
        let end = fitting.count().max(1).min(waiting.len());
        waiting.drain(..end).collect()
    }
}

impl Shared {
    async fn insert(self: &Arc<Self>, entries: &[&Entry]) -> Result<Vec<AddedJob>, Error> {
        self.schema.ready(&self.pool).await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match insert_with(Place::Pool(&self.adding), entries, &self.node).await {
                Err(error) if attempts < ATTEMPTS && is_repeatable(&error) => {}
                Err(error) => return Err(error),
                Ok(added) => {
                    self.tell_added(
                        entries
                            .iter()
                            .map(|entry| (&*entry.job.queue, entry.job.run_at)),
                    );
                    return Ok(added);
                }
            }
        }
    }

    /// Adds jobs in the transaction of a session.
    pub(super) async fn insert_in(
        &self,
        session: &Session,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<AddedJob>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.schema.ready(&self.pool).await?;
        let entries = entries(jobs)?;
        let entries: Vec<&Entry> = entries.iter().collect();
        // Nobody's node: nobody knows before the commit that there is something to do.
        insert_with(Place::Session(session), &entries, &Uuid::nil()).await
    }
}

fn entries(jobs: Vec<NewJob>) -> Result<Vec<Entry>, Error> {
    for job in &jobs {
        job.check()?;
    }
    let entries = jobs.into_iter().map(|job| Entry {
        id: Uuid::now_v7(),
        job,
    });
    Ok(entries.collect())
}

/// Milliseconds since 1970 by the clock of this machine.
pub(super) fn local_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1_000.0)
}

/// Whether the whole statement can be sent again: it had no effect, or one that is found again.
fn is_repeatable(error: &Error) -> bool {
    match error {
        Error::Postgres(postgres::Error::ConnectionLost { .. }) => true,
        // serialization_failure, deadlock_detected
        Error::Postgres(postgres::Error::Server(error)) => {
            matches!(&*error.sqlstate, "40001" | "40P01")
        }
        _ => false,
    }
}

/// Where jobs are added.
#[derive(Clone, Copy)]
enum Place<'a> {
    Pool(&'a Pool),
    /// In its transaction.
    Session(&'a Session),
}

impl Place<'_> {
    async fn query(self, sql: &str, params: Params) -> Result<Rows, postgres::Error> {
        match self {
            Place::Pool(pool) => pool.query(sql, params).await,
            Place::Session(session) => session.query(sql, params).await,
        }
    }
}

async fn insert_with(
    place: Place<'_>,
    entries: &[&Entry],
    node: &Uuid,
) -> Result<Vec<AddedJob>, Error> {
    let mut missing = entries.to_vec();
    let mut found: HashMap<Uuid, Uuid> = HashMap::new();
    for _ in 0..ATTEMPTS {
        let rows = place.query(INSERT, insert_params(&missing, node)).await?;
        let added: usize = rows.first().and_then(|row| parsed(row, 0)).unwrap_or(0);
        if added == missing.len() {
            missing.clear();
        } else {
            let rows = place.query(FIND, find_params(&missing)).await?;
            let mut ids = HashMap::new();
            let mut keys = HashMap::new();
            for row in &rows {
                let Some(id) = parsed::<Uuid>(row, 0) else {
                    continue;
                };
                ids.insert(id, id);
                if let (Some(task), Some(key)) = (column(row, 1), column(row, 2)) {
                    keys.insert((task, key), id);
                }
            }
            missing.retain(|entry| {
                let key = entry.job.idempotency_key.as_deref();
                let by_key = || keys.get(&(&*entry.job.task, key?)).copied();
                match ids.get(&entry.id).copied().or_else(by_key) {
                    None => true,
                    Some(id) => {
                        found.insert(entry.id, id);
                        false
                    }
                }
            });
        }
        if missing.is_empty() {
            let added = entries.iter().map(|entry| {
                let id = found.get(&entry.id).copied().unwrap_or(entry.id);
                AddedJob {
                    id,
                    is_duplicate: id != entry.id,
                }
            });
            return Ok(added.collect());
        }
    }
    Err(Error::Contended)
}

fn insert_params(entries: &[&Entry], node: &Uuid) -> Params {
    let mut params = Params::new();
    let jobs = || entries.iter().map(|entry| &entry.job);
    let text = |value: &'_ Option<String>| value.as_deref().unwrap_or_default().to_owned();
    push_ids(&mut params, entries.iter().map(|entry| &entry.id));
    push_texts(&mut params, jobs().map(|job| &*job.task));
    push_texts(&mut params, jobs().map(|job| &*job.queue));
    push_texts(&mut params, jobs().map(|job| &*job.payload));
    push_doubles(&mut params, jobs().map(|job| job.priority));
    push_longs(&mut params, jobs().map(|job| whole(job.run_at)));
    push_longs(&mut params, jobs().map(|job| whole(job.timeout_ms)));
    push_longs(&mut params, jobs().map(|job| whole(job.keep_result_ms)));
    push_integers(&mut params, jobs().map(|job| job.max_attempts));
    let is_exponential = |job: &NewJob| job.backoff.kind == BackoffKind::Exponential;
    push_flags(&mut params, jobs().map(is_exponential));
    push_longs(&mut params, jobs().map(|job| whole(job.backoff.delay_ms)));
    push_longs(
        &mut params,
        jobs().map(|job| whole(job.backoff.max_delay_ms)),
    );
    let keys: Vec<_> = jobs().map(|job| text(&job.idempotency_key)).collect();
    push_texts(&mut params, keys.iter().map(|key| &**key));
    let parents = entries
        .iter()
        .map(|entry| entry.job.parent_id.as_ref().unwrap_or(&entry.id));
    push_ids(&mut params, parents);
    let traces: Vec<_> = jobs().map(|job| text(&job.trace)).collect();
    push_texts(&mut params, traces.iter().map(|trace| &**trace));
    let now = local_now();
    push_flags(&mut params, jobs().map(|job| job.run_at <= now));
    push_id(&mut params, node);
    params
}

fn find_params(entries: &[&Entry]) -> Params {
    let mut params = Params::new();
    push_ids(&mut params, entries.iter().map(|entry| &entry.id));
    let keyed = || {
        entries.iter().filter_map(|entry| {
            let key = entry.job.idempotency_key.as_deref()?;
            Some((&*entry.job.task, key))
        })
    };
    push_texts(&mut params, keyed().map(|(task, _)| task));
    push_texts(&mut params, keyed().map(|(_, key)| key));
    params
}
