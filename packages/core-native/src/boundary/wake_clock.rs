//! When an isolate was woken, and how long its event loop took to turn.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Knows whether a wake-up is on its way.
#[derive(Default)]
pub(super) struct WakeClock {
    /// Microseconds since `BEGUN`; 0 when no wake-up is on its way.
    woken_at: AtomicU64,
    /// Microseconds.
    last_delay: AtomicU64,
}

impl WakeClock {
    /// Notes a wake-up; false if one is on its way already and will find whatever is queued until
    /// then.
    pub(super) fn begin(&self) -> bool {
        // Sequentially consistent, as `end`: what was queued before is found, or another wake-up
        // follows.
        self.woken_at.load(Ordering::SeqCst) == 0
            && self
                .woken_at
                .compare_exchange(0, now(), Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }

    /// The event loop has turned.
    pub(super) fn end(&self) {
        let woken_at = self.woken_at.swap(0, Ordering::SeqCst);
        if woken_at > 0 {
            let delay = now().saturating_sub(woken_at);
            self.last_delay.store(delay, Ordering::Relaxed);
        }
    }

    /// How long the last wake-up took.
    pub(super) fn last_delay(&self) -> Duration {
        Duration::from_micros(self.last_delay.load(Ordering::Relaxed))
    }

    /// How long a wake-up has been on its way; zero if none is.
    pub(super) fn pending_for(&self) -> Duration {
        match self.woken_at.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            woken_at => Duration::from_micros(now().saturating_sub(woken_at)),
        }
    }
}

fn now() -> u64 {
    BEGUN.elapsed().as_micros() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wake_up_is_on_its_way() {
        let clock = WakeClock::default();
        assert_eq!(clock.pending_for(), Duration::ZERO);
        assert!(clock.begin());
        assert!(!clock.begin());
        let begun = Instant::now();
        while clock.pending_for() == Duration::ZERO {
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
        clock.end();
        assert!(clock.last_delay() > Duration::ZERO);
        assert_eq!(clock.pending_for(), Duration::ZERO);
        assert!(clock.begin());
    }
}
