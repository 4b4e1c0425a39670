//! Rate limits of the process for JavaScript.

use napi_derive::napi;
use puff_core::cache::now_ms;
use puff_core::rate_limit::{Decision, Limit, memory};

/// Takes `cost` units of a key's limit: `[1 if they were taken, remaining, resetAfterMs, retryAfterMs]`. A cost of 0 only looks.
#[napi(catch_unwind)]
pub fn rate_limit_take(key: String, units: f64, window_ms: f64, cost: f64) -> Vec<f64> {
    let limit = Limit { units, window_ms };
    packed(memory().take(&key, limit, cost, now_ms()))
}

/// Forgets what was taken of a key's limit; whether anything was.
#[napi(catch_unwind)]
pub fn rate_limit_reset(key: String) -> bool {
    memory().reset(&key)
}

fn packed(decision: Decision) -> Vec<f64> {
    vec![
        f64::from(u8::from(decision.is_allowed)),
        decision.remaining,
        decision.reset_after_ms,
        decision.retry_after_ms,
    ]
}
