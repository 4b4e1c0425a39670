//! The task queue on PostgreSQL for JavaScript.
//!
//! Jobs, filters and records cross as JSON, as `packages/next-puff/src/tasks/store.ts` describes them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use napi::{Error as NapiError, Result};
use napi_derive::napi;
use puff_core::tasks::{
    Abort, ClaimedJob, Error, Filter, Limits, NewJob, Outcome, Report, Runner, Store, WorkerOptions,
};
use puff_server::script::{Attachment, Isolate as _, Message, Topic};
use serde_json::{Value, json};

use crate::boundary::{Answer, Boundary, Isolate, failure_to_json};
use crate::postgres::pool;

/// The stores of the process, by the ids of the pools that they were made from, and how many users each has.
static STORES: LazyLock<Mutex<HashMap<u32, (Store, usize)>>> = LazyLock::new(Mutex::default);

fn stores() -> MutexGuard<'static, HashMap<u32, (Store, usize)>> {
    STORES.lock().unwrap_or_else(|poison| poison.into_inner())
}

fn store(id: u32) -> Result<Store> {
    stores()
        .get(&id)
        .map(|(store, _)| store.clone())
        .ok_or_else(|| NapiError::from_reason("PUFF_POSTGRES_CLOSED: the task store is closed"))
}

/// Finds or makes the store on the database of a pool, and returns its id; connects to nothing. Each caller has to
/// close it.
#[napi(catch_unwind)]
pub fn tasks_store(pool_id: u32) -> Result<u32> {
    let pool = pool(pool_id)?;
    let mut stores = stores();
    if let Some((_, users)) = stores.get_mut(&pool_id) {
        *users += 1;
        return Ok(pool_id);
    }
    let store = Store::new(&pool)
        .map_err(|error| NapiError::from_reason(format!("PUFF_POSTGRES_CONFIG: {error}")))?;
    stores.insert(pool_id, (store, 1));
    Ok(pool_id)
}

fn failure_json(error: &Error) -> String {
    match error {
        Error::Postgres(error) => failure_to_json(error),
        other => {
            json!({ "code": other.code(), "message": other.to_string(), "hint": other.hint() })
                .to_string()
        }
    }
}

fn answer_of(result: std::result::Result<Value, Error>) -> Answer {
    match result {
        Ok(value) => Answer::Text(value.to_string()),
        Err(Error::Postgres(error)) => Answer::Failure(Box::new(error)),
        Err(error) => Answer::Fault(failure_json(&error)),
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> std::result::Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Invalid(error.to_string()))
}

/// Hands jobs to an isolate.
struct IsolateRunner {
    isolate: Arc<Isolate>,
    /// The worker, as the isolate counts.
    number: u32,
}

impl IsolateRunner {
    fn send(&self, topic: Topic, number: i32, attachments: Vec<Attachment>) {
        self.isolate.send(Message {
            topic,
            id: self.number,
            numbers: [number, 0],
            attachments,
        });
    }
}

impl Runner for IsolateRunner {
    fn run(&self, jobs: Vec<ClaimedJob>) {
        self.send(
            Topic::TASK_JOBS,
            0,
            vec![Attachment::Text(jobs_json(&jobs))],
        );
    }

    fn abort(&self, jobs: Vec<puff_core::tasks::JobId>, reason: Abort) {
        let reason = match reason {
            Abort::Cancelled => 0,
            Abort::LeaseLost => 1,
            Abort::TimedOut => 2,
            Abort::Closing => 3,
        };
        let ids = Attachment::Text(json!(jobs).to_string());
        self.send(Topic::TASK_ABORT, reason, vec![ids]);
    }

    fn trouble(&self, error: Option<&Error>) {
        let failure = error.map(|error| Attachment::Text(failure_json(error)));
        self.send(Topic::TASK_TROUBLE, 0, failure.into_iter().collect());
    }
}

