//! The statements of a worker: completing what has run and claiming what comes next, in one.

use uuid::Uuid;

use super::job::{ClaimedJob, Outcome, whole};
use super::params::{
    push_doubles, push_flags, push_id, push_ids, push_integers, push_longs, push_texts,
};
use super::records::{column, now, parsed};
use crate::postgres::{Params, Rows};

/// A run that has ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) id: Uuid,
    /// Which run it was: a job that was taken over meanwhile is left alone.
    pub(super) start: i32,
    pub(super) outcome: Outcome,
}

/// Jobs that a worker would take.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// Queues and how many of each.
    pub(super) shares: Vec<(String, i32)>,
    /// Tasks of which only so many may be taken.
    pub(super) caps: Vec<(String, i32)>,
    /// Tasks with a bound for all workers.
    pub(super) rates: Vec<Rate>,
}

/// So many runs of a task may begin in so long a time.
#[derive(Debug, Clone)]
pub(super) struct Rate {
    pub(super) task: String,
    pub(super) max: f64,
    pub(super) per_ms: f64,
}

/// What sessions of workers run with: each of their statements is meant for an index, also where the planner
/// knows nothing of the table yet, and is planned once.
pub(super) const SETTINGS: &str = "set enable_seqscan = off; set enable_hashjoin = off;
  set enable_mergejoin = off; set plan_cache_mode = force_generic_plan; set jit = off";

// Runs that have ended are found by their ids: conditions on state and worker are written so that the index of
// running jobs does not fit them. The planner, which knows nothing of the table's size, would compare each running
// job, and each index entry of those that ran before, with each that has ended.

