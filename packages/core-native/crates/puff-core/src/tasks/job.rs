//! Jobs on their way in and out; times and durations in milliseconds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;

/// A job to store, as `packages/next-puff/src/tasks/store.ts` describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewJob {
    /// Name of the task.
    pub task: String,
    /// Name of the queue.
    pub queue: String,
    /// JSON.
    pub payload: String,
    /// Smaller ones first.
    pub priority: f64,
    /// Not before this time, by PostgreSQL's clock.
    pub run_at: f64,
    /// Not before so long after it is stored, by PostgreSQL's clock; takes the place of `run_at`.
    #[serde(default)]
    pub delay_ms: Option<f64>,
    /// How long a run may take, 0 without bound.
    pub timeout_ms: f64,
    /// How long the record stays after the end.
    pub keep_result_ms: f64,
    /// Runs that may fail, at least 1.
    pub max_attempts: i32,
    /// How long it waits between attempts.
    pub backoff: Backoff,
    /// While a job of the task with the same key is kept, no other is added.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// The job that added it.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// `traceparent` of whoever added it.
    #[serde(default)]
    pub trace: Option<String>,
}

/// How long a failed job waits for its next attempt.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backoff {
    /// Whether it doubles.
    #[serde(rename = "type")]
    pub kind: BackoffKind,
    /// After the first failure.
    pub delay_ms: f64,
    /// At most.
    pub max_delay_ms: f64,
}

/// How the wait grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackoffKind {
    /// Not at all.
    Fixed,
    /// Twice as long each time.
    Exponential,
}

impl NewJob {
    /// Its time as statements are given it: a delay is negative, and 0 is now.
    pub(super) fn due(&self) -> i64 {
        match self.delay_ms {
            Some(delay) => -whole(delay),
            None => whole(self.run_at),
        }
    }

    /// Whether its time may be ahead: of a time that was given only PostgreSQL knows.
    pub(super) fn may_be_delayed(&self) -> bool {
        self.due() != 0
    }

    /// Checks what PostgreSQL's `text` cannot hold.
    pub(super) fn check(&self) -> Result<(), Error> {
        let fields = [
            ("task", Some(&self.task)),
            ("queue", Some(&self.queue)),
            ("payload", Some(&self.payload)),
            ("idempotencyKey", self.idempotency_key.as_ref()),
            ("trace", self.trace.as_ref()),
        ];
        for (name, value) in fields {
            if value.is_some_and(|value| value.contains('\0')) {
                return Err(Error::Invalid(format!(
                    "{name} of a job has a NUL character, which PostgreSQL cannot store"
                )));
            }
        }
        if self.max_attempts < 1 {
            return Err(Error::Invalid("a job has at least one attempt".into()));
        }
        match self.priority.is_nan() {
            true => Err(Error::Invalid("priority of a job is not a number".into())),
            false => Ok(()),
        }
    }
}

/// The largest time or duration that is kept: the end of what JavaScript's `Date` can hold.
const LONGEST: f64 = 8.64e15;

/// A duration or time as it is stored.
pub(super) fn whole(milliseconds: f64) -> i64 {
    milliseconds.clamp(0.0, LONGEST) as i64
}

/// A job that was added, or was there already under its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedJob {
    /// Its id.
    pub id: Uuid,
    /// Whether it was there.
    pub is_duplicate: bool,
}

/// A job that a worker has to run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedJob {
    /// Its id.
    pub id: Uuid,
    /// Name of the task.
    pub task: String,
    /// Name of the queue.
    pub queue: String,
    /// JSON.
    pub payload: String,
    /// Which run this is, from 1 on.
    pub start: i32,
    /// Runs that failed before.
    pub failures: i32,
    /// Runs that may fail.
    pub max_attempts: i32,
    /// How long the run may take, 0 without bound.
    pub timeout_ms: i64,
    /// When its time had come.
    pub run_at: i64,
    /// The job that added it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// `traceparent` of whoever added it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It returned this JSON.
    Completed(String),
    /// It threw.
    Failed {
        /// What it threw, as JSON.
        failure: String,
        /// Whether it must not be tried again.
        is_final: bool,
    },
    /// It is given back without counting, to be run after this delay.
    Returned {
        /// In milliseconds.
        delay_ms: f64,
    },
}

/// What a running job tells of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// JSON; nothing for no news.
    #[serde(default)]
    pub progress: Option<String>,
    /// Lines of its log.
    #[serde(default)]
    pub logs: Vec<String>,
}
