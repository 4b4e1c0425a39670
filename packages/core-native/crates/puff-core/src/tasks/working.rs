//! The loop of a worker: turn after turn it stores what has ended and claims what comes next.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::claiming::{Rate, Wish};
use super::job::ClaimedJob;
use super::runner::Use;
use super::runs::State;
use super::turn::Turn;
use super::worker::Worker;
use crate::postgres::Session;
use crate::runtime;

/// Jobs are looked for after this time, whatever was heard.
const SLOW_LOOK: Duration = Duration::from_secs(5);

/// After it got its lease a worker looks at these intervals: who added before that told nobody of it.
const FIRST_LOOKS: [u64; 6] = [20, 50, 100, 200, 500, 1_000];

/// What is claimed beyond the free slots is what should begin within this time.
pub(super) const AHEAD: Duration = Duration::from_millis(8);

/// But no more than this.
const MAX_AHEAD: usize = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Worker {
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
            state.give_back_ahead();
        }
        let next = state.begin(self.options.concurrency);
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
