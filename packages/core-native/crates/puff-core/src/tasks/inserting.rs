//! The statements that add jobs, and their parameters.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::error::Error;
use super::job::{AddedJob, BackoffKind, NewJob, whole};
use super::params::{push_doubles, push_flags, push_ids, push_integers, push_longs, push_texts};
use super::records::{column, now, parsed};
use crate::postgres::{self, Params, Pool, Rows, Session};

/// Adding begins anew so often when somebody frees and takes an idempotency key meanwhile.
const ATTEMPTS: usize = 5;

/// A notification holds 8,000 bytes.
const LONGEST_NEWS: usize = 7_000;

/// `$1` id, `$2` task, `$3` queue, `$4` payload, `$5` priority, `$6` when it is due, `$7` timeout, `$8` kept for,
/// `$9` attempts, `$10` exponential, `$11` delay, `$12` largest delay, `$13` key, `$14` parent, `$15` trace, all
/// arrays in which '' or the job's own id stand for nothing; `$16` the news of them.
///
/// What is due after a delay is so by PostgreSQL's clock, which need not be that of who adds: it is given as a negative
/// number.
macro_rules! insert {
    () => {
        concat!(
            "with clock as materialized (select ",
            now!(),
            " as ms),
            inserted as (
              insert into next_puff.jobs (id, state, task, queue, payload, priority, run_at, created_at, timeout_ms,
                keep_result_ms, max_attempts, is_exponential, backoff_ms, max_backoff_ms, idempotency_key, parent_id,
                trace)
              select id, case when due < 0 or due > clock.ms then 'd'::\"char\" else 'w'::\"char\" end, task, queue,
                payload, priority, case when due <= 0 then clock.ms - due else due end, clock.ms, timeout_ms,
                keep_result_ms, max_attempts, is_exponential, backoff_ms, max_backoff_ms, nullif(key, ''),
                nullif(parent_id, id), nullif(trace, '')
              from clock, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::integer[], $10::boolean[], $11::bigint[], $12::bigint[], $13::text[],
                $14::uuid[], $15::text[]) as input (id, task, queue, payload, priority, due, timeout_ms, keep_result_ms,
                max_attempts, is_exponential, backoff_ms, max_backoff_ms, key, parent_id, trace)"
        )
    };
}

/// Adds jobs that cannot be there yet: looking for what is in their way costs as much again.
///
/// `$17` whether everybody is told, `$18` workers that need not be told: where there are no others nobody is,
/// because a commit that notifies waits for others that do, and wakes who listens.
const INSERT_NEW: &str = concat!(
    insert!(),
    ") select pg_notify('next_puff_tasks', $16::text) where $17::boolean or exists (
      select from next_puff.task_workers where lease_until > ",
    now!(),
    " and id <> all ($18::uuid[]))"
);

/// Adds jobs that are not there yet, and answers how many those were.
const INSERT_MISSING: &str = concat!(
    insert!(),
    " on conflict do nothing returning id),
    counted as (select count(*) as added from inserted)
    select added::text, case when added > 0 then pg_notify('next_puff_tasks', $16::text) end from counted"
);

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
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) job: NewJob,
}

/// Checks jobs, and gives them ids.
pub(super) fn entries(jobs: Vec<NewJob>) -> Result<Vec<Entry>, Error> {
    for job in &jobs {
        job.check()?;
    }
    let entries = jobs.into_iter().map(|job| Entry {
        id: Uuid::now_v7(),
        job,
    });
    Ok(entries.collect())
}

/// Who adds.
#[derive(Clone, Copy)]
pub(super) struct Adder<'a> {
    /// Its own workers are told by itself.
    pub(super) node: &'a Uuid,
    /// The workers that it tells.
    pub(super) workers: &'a [Uuid],
    /// Whether it may have added some of the jobs before, without learning it.
    pub(super) is_repeating: bool,
}

/// Where jobs are added.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// At once.
    Pool(&'a Pool),
    /// In its transaction: whoever works when that commits is told.
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

/// Adds jobs that are not there yet, and answers in their order.
pub(super) async fn insert(
    place: Place<'_>,
    entries: &[&Entry],
    adder: Adder<'_>,
) -> Result<Vec<AddedJob>, Error> {
    let has_keys = entries
        .iter()
        .any(|entry| entry.job.idempotency_key.is_some());
    if has_keys || adder.is_repeating {
        return insert_missing(place, entries, adder).await;
    }
    let mut params = insert_params(entries, adder.node);
    params.push_bool(matches!(place, Place::Session(_)));
    push_ids(&mut params, adder.workers.iter());
    place.query(INSERT_NEW, params).await?;
    let added = entries.iter().map(|entry| AddedJob {
        id: entry.id,
        is_duplicate: false,
    });
    Ok(added.collect())
}

async fn insert_missing(
    place: Place<'_>,
    entries: &[&Entry],
    adder: Adder<'_>,
) -> Result<Vec<AddedJob>, Error> {
    let mut missing = entries.to_vec();
    let mut found: HashMap<Uuid, Uuid> = HashMap::new();
    for _ in 0..ATTEMPTS {
        let rows = place
            .query(INSERT_MISSING, insert_params(&missing, adder.node))
            .await?;
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

fn insert_params<'a>(entries: &[&'a Entry], node: &Uuid) -> Params {
    let mut params = Params::new();
    let jobs = || entries.iter().map(|entry| &entry.job);
    push_ids(&mut params, entries.iter().map(|entry| &entry.id));
    push_texts(&mut params, jobs().map(|job| &*job.task));
    push_texts(&mut params, jobs().map(|job| &*job.queue));
    push_texts(&mut params, jobs().map(|job| &*job.payload));
    push_doubles(&mut params, jobs().map(|job| job.priority));
    push_longs(&mut params, jobs().map(NewJob::due));
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
    let key = |job: &'a NewJob| job.idempotency_key.as_deref().unwrap_or_default();
    push_texts(&mut params, jobs().map(key));
    let parents = entries
        .iter()
        .map(|entry| entry.job.parent_id.as_ref().unwrap_or(&entry.id));
    push_ids(&mut params, parents);
    push_texts(
        &mut params,
        jobs().map(|job| job.trace.as_deref().unwrap_or_default()),
    );
    params.push_text(&news(entries, node));
    params
}

/// What others are told: `added <node> [[queue, delay], ...]`, without queues where it would get too long;
/// everybody looks then.
fn news(entries: &[&Entry], node: &Uuid) -> String {
    let queues: BTreeSet<(&str, u8)> = entries
        .iter()
        .map(|entry| (&*entry.job.queue, u8::from(entry.job.may_be_delayed())))
        .collect();
    let queues = serde_json::json!(queues).to_string();
    match queues.len() < LONGEST_NEWS {
        true => format!("added {node} {queues}"),
        false => format!("added {node}"),
    }
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
