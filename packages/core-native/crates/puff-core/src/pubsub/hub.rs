//! The channels of the process and who subscribes to them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock};

use super::payload::Payload;
use super::transport::{Overflow, Transport};

/// Takes messages.
pub trait Subscriber: Send + Sync {
    /// Takes a message; must not wait. Messages of one publisher come in its order.
    fn deliver(&self, channel: &Arc<str>, payload: &Arc<Payload>);

    /// Messages of other processes may have been missed just now; must not wait.
    fn gap(&self) {}
}

/// Channels and their subscribers.
#[derive(Default)]
pub struct Hub {
    channels: Mutex<HashMap<Arc<str>, Channel>>,
    /// The way to other processes, if there is one.
    transport: OnceLock<Arc<dyn Transport>>,
}

#[derive(Default)]
struct Channel {
    subscribers: HashMap<u64, Arc<dyn Subscriber>>,
    last_id: u64,
    /// The subscribers as publishers see them; none after a change.
    listed: Option<Listed>,
}

/// Subscribers, shared by all who deliver to them.
type Listed = Arc<[Arc<dyn Subscriber>]>;

/// A subscriber's place in a channel; ends when dropped.
pub struct Subscription {
    hub: &'static Hub,
    channel: Arc<str>,
    id: u64,
}

static HUB: LazyLock<Hub> = LazyLock::new(Hub::default);

/// The hub of the process.
pub fn hub() -> &'static Hub {
    &HUB
}

impl Hub {
    /// Connects it with other processes, once; a second transport is not taken.
    pub fn connect(&self, transport: Arc<dyn Transport>) {
        if self.transport.set(transport).is_ok() && !self.lock().is_empty() {
            self.listen();
        }
    }

    /// Delivers a message to the channel's subscribers of this moment, here and in other processes, and
    /// returns the number of those here.
    ///
    /// # Errors
    /// It was delivered here only: too many messages wait for the way to other processes.
    pub fn publish(&self, channel: &str, payload: Payload) -> Result<usize, Overflow> {
        let payload = Arc::new(payload);
        let taken = self.deliver_shared(channel, &payload);
        if let Some(transport) = self.transport.get() {
            transport.send(channel, &payload)?;
        }
        Ok(taken)
    }

    /// Delivers a message of another process.
    pub fn deliver(&self, channel: &str, payload: Payload) {
        self.deliver_shared(channel, &Arc::new(payload));
    }

    /// Tells all subscribers that messages of other processes may have been missed.
    pub fn tell_gap(&self) {
        let subscribers: Vec<_> = {
            let channels = self.lock();
            let all = channels
                .values()
                .flat_map(|channel| channel.subscribers.values());
            all.cloned().collect()
        };
        for subscriber in subscribers {
            subscriber.gap();
        }
    }

    /// Subscribes until the subscription is dropped.
    pub fn subscribe(
        &'static self,
        channel: &str,
        subscriber: Arc<dyn Subscriber>,
    ) -> Subscription {
        let mut channels = self.lock();
        let name = match channels.get_key_value(channel) {
            Some((name, _)) => name.clone(),
            None => Arc::from(channel),
        };
        let place = channels.entry(name.clone()).or_default();
        place.last_id += 1;
        let id = place.last_id;
        place.subscribers.insert(id, subscriber);
        place.listed = None;
        drop(channels);
        self.listen();
        Subscription {
            hub: self,
            channel: name,
            id,
        }
    }

    /// Subscribers of a channel.
    pub fn subscribers(&self, channel: &str) -> usize {
        let channels = self.lock();
        channels
            .get(channel)
            .map_or(0, |channel| channel.subscribers.len())
    }

    fn deliver_shared(&self, channel: &str, payload: &Arc<Payload>) -> usize {
        let Some((channel, subscribers)) = self.list(channel) else {
            return 0;
        };
        for subscriber in &*subscribers {
            subscriber.deliver(&channel, payload);
        }
        subscribers.len()
    }

    fn listen(&self) {
        if let Some(transport) = self.transport.get() {
            transport.listen();
        }
    }

    fn list(&self, channel: &str) -> Option<(Arc<str>, Listed)> {
        let mut channels = self.lock();
        let name = channels.get_key_value(channel)?.0.clone();
        let channel = channels.get_mut(channel)?;
        let subscribers = &channel.subscribers;
        let listed = channel
            .listed
            .get_or_insert_with(|| subscribers.values().cloned().collect());
        Some((name, listed.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Channel>> {
        self.channels
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Subscription {
    /// Its channel.
    pub fn channel(&self) -> &Arc<str> {
        &self.channel
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = self.hub.lock();
        let Some(channel) = channels.get_mut(&self.channel) else {
            return;
        };
        // Dropped after the lock: the subscriber's own end may touch the hub.
        let subscriber = channel.subscribers.remove(&self.id);
        let listed = channel.listed.take();
        if channel.subscribers.is_empty() {
            channels.remove(&self.channel);
        }
        drop(channels);
        drop((subscriber, listed));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::payload::Kind;
    use super::*;

    #[derive(Default)]
    struct Collected(Mutex<Vec<String>>);

    impl Subscriber for Collected {
        fn deliver(&self, channel: &Arc<str>, payload: &Arc<Payload>) {
            let text = String::from_utf8_lossy(&payload.bytes);
            self.0.lock().unwrap().push(format!("{channel}: {text}"));
        }
    }

    fn text(text: &'static str) -> Payload {
        Payload {
            kind: Kind::Text,
            bytes: Bytes::from(text),
            sender: None,
        }
    }

    fn new_hub() -> &'static Hub {
        Box::leak(Box::default())
    }

    #[test]
    fn a_message_reaches_the_subscribers_of_its_channel() {
        let hub = new_hub();
        let (one, two) = (
            Arc::new(Collected::default()),
            Arc::new(Collected::default()),
        );
        let first = hub.subscribe("a", one.clone());
        let _second = hub.subscribe("a", two.clone());
        let _other = hub.subscribe("b", two.clone());
        assert_eq!(hub.publish("a", text("1")), Ok(2));
        drop(first);
        assert_eq!(hub.publish("a", text("2")), Ok(1));
        assert_eq!(hub.publish("b", text("3")), Ok(1));
        assert_eq!(hub.publish("c", text("4")), Ok(0));
        assert_eq!(*one.0.lock().unwrap(), ["a: 1"]);
        assert_eq!(*two.0.lock().unwrap(), ["a: 1", "a: 2", "b: 3"]);
    }

    #[test]
    fn a_channel_without_subscribers_is_forgotten() {
        let hub = new_hub();
        let subscription = hub.subscribe("a", Arc::new(Collected::default()));
        assert_eq!(&**subscription.channel(), "a");
        assert_eq!(hub.subscribers("a"), 1);
        drop(subscription);
        assert_eq!(hub.subscribers("a"), 0);
        assert!(hub.lock().is_empty());
    }

    #[test]
    fn a_subscriber_may_end_its_subscription_while_it_is_delivered_to() {
        struct Once(Mutex<Option<Subscription>>);
        impl Subscriber for Once {
            fn deliver(&self, _channel: &Arc<str>, _payload: &Arc<Payload>) {
                self.0.lock().unwrap().take();
            }
        }
        let hub = new_hub();
        let once = Arc::new(Once(Mutex::default()));
        let subscription = hub.subscribe("a", once.clone());
        *once.0.lock().unwrap() = Some(subscription);
        assert_eq!(hub.publish("a", text("1")), Ok(1));
        assert_eq!(hub.publish("a", text("2")), Ok(0));
    }
}
