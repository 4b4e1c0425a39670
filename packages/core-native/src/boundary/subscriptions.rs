//! The hub's channels that an isolate listens to.

use std::collections::HashMap;
use std::sync::Mutex;

use puff_core::pubsub::Subscription;

use super::isolate::lock;

/// Subscriptions by the ids that the isolate gave them.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<u32, Vec<Subscription>>>);

impl Subscriptions {
    /// Keeps a subscription.
    pub(crate) fn add(&self, id: u32, subscription: Subscription) {
        lock(&self.0).entry(id).or_default().push(subscription);
    }

    /// Ends the subscriptions with this id, to one channel or to all.
    pub(crate) fn remove(&self, id: u32, channel: Option<&str>) {
        let mut all = lock(&self.0);
        let Some(mut kept) = all.remove(&id) else {
            return;
        };
        let ended: Vec<_> = kept
            .extract_if(.., |one| {
                channel.is_none_or(|channel| **one.channel() == *channel)
            })
            .collect();
        if !kept.is_empty() {
            all.insert(id, kept);
        }
        drop(all);
        drop(ended);
    }

    /// Ends all.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *lock(&self.0));
        drop(all);
    }
}
