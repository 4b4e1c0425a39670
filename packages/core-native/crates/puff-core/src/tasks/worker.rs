//! A worker: claims jobs, hands them to a runner, and stores how they ended.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::error::Error;
use super::job::{ClaimedJob, Outcome, Report};
use super::runner::{Abort, Runner, Use, WorkerOptions};
use super::runs::State;
use super::store::Shared;
use super::working::AHEAD;
use crate::postgres::Pool;

/// How long a worker that closes tries to give back what it has.
const LAST_TRY: Duration = Duration::from_secs(3);

/// Works on jobs until it is closed.
pub struct Worker {
    pub(super) id: Uuid,
    pub(super) store: Arc<Shared>,
    pub(super) pool: Pool,
    pub(super) options: WorkerOptions,
    pub(super) runner: Arc<dyn Runner>,
    state: Mutex<State>,
    /// Something happened that the loop should see.
    pub(super) changed: Notify,
    pub(super) lease_check: Notify,
    pub(super) is_leased: watch::Sender<bool>,
    /// The lease says that PostgreSQL has runs that we do not know.
    pub(super) has_unknown: AtomicBool,
    pub(super) has_ended: AtomicBool,
    /// More has ended than should wait for the statement that is on its way.
    pub(super) crowded: Notify,
    finished: watch::Sender<bool>,
}

impl Worker {
    pub(super) fn new(
        store: Arc<Shared>,
        pool: Pool,
        options: WorkerOptions,
        runner: Arc<dyn Runner>,
    ) -> Arc<Worker> {
        Arc::new(Worker {
            id: Uuid::now_v7(),
            store,
            pool,
            options,
            runner,
            state: Mutex::new(State {
                is_wanted: true,
                run_time: AHEAD,
                ..State::default()
            }),
            changed: Notify::new(),
            lease_check: Notify::new(),
            is_leased: watch::Sender::new(false),
            has_unknown: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            crowded: Notify::new(),
            finished: watch::Sender::new(false),
        })
    }

    /// Unique among all workers.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Runs that have begun and not ended.
    pub fn running(&self) -> usize {
        self.lock().runs.len()
    }

    /// Takes the ends of runs and answers with jobs to run next.
    pub fn settle(&self, outcomes: Vec<(Uuid, i32, Outcome)>) -> Vec<ClaimedJob> {
        let mut state = self.lock();
        for (id, start, outcome) in outcomes {
            state.settle(id, start, outcome, &self.options.limits);
        }
        let next = state.begin(self.options.concurrency);
        let is_crowded = state.is_crowded();
        drop(state);
        match is_crowded {
            true => self.crowded.notify_one(),
            false => self.changed.notify_one(),
        }
        next
    }

    /// Takes what a running job tells of itself.
    pub fn report(&self, id: Uuid, report: Report) {
        self.lock().reports.push((id, report));
        self.changed.notify_one();
    }

    /// Claims nothing more; resolves when all runs have ended, or after the time, when they were given back.
    pub async fn close(&self, wait: Duration) {
        {
            let mut state = self.lock();
            state.is_closing = true;
            state.give_back_ahead();
        }
        self.changed.notify_one();
        let mut finished = self.finished.subscribe();
        if timeout(wait, finished.wait_for(|done| *done)).await.is_ok() {
            return;
        }
        let left = self.lock().give_back_runs();
        if !left.is_empty() {
            self.runner.abort(left, Abort::Closing);
        }
        self.changed.notify_one();
        // Without a store it cannot give them back; their lease runs out.
        let _ = timeout(LAST_TRY, finished.wait_for(|done| *done)).await;
        self.has_ended.store(true, Ordering::SeqCst);
        self.changed.notify_one();
        self.crowded.notify_one();
        self.lease_check.notify_one();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    pub(super) fn lease(&self) -> Duration {
        self.options.lease
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    pub(super) fn finished(&self) {
        self.finished.send_replace(true);
    }

    /// It has a lease, and may claim; without one until now it was told of nothing.
    pub(super) fn leased(&self, is_new: bool) {
        if is_new {
            self.lock().looks = 0;
            self.wake();
        }
        self.is_leased.send_replace(true);
    }

    pub(super) async fn lease_checks(&self) {
        self.lease_check.notified().await;
    }

    pub(super) fn check_lease(&self) {
        self.lease_check.notify_one();
    }

    /// Something in a queue may be there for it.
    pub(super) fn wake_for(&self, queue: &str) {
        if self.options.queues.iter().any(|own| own == queue) {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        self.lock().is_wanted = true;
        self.look();
    }

    /// The loop should see what has happened.
    pub(super) fn look(&self) {
        self.changed.notify_one();
    }

    /// PostgreSQL has runs that it does not know.
    pub(super) fn check_unknown(&self) {
        self.has_unknown.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// The runs that count: those that go on, and what was claimed ahead.
    pub(super) fn runs(&self) -> HashSet<(Uuid, i32)> {
        self.lock().counting().collect()
    }

    /// Aborts runs: their outcomes count no more.
    pub(super) fn give_up(&self, jobs: &[Uuid], reason: Abort) {
        let mut state = self.lock();
        state.ahead.retain(|job| !jobs.contains(&job.id));
        state
            .ended
            .retain(|ended| reason == Abort::LeaseLost || !jobs.contains(&ended.id));
        let mut aborted = Vec::new();
        for id in jobs {
            if let Some(run) = state.runs.get_mut(id)
                && !run.is_given_up
            {
                run.is_given_up = true;
                aborted.push(*id);
            }
        }
        drop(state);
        if !aborted.is_empty() {
            self.runner.abort(aborted, reason);
        }
        self.changed.notify_one();
    }

    /// Gives up runs that JavaScript should have ended long ago.
    pub(super) fn give_up_overdue(&self) {
        let overdue = self.lock().give_up_overdue();
        if !overdue.is_empty() {
            self.runner.abort(overdue, Abort::TimedOut);
        }
        self.changed.notify_one();
    }

    /// Tells whether the store can be used for something, and reports trouble once until all of it is over.
    ///
    /// Renewing the lease and claiming have connections of their own, and a worker whose slots are all taken does not
    /// claim: what one of them has run into is not over because the other one works.
    pub(super) fn tell(&self, of: Use, error: Option<&Error>) {
        let (was_troubled, is_troubled) = {
            let mut state = self.lock();
            let was_troubled = state.has_trouble();
            match of {
                Use::Lease => state.is_lease_troubled = error.is_some(),
                Use::Claims => state.are_claims_troubled = error.is_some(),
            }
            (was_troubled, state.has_trouble())
        };
        if was_troubled != is_troubled {
            self.runner.trouble(error);
        }
    }
}
