//! The second connection of a worker: while the first one claims, it stores what has ended meanwhile.
//!
//! PostgreSQL then completes and claims at the same time, in two of its processes. Where little ends, the first
//! connection does both in one statement, and this one is never opened.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::claiming::{Ended, statement};
use super::job::Outcome;
use super::runs::State;
use super::worker::Worker;
use crate::postgres::Session;

/// So many ends do not wait for the statement that is on its way.
const CROWD: usize = 48;

/// After a failure the first connection stores alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

impl State {
    /// Whether the second connection has something to do.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_divisible
            && self.storing.is_empty()
            && self.reports.is_empty()
            && self.ended.len() >= CROWD
    }
}

impl Worker {
    /// Stores what has ended while the first connection is busy, until the worker has ended.
    pub(super) async fn complete_beside(self: Arc<Self>) {
        let mut session: Option<Session> = None;
        while !self.has_ended() {
            if !self.lock().is_crowded() {
                self.crowded.notified().await;
                continue;
            }
            let Some(open) = &session else {
                match self.open_session().await {
                    Ok(opened) => session = Some(opened),
                    Err(_) => sleep(PAUSE).await,
                }
                continue;
            };
            let completed = self.take_completed();
            if completed.is_empty() {
                // Those that failed or go back are the first connection's business.
                self.crowded.notified().await;
                continue;
            }
            let (sql, params) = statement(&self.id(), &completed, None);
            let result = open.query(&sql, params).await;
            let is_stored = result.is_ok();
            {
                let mut state = self.lock();
                state.storing.clear();
                if !is_stored {
                    state.put_back(completed.clone());
                }
            }
            self.look();
            match is_stored {
                true => self.store.waiters.ended(completed.iter().map(|run| run.id)),
                // The first connection tries it again, and tells of the trouble if it has it too.
                false => {
                    session = None;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn take_completed(&self) -> Vec<Ended> {
        let mut state = self.lock();
        if !state.is_crowded() {
            return Vec::new();
        }
        let (completed, others) = std::mem::take(&mut state.ended)
            .into_iter()
            .partition(|run| matches!(run.outcome, Outcome::Completed(_)));
        state.ended = others;
        let completed: Vec<Ended> = completed;
        state.storing = completed.iter().map(|run| run.id).collect();
        completed
    }
}
