//! What an isolate listens to on the hub.

use std::collections::HashMap;
use std::sync::Mutex;

use puff_core::pubsub::Subscription;

use super::isolate::lock;

/// Subscriptions by the ids that the isolate gave them.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<u32, Subscription>>);

impl Subscriptions {
    /// Keeps a subscription.
    pub(crate) fn add(&self, id: u32, subscription: Subscription) {
        let before = lock(&self.0).insert(id, subscription);
        drop(before);
    }

    /// Ends a subscription.
    pub(crate) fn remove(&self, id: u32) {
        // Dropped after the lock: the hub has one of its own.
        let ended = lock(&self.0).remove(&id);
        drop(ended);
    }

    /// Ends all.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *lock(&self.0));
        drop(all);
    }
}
