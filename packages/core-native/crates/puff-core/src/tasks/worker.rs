//! A worker: claims jobs, hands them to a runner, and stores how they ended.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::claiming::{Ended, Rate, Wish};
use super::error::Error;
use super::job::{ClaimedJob, Outcome, Report};
use super::store::Shared;
use super::turn::Turn;
use crate::postgres::{Pool, Session};
use crate::runtime;

/// Jobs are looked for after this time, whatever was heard.
const SLOW_LOOK: Duration = Duration::from_secs(5);

/// After it got its lease a worker looks at these intervals: who added before that told nobody of it.
const FIRST_LOOKS: [u64; 6] = [20, 50, 100, 200, 500, 1_000];

/// A run that takes so much longer than its timeout is given up from here: its event loop is blocked.
const GRACE: Duration = Duration::from_secs(10);

/// What is claimed beyond the free slots is what should begin within this time.
const AHEAD: Duration = Duration::from_millis(8);

/// But no more than this.
const MAX_AHEAD: usize = 256;

/// Whatever was claimed ahead and has not begun by then goes back: the event loop is blocked.
const STALE: Duration = Duration::from_millis(500);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a worker that closes tries to give back what it has.
const LAST_TRY: Duration = Duration::from_secs(3);

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

/// Works on jobs until it is closed.
pub struct Worker {
    pub(super) id: Uuid,
    pub(super) store: Arc<Shared>,
    pub(super) pool: Pool,
    pub(super) options: WorkerOptions,
    runner: Arc<dyn Runner>,
    state: Mutex<State>,
    /// Something happened that the loop should see.
    changed: Notify,
    lease_check: Notify,
    is_leased: watch::Sender<bool>,
    /// The lease says that PostgreSQL has runs that we do not know.
    pub(super) has_unknown: AtomicBool,
    has_ended: AtomicBool,
    /// More has ended than should wait for the statement that is on its way.
    pub(super) crowded: Notify,
    finished: watch::Sender<bool>,
}

#[derive(Default)]
pub(super) struct State {
    runs: HashMap<Uuid, Run>,
    /// Claimed ahead, not begun.
    ahead: VecDeque<ClaimedJob>,
    ahead_since: Option<Instant>,
    pub(super) ended: Vec<Ended>,
    /// What the second connection is about to store.
    pub(super) storing: Vec<Uuid>,
    pub(super) reports: Vec<(Uuid, Report)>,
    /// The first connection has a statement on its way, and none with reports: those go before outcomes.
    pub(super) is_divisible: bool,
    /// Which of the first looks is next.
    looks: usize,
    /// There may be jobs.
    pub(super) is_wanted: bool,
    is_closing: bool,
    is_lease_troubled: bool,
    are_claims_troubled: bool,
    /// How long a run takes on average.
    run_time: Duration,
    /// Which queue gets what is left when the slots are divided.
    turn: usize,
}

impl State {
    fn has_trouble(&self) -> bool {
        self.is_lease_troubled || self.are_claims_troubled
    }
}

