//! A limit, and what follows from it.

/// Clocks and sums are not more exact than that, in milliseconds.
const PRECISION_MS: f64 = 0.01;

/// How much of something may happen in which time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Units that may be taken at once; at least 1.
    pub units: f64,
    /// Milliseconds until that many have come back; above 0.
    pub window_ms: f64,
}

/// Whether units may be taken, and how many are left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// They were taken, or could be where none were to be taken.
    pub is_allowed: bool,
    /// Whole units that are left.
    pub remaining: f64,
    /// Milliseconds until all are back.
    pub reset_after_ms: f64,
    /// Milliseconds until the units can be taken; 0 where they were.
    pub retry_after_ms: f64,
}

impl Limit {
    /// Milliseconds in which one unit comes back.
    pub fn interval_ms(&self) -> f64 {
        self.window_ms / self.units
    }

    /// Decides on `cost` units, where all are back in `busy_ms` milliseconds; returns in how many they are back afterwards.
    pub fn decide(&self, busy_ms: f64, cost: f64) -> (Decision, f64) {
        // A clock that was set back must not keep anybody out for longer than the window.
        let busy_ms = busy_ms.clamp(0.0, self.window_ms);
        let after_ms = busy_ms + cost * self.interval_ms();
        let late_ms = after_ms - self.window_ms;
        let is_allowed = late_ms <= PRECISION_MS;
        let busy_ms = if is_allowed { after_ms } else { busy_ms };
        let decision = self.state(busy_ms, is_allowed, late_ms);
        (decision, busy_ms)
    }

    /// What is so when all units are back in `busy_ms` milliseconds and the units asked for lack `late_ms`.
    pub fn state(&self, busy_ms: f64, is_allowed: bool, late_ms: f64) -> Decision {
        let left = (self.window_ms - busy_ms + PRECISION_MS) / self.interval_ms();
        Decision {
            is_allowed,
            remaining: left.floor().clamp(0.0, self.units),
            reset_after_ms: busy_ms.max(0.0),
            retry_after_ms: if is_allowed { 0.0 } else { late_ms.max(0.0) },
        }
    }
}
