//! The names of requests: `x-request-id`, and the trace context of the W3C.

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ::http::{HeaderMap, HeaderName, HeaderValue};

use super::config::TracingConfig;

/// What a request is called.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longer ids are nobody's but an attacker's.
const MAX_ID: usize = 128;

/// Names a request as configured; its id, if it has one.
pub(super) fn name(
    config: TracingConfig,
    is_trusted: bool,
    headers: &mut HeaderMap,
) -> Option<HeaderValue> {
    if config.start_traces && !headers.contains_key(TRACEPARENT) {
        let [high, low, parent] = [random(), random(), random()];
        // Version 00, sampled (W3C Trace Context, 3.2). An id of zeros is invalid.
        let value = format!("00-{high:016x}{low:016x}-{:016x}-01", parent.max(1));
        headers.extend(HeaderValue::try_from(value).map(|value| (TRACEPARENT, value)));
    }
    if !config.request_ids {
        return None;
    }
    let sent = headers.get(REQUEST_ID);
    let id = match sent.filter(|id| is_trusted && id.len() <= MAX_ID && !id.is_empty()) {
        Some(id) => id.clone(),
        None => new_id()?,
    };
    headers.insert(REQUEST_ID, id.clone());
    Some(id)
}

fn new_id() -> Option<HeaderValue> {
    let mut id = String::with_capacity(32);
    write!(id, "{:016x}{:016x}", random(), random()).ok()?;
    HeaderValue::try_from(id).ok()
}

/// A number that will not come again, from a seed that differs for each process; it is no secret.
fn random() -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    SEED.hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: TracingConfig = TracingConfig {
        request_ids: true,
        return_request_ids: true,
        start_traces: true,
    };

    #[test]
    fn nothing_is_named_unless_asked() {
        let mut headers = HeaderMap::new();
        assert_eq!(name(TracingConfig::default(), true, &mut headers), None);
        assert!(headers.is_empty());
    }

    #[test]
    fn ids_are_new_unless_a_trusted_proxy_gives_one() {
        let sent = HeaderValue::from_static("abc");
        let mut headers = HeaderMap::from_iter([(REQUEST_ID, sent.clone())]);
        assert_eq!(name(ALL, true, &mut headers), Some(sent.clone()));
        let id = name(ALL, false, &mut headers).unwrap();
        assert_ne!(id, sent);
        assert_eq!(headers[REQUEST_ID], id);
        assert_ne!(name(ALL, false, &mut headers), Some(id));
    }

    #[test]
    fn traces_are_begun_or_passed_on() {
        let mut headers = HeaderMap::new();
        name(ALL, false, &mut headers);
        let begun = headers[TRACEPARENT].clone();
        let parts: Vec<_> = begun.to_str().unwrap().split('-').map(str::len).collect();
        assert_eq!(parts, [2, 32, 16, 2]);
        name(ALL, false, &mut headers);
        assert_eq!(headers[TRACEPARENT], begun);
    }
}
