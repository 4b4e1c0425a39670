//! What time brings: delayed jobs begin to wait for workers, expired ones are removed, and what is left of both in
//! the indexes is swept out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::error::Error;
use super::params::push_long;
use super::records::{now, parsed};
use super::store::Shared;
use crate::postgres::Params;

/// Delayed jobs of processes whose news were lost are found after this time.
const SLOW_LOOK: Duration = Duration::from_secs(5);

/// How often expired jobs are looked for.
const REAPED: Duration = Duration::from_secs(2);

/// Jobs in one statement: locks are held for milliseconds only.
const BATCH: i64 = 1_000;

const PAUSE: Duration = Duration::from_millis(500);

/// After so many claims the table is vacuumed. A claim reads the index of waiting jobs from its begin, and has to
/// pass the entries of all that were claimed before: autovacuum, which looks once in a minute, is too late by far.
const CLAIMS_PER_VACUUM: usize = 20_000;

/// The share of the time that vacuuming may take.
const VACUUM_SHARE: u32 = 10;

/// `$1` jobs at most. Answers how many, and in how long the next one is due.
const PROMOTE: &str = concat!(
    "with clock as materialized (select ",
    now!(),
    " as ms),
    due as (
      select id from next_puff.jobs, clock where state = 'd' and run_at <= clock.ms
      order by run_at limit $1::text::bigint for update of jobs skip locked),
    moved as (
      update next_puff.jobs as job set state = 'w' from due where job.id = due.id returning job.id),
    told as (
      select count(*) as moved,
        case when count(*) > 0 then pg_notify('next_puff_tasks', 'added') end as done from moved)
    select moved::text, (select min(run_at) - min(clock.ms) from next_puff.jobs, clock
      where state = 'd' and run_at > clock.ms)::text, done from told"
);

/// `$1` jobs at most.
const REAP: &str = concat!(
    "with gone as (
      delete from next_puff.jobs where id in (
        select id from next_puff.jobs where expires_at <= ",
    now!(),
    " order by expires_at limit $1::text::bigint for update skip locked)
      returning id)
    select count(*)::text from gone"
);

/// Runs until the store is closed.
pub(super) async fn run(store: Arc<Shared>) {
    let mut reaped: Option<Instant> = None;
    let mut vacuumed: Option<Instant> = None;
    let mut vacuum_pause = REAPED;
    while !store.is_closed() {
        let next = match promote(&store).await {
            Ok(next) => next,
            Err(_) => {
                // Workers report it.
                sleep(PAUSE).await;
                continue;
            }
        };
        if reaped.is_none_or(|at| at.elapsed() >= REAPED) {
            reaped = Some(Instant::now());
            // Tried again the next time.
            let _ = reap(&store).await;
        }
        let is_due = vacuumed.is_none_or(|at| at.elapsed() >= vacuum_pause);
        if is_due && store.claims.load(Ordering::Relaxed) >= CLAIMS_PER_VACUUM {
            store.claims.store(0, Ordering::Relaxed);
            let began = Instant::now();
            let sql = "vacuum (truncate off) next_puff.jobs";
            // Whoever may not do that leaves it to autovacuum.
            let _ = store.pool.query(sql, Params::new()).await;
            vacuum_pause = (began.elapsed() * VACUUM_SHARE).max(REAPED);
            vacuumed = Some(Instant::now());
        }
        let wait = next.unwrap_or(SLOW_LOOK).min(SLOW_LOOK).min(REAPED);
        // Told or not, the next round looks.
        let _ = timeout(wait, store.clock.notified()).await;
    }
}

fn batch() -> Params {
    let mut params = Params::new();
    push_long(&mut params, BATCH);
    params
}

async fn promote(store: &Arc<Shared>) -> Result<Option<Duration>, Error> {
    store.schema.ready(&store.pool).await?;
    loop {
        let rows = store.pool.query(PROMOTE, batch()).await?;
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        let moved: i64 = parsed(row, 0).unwrap_or(0);
        if moved > 0 {
            store.wake_all();
        }
        if moved < BATCH {
            let next = parsed::<u64>(row, 1);
            // A millisecond more: PostgreSQL's clock and ours are not read at the same moment.
            return Ok(next.map(|delay| Duration::from_millis(delay + 1)));
        }
    }
}

async fn reap(store: &Arc<Shared>) -> Result<(), Error> {
    loop {
        let rows = store.pool.query(REAP, batch()).await?;
        let gone: i64 = rows.first().and_then(|row| parsed(row, 0)).unwrap_or(0);
        if gone < BATCH {
            return Ok(());
        }
    }
}
