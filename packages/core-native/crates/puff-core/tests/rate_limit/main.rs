//! Limits: what they let through, when, and what they remember.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use puff_core::rate_limit::{Limit, Memory};

const TEN_A_SECOND: Limit = Limit {
    units: 10.0,
    window_ms: 1000.0,
};
const NOW: f64 = 1_800_000_000_000.0;

fn new_memory() -> Memory {
    Memory::new(NonZeroUsize::new(1000).unwrap())
}

#[test]
fn all_units_may_be_taken_at_once_and_come_back_evenly() {
    let memory = new_memory();
    for taken in 1..=10 {
        let decision = memory.take("a", TEN_A_SECOND, 1.0, NOW);
        assert!(decision.is_allowed);
        assert_eq!(decision.remaining, 10.0 - f64::from(taken));
        assert_eq!(decision.retry_after_ms, 0.0);
    }
    let refused = memory.take("a", TEN_A_SECOND, 1.0, NOW + 40.0);
    assert!(!refused.is_allowed);
    assert!((refused.retry_after_ms - 60.0).abs() < 0.1);
    assert!((refused.reset_after_ms - 960.0).abs() < 0.1);
    // A refusal costs nothing.
    assert!(memory.take("a", TEN_A_SECOND, 1.0, NOW + 101.0).is_allowed);
    assert!(!memory.take("a", TEN_A_SECOND, 1.0, NOW + 101.0).is_allowed);
    assert!(memory.take("b", TEN_A_SECOND, 1.0, NOW + 101.0).is_allowed);
    let later = memory.take("a", TEN_A_SECOND, 0.0, NOW + 5000.0);
    assert_eq!((later.remaining, later.reset_after_ms), (10.0, 0.0));
}

#[test]
fn a_cost_takes_several_and_none_looks_only() {
    let memory = new_memory();
    assert_eq!(memory.take("a", TEN_A_SECOND, 7.0, NOW).remaining, 3.0);
    assert!(!memory.take("a", TEN_A_SECOND, 4.0, NOW).is_allowed);
    assert_eq!(memory.take("a", TEN_A_SECOND, 0.0, NOW).remaining, 3.0);
    assert!(memory.take("a", TEN_A_SECOND, 3.0, NOW).is_allowed);
}

#[test]
fn a_reset_gives_everything_back() {
    let memory = new_memory();
    memory.take("a", TEN_A_SECOND, 10.0, NOW);
    assert!(memory.reset("a"));
    assert!(!memory.reset("a"));
    assert!(memory.take("a", TEN_A_SECOND, 10.0, NOW).is_allowed);
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_out() {
    let memory = new_memory();
    memory.take("a", TEN_A_SECOND, 10.0, NOW);
    let refused = memory.take("a", TEN_A_SECOND, 1.0, NOW - 1_000_000.0);
    assert!(refused.retry_after_ms <= 100.1);
}

#[test]
fn keys_without_end_are_forgotten() {
    let memory = new_memory();
    for key in 0..50_000 {
        memory.take(&key.to_string(), TEN_A_SECOND, 1.0, NOW);
    }
    assert!(memory.len() <= 1100);
}

#[test]
fn threads_get_no_more_than_there_is() {
    let memory = new_memory();
    let limit = Limit {
        units: 1000.0,
        window_ms: 60_000.0,
    };
    let allowed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    if memory.take("a", limit, 1.0, NOW).is_allowed {
                        allowed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 1000);
}
