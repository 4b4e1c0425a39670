//! What a worker is given: what it works on, and who runs its jobs.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::error::Error;
use super::job::ClaimedJob;

/// What a worker works on.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Names of queues; none has precedence.
    pub queues: Vec<String>,
    /// Runs at the same time, at least 1.
    pub concurrency: usize,
    /// How long others wait after it has died before they take its jobs.
    pub lease: Duration,
    /// Bounds of single tasks.
    pub limits: HashMap<String, Limits>,
}

/// Bounds of one task.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Runs at the same time in this worker.
    pub concurrency: Option<usize>,
    /// Runs that begin in a time, over all workers.
    pub rate: Option<(f64, Duration)>,
}

/// Why a run does not count any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// The job was cancelled.
    Cancelled,
    /// Another worker may have the job.
    LeaseLost,
    /// It took far longer than it may.
    TimedOut,
    /// The worker closes.
    Closing,
}

/// What a worker uses the store for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    Lease,
    Claims,
}

/// Runs jobs; must not wait.
pub trait Runner: Send + Sync {
    /// Begins to run jobs; each ends with [`Worker::settle`].
    fn run(&self, jobs: Vec<ClaimedJob>);
    /// Ends runs early; they are settled nevertheless, and that counts no more.
    fn abort(&self, jobs: Vec<Uuid>, reason: Abort);
    /// The store cannot be used, or can be again.
    fn trouble(&self, error: Option<&Error>);
}
