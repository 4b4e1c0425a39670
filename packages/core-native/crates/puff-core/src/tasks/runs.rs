//! The jobs that a worker has: claimed, running, and ended but not yet stored.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::claiming::Ended;
use super::job::{ClaimedJob, Outcome, Report};
use super::runner::Limits;

/// A run that takes so much longer than its timeout is given up from here: its event loop is blocked.
const GRACE: Duration = Duration::from_secs(10);

/// Whatever was claimed ahead and has not begun by then goes back: the event loop is blocked.
const STALE: Duration = Duration::from_millis(500);

/// The jobs of a worker, from the claim until their ends are stored, and what it knows of itself.
#[derive(Default)]
pub(super) struct State {
    pub(super) runs: HashMap<Uuid, Run>,
    /// Claimed ahead, not begun.
    pub(super) ahead: VecDeque<ClaimedJob>,
    pub(super) ahead_since: Option<Instant>,
    pub(super) ended: Vec<Ended>,
    /// What the second connection is about to store.
    pub(super) storing: Vec<Uuid>,
    pub(super) reports: Vec<(Uuid, Report)>,
    /// The first connection has a statement on its way, and none with reports: those go before outcomes.
    pub(super) is_divisible: bool,
    /// Which of the first looks is next.
    pub(super) looks: usize,
    /// There may be jobs.
    pub(super) is_wanted: bool,
    pub(super) is_closing: bool,
    pub(super) is_lease_troubled: bool,
    pub(super) are_claims_troubled: bool,
    /// How long a run takes on average.
    pub(super) run_time: Duration,
    /// Which queue gets what is left when the slots are divided.
    pub(super) turn: usize,
}

impl State {
    pub(super) fn has_trouble(&self) -> bool {
        self.is_lease_troubled || self.are_claims_troubled
    }
}

/// A run that goes on.
pub(super) struct Run {
    pub(super) task: String,
    pub(super) start: i32,
    pub(super) began: Instant,
    timeout: Option<Duration>,
    /// It does not count any more, but occupies its slot.
    pub(super) is_given_up: bool,
}

impl State {
    /// The runs that count: those that go on, and what was claimed ahead.
    pub(super) fn counting(&self) -> impl Iterator<Item = (Uuid, i32)> {
        let runs = self.runs.iter().filter(|(_, run)| !run.is_given_up);
        let ahead = self.ahead.iter().map(|job| (job.id, job.start));
        runs.map(|(id, run)| (*id, run.start)).chain(ahead)
    }

    /// Ends of runs are stored another time, before those that came later.
    pub(super) fn put_back(&mut self, ended: Vec<Ended>) {
        let newer = std::mem::replace(&mut self.ended, ended);
        self.ended.extend(newer);
    }

    /// Takes out of what was claimed ahead what finds a slot now.
    pub(super) fn begin(&mut self, concurrency: usize) -> Vec<ClaimedJob> {
        let free = concurrency.saturating_sub(self.runs.len());
        let count = free.min(self.ahead.len());
        let next: Vec<ClaimedJob> = self.ahead.drain(..count).collect();
        if !next.is_empty() {
            self.ahead_since = (!self.ahead.is_empty()).then(Instant::now);
        }
        for job in &next {
            let timeout = u64::try_from(job.timeout_ms).ok().filter(|ms| *ms > 0);
            let run = Run {
                task: job.task.clone(),
                start: job.start,
                began: Instant::now(),
                timeout: timeout.map(Duration::from_millis),
                is_given_up: false,
            };
            self.runs.insert(job.id, run);
        }
        next
    }

    /// Takes the end of a run; what was given up or is unknown counts no more.
    pub(super) fn settle(
        &mut self,
        id: Uuid,
        start: i32,
        outcome: Outcome,
        limits: &HashMap<String, Limits>,
    ) {
        if self.runs.get(&id).is_none_or(|run| run.start != start) {
            return;
        }
        let Some(run) = self.runs.remove(&id) else {
            return;
        };
        if limits.contains_key(&run.task) {
            self.is_wanted = true;
        }
        // A moving average over some sixteen runs.
        self.run_time = (self.run_time * 15 + run.began.elapsed()) / 16;
        if !run.is_given_up {
            let outcome = storable(outcome);
            self.ended.push(Ended { id, start, outcome });
        }
    }

    /// Gives up runs that JavaScript should have ended long ago, and what was claimed ahead of them; answers those runs.
    pub(super) fn give_up_overdue(&mut self) -> Vec<Uuid> {
        let mut overdue = Vec::new();
        for (id, run) in &mut self.runs {
            let bound = run.timeout.map(|timeout| timeout + GRACE);
            if run.is_given_up || bound.is_none_or(|bound| run.began.elapsed() <= bound) {
                continue;
            }
            run.is_given_up = true;
            overdue.push(*id);
            self.ended.push(Ended {
                id: *id,
                start: run.start,
                outcome: Outcome::Failed {
                    failure: timeout_failure(),
                    is_final: false,
                },
            });
        }
        if self
            .ahead_since
            .is_some_and(|since| since.elapsed() > STALE)
        {
            self.give_back_ahead();
        }
        overdue
    }

    /// Gives back the runs that go on.
    pub(super) fn give_back_runs(&mut self) -> Vec<Uuid> {
        let runs: Vec<_> = self
            .runs
            .drain()
            .filter(|(_, run)| !run.is_given_up)
            .collect();
        let ended = runs.iter().map(|(id, run)| Ended {
            id: *id,
            start: run.start,
            outcome: Outcome::Returned { delay_ms: 0.0 },
        });
        self.ended.extend(ended);
        runs.into_iter().map(|(id, _)| id).collect()
    }

    /// Gives back what was claimed ahead.
    pub(super) fn give_back_ahead(&mut self) {
        let back = std::mem::take(&mut self.ahead)
            .into_iter()
            .map(|job| Ended {
                id: job.id,
                start: job.start,
                outcome: Outcome::Returned { delay_ms: 0.0 },
            });
        self.ended.extend(back);
        self.ahead_since = None;
    }
}

fn timeout_failure() -> String {
    let failure = serde_json::json!({
        "name": "TimeoutError",
        "code": "PUFF_TASK_TIMEOUT",
        "message": "The run took longer than its timeout, and its event loop was blocked.",
    });
    failure.to_string()
}

/// PostgreSQL's `text` has no NUL; JSON that has one is no JSON.
fn storable(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Completed(text) if text.contains('\0') => {
            Outcome::Completed(text.replace('\0', ""))
        }
        Outcome::Failed { failure, is_final } if failure.contains('\0') => Outcome::Failed {
            failure: failure.replace('\0', ""),
            is_final,
        },
        other => other,
    }
}
