//! Revalidations that concern the stores of other processes, too.
//!
//! A revalidation takes effect here at once and is sent to the others, without a time: each applies it to what it has at the
//! moment at which it hears of it, so their clocks need not agree. What was missed is not guessed at: after a gap everything
//! tagged that is older counts as expired, which costs a render and never shows an old page.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::now_ms;
use super::second_level::SecondLevel;
use super::store::{Store, store};
use super::tags::Revalidation;
use crate::pubsub::{self, Hub, Kind, Subscriber, Subscription, hub};
use crate::runtime;

/// What the names of our channels begin with.
const CHANNEL: &str = "next_puff.cache.";

/// How long to wait before others are told again that they have missed something.
const PAUSE: Duration = Duration::from_millis(500);

static PEERS: OnceLock<Peers> = OnceLock::new();

/// The stores of other processes, as the store of this process sees them.
pub fn peers() -> &'static Peers {
    PEERS.get_or_init(|| Peers::new(store(), hub()))
}

/// The stores of other processes that belong to the same app.
pub struct Peers(Arc<Shared>);

struct Shared {
    store: &'static Store,
    hub: &'static Hub,
    /// None before [`Peers::join`].
    channel: OnceLock<String>,
    subscription: Mutex<Option<Subscription>>,
    /// None where there is no Redis.
    second_level: OnceLock<SecondLevel>,
    /// They have missed something that could not be sent, and somebody is about to tell them.
    owes_gap: AtomicBool,
}

/// What one process tells the others.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Message {
    /// Everything with one of these tags has expired.
    Expire { tags: Vec<String> },
    /// It is stale, and will have expired so many milliseconds later.
    #[serde(rename_all = "camelCase")]
    MakeStale {
        tags: Vec<String>,
        expire_ms: Option<f64>,
    },
    /// Something was revalidated, but nobody knows what.
    Gap,
}

impl Peers {
    /// Knows nobody yet; see [`Peers::join`].
    pub fn new(store: &'static Store, hub: &'static Hub) -> Peers {
        Peers(Arc::new(Shared {
            store,
            hub,
            channel: OnceLock::new(),
            subscription: Mutex::default(),
            second_level: OnceLock::new(),
            owes_gap: AtomicBool::new(false),
        }))
    }

    /// Begins to exchange revalidations with the processes that the hub reaches and that join under the same name; the first
    /// name counts.
    ///
    /// What was put before the others could be heard, and has tags, has expired when they can be.
    pub fn join(&self, name: &str) {
        let shared = &self.0;
        if shared.channel.set(format!("{CHANNEL}{name}")).is_err() {
            return;
        }
        let Some(channel) = shared.channel.get() else {
            return;
        };
        let subscription = shared.hub.subscribe(channel, shared.clone());
        *shared.lock() = Some(subscription);
        if let Some(transport) = shared.hub.transport().cloned() {
            let store = shared.store;
            let second_level = shared.second_level.get().cloned();
            drop(runtime::spawn(async move {
                transport.ready().await;
                store.tags().expire_unheard();
                // What was revalidated before they were heard, and after it was asked for first.
                if let Some(second_level) = second_level {
                    second_level.recall();
                }
            }));
        }
    }

    /// Shares entries with other processes from now on, and learns what they have revalidated until now; the first level counts.
    /// Before [`Peers::join`].
    pub fn share(&self, second_level: SecondLevel) {
        // Whoever came later finds the same Redis there.
        if self.0.second_level.set(second_level.clone()).is_ok() {
            second_level.recall();
        }
    }

    /// The level behind the store, if there is one.
    pub fn second_level(&self) -> Option<&SecondLevel> {
        self.0.second_level.get()
    }

    /// Expires everything that has one of these tags, here and in the other processes.
    pub fn expire(&self, tags: Vec<String>) {
        let names = tags.iter().map(String::as_str);
        self.0.store.tags().expire(names, now_ms());
        self.0.owe(&tags, Revalidation::Expire);
        self.0.tell(Message::Expire { tags });
    }

    /// Makes everything stale that has one of these tags, here and in the other processes; after `expire_ms` milliseconds it
    /// will be expired.
    pub fn make_stale(&self, tags: Vec<String>, expire_ms: Option<f64>) {
        let names = tags.iter().map(String::as_str);
        self.0.store.tags().make_stale(names, expire_ms, now_ms());
        self.0.owe(&tags, Revalidation::MakeStale { expire_ms });
        self.0.tell(Message::MakeStale { tags, expire_ms });
    }
}

impl Shared {
    fn owe(&self, tags: &[String], how: Revalidation) {
        if let Some(second_level) = self.second_level.get() {
            second_level.owe(tags, how);
        }
    }

    /// Takes entries with the tags out of the second level, then tells the others: who asks it for what they expire must not
    /// get it again.
    fn tell(self: &Arc<Self>, message: Message) {
        let Some(second_level) = self.second_level.get().cloned() else {
            self.send(&message);
            return;
        };
        let shared = self.clone();
        drop(runtime::spawn(async move {
            second_level.settle().await;
            shared.send(&message);
        }));
    }

    fn send(self: &Arc<Self>, message: &Message) {
        if self.try_send(message) || self.owes_gap.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = self.clone();
        drop(runtime::spawn(async move {
            loop {
                tokio::time::sleep(PAUSE).await;
                // Before it is sent: what is lost from here on is owed again.
                shared.owes_gap.store(false, Ordering::Release);
                if shared.try_send(&Message::Gap) || shared.owes_gap.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        }));
    }

    /// Whether nobody has to be told any more.
    fn try_send(&self, message: &Message) -> bool {
        let (Some(channel), Some(transport)) = (self.channel.get(), self.hub.transport()) else {
            return true;
        };
        let Ok(json) = serde_json::to_vec(message) else {
            return true;
        };
        let message = pubsub::Message::new(Kind::Json, &json, None);
        // Not through the hub, which would bring it to us as well.
        transport.send(channel, &message).is_ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Subscription>> {
        self.subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Shared {
    fn deliver(&self, _channel: &Arc<str>, message: &pubsub::Message<'_>) {
        let tags = self.store.tags();
        match serde_json::from_slice(message.bytes()) {
            Ok(Message::Expire { tags: names }) => {
                tags.expire(names.iter().map(String::as_str), now_ms());
            }
            Ok(Message::MakeStale {
                tags: names,
                expire_ms,
            }) => tags.make_stale(names.iter().map(String::as_str), expire_ms, now_ms()),
            // What another version of next-puff says is not understood, but something was revalidated.
            Ok(Message::Gap) | Err(_) => tags.expire_all(now_ms()),
        }
    }

    fn gap(&self) {
        self.store.tags().expire_all(now_ms());
    }
}