struct Run {
    task: String,
    start: i32,
    began: Instant,
    timeout: Option<Duration>,
    /// It does not count any more, but occupies its slot.
    is_given_up: bool,
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
            let Some(run) = state.runs.get(&id).filter(|run| run.start == start) else {
                continue;
            };
            let took = run.began.elapsed();
            let counts = !run.is_given_up;
            if self.options.limits.contains_key(&run.task) {
                state.is_wanted = true;
            }
            state.runs.remove(&id);
            // A moving average over some sixteen runs.
            state.run_time = (state.run_time * 15 + took) / 16;
            if counts {
                let outcome = storable(outcome);
                state.ended.push(Ended { id, start, outcome });
            }
        }
        let next = self.begin(&mut state);
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
            self.give_back_ahead(&mut state);
        }
        self.changed.notify_one();
        let mut finished = self.finished.subscribe();
        if timeout(wait, finished.wait_for(|done| *done)).await.is_ok() {
            return;
        }
        let left: Vec<Uuid> = {
            let mut state = self.lock();
            let runs: Vec<_> = state
                .runs
                .drain()
                .filter(|(_, run)| !run.is_given_up)
                .collect();
            let ended = runs.iter().map(|(id, run)| Ended {
                id: *id,
                start: run.start,
                outcome: Outcome::Returned { delay_ms: 0.0 },
            });
            state.ended.extend(ended);
            runs.into_iter().map(|(id, _)| id).collect()
        };
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
        let mut state = self.lock();
        let is_overdue = |run: &Run| {
            let bound = run.timeout.map(|timeout| timeout + GRACE);
            !run.is_given_up && bound.is_some_and(|bound| run.began.elapsed() > bound)
        };
        let overdue: Vec<_> = state
            .runs
            .iter()
            .filter(|(_, run)| is_overdue(run))
            .map(|(id, run)| (*id, run.start))
            .collect();
        let failure = serde_json::json!({
            "name": "TimeoutError",
            "code": "PUFF_TASK_TIMEOUT",
            "message": "The run took longer than its timeout, and its event loop was blocked.",
        });
        for (id, start) in &overdue {
            let outcome = Outcome::Failed {
                failure: failure.to_string(),
                is_final: false,
            };
            state.ended.push(Ended {
                id: *id,
                start: *start,
                outcome,
            });
        }
        if state
            .ahead_since
            .is_some_and(|since| since.elapsed() > STALE)
        {
            self.give_back_ahead(&mut state);
        }
        for (id, _) in &overdue {
            if let Some(run) = state.runs.get_mut(id) {
                run.is_given_up = true;
            }
        }
        drop(state);
        if !overdue.is_empty() {
            let ids = overdue.into_iter().map(|(id, _)| id).collect();
            self.runner.abort(ids, Abort::TimedOut);
        }
        self.changed.notify_one();
    }

    fn give_back_ahead(&self, state: &mut State) {
        let back = std::mem::take(&mut state.ahead)
            .into_iter()
            .map(|job| Ended {
                id: job.id,
                start: job.start,
                outcome: Outcome::Returned { delay_ms: 0.0 },
            });
        state.ended.extend(back);
        state.ahead_since = None;
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

    /// Takes out of what was claimed ahead what finds a slot now.
    fn begin(&self, state: &mut State) -> Vec<ClaimedJob> {
        let free = self.options.concurrency.saturating_sub(state.runs.len());
        let count = free.min(state.ahead.len());
        let next: Vec<ClaimedJob> = state.ahead.drain(..count).collect();
        if !next.is_empty() {
            state.ahead_since = (!state.ahead.is_empty()).then(Instant::now);
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
            state.runs.insert(job.id, run);
        }
        next
    }

    /// Claims and stores until it is closed and all has ended.
    pub(super) async fn run(self: Arc<Self>) {
        let mut leased = self.is_leased.subscribe();
        let mut session: Option<Session> = None;
        let mut pause = FIRST_PAUSE;
        let beside = runtime::spawn(self.clone().complete_beside());
        while !self.has_ended() {
            // Only who has a lease may claim; a worker that is closed before has nothing.
            if !*leased.borrow() {
                if self.lock().is_closing {
                    break;
                }
                // Woken or not, the next round looks.
                let _ = timeout(FIRST_PAUSE, leased.wait_for(|is_leased| *is_leased)).await;
                continue;
            }
            let turn = self.next_turn();
            if turn.is_empty() && !self.has_unknown.load(Ordering::SeqCst) {
                if self.is_done() {
                    break;
                }
                let rest = self.rest();
                if timeout(rest, self.changed.notified()).await.is_err() {
                    let mut state = self.lock();
                    state.is_wanted = true;
                    state.looks += 1;
                }
                continue;
            }
            let result = self.take_turn(&mut session, &turn).await;
            match result {
                Ok(jobs) => {
                    pause = FIRST_PAUSE;
                    self.tell(Use::Claims, None);
                    self.store
                        .waiters
                        .ended(turn.ended.iter().map(|run| run.id));
                    self.took(&turn, jobs);
                }
                Err(error) => {
                    session = None;
                    self.tell(Use::Claims, Some(&error));
                    self.put_back(turn);
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self.has_ended.store(true, Ordering::SeqCst);
        self.lease_check.notify_one();
        self.crowded.notify_one();
        drop(session);
        // Where it has failed there is nothing to wait for.
        let _ = beside.await;
        self.pool.close().await;
    }

    fn is_done(&self) -> bool {
        let state = self.lock();
        state.is_closing
            && state.runs.is_empty()
            && state.ended.is_empty()
            && state.storing.is_empty()
    }

    /// How long to wait when nothing happens.
    fn rest(&self) -> Duration {
        let rates = self
            .options
            .limits
            .values()
            .filter_map(|limits| limits.rate);
        let shortest = rates.map(|(_, per)| per / 4).min();
        let rest = shortest.map_or(SLOW_LOOK, |rest| {
            rest.clamp(Duration::from_millis(20), SLOW_LOOK)
        });
        let first = FIRST_LOOKS.get(self.lock().looks);
        first.map_or(rest, |ms| rest.min(Duration::from_millis(*ms)))
    }

    /// Collects what has ended and what could be claimed.
    fn next_turn(&self) -> Turn {
        let mut state = self.lock();
        // What ends while the second connection stores is collected for the next statement.
        let ended = match state.storing.is_empty() {
            true => std::mem::take(&mut state.ended),
            false => Vec::new(),
        };
        let reports = std::mem::take(&mut state.reports);
        let wish = self.wish(&mut state);
        let turn = Turn {
            ended,
            reports,
            wish,
        };
        state.is_divisible = !turn.is_empty() && turn.reports.is_empty();
        turn
    }

    fn wish(&self, state: &mut State) -> Option<Wish> {
        if state.is_closing || !state.is_wanted {
            return None;
        }
        let concurrency = self.options.concurrency;
        let most = concurrency + ahead(concurrency, state.run_time);
        let room = most.saturating_sub(state.runs.len() + state.ahead.len());
        // Many jobs at once, rather than one after the other as they end.
        if room == 0 || (room < most / 2 && !state.ahead.is_empty()) {
            return None;
        }
        state.is_wanted = false;
        let queues = &self.options.queues;
        let mut shares = Vec::with_capacity(queues.len());
        state.turn = (state.turn + 1) % queues.len().max(1);
        for place in 0..queues.len() {
            let share = room / queues.len() + usize::from(place < room % queues.len());
            if share > 0 {
                let queue = &queues[(state.turn + place) % queues.len()];
                shares.push((queue.clone(), share as i32));
            }
        }
        let mut wish = Wish {
            shares,
            ..Wish::default()
        };
        for (task, limits) in &self.options.limits {
            if let Some(concurrency) = limits.concurrency {
                let runs = state.runs.values().filter(|run| run.task == *task).count();
                let ahead = state.ahead.iter().filter(|job| job.task == *task).count();
                let cap = concurrency.saturating_sub(runs + ahead);
                wish.caps.push((task.clone(), cap as i32));
            }
            if let Some((max, per)) = limits.rate {
                wish.rates.push(Rate {
                    task: task.clone(),
                    max,
                    per_ms: per.as_secs_f64() * 1_000.0,
                });
            }
        }
        Some(wish)
    }

    /// Hands over what was claimed.
    fn took(&self, turn: &Turn, jobs: Vec<ClaimedJob>) {
        self.store.claims.fetch_add(jobs.len(), Ordering::Relaxed);
        let mut state = self.lock();
        state.is_divisible = false;
        if let Some(wish) = &turn.wish {
            let mut counts: HashMap<&str, i32> = HashMap::new();
            for job in &jobs {
                *counts.entry(&job.queue).or_default() += 1;
            }
            let is_full = |(queue, share): &(String, i32)| counts.get(&**queue) == Some(share);
            state.is_wanted |= wish.shares.iter().any(is_full);
        }
        if !jobs.is_empty() && state.ahead.is_empty() {
            state.ahead_since = Some(Instant::now());
        }
        state.ahead.extend(jobs);
        if state.is_closing {
            self.give_back_ahead(&mut state);
        }
        let next = self.begin(&mut state);
        drop(state);
        if !next.is_empty() {
            self.runner.run(next);
        }
    }

    /// Nothing of a turn is known to have happened.
    fn put_back(&self, turn: Turn) {
        let mut state = self.lock();
        state.is_divisible = false;
        state.put_back(turn.ended);
        let newer = std::mem::replace(&mut state.reports, turn.reports);
        state.reports.extend(newer);
        state.is_wanted = true;
    }
}

/// How many jobs are claimed beyond the free slots: those that will begin within moments, so that no other
/// worker could have begun them much earlier.
fn ahead(concurrency: usize, run_time: Duration) -> usize {
    if run_time >= AHEAD {
        return 0;
    }
    let turns = AHEAD.as_secs_f64() / run_time.as_secs_f64().max(1e-5);
    ((concurrency as f64 * turns) as usize).min(MAX_AHEAD)
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
