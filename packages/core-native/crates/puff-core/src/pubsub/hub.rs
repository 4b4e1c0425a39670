//! The channels of the process and who subscribes to them.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock};

use super::interest::Interest;
use super::payload::Message;
use super::places::Places;
use super::transport::{Overflow, Refusal, Transport};

/// Takes messages.
pub trait Subscriber: Send + Sync {
    /// Takes a message; must not wait. Messages of one publisher come in its order.
    fn deliver(&self, channel: &Arc<str>, message: &Message<'_>);

    /// Messages of other processes may have been missed just now; must not wait.
    fn gap(&self) {}

    /// Messages of other processes do not come, and will not by themselves; must not wait.
    fn refuse(&self, _refusal: &Refusal) {}
}

/// Channels, patterns and their subscribers.
#[derive(Default)]
pub struct Hub {
    places: Mutex<Places>,
    /// The way to other processes, if there is one.
    transport: OnceLock<Arc<dyn Transport>>,
}

/// A subscriber's place in the hub; ends when dropped.
pub struct Subscription {
    hub: &'static Hub,
    interest: Interest,
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
        // The transport hears of every interest once: of what there is now, and of what comes later.
        let places = self.lock();
        if self.transport.set(transport.clone()).is_ok() {
            for interest in places.interests() {
                transport.listen(&interest);
            }
        }
    }

    /// The way to other processes, if there is one.
    pub fn transport(&self) -> Option<&Arc<dyn Transport>> {
        self.transport.get()
    }

