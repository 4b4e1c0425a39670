//! A worker's lease: renewed here, outside of JavaScript, so that a blocked event loop does not lose it.
//!
//! One row per worker has the time until which its jobs are its own. Whoever finds jobs of a worker whose time is
//! over gives them back, whatever became of that worker; a worker learns of jobs that were taken from it when
//! it renews.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use uuid::Uuid;

use super::error::Error;
use super::params::{push_id, push_long};
use super::records::{column, now, parsed};
use super::runner::{Abort, Use};
use super::store::Shared;
use super::worker::Worker;
use crate::postgres::Params;

/// `$1` worker, `$2` lease. Answers which runs are the worker's.
const RENEW: &str = concat!(
    "with renewed as (
      insert into next_puff.task_workers (id, lease_until) values ($1::uuid, ",
    now!(),
    " + $2::text::bigint)
      on conflict (id) do update set lease_until = excluded.lease_until returning id)
    select id::text, starts::text from next_puff.jobs where state = 'r' and worker = $1::uuid
    union all select null, id::text from renewed"
);

/// Gives back what workers without a lease have. The workers of running jobs are found one after the other
/// in their index, however many jobs they run.
const TAKE_OVER: &str = concat!(
    "with recursive busy as (
      (select worker from next_puff.jobs where state = 'r' order by worker limit 1)
      union all
      select (select job.worker from next_puff.jobs as job
        where job.state = 'r' and job.worker > busy.worker order by job.worker limit 1)
      from busy where busy.worker is not null),
    dead as (
      select busy.worker from busy where busy.worker is not null and not exists (
        select from next_puff.task_workers as worker
        where worker.id = busy.worker and worker.lease_until > ",
    now!(),
    ")),
    freed as (
      update next_puff.jobs as job set state = 'w' from dead
      where job.state = 'r' and job.worker = dead.worker returning job.id),
    forgotten as (
      delete from next_puff.task_workers where lease_until < ",
    now!(),
    " - 3600000)
    select count(*)::text, case when count(*) > 0 then pg_notify('next_puff_tasks', 'added') end from freed"
);

/// `$1` worker.
const GIVE_BACK: &str = "delete from next_puff.task_workers where id = $1::uuid";

/// Keeps the lease of a worker until that has ended.
pub(super) async fn keep(store: Arc<Shared>, worker: Arc<Worker>) {
    let lease = worker.lease();
    let interval = lease / 3;
    // After an outage other workers get the time to renew what ran out meanwhile.
    let mut steady_since: Option<Instant> = None;
    let mut is_first = true;
    let mut renewed_at: Option<Instant> = None;
    while !worker.has_ended() {
        let asked_at = Instant::now();
        match renew(&store, &worker).await {
            Ok(()) => {
                let since = *steady_since.get_or_insert_with(Instant::now);
                let was_out = renewed_at.is_none_or(|at| at.elapsed() >= lease);
                renewed_at = Some(asked_at);
                worker.leased(was_out);
                worker.tell(Use::Lease, None);
                if is_first || since.elapsed() >= lease / 2 {
                    // Tried again the next time.
                    let _ = take_over(&store).await;
                }
                is_first = false;
            }
            Err(error) => {
                steady_since = None;
                worker.tell(Use::Lease, Some(&error));
            }
        }
        worker.give_up_overdue();
        let pause = match steady_since {
            Some(_) => interval,
            None => interval.min(Duration::from_millis(500)),
        };
        // Told or not, the next round renews.
        let _ = timeout(pause, worker.lease_checks()).await;
    }
    let mut params = Params::new();
    push_id(&mut params, &worker.id());
    // Otherwise its time runs out.
    let _ = store.pool.query(GIVE_BACK, params).await;
    store.forget(&worker.id());
    worker.finished();
}

async fn renew(store: &Arc<Shared>, worker: &Arc<Worker>) -> Result<(), Error> {
    store.schema.ready(&store.pool).await?;
    let known = worker.runs();
    let mut params = Params::new();
    push_id(&mut params, &worker.id());
    push_long(&mut params, worker.lease().as_millis() as i64);
    let rows = store.pool.query(RENEW, params).await?;
    let own: HashSet<(Uuid, i32)> = rows
        .iter()
        .filter(|row| column(row, 0).is_some())
        .filter_map(|row| Some((parsed(row, 0)?, parsed(row, 1)?)))
        .collect();
    let lost: Vec<Uuid> = known
        .iter()
        .filter(|run| !own.contains(run))
        .map(|(id, _)| *id)
        .collect();
    if !lost.is_empty() {
        worker.give_up(&lost, Abort::LeaseLost);
    }
    let still = worker.runs();
    if own
        .iter()
        .any(|run| !known.contains(run) && !still.contains(run))
    {
        worker.check_unknown();
    }
    Ok(())
}

async fn take_over(store: &Arc<Shared>) -> Result<(), Error> {
    let rows = store.pool.query(TAKE_OVER, Params::new()).await?;
    let freed: u64 = rows.first().and_then(|row| parsed(row, 0)).unwrap_or(0);
    if freed > 0 {
        store.wake_all();
    }
    Ok(())
}
