//! The bound of bytes.

use puff_core::cache::{DEFAULT_CAPACITY, Put, Store};

use crate::support::{entry, sized};

/// Room for about ten entries of 1,000 bytes.
const CAPACITY: usize = 12_800;

fn keys(store: &Store, keys: std::ops::Range<u32>) -> Vec<u32> {
    let is_there = |key: &u32| store.get(&key.to_string(), &[], 1.0).found().is_some();
    keys.filter(is_there).collect()
}

#[test]
fn the_oldest_make_room() {
    let store = Store::new(CAPACITY);
    for key in 0..100 {
        store.put(sized(&key.to_string(), 1000));
        assert!(store.stats().bytes <= CAPACITY);
    }
    let stats = store.stats();
    let kept = stats.entries as u32;
    assert!((8..=12).contains(&kept), "{kept}");
    assert_eq!(stats.evictions, u64::from(100 - kept));
    assert_eq!(keys(&store, 0..100), (100 - kept..100).collect::<Vec<_>>());
}

#[test]
fn what_is_used_stays() {
    let store = Store::new(CAPACITY);
    for key in 0..100 {
        store.put(sized(&key.to_string(), 1000));
        assert!(
            store.get("0", &[], 1.0).found().is_some(),
            "gone after {key}"
        );
    }
}

#[test]
fn a_huge_value_is_refused_and_what_was_there_is_gone() {
    let store = Store::new(CAPACITY);
    store.put(entry("other", 1.0));
    store.put(entry("a", 1.0));
    assert_eq!(store.put(sized("a", CAPACITY / 2)), Put::TooLarge);
    assert!(store.get("a", &[], 1.0).found().is_none());
    assert!(store.get("other", &[], 1.0).found().is_some());
}

#[test]
fn a_smaller_bound_holds_at_once() {
    let store = Store::new(DEFAULT_CAPACITY);
    for key in 0..100 {
        store.put(sized(&key.to_string(), 1000));
    }
    assert_eq!(store.stats().entries, 100);
    store.set_capacity(CAPACITY);
    assert!(store.stats().bytes <= CAPACITY);
    assert!(store.stats().entries >= 8);
}

#[test]
fn what_is_kept_beside_an_entry_counts_with_it() {
    let store = Store::new(CAPACITY);
    for key in 0..8 {
        store.put(sized(&key.to_string(), 1000));
    }
    let first = store.get("0", &[], 1.0).found().expect("the entry");
    let bytes = store.stats().bytes;
    assert!(store.grow(&first, 1000));
    assert_eq!(store.stats().bytes, bytes + 1000);
    assert!(store.grow(&first, 4000));
    assert!(store.stats().bytes <= CAPACITY);
    assert!(store.stats().entries < 8);
    store.remove("0");
    assert!(!store.grow(&first, 1), "not in the store any more");
    for key in 1..8 {
        store.remove(&key.to_string());
    }
    assert_eq!(store.stats().bytes, 0);
}

#[test]
fn entries_that_come_and_go_leave_nothing() {
    let store = Store::new(CAPACITY);
    for round in 0..10_000_u32 {
        let key = (round % 3).to_string();
        store.put(sized(&key, 1000));
        store.remove(&key);
    }
    assert_eq!(store.stats().bytes, 0);
    store.put(sized("0", 1000));
    store.put(sized("1", 1000));
    assert_eq!(keys(&store, 0..3), [0, 1]);
}
