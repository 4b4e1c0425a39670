//! What the workers of the process have done, whichever engine their jobs come from, among the numbers of a
//! server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use napi::{Error, Result};
use napi_derive::napi;
use puff_server::http::{MetricsSource, MetricsText};

use crate::boundary::Boundary;

/// Upper bounds of the durations that are counted together, in seconds; and their names.
const BUCKETS: [(f64, &str); 9] = [
    (0.005, "0.005"),
    (0.025, "0.025"),
    (0.1, "0.1"),
    (0.5, "0.5"),
    (1.0, "1"),
    (5.0, "5"),
    (30.0, "30"),
    (120.0, "120"),
    (600.0, "600"),
];

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
    running: 0,
    tasks: BTreeMap::new(),
    queues: Vec::new(),
    counted_at: None,
    is_read: false,
});

fn numbers() -> MutexGuard<'static, Numbers> {
    NUMBERS.lock().unwrap_or_else(|poison| poison.into_inner())
}

struct Numbers {
    running: u64,
    tasks: BTreeMap<String, TaskNumbers>,
    /// As a worker has last counted them.
    queues: Vec<QueueNumbers>,
    counted_at: Option<SystemTime>,
    /// Whether somebody has read them since.
    is_read: bool,
}

#[derive(Default)]
struct TaskNumbers {
    by_outcome: BTreeMap<String, u64>,
    /// Runs of each bucket alone; the last one has those that took longer.
    durations: [u64; BUCKETS.len() + 1],
    seconds: f64,
}

#[derive(serde::Deserialize)]
struct QueueNumbers {
    queue: String,
    counts: BTreeMap<String, u64>,
}

/// The runs of an isolate at the moment. They count no more when it ends.
#[derive(Default)]
pub(crate) struct TaskRuns(AtomicU64);

impl TaskRuns {
    fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        numbers().running += 1;
    }

    fn end(&self) {
        let ended = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |runs| {
                runs.checked_sub(1)
            });
        if ended.is_ok() {
            numbers().running -= 1;
        }
    }

    pub(crate) fn clear(&self) {
        let mut numbers = numbers();
        numbers.running -= self.0.swap(0, Ordering::Relaxed);
    }
}

/// Runs and queues of tasks.
pub(crate) struct TaskMetrics;

impl MetricsSource for TaskMetrics {
    fn write(&self, text: &mut MetricsText) {
        let mut numbers = numbers();
        numbers.is_read = true;
        text.gauge("puff_tasks_running", "Runs of tasks at the moment.")
            .sample(&[], numbers.running);
        let mut jobs = text.gauge(
            "puff_tasks_jobs",
            "Jobs that the store keeps, by queue and state.",
        );
        for QueueNumbers { queue, counts } in &numbers.queues {
            for (state, count) in counts {
                jobs.sample(&[("queue", queue), ("state", state)], count);
            }
        }
        let counted = numbers.counted_at.map(|at| at.duration_since(UNIX_EPOCH));
        if let Some(Ok(since)) = counted {
            text.gauge(
                "puff_tasks_jobs_counted_seconds",
                "When the jobs were counted, in seconds since 1970.",
            )
            .sample(&[], since.as_secs());
        }
        let mut runs = text.counter("puff_tasks_runs_total", "Runs of tasks that ended.");
        for (task, of_task) in &numbers.tasks {
            for (outcome, count) in &of_task.by_outcome {
                runs.sample(&[("task", task), ("outcome", outcome)], count);
            }
        }
        let mut durations = text.histogram("puff_tasks_run_seconds", "How long runs took.");
        for (task, of_task) in &numbers.tasks {
            let bounds = BUCKETS.iter().map(|(_, name)| *name);
            durations.histogram(
                &[("task", task)],
                bounds,
                &of_task.durations,
                of_task.seconds,
            );
        }
    }
}

#[napi]
impl Boundary {
    /// Counts the begin of a run in this isolate.
    #[napi(catch_unwind)]
    pub fn tasks_begin_run(&self) {
        self.isolate.task_runs.begin();
    }

    /// Counts the end of a run in this isolate, after so many seconds.
    #[napi(catch_unwind)]
    pub fn tasks_end_run(&self, task: String, outcome: String, seconds: f64) {
        self.isolate.task_runs.end();
        let mut numbers = numbers();
        let of_task = numbers.tasks.entry(task).or_default();
        *of_task.by_outcome.entry(outcome).or_default() += 1;
        let bucket = BUCKETS.iter().position(|(bound, _)| seconds <= *bound);
        of_task.durations[bucket.unwrap_or(BUCKETS.len())] += 1;
        of_task.seconds += seconds;
    }

    /// Takes how many jobs of which queue are in which state: `[{ queue, counts }, ...]`.
    #[napi(catch_unwind)]
    pub fn tasks_set_queues(&self, queues: String) -> Result<()> {
        let queues = serde_json::from_str(&queues)
            .map_err(|error| Error::from_reason(format!("PUFF_TASKS_INVALID: {error}")))?;
        let mut numbers = numbers();
        numbers.queues = queues;
        numbers.counted_at = Some(SystemTime::now());
        Ok(())
    }

    /// Whether somebody has read the numbers since this was asked last.
    #[napi(catch_unwind)]
    pub fn tasks_were_read(&self) -> bool {
        std::mem::take(&mut numbers().is_read)
    }

    /// All numbers of tasks in the text format of Prometheus.
    #[napi(catch_unwind)]
    pub fn tasks_metrics(&self) -> String {
        let mut text = MetricsText::default();
        TaskMetrics.write(&mut text);
        text.into()
    }
}
