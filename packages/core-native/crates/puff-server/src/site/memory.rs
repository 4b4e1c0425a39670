//! How much memory files may take.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are left of a bound.
pub(super) struct Memory(AtomicU64);

impl Memory {
    pub(super) fn new(bytes: u64) -> Memory {
        Memory(AtomicU64::new(bytes))
    }

    /// Takes so much, if there is so much.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let relaxed = Ordering::Relaxed;
        self.0
            .fetch_update(relaxed, relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}