/// Tells processes that wait for results what has ended: from `ended`, which has their ids.
///
/// A notification holds 8,000 bytes, so that 200 ids go in one. Where nobody waits nobody is told: a commit
/// that notifies waits for others that do.
macro_rules! tell_ended {
    () => {
        concat!(
            ", told as (select pg_notify('next_puff_tasks', 'ended ' || string_agg(id::text, ',')) as done
              from (select id, row_number() over () / 200 as part from ended
                where exists (select from next_puff.task_waiters where until > ",
            now!(),
            ")) as parts group by part)"
        )
    };
}
pub(super) use tell_ended;

/// What the statement says of a claimed job, read by [`claimed`].
const CLAIMED: &str =
    "id::text, task, queue, payload, starts::text, failures::text, max_attempts::text,
  timeout_ms::text, run_at::text, parent_id::text, trace";

/// The statement that completes and claims, and its parameters.
pub(super) fn statement(
    worker: &Uuid,
    completed: &[Ended],
    wish: Option<&Wish>,
) -> (String, Params) {
    let mut sql = concat!("with clock as materialized (select ", now!(), " as ms)").to_owned();
    let mut params = Params::new();
    let mut count = 1;
    let mut place = || {
        count += 1;
        format!("${count}")
    };
    push_id(&mut params, worker);
    let mut results = Vec::new();
    if !completed.is_empty() {
        let (ids, starts, texts) = (place(), place(), place());
        sql.push_str(&format!(
            ", ended as (
              update next_puff.jobs as job set state = 'c', result = run.result, ended_at = clock.ms,
                expires_at = clock.ms + job.keep_result_ms
              from unnest({ids}::uuid[], {starts}::integer[], {texts}::text[]) as run (id, start, result), clock
              where job.id = run.id and job.starts = run.start and job.state::text = 'r' and job.worker is not distinct from $1::uuid
              returning job.id)"
        ));
        sql.push_str(tell_ended!());
        push_ids(&mut params, completed.iter().map(|run| &run.id));
        push_integers(&mut params, completed.iter().map(|run| run.start));
        let texts = completed.iter().map(|run| match &run.outcome {
            Outcome::Completed(result) => &**result,
            _ => "null",
        });
        push_texts(&mut params, texts);
        results.push("select 'told', null, null, null, null, null, null, null, null, null, null, null from told where done is null".to_owned());
    }
    if let Some(wish) = wish {
        let (queues, shares) = (place(), place());
        push_texts(&mut params, wish.shares.iter().map(|(queue, _)| &**queue));
        push_integers(&mut params, wish.shares.iter().map(|(_, share)| *share));
        let mut skipped = String::new();
        // Jobs are found again by their places: they are locked, so that those cannot change. One that had moved
        // before it was locked stays as it is, and whoever moved it tells of it.
        let mut chosen = "select place from candidates".to_owned();
        if !wish.rates.is_empty() {
            let (tasks, maxima, durations) = (place(), place(), place());
            sql.push_str(&format!(
                ", rates as materialized (
                  select rate.task, bound.per, clock.ms >= rate.refilled_at + bound.per as is_new,
                    case when clock.ms >= rate.refilled_at + bound.per then bound.max else rate.tokens end as tokens
                  from next_puff.task_rates as rate
                  join unnest({tasks}::text[], {maxima}::float8[], {durations}::float8[]) as bound (task, max, per)
                    on bound.task = rate.task, clock
                  order by rate.task for update of rate)"
            ));
            push_texts(&mut params, wish.rates.iter().map(|rate| &*rate.task));
            push_doubles(&mut params, wish.rates.iter().map(|rate| rate.max));
            push_doubles(&mut params, wish.rates.iter().map(|rate| rate.per_ms));
            skipped.push_str(" and job.task not in (select task from rates where tokens < 1)");
        }
        if !wish.caps.is_empty() || !wish.rates.is_empty() {
            let (tasks, caps) = (place(), place());
            push_texts(&mut params, wish.caps.iter().map(|(task, _)| &**task));
            push_integers(&mut params, wish.caps.iter().map(|(_, cap)| *cap));
            sql.push_str(&format!(
                ", caps as materialized (
                  select task, min(cap) as cap from (
                    select * from unnest({tasks}::text[], {caps}::integer[]) as bound (task, cap)
                    {}) as bounds group by task)",
                match wish.rates.is_empty() {
                    true => "",
                    false => "union all select task, floor(tokens)::integer from rates",
                }
            ));
            skipped.push_str(" and job.task not in (select task from caps where cap < 1)");
            chosen = "select place from (
                select place, row_number() over (partition by task order by priority, run_at, id) as nth,
                  (select cap from caps where caps.task = candidates.task) as cap
                from candidates) as ranked where cap is null or nth <= cap"
                .to_owned();
        }
        sql.push_str(&format!(
            ", candidates as materialized (
              select next.* from unnest({queues}::text[], {shares}::integer[]) as queue (name, share)
              cross join lateral (
                select job.ctid as place, job.id, job.task, job.priority, job.run_at from next_puff.jobs as job
                where job.state = 'w' and job.queue = queue.name{skipped}
                order by job.priority, job.run_at, job.id limit queue.share for update skip locked) as next),
            claimed as (
              update next_puff.jobs as job set state = 'r', starts = job.starts + 1, started_at = clock.ms,
                worker = $1::uuid
              from ({chosen}) as chosen, clock
              where job.ctid = chosen.place
              returning job.*)"
        ));
        if !wish.rates.is_empty() {
            sql.push_str(
                ", spent as (
                  update next_puff.task_rates as rate set tokens = rates.tokens - taken.count,
                    refilled_at = case when rates.is_new then clock.ms else rate.refilled_at end
                  from rates join (select task, count(*) as count from claimed group by task) as taken
                    on taken.task = rates.task, clock
                  where rate.task = rates.task)",
            );
        }
        results.push(format!(
            "(select 'job', {CLAIMED} from claimed order by claimed.priority, claimed.run_at, claimed.id)"
        ));
    }
    sql.push(' ');
    sql.push_str(&results.join(" union all "));
    (sql, params)
}

/// Reads the jobs that were claimed, in the order in which they should run.
pub(super) fn claimed(rows: &Rows) -> Vec<ClaimedJob> {
    let read = |row: &Vec<Option<Vec<u8>>>| {
        let text = |index| column(row, index).map(str::to_owned);
        Some(ClaimedJob {
            id: parsed(row, 1)?,
            task: text(2)?,
            queue: text(3)?,
            payload: text(4)?,
            start: parsed(row, 5)?,
            failures: parsed(row, 6)?,
            max_attempts: parsed(row, 7)?,
            timeout_ms: parsed(row, 8)?,
            run_at: parsed(row, 9)?,
            parent_id: parsed(row, 10),
            trace: text(11),
        })
    };
    rows.iter().filter_map(read).collect()
}

