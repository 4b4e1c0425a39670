//! The workers that run tasks in an isolate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use puff_core::runtime;
use puff_core::tasks::Worker;

use super::isolate::lock;

/// Workers by the numbers that the isolate gave them.
#[derive(Default)]
pub(crate) struct TaskWorkers(Mutex<HashMap<u32, Arc<Worker>>>);

impl TaskWorkers {
    /// Keeps a worker.
    pub(crate) fn add(&self, number: u32, worker: Arc<Worker>) {
        lock(&self.0).insert(number, worker);
    }

    /// The worker with a number.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Worker>> {
        lock(&self.0).get(&number).cloned()
    }

    /// Forgets a worker, which was closed.
    pub(crate) fn remove(&self, number: u32) {
        lock(&self.0).remove(&number);
    }

    /// Gives back all that they run: the isolate has ended.
    pub(super) fn clear(&self) {
        let workers = std::mem::take(&mut *lock(&self.0));
        for worker in workers.into_values() {
            runtime::spawn(async move { worker.close(Duration::ZERO).await });
        }
    }
}
