//! The messages of a channel, for one subscriber that takes them one by one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use puff_core::pubsub::{Message, Payload, Subscriber, Subscription, hub};
use tokio::sync::Notify;

/// Messages that wait for a subscriber: one that is further behind is ended.
pub(super) const MAX_WAITING: usize = 1_000;

/// A subscriber's queue; it unsubscribes when dropped.
pub(super) struct ChannelEvents {
    queue: Arc<Queue>,
    _subscription: Subscription,
}

/// The subscriber takes the messages too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow;

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Arc<Payload>>,
    /// The message that came last.
    last: Option<Arc<Payload>>,
    is_too_slow: bool,
}

impl ChannelEvents {
    /// Subscribes to a channel.
    pub(super) fn subscribe(channel: &str) -> ChannelEvents {
        let queue = Arc::<Queue>::default();
        ChannelEvents {
            _subscription: hub().subscribe(channel, queue.clone()),
            queue,
        }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// Some were lost, because too many were waiting.
    pub(super) async fn next(&self) -> Result<Arc<Payload>, TooSlow> {
        loop {
            let arrived = self.queue.arrived.notified();
            {
                let mut waiting = self.queue.lock();
                if waiting.is_too_slow {
                    return Err(TooSlow);
                }
                if let Some(message) = waiting.messages.pop_front() {
                    return Ok(message);
                }
            }
            arrived.await;
        }
    }
}

impl Queue {
    fn take(&self, payload: &Arc<Payload>) {
        let mut waiting = self.lock();
        if waiting.messages.len() < MAX_WAITING {
            waiting.messages.push_back(payload.clone());
            waiting.last = Some(payload.clone());
        } else {
            waiting.is_too_slow = true;
            waiting.messages.clear();
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Subscriber for Queue {
    fn deliver(&self, _channel: &Arc<str>, message: &Message<'_>) {
        self.take(message.keep());
    }

    /// Brings the last message again; see `feed.rs`.
    fn gap(&self) {
        let last = self.lock().last.clone();
        if let Some(last) = last {
            self.take(&last);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use puff_core::pubsub::Kind;

    use super::*;

    #[tokio::test]
    async fn after_a_gap_the_last_message_comes_again() {
        let events = ChannelEvents::subscribe("channel events");
        let gap = || hub().tell_gap_to("channel events", None);
        gap();
        for text in ["one", "two"] {
            let payload = Payload {
                kind: Kind::Text,
                bytes: Bytes::from_static(text.as_bytes()),
                sender: None,
            };
            hub().publish("channel events", payload).unwrap();
            if text == "one" {
                gap();
            }
        }
        for text in ["one", "one", "two"] {
            assert_eq!(events.next().await.unwrap().bytes, text.as_bytes());
        }
    }
}
