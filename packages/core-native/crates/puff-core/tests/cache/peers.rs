//! Revalidations between the stores of two processes.

use std::sync::{Arc, Mutex};

use puff_core::cache::{Peers, Store, now_ms};
use puff_core::pubsub::{Hub, Interest, Message, Overflow, Transport, Wait};

use crate::support::{entry, eventually, tagged};

/// Brings messages to another hub in the same process, as long as it may.
#[derive(Default)]
struct Wire {
    other: Mutex<Option<&'static Hub>>,
    is_full: Mutex<bool>,
}

impl Transport for Wire {
    fn send(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow> {
        if *self.is_full.lock().unwrap() {
            return Err(Overflow {
                waiting: 1,
                reason: "on purpose",
            });
        }
        if let Some(other) = *self.other.lock().unwrap() {
            other.deliver(channel, message);
        }
        Ok(())
    }

    fn listen(&self, _interest: &Interest) {}

    fn unlisten(&self, _interest: &Interest) {}

    fn ready(&self) -> Wait<'_> {
        Box::pin(std::future::pending())
    }

    fn flushed(&self) -> Wait<'_> {
        Box::pin(async {})
    }
}

struct Process {
    store: &'static Store,
    hub: &'static Hub,
    wire: Arc<Wire>,
    peers: Peers,
}

impl Process {
    fn new() -> Process {
        let store: &'static Store = Box::leak(Box::new(Store::new(1_000_000)));
        let hub: &'static Hub = Box::leak(Box::default());
        let wire = Arc::new(Wire::default());
        hub.connect(wire.clone());
        Process {
            store,
            hub,
            wire,
            peers: Peers::new(store, hub),
        }
    }

    fn pair(names: [&str; 2]) -> [Process; 2] {
        let (one, two) = (Process::new(), Process::new());
        *one.wire.other.lock().unwrap() = Some(two.hub);
        *two.wire.other.lock().unwrap() = Some(one.hub);
        one.peers.join(names[0]);
        two.peers.join(names[1]);
        [one, two]
    }

    fn has(&self, key: &str) -> bool {
        self.store.get(key, &[], now_ms()).found().is_some()
    }
}

#[test]
fn a_revalidation_takes_effect_in_the_other_process() {
    let [one, two] = Process::pair(["app", "app"]);
    for process in [&one, &two] {
        process.store.put(tagged("a", now_ms(), &["tag"]));
        process.store.put(tagged("b", now_ms(), &["other"]));
    }
    one.peers.expire(vec!["tag".into()]);
    assert!(!one.has("a") && !two.has("a"));
    assert!(one.has("b") && two.has("b"));
    two.peers.make_stale(vec!["other".into()], Some(60_000.0));
    for process in [&one, &two] {
        process.store.put(tagged("c", now_ms() - 5.0, &["other"]));
        let found = process.store.get("c", &[], now_ms()).found().unwrap();
        assert!(process.store.tags().is_stale(&found));
    }
}

#[test]
fn apps_of_other_names_are_left_alone() {
    let [one, two] = Process::pair(["app", "other"]);
    two.store.put(tagged("a", now_ms(), &["tag"]));
    one.peers.expire(vec!["tag".into()]);
    assert!(two.has("a"));
}

#[test]
fn after_a_gap_everything_older_that_has_tags_has_expired() {
    let [_, two] = Process::pair(["app", "app"]);
    two.store.put(tagged("tagged", now_ms(), &["tag"]));
    two.store.put(entry("plain", now_ms()));
    two.hub.tell_gap();
    assert!(!two.has("tagged") && two.has("plain"));
    // Of a reader whose tags the entry does not have.
    assert!(
        two.store
            .get("plain", &["soft".into()], now_ms())
            .found()
            .is_none()
    );
    let later = now_ms() + 1.0;
    two.store.put(tagged("tagged", later, &["tag"]));
    assert!(two.has("tagged"));
}

#[test]
fn what_could_not_be_sent_is_a_gap_later() {
    let [one, two] = Process::pair(["app", "app"]);
    two.store.put(tagged("a", now_ms(), &["tag"]));
    *one.wire.is_full.lock().unwrap() = true;
    for _ in 0..100 {
        one.peers.expire(vec!["tag".into()]);
    }
    assert!(two.has("a"));
    *one.wire.is_full.lock().unwrap() = false;
    eventually(|| !two.has("a"));
}

#[test]
fn what_was_put_before_others_are_heard_expires_but_seeds_stay() {
    let store = Store::new(1_000_000);
    store.put(tagged("a", now_ms(), &["tag"]));
    let mut seed = tagged("seed", now_ms() - 1000.0, &["tag"]);
    seed.is_seed = true;
    store.put(seed);
    store.tags().expire_unheard();
    assert!(store.get("a", &[], now_ms()).found().is_none());
    assert!(store.get("seed", &[], now_ms()).found().is_some());
    store.put(tagged("a", now_ms(), &["tag"]));
    assert!(store.get("a", &[], now_ms()).found().is_some());
}
