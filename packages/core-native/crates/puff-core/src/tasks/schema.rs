//! The tables, made at the first use.

use tokio::sync::OnceCell;

use super::error::Error;
use super::records::{column, parsed};
use crate::postgres::{self, Params, Pool};

/// What [`SCHEMA_SQL`] makes.
const VERSION: u32 = 1;

/// Held while the tables are looked for and made, so that processes that start together do not trip over each
/// other: `next_puff` in ASCII, shortened to a `bigint`.
const LOCK: i64 = 0x6e65_7874_7075_6666;

/// All statements that make the tables of version 1.
///
/// `state` is `d`elayed, `w`aiting, `r`unning, `c`ompleted, `f`ailed or `x` for cancelled. Payloads and results
/// are texts, because `jsonb` cannot hold the NUL character. Each partial index has the jobs of one moment of
/// their lives only; pages keep room so that a job's next version lands beside the last one.
pub const SCHEMA_SQL: &str = r#"do $$ begin
  if to_regnamespace('next_puff') is null then create schema next_puff; end if;
end $$;
create table if not exists next_puff.jobs (
  id uuid primary key,
  state "char" not null,
  is_exponential boolean not null,
  max_attempts integer not null,
  starts integer not null default 0,
  failures integer not null default 0,
  priority double precision not null,
  run_at bigint not null,
  created_at bigint not null,
  started_at bigint,
  ended_at bigint,
  expires_at bigint,
  timeout_ms bigint not null,
  keep_result_ms bigint not null,
  backoff_ms bigint not null,
  max_backoff_ms bigint not null,
  worker uuid,
  parent_id uuid,
  task text not null,
  queue text not null,
  payload text not null,
  idempotency_key text,
  trace text,
  result text,
  failure text,
  progress text,
  logs json
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1);
create index if not exists jobs_waiting_idx on next_puff.jobs (queue, priority, run_at, id) where state = 'w';
create index if not exists jobs_delayed_idx on next_puff.jobs (run_at) where state = 'd';
create index if not exists jobs_running_idx on next_puff.jobs (worker) where state = 'r';
create index if not exists jobs_failed_idx on next_puff.jobs (id) where state = 'f';
create index if not exists jobs_expires_idx on next_puff.jobs (expires_at) where expires_at is not null;
create index if not exists jobs_parent_idx on next_puff.jobs (parent_id) where parent_id is not null;
create unique index if not exists jobs_idempotency_idx on next_puff.jobs (task, idempotency_key)
  where idempotency_key is not null;
create table if not exists next_puff.task_workers (
  id uuid primary key,
  lease_until bigint not null
) with (fillfactor = 50);
create table if not exists next_puff.task_waiters (
  node uuid primary key,
  until bigint not null
) with (fillfactor = 50);
create table if not exists next_puff.task_rates (
  task text primary key,
  tokens double precision not null,
  refilled_at bigint not null
) with (fillfactor = 50);
create table if not exists next_puff.task_schedules (
  id text primary key,
  cron text not null,
  time_zone text not null,
  job text not null,
  next_at bigint not null,
  last_at bigint
);
create table if not exists next_puff.task_settings (name text primary key, value bigint not null);
insert into next_puff.task_settings (name, value) values ('schema_version', 1) on conflict do nothing;"#;

/// Whether the tables of a database are known to be there.
#[derive(Default)]
pub(super) struct Schema(OnceCell<()>);

impl Schema {
    /// Makes the tables unless they are there; asks PostgreSQL once.
    pub(super) async fn ready(&self, pool: &Pool) -> Result<(), Error> {
        self.0.get_or_try_init(|| prepare(pool)).await.map(drop)
    }
}

async fn prepare(pool: &Pool) -> Result<(), Error> {
    if is_current(pool).await? {
        return Ok(());
    }
    // One implicit transaction: all is made, or nothing.
    let script = format!("select pg_advisory_xact_lock({LOCK}); {SCHEMA_SQL}");
    match pool.script(&script).await {
        Ok(()) => Ok(()),
        // Another role may have made them meanwhile.
        Err(postgres::Error::Server(error)) => match is_current(pool).await? {
            true => Ok(()),
            false => Err(Error::Schema {
                reason: error.message,
            }),
        },
        Err(error) => Err(error.into()),
    }
}

async fn is_current(pool: &Pool) -> Result<bool, Error> {
    let exists = "select (to_regclass('next_puff.task_settings') is not null
       and has_schema_privilege('next_puff', 'usage'))::text";
    let rows = match pool.query(exists, Params::new()).await {
        Ok(rows) => rows,
        // The schema itself is not there.
        Err(postgres::Error::Server(error)) if error.sqlstate == "3F000" => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if rows.first().and_then(|row| column(row, 0)) != Some("true") {
        return Ok(false);
    }
    let version = "select value::text from next_puff.task_settings where name = 'schema_version'";
    let rows = pool.query(version, Params::new()).await?;
    let found = rows.first().and_then(|row| parsed::<u32>(row, 0));
    match found {
        None => Ok(false),
        Some(found) if found > VERSION => Err(Error::SchemaTooNew {
            found,
            known: VERSION,
        }),
        Some(_) => Ok(true),
    }
}
