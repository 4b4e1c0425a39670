//! Stores and workers on the test server, named by `PUFF_TEST_DATABASE_URL`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use puff_core::postgres::{Params, Pool, PoolConfig, PoolOptions};
use puff_core::tasks::{
    Abort, ClaimedJob, Error, JobId, NewJob, Outcome, Runner, Store, Worker, WorkerOptions,
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// How long a test waits before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn pool_of(url: String) -> Pool {
    pool_named(url, "tasks test")
}

/// A pool whose connections can be told from others.
pub(crate) fn pool_named(url: String, name: &str) -> Pool {
    let options = PoolOptions {
        url,
        application_name: Some(name.into()),
        ..PoolOptions::default()
    };
    Pool::new(PoolConfig::new(options).unwrap()).unwrap()
}

pub(crate) fn url() -> String {
    std::env::var("PUFF_TEST_DATABASE_URL")
        .expect("PUFF_TEST_DATABASE_URL names the test server; `npm test` starts one and sets it")
}

pub(crate) fn pool() -> Pool {
    pool_of(url())
}

pub(crate) fn store() -> Store {
    Store::new(&pool()).unwrap()
}

/// A job of a queue that no other test has, changed as JSON.
pub(crate) fn job(queue: &str, change: Value) -> NewJob {
    let mut job = json!({
        "task": "task", "queue": queue, "payload": "{}", "priority": 0, "runAt": 0, "timeoutMs": 0,
        "keepResultMs": 600_000, "maxAttempts": 3,
        "backoff": { "type": "fixed", "delayMs": 20, "maxDelayMs": 1000 },
    });
    let fields = job.as_object_mut().unwrap();
    fields.extend(change.as_object().unwrap().clone());
    serde_json::from_value(job).unwrap()
}

/// Adds one job and returns its id.
pub(crate) async fn add(store: &Store, queue: &str, change: Value) -> JobId {
    store.add(vec![job(queue, change)]).await.unwrap()[0].id
}

/// What a worker was told to do.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) begun: Vec<ClaimedJob>,
    pub(crate) aborted: Vec<(JobId, Abort)>,
}

/// Settles each job as a function says, or not at all.
pub(crate) struct Script {
    pub(crate) log: Mutex<Log>,
    worker: Mutex<Option<Arc<Worker>>>,
    answer: Box<Settle>,
}

/// How a job ends, if it is settled.
type Settle = dyn Fn(&ClaimedJob) -> Option<Outcome> + Send + Sync;

impl Script {
    fn run_all(self: &Arc<Self>, jobs: Vec<ClaimedJob>) {
        let outcomes: Vec<_> = jobs
            .iter()
            .filter_map(|job| Some((job.id, job.start, (self.answer)(job)?)))
            .collect();
        self.log.lock().unwrap().begun.extend(jobs);
        if outcomes.is_empty() {
            return;
        }
        let script = self.clone();
        tokio::spawn(async move {
            let worker = loop {
                if let Some(worker) = script.worker.lock().unwrap().clone() {
                    break worker;
                }
                tokio::task::yield_now().await;
            };
            let next = worker.settle(outcomes);
            if !next.is_empty() {
                script.run_all(next);
            }
        });
    }

    pub(crate) fn begun(&self) -> Vec<ClaimedJob> {
        self.log.lock().unwrap().begun.clone()
    }

    pub(crate) fn aborted(&self) -> Vec<(JobId, Abort)> {
        self.log.lock().unwrap().aborted.clone()
    }
}

struct Handle(Arc<Script>, tokio::runtime::Handle);

impl Runner for Handle {
    fn run(&self, jobs: Vec<ClaimedJob>) {
        let _context = self.1.enter();
        self.0.run_all(jobs);
    }

    fn abort(&self, jobs: Vec<JobId>, reason: Abort) {
        let aborted = jobs.into_iter().map(|id| (id, reason));
        self.0.log.lock().unwrap().aborted.extend(aborted);
    }

    fn trouble(&self, error: Option<&Error>) {
        if let Some(error) = error {
            eprintln!("a worker has trouble: {error}");
        }
    }
}

pub(crate) fn options(queue: &str) -> WorkerOptions {
    WorkerOptions {
        queues: vec![queue.into()],
        concurrency: 8,
        lease: Duration::from_secs(3),
        limits: HashMap::new(),
    }
}

pub(crate) fn work(
    store: &Store,
    options: WorkerOptions,
    answer: impl Fn(&ClaimedJob) -> Option<Outcome> + Send + Sync + 'static,
) -> (Arc<Worker>, Arc<Script>) {
    let script = Arc::new(Script {
        log: Mutex::default(),
        worker: Mutex::default(),
        answer: Box::new(answer),
    });
    let handle = Handle(script.clone(), tokio::runtime::Handle::current());
    let worker = store.work(options, Arc::new(handle)).unwrap();
    *script.worker.lock().unwrap() = Some(worker.clone());
    (worker, script)
}

pub(crate) fn completed() -> Option<Outcome> {
    Some(Outcome::Completed("true".into()))
}

pub(crate) async fn ended(store: &Store, id: JobId) -> Value {
    timeout(PATIENCE, store.ended(id))
        .await
        .expect("the job should have ended")
        .unwrap()
        .expect("the job should be there")
}

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("{what} should have happened"));
}

pub(crate) async fn execute(sql: &str) {
    pool().query(sql, Params::new()).await.unwrap();
}
