//! What an operation may use, what of it runs, and its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use puff_core::postgres::Call;
use puff_graphql::host::Failure;

use super::failure::{timed_out, too_many_rows};
use super::pending_ask::PendingAsk;

/// Counts what an operation uses and stops it where that is too much.
#[derive(Default)]
pub(super) struct Bounds {
    /// 0 for none.
    max_rows: u64,
    timeout: Option<Duration>,
    rows: AtomicU64,
    statements: AtomicU64,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    /// Of all statements so far; cancelling one that has ended does nothing.
    calls: Vec<Arc<Call>>,
    asks: Vec<Weak<PendingAsk>>,
    /// Why nothing may run any more.
    end: Option<Failure>,
}

impl Bounds {
    pub(super) fn new(max_rows: u64, timeout: Option<Duration>) -> Bounds {
        Bounds {
            max_rows,
            timeout,
            ..Bounds::default()
        }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Counts a statement of the engine.
    pub(super) fn count_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// The handle for one statement; dropping what holds it cancels the statement.
    pub(super) fn start_call(&self) -> Result<CallGuard, Failure> {
        let mut running = self.running();
        if let Some(end) = &running.end {
            return Err(end.clone());
        }
        let call = Arc::new(Call::default());
        running.calls.push(call.clone());
        Ok(CallGuard(Some(call)))
    }

    /// Lets the end of the operation be the end of a question.
    pub(super) fn start_ask(&self, ask: &Arc<PendingAsk>) {
        let mut running = self.running();
        match &running.end {
            Some(end) => ask.fail(end.clone()),
            None => {
                // A subscription asks for each of its events.
                if running.asks.len() == running.asks.capacity() {
                    running.asks.retain(|ask| ask.strong_count() > 0);
                }
                running.asks.push(Arc::downgrade(ask));
            }
        }
    }

    /// Counts rows that have arrived.
    pub(super) fn add_rows(&self, count: u64) -> Result<(), Failure> {
        let before = self.rows.fetch_add(count, Ordering::Relaxed);
        match self.max_rows > 0 && before + count > self.max_rows {
            true => Err(too_many_rows(self.max_rows)),
            false => Ok(()),
        }
    }

    /// Stops everything that runs: the time is up.
    pub(super) fn expire(&self) {
        self.stop(timed_out(self.timeout.unwrap_or_default()));
    }

    /// Stops everything that runs and whatever would begin.
    pub(super) fn stop(&self, reason: Failure) {
        let (calls, asks) = {
            let mut running = self.running();
            running.end.get_or_insert_with(|| reason.clone());
            (
                std::mem::take(&mut running.calls),
                std::mem::take(&mut running.asks),
            )
        };
        for call in calls {
            call.cancel();
        }
        for ask in asks {
            if let Some(ask) = ask.upgrade() {
                ask.fail(reason.clone());
            }
        }
    }

    /// Why nothing may run any more.
    pub(super) fn end(&self) -> Option<Failure> {
        self.running().end.clone()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Cancels a statement when it is dropped before the statement's end.
pub(super) struct CallGuard(Option<Arc<Call>>);

impl CallGuard {
    pub(super) fn call(&self) -> Option<Arc<Call>> {
        self.0.clone()
    }

    /// The statement has ended.
    pub(super) fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if let Some(call) = &self.0 {
            call.cancel();
        }
    }
}
