//! Entries for tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use puff_core::cache::NewEntry;

/// An entry of that time, with a value of one byte.
pub(crate) fn entry(key: &str, created_ms: f64) -> NewEntry {
    NewEntry {
        key: key.into(),
        path: None,
        value: Bytes::from_static(b"1"),
        tags: Box::default(),
        created_ms,
        expires_ms: None,
        tags_seen: None,
        is_seed: false,
    }
}

/// The same with tags.
pub(crate) fn tagged(key: &str, created_ms: f64, tags: &[&str]) -> NewEntry {
    NewEntry {
        tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
        ..entry(key, created_ms)
    }
}

/// The same with so many bytes.
pub(crate) fn sized(key: &str, bytes: usize) -> NewEntry {
    NewEntry {
        value: Bytes::from(vec![0; bytes]),
        ..entry(key, 1.0)
    }
}

/// Waits until something is so.
pub(crate) fn eventually(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}