/// Plain data always is JSON.
fn jobs_json(jobs: &[ClaimedJob]) -> String {
    serde_json::to_string(jobs).unwrap_or_default()
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorkOptions {
    queues: Vec<String>,
    concurrency: usize,
    lease_ms: f64,
    limits: HashMap<String, TaskLimits>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TaskLimits {
    #[serde(default)]
    concurrency: Option<usize>,
    #[serde(default)]
    rate_limit: Option<RateLimit>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RateLimit {
    max: f64,
    per_ms: f64,
}

impl From<WorkOptions> for WorkerOptions {
    fn from(options: WorkOptions) -> WorkerOptions {
        let limits = options.limits.into_iter().map(|(task, limits)| {
            let limits = Limits {
                concurrency: limits.concurrency,
                rate: limits
                    .rate_limit
                    .map(|rate| (rate.max, duration(rate.per_ms))),
            };
            (task, limits)
        });
        WorkerOptions {
            queues: options.queues,
            concurrency: options.concurrency.max(1),
            lease: duration(options.lease_ms).max(Duration::from_millis(100)),
            limits: limits.collect(),
        }
    }
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(Duration::ZERO)
}

#[napi]
impl Boundary {
    /// Adds jobs, on a session if `session` is not 0; answers `[{ id, isDuplicate }, ...]`.
    #[napi(catch_unwind)]
    pub fn tasks_add(&self, call: u32, store_id: u32, session: u32, jobs: String) -> Result<()> {
        let store = store(store_id)?;
        let session = match session {
            0 => None,
            id => match self.isolate.session(id) {
                Some(session) => Some(session),
                None => {
                    return Err(NapiError::from_reason(
                        "PUFF_POSTGRES_CLOSED: the transaction is closed",
                    ));
                }
            },
        };
        self.answer(call, async move {
            let jobs: Vec<NewJob> = read(&jobs)?;
            let added = match session {
                Some(session) => store.add_in(&session, jobs).await?,
                None => store.add(jobs).await?,
            };
            Ok(json!(added))
        });
        Ok(())
    }

    /// Answers with a job's record, or null.
    #[napi(catch_unwind)]
    pub fn tasks_get(&self, call: u32, store_id: u32, id: String) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            match id.parse() {
                Ok(id) => Ok(store.get(id).await?.unwrap_or_default()),
                Err(_) => Ok(Value::Null),
            }
        });
        Ok(())
    }

    /// Answers with a page of jobs, `{ jobs, next }`.
    #[napi(catch_unwind)]
    pub fn tasks_list(&self, call: u32, store_id: u32, filter: String) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            let filter: Filter = read(&filter)?;
            store.list(&filter).await
        });
        Ok(())
    }

    /// Answers with the numbers of jobs per queue and state.
    #[napi(catch_unwind)]
    pub fn tasks_counts(&self, call: u32, store_id: u32) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move { store.counts().await });
        Ok(())
    }

    /// Answers with a job's record once it has ended, or null if there is no such job.
    #[napi(catch_unwind)]
    pub fn tasks_ended(&self, call: u32, store_id: u32, id: String) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            match id.parse() {
                Ok(id) => Ok(store.ended(id).await?.unwrap_or_default()),
                Err(_) => Ok(Value::Null),
            }
        });
        Ok(())
    }

    /// Cancels a job; answers whether there was one to cancel.
    #[napi(catch_unwind)]
    pub fn tasks_cancel(&self, call: u32, store_id: u32, id: String) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            match id.parse() {
                Ok(id) => Ok(store.cancel(id).await?.into()),
                Err(_) => Ok(false.into()),
            }
        });
        Ok(())
    }

    /// Runs a failed or cancelled job again; answers whether there was one.
    #[napi(catch_unwind)]
    pub fn tasks_retry(&self, call: u32, store_id: u32, id: String) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            match id.parse() {
                Ok(id) => Ok(store.retry(id).await?.into()),
                Err(_) => Ok(false.into()),
            }
        });
        Ok(())
    }

    /// Makes the tables, unless they are there; answers with null.
    #[napi(catch_unwind)]
    pub fn tasks_prepare(&self, call: u32, store_id: u32) -> Result<()> {
        let store = store(store_id)?;
        self.answer(call, async move {
            store.prepare().await?;
            Ok(Value::Null)
        });
        Ok(())
    }

    /// Closes a store once nobody of the process uses it any more; answers with null.
    #[napi(catch_unwind)]
    pub fn tasks_close(&self, call: u32, store_id: u32) -> Result<()> {
        let store = {
            let mut stores = stores();
            let users = stores.get_mut(&store_id).map(|(_, users)| {
                *users -= 1;
                *users
            });
            match users {
                Some(0) => stores.remove(&store_id).map(|(store, _)| store),
                _ => None,
            }
        };
        self.answer(call, async move {
            if let Some(store) = store {
                store.close().await;
            }
            Ok(Value::Null)
        });
        Ok(())
    }

    /// Begins to work on jobs, which come as messages with the worker's number; returns the worker's id.
    #[napi(catch_unwind)]
    pub fn tasks_work(&self, store_id: u32, number: u32, options: String) -> Result<String> {
        let options: WorkOptions = serde_json::from_str(&options)
            .map_err(|error| NapiError::from_reason(format!("PUFF_TASKS_INVALID: {error}")))?;
        let isolate = self.isolate.clone();
        let runner = Arc::new(IsolateRunner { isolate, number });
        let worker = store(store_id)?
            .work(options.into(), runner)
            .map_err(|error| NapiError::from_reason(format!("PUFF_POSTGRES_CONFIG: {error}")))?;
        let id = worker.id().to_string();
        self.isolate.task_workers.add(number, worker);
        Ok(id)
    }

    /// Takes the ends of runs, `[[id, start, kind, text, number], ...]`, and returns the jobs to run next, if
    /// there are any. Kinds: 0 completed with a result, 1 failed with a failure and 1 if that is final, 2
    /// returned for a number of milliseconds.
    #[napi(catch_unwind)]
    pub fn tasks_settle(&self, number: u32, outcomes: String) -> Result<Option<String>> {
        let Some(worker) = self.isolate.task_workers.get(number) else {
            return Ok(None);
        };
        let outcomes: Vec<(_, i32, u8, String, f64)> = serde_json::from_str(&outcomes)
            .map_err(|error| NapiError::from_reason(format!("PUFF_TASKS_INVALID: {error}")))?;
        let outcomes = outcomes.into_iter().map(|(id, start, kind, text, number)| {
            let outcome = match kind {
                0 => Outcome::Completed(text),
                1 => Outcome::Failed {
                    failure: text,
                    is_final: number != 0.0,
                },
                _ => Outcome::Returned { delay_ms: number },
            };
            (id, start, outcome)
        });
        let next = worker.settle(outcomes.collect());
        Ok((!next.is_empty()).then(|| jobs_json(&next)))
    }

    /// Stores what a running job tells of itself: `{ progress, logs }`.
    #[napi(catch_unwind)]
    pub fn tasks_report(&self, number: u32, id: String, report: String) -> Result<()> {
        let report: Report = serde_json::from_str(&report)
            .map_err(|error| NapiError::from_reason(format!("PUFF_TASKS_INVALID: {error}")))?;
        if let (Some(worker), Ok(id)) = (self.isolate.task_workers.get(number), id.parse()) {
            worker.report(id, report);
        }
        Ok(())
    }

    /// Ends a worker when its runs have ended, or gives them back after the time; answers with null.
    #[napi(catch_unwind)]
    pub fn tasks_close_worker(&self, call: u32, number: u32, timeout_ms: f64) -> Result<()> {
        let isolate = self.isolate.clone();
        self.answer(call, async move {
            if let Some(worker) = isolate.task_workers.get(number) {
                worker.close(duration(timeout_ms)).await;
                isolate.task_workers.remove(number);
            }
            Ok(Value::Null)
        });
        Ok(())
    }

    fn answer(
        &self,
        call: u32,
        answer: impl Future<Output = std::result::Result<Value, Error>> + Send + 'static,
    ) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            isolate.complete(call, answer_of(answer.await));
        });
    }
}