/// `$1` worker, `$2` ids, `$3` starts, `$4` failures, `$5` which are final. A job that has no attempts left has
/// failed; any other waits as its backoff says.
pub(super) const FAIL: &str = concat!(
    "with clock as materialized (select ",
    now!(),
    " as ms),
    runs as (
      select job.id, run.failure, clock.ms,
        run.is_final or job.failures + 1 >= job.max_attempts as is_over,
        case when job.is_exponential
          then least(job.backoff_ms * power(2, least(job.failures, 50)), job.max_backoff_ms)::bigint
          else job.backoff_ms end as delay
      from unnest($2::uuid[], $3::integer[], $4::text[], $5::boolean[]) as run (id, start, failure, is_final)
      join next_puff.jobs as job on job.id = run.id, clock
      where job.starts = run.start and job.state::text = 'r' and job.worker is not distinct from $1::uuid
      for update of job),
    failed as (
      update next_puff.jobs as job set failures = job.failures + 1, failure = runs.failure,
        state = case when is_over then 'f'::\"char\" when delay > 0 then 'd'::\"char\" else 'w'::\"char\" end,
        run_at = case when is_over or delay = 0 then job.run_at else runs.ms + delay end,
        ended_at = case when is_over then runs.ms end,
        expires_at = case when is_over then runs.ms + job.keep_result_ms end
      from runs where job.id = runs.id
      returning job.id, job.state),
    ended as (select id from failed where state = 'f')",
    tell_ended!(),
    " select count(*) from told"
);

/// `$1` worker, `$2` ids, `$3` starts, `$4` delays. Others are told of jobs that they could take at once.
pub(super) const RETURN: &str = concat!(
    "with clock as materialized (select ",
    now!(),
    " as ms),
    returned as (
      update next_puff.jobs as job
      set state = case when run.delay > 0 then 'd'::\"char\" else 'w'::\"char\" end,
        run_at = case when run.delay > 0 then clock.ms + run.delay else job.run_at end
      from unnest($2::uuid[], $3::integer[], $4::bigint[]) as run (id, start, delay), clock
      where job.id = run.id and job.starts = run.start and job.state::text = 'r' and job.worker is not distinct from $1::uuid
      returning job.state)
    select pg_notify('next_puff_tasks', 'added') from returned where state = 'w' limit 1"
);

/// `$1` worker, `$2` ids, `$3` what they report as progress or '', `$4` lines to add to their logs, as JSON.
pub(super) const REPORT: &str = "update next_puff.jobs as job
  set progress = coalesce(nullif(run.progress, ''), job.progress),
    logs = case when run.logs = '' then job.logs else (
      select json_agg(line order by place) from (
        select line, row_number() over () as place from (
          select line from json_array_elements(coalesce(job.logs, '[]')) as line
          union all select line from json_array_elements(run.logs::json) as line) as lines
        order by place desc limit 100) as last) end
  from unnest($2::uuid[], $3::text[], $4::text[]) as run (id, progress, logs)
  where job.id = run.id and job.state::text = 'r' and job.worker is not distinct from $1::uuid";

/// `$1` worker, `$2` the ids that it knows of: others that it has claimed without learning it go back.
pub(super) const FREE_UNKNOWN: &str = "with freed as (
    update next_puff.jobs set state = 'w'
    where state = 'r' and worker = $1::uuid and id <> all ($2::uuid[]) returning id)
  select pg_notify('next_puff_tasks', 'added') from freed limit 1";

/// Parameters of [`FAIL`].
pub(super) fn fail_params(worker: &Uuid, failed: &[Ended]) -> Params {
    let mut params = run_params(worker, failed);
    let texts = failed.iter().map(|run| match &run.outcome {
        Outcome::Failed { failure, .. } => &**failure,
        _ => "null",
    });
    push_texts(&mut params, texts);
    let finals = failed
        .iter()
        .map(|run| matches!(run.outcome, Outcome::Failed { is_final: true, .. }));
    push_flags(&mut params, finals);
    params
}

/// Parameters of [`RETURN`].
pub(super) fn return_params(worker: &Uuid, returned: &[Ended]) -> Params {
    let mut params = run_params(worker, returned);
    let delays = returned.iter().map(|run| match run.outcome {
        Outcome::Returned { delay_ms } => whole(delay_ms),
        _ => 0,
    });
    push_longs(&mut params, delays);
    params
}

fn run_params(worker: &Uuid, runs: &[Ended]) -> Params {
    let mut params = Params::new();
    push_id(&mut params, worker);
    push_ids(&mut params, runs.iter().map(|run| &run.id));
    push_integers(&mut params, runs.iter().map(|run| run.start));
    params
}