    /// Delivers a message to the channel's subscribers of this moment, here and in other processes, and
    /// returns the number of those here. Whoever listens to the channel and to patterns that match it gets it
    /// once for each.
    ///
    /// # Errors
    /// It was delivered here only: too many messages wait for the way to other processes.
    pub fn publish<'a>(
        &self,
        channel: &str,
        message: impl Into<Message<'a>>,
    ) -> Result<usize, Overflow> {
        let message = message.into();
        let taken = self.deliver(channel, &message);
        if let Some(transport) = self.transport.get() {
            transport.send(channel, &message)?;
        }
        Ok(taken)
    }

    /// Delivers a message to all in this process who listen to its channel, and returns their number.
    pub fn deliver(&self, channel: &str, message: &Message<'_>) -> usize {
        let Some((channel, all)) = self.lock().list_all(channel) else {
            return 0;
        };
        let mut taken = 0;
        for subscribers in all {
            taken += subscribers.len();
            for subscriber in &*subscribers {
                subscriber.deliver(&channel, message);
            }
        }
        taken
    }

    /// Delivers a message of another process to those who listen to its channel, or to a pattern: the transport
    /// brings it again for each other.
    pub fn deliver_to(&self, channel: &str, pattern: Option<&str>, message: &Message<'_>) {
        let listed = self.lock().list(channel, pattern);
        if let Some((channel, subscribers)) = listed {
            for subscriber in &*subscribers {
                subscriber.deliver(&channel, message);
            }
        }
    }

    /// Tells all subscribers that messages of other processes may have been missed.
    pub fn tell_gap(&self) {
        let subscribers = self.lock().all();
        for subscriber in subscribers {
            subscriber.gap();
        }
    }

    /// Tells those who listen to a channel, or to a pattern; see [`Hub::tell_gap`].
    pub fn tell_gap_to(&self, channel: &str, pattern: Option<&str>) {
        let listed = self.lock().list(channel, pattern);
        for subscriber in listed.iter().flat_map(|(_, subscribers)| &**subscribers) {
            subscriber.gap();
        }
    }

    /// Tells those who listen to it that the way to other processes does not bring their messages.
    pub fn tell_refusal(&self, interest: &Interest, refusal: &Refusal) {
        let listed = self.lock().listed(interest);
        for subscriber in listed.iter().flat_map(|subscribers| &**subscribers) {
            subscriber.refuse(refusal);
        }
    }

    /// Subscribes to a channel until the subscription is dropped.
    pub fn subscribe(
        &'static self,
        channel: &str,
        subscriber: Arc<dyn Subscriber>,
    ) -> Subscription {
        self.listen(Interest::channel(channel), subscriber)
    }

    /// Subscribes to a channel or a pattern until the subscription is dropped.
    pub fn listen(
        &'static self,
        interest: Interest,
        subscriber: Arc<dyn Subscriber>,
    ) -> Subscription {
        let mut places = self.lock();
        let (interest, id, is_first) = places.add(interest, subscriber.clone());
        // Under the lock, so that the transport hears of beginnings and ends in their order.
        if is_first && let Some(transport) = self.transport.get() {
            transport.listen(&interest);
        }
        drop(places);
        // The first ones were told when it became known.
        if !is_first
            && let Some(transport) = self.transport.get()
            && let Some(refusal) = transport.refusal(&interest)
        {
            subscriber.refuse(&refusal);
        }
        Subscription {
            hub: self,
            interest,
            id,
        }
    }

    /// Subscribers of a channel, without those of patterns.
    pub fn subscribers(&self, channel: &str) -> usize {
        self.lock().subscribers(&Interest::channel(channel))
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Subscription {
    /// What it listens to.
    pub fn interest(&self) -> &Interest {
        &self.interest
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut places = self.hub.lock();
        let removed = places.remove(&self.interest, self.id);
        if removed.as_ref().is_some_and(|removed| removed.is_last)
            && let Some(transport) = self.hub.transport.get()
        {
            transport.unlisten(&self.interest);
        }
        drop(places);
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::Kind;
    use super::super::transport::Wait;
    use super::*;

    #[derive(Default)]
    struct Collected(Mutex<Vec<String>>);

    impl Subscriber for Collected {
        fn deliver(&self, channel: &Arc<str>, message: &Message<'_>) {
            let text = String::from_utf8_lossy(message.bytes());
            self.0.lock().unwrap().push(format!("{channel}: {text}"));
        }
    }

    fn text(text: &str) -> Message<'_> {
        Message::new(Kind::Text, text.as_bytes(), None)
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
        assert_eq!(*subscription.interest(), Interest::channel("a"));
        assert_eq!(hub.subscribers("a"), 1);
        drop(subscription);
        assert_eq!(hub.subscribers("a"), 0);
        assert!(hub.lock().is_empty());
    }

    #[test]
    fn a_subscriber_may_end_its_subscription_while_it_is_delivered_to() {
        struct Once(Mutex<Option<Subscription>>);
        impl Subscriber for Once {
            fn deliver(&self, _channel: &Arc<str>, _message: &Message<'_>) {
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

    #[test]
    fn a_pattern_brings_the_messages_of_all_channels_that_match() {
        let hub = new_hub();
        let all = Arc::new(Collected::default());
        let patterns = [
            "polls.*",
            "*",
            "polls.[12]",
            "polls.1",
            "other.*",
            "polls.1?",
        ];
        let mut subscriptions: Vec<_> = patterns
            .iter()
            .map(|pattern| hub.listen(Interest::pattern(pattern), all.clone()))
            .collect();
        subscriptions.push(hub.subscribe("polls.1", all.clone()));
        assert_eq!(hub.publish("polls.1", text("1")), Ok(5));
        assert_eq!(hub.publish("polls", text("2")), Ok(1));
        assert_eq!(hub.publish("polls.13", text("3")), Ok(3));
        let texts = all.0.lock().unwrap().join(", ");
        assert!(texts.ends_with("polls: 2, polls.13: 3, polls.13: 3, polls.13: 3"));
        drop(subscriptions);
        assert!(hub.lock().is_empty());
        assert_eq!(hub.publish("polls.1", text("4")), Ok(0));
    }

    #[derive(Default)]
    struct Recorded(Mutex<Vec<String>>);

    impl Transport for Recorded {
        fn send(&self, channel: &str, _message: &Message<'_>) -> Result<(), Overflow> {
            self.0.lock().unwrap().push(format!("send {channel}"));
            Ok(())
        }

        fn listen(&self, interest: &Interest) {
            self.0
                .lock()
                .unwrap()
                .push(format!("listen {}", interest.text()));
        }

        fn unlisten(&self, interest: &Interest) {
            self.0
                .lock()
                .unwrap()
                .push(format!("unlisten {}", interest.text()));
        }

        fn ready(&self) -> Wait<'_> {
            Box::pin(async {})
        }

        fn flushed(&self) -> Wait<'_> {
            Box::pin(async {})
        }
    }

    #[test]
    fn a_transport_hears_of_the_first_and_the_last_of_an_interest() {
        let hub = new_hub();
        let ear = Arc::new(Collected::default());
        let early = hub.subscribe("early", ear.clone());
        let transport = Arc::new(Recorded::default());
        hub.connect(transport.clone());
        // Only one counts.
        hub.connect(Arc::new(Recorded::default()));
        let one = hub.subscribe("a", ear.clone());
        let two = hub.subscribe("a", ear.clone());
        let three = hub.listen(Interest::pattern("a*"), ear.clone());
        hub.publish("b", text("to others")).unwrap();
        drop((one, early));
        drop((two, three));
        let heard = transport.0.lock().unwrap().join(", ");
        assert_eq!(
            heard,
            "listen early, listen a, listen a*, send b, unlisten early, unlisten a, unlisten a*"
        );
    }
}
