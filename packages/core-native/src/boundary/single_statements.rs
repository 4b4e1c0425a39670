//! Whether an isolate runs one statement at a time.

use std::sync::atomic::{AtomicU32, Ordering};

/// As many statements, each begun when no other was running, make a habit.
const HABIT: u32 = 8;

/// Counts the statements of an isolate.
#[derive(Default)]
pub(super) struct SingleStatements {
    running: AtomicU32,
    /// How many have begun alone since one did not.
    alone: AtomicU32,
}

impl SingleStatements {
    /// Notes that a statement begins; true if it is alone, as those before it were.
    pub(super) fn begin(&self) -> bool {
        // Only the isolate's thread begins statements, others end them.
        if self.running.fetch_add(1, Ordering::Relaxed) > 0 {
            self.alone.store(0, Ordering::Relaxed);
            return false;
        }
        let alone = self.alone.load(Ordering::Relaxed).saturating_add(1);
        self.alone.store(alone, Ordering::Relaxed);
        alone > HABIT
    }

    /// Notes that a statement has ended.
    pub(super) fn end(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_statements_become_a_habit_that_two_at_a_time_end() {
        let statements = SingleStatements::default();
        let run_alone = || {
            let is_single = statements.begin();
            statements.end();
            is_single
        };
        assert!((0..HABIT).all(|_| !run_alone()));
        assert!(run_alone());
        assert!(statements.begin());
        assert!(!statements.begin());
        statements.end();
        statements.end();
        assert!((0..HABIT).all(|_| !run_alone()));
        assert!(run_alone());
    }
}
