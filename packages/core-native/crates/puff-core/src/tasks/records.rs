//! What is known of jobs, as the JSON of `JobRecord` in `packages/next-puff/src/tasks/store.ts`.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::params::{push_id, push_long, push_texts};
use crate::postgres::Params;

/// A value of a row that was selected as text.
pub(super) fn column(row: &[Option<Vec<u8>>], index: usize) -> Option<&str> {
    std::str::from_utf8(row.get(index)?.as_deref()?).ok()
}

/// A value of a row, read from its text.
pub(super) fn parsed<T: FromStr>(row: &[Option<Vec<u8>>], index: usize) -> Option<T> {
    column(row, index)?.parse().ok()
}

/// PostgreSQL's clock in milliseconds since 1970.
macro_rules! now {
    () => {
        "(extract(epoch from clock_timestamp()) * 1000)::bigint"
    };
}
pub(super) use now;

/// The columns of a record, of a table named `job`; [`record`] reads them.
///
/// A delayed job whose time has come waits, also before its state says so.
macro_rules! columns {
    () => {
        concat!(
            "job.id::text, case when job.state = 'd' and job.run_at <= ",
            now!(),
            " then 'w' else job.state::text end, job.task, job.queue, job.payload, job.priority::text,
            job.run_at::text, job.created_at::text, job.started_at::text, job.ended_at::text,
            job.expires_at::text, job.timeout_ms::text, job.keep_result_ms::text, job.max_attempts::text,
            job.starts::text, job.failures::text, job.is_exponential::text, job.backoff_ms::text,
            job.max_backoff_ms::text, job.idempotency_key, job.parent_id::text, job.result, job.failure,
            job.progress, job.logs::text, job.worker::text"
        )
    };
}
pub(super) use columns;

/// The record of one job that has not expired.
pub(super) const GET: &str = concat!(
    "select ",
    columns!(),
    " from next_puff.jobs as job where job.id = $1::uuid and (job.expires_at is null or job.expires_at > ",
    now!(),
    ")"
);

/// Jobs per queue and state.
pub(super) const COUNTS: &str = concat!(
    "select queue, case when state = 'd' and run_at <= ",
    now!(),
    " then 'w' else state::text end as state, count(*)::text from next_puff.jobs
    where expires_at is null or expires_at > ",
    now!(),
    " group by 1, 2 order by 1"
);

/// Which jobs to list, newest first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// Names of states; all without.
    #[serde(default)]
    pub states: Option<Vec<String>>,
    /// Of one task.
    #[serde(default)]
    pub task: Option<String>,
    /// In one queue.
    #[serde(default)]
    pub queue: Option<String>,
    /// Added by one job.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// 50, at most 1,000.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<Uuid>,
}

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;

impl Filter {
    /// Jobs of one page.
    pub(super) fn page(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// The statement, which selects one job more than the page has.
    pub(super) fn statement(&self) -> (String, Params) {
        let now = now!();
        let columns = columns!();
        let mut sql = format!(
            "select {columns} from next_puff.jobs as job where (job.expires_at is null or job.expires_at > {now})"
        );
        let mut params = Params::new();
        let mut count = 0;
        let mut place = || {
            count += 1;
            count
        };
        if let Some(states) = &self.states {
            let letters: Vec<&str> = states.iter().filter_map(|name| letter_of(name)).collect();
            // A literal, so that partial indexes fit.
            match letters[..] {
                ["f"] => sql.push_str(" and job.state = 'f'"),
                _ => {
                    sql.push_str(&format!(
                        " and case when job.state = 'd' and job.run_at <= {now} then 'w' else job.state::text end
                          = any (${}::text[])",
                        place()
                    ));
                    push_texts(&mut params, letters.into_iter());
                }
            }
        }
        for (name, value) in [("task", &self.task), ("queue", &self.queue)] {
            if let Some(value) = value {
                sql.push_str(&format!(" and job.{name} = ${}", place()));
                params.push_text(value);
            }
        }
        for (comparison, value) in [
            ("job.parent_id =", &self.parent_id),
            ("job.id <", &self.after),
        ] {
            if let Some(value) = value {
                sql.push_str(&format!(" and {comparison} ${}::uuid", place()));
                push_id(&mut params, value);
            }
        }
        sql.push_str(&format!(
            " order by job.id desc limit ${}::text::bigint",
            place()
        ));
        push_long(&mut params, self.page() as i64 + 1);
        (sql, params)
    }
}

/// The name of a state in JavaScript.
pub(super) fn state_of(letter: &str) -> &'static str {
    match letter {
        "d" => "delayed",
        "w" => "waiting",
        "r" => "running",
        "c" => "completed",
        "f" => "failed",
        _ => "cancelled",
    }
}

fn letter_of(state: &str) -> Option<&'static str> {
    Some(match state {
        "delayed" => "d",
        "waiting" => "w",
        "running" => "r",
        "completed" => "c",
        "failed" => "f",
        "cancelled" => "x",
        _ => return None,
    })
}

/// Reads a row of [`columns`].
pub(super) fn record(row: &[Option<Vec<u8>>]) -> Value {
    let text = |index| column(row, index).map(Value::from);
    let number = |index| parsed::<i64>(row, index).map(Value::from);
    let json = |index| column(row, index).and_then(|text| serde_json::from_str(text).ok());
    let state = state_of(column(row, 1).unwrap_or_default());
    let is_exponential = column(row, 16) == Some("true");
    let backoff = json!({
        "type": if is_exponential { "exponential" } else { "fixed" },
        "delayMs": number(17), "maxDelayMs": number(18),
    });
    let fields = [
        ("id", text(0)),
        ("state", Some(state.into())),
        ("task", text(2)),
        ("queue", text(3)),
        ("payload", text(4)),
        ("priority", parsed::<f64>(row, 5).map(Value::from)),
        ("runAt", number(6)),
        ("createdAt", number(7)),
        ("startedAt", number(8)),
        ("endedAt", number(9)),
        ("expiresAt", number(10)),
        ("timeoutMs", number(11)),
        ("keepResultMs", number(12)),
        ("maxAttempts", number(13)),
        ("starts", number(14)),
        ("failures", number(15)),
        ("backoff", Some(backoff)),
        ("idempotencyKey", text(19)),
        ("parentId", text(20)),
        ("result", text(21)),
        ("failure", json(22)),
        ("progress", text(23)),
        ("logs", Some(json(24).unwrap_or_else(|| json!([])))),
        ("worker", text(25)),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(known.collect::<Map<_, _>>())
}
