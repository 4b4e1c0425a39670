//! Putting, finding, replacing.

use bytes::Bytes;
use puff_core::cache::{DEFAULT_CAPACITY, NewEntry, Put, Store};

use crate::support::{entry, sized, tagged};

#[test]
fn what_was_put_is_found_until_it_is_removed() {
    let store = Store::new(DEFAULT_CAPACITY);
    assert_eq!(store.put(entry("a", 1.0)), Put::Stored);
    let found = store.get("a", &[], 2.0).found().expect("the entry");
    assert_eq!(found.value, "1");
    assert!(found.is_current());
    assert!(store.remove("a"));
    assert!(!store.remove("a"));
    assert!(store.get("a", &[], 2.0).found().is_none());
    assert!(!found.is_current());
    let stats = store.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
    assert_eq!((stats.hits, stats.misses), (1, 1));
}

#[test]
fn an_entry_replaces_the_one_before_it() {
    let store = Store::new(DEFAULT_CAPACITY);
    store.put(sized("a", 1000));
    let former = store.get("a", &[], 1.0).found().expect("the entry");
    let bytes = store.stats().bytes;
    store.put(sized("a", 500));
    assert!(!former.is_current());
    assert_eq!(store.stats().bytes, bytes - 500);
    assert_eq!(
        store
            .get("a", &[], 1.0)
            .found()
            .expect("the entry")
            .value
            .len(),
        500
    );
}

#[test]
fn a_seed_gives_way_to_what_is_there() {
    let store = Store::new(DEFAULT_CAPACITY);
    let seed = |created_ms| NewEntry {
        is_seed: true,
        ..entry("a", created_ms)
    };
    assert_eq!(store.put(seed(1.0)), Put::Stored);
    assert_eq!(store.put(seed(2.0)), Put::Present);
    store.put(entry("a", 3.0));
    assert_eq!(store.put(seed(4.0)), Put::Present);
    assert_eq!(
        store
            .get("a", &[], 5.0)
            .found()
            .expect("the entry")
            .created_ms,
        3.0
    );
}

#[test]
fn an_entry_is_gone_when_its_time_is_over() {
    let store = Store::new(DEFAULT_CAPACITY);
    store.put(NewEntry {
        expires_ms: Some(10.0),
        ..entry("a", 1.0)
    });
    let found = store.get("a", &[], 9.9).found().expect("the entry");
    assert!(found.is_fresh(store.tags(), 9.9));
    assert!(store.get("a", &[], 10.0).found().is_none());
    assert!(!found.is_fresh(store.tags(), 10.0));
}

#[test]
fn responses_are_found_by_their_path() {
    let store = Store::new(DEFAULT_CAPACITY);
    let response = |key: &str, created_ms| NewEntry {
        path: Some("/about".into()),
        value: Bytes::from_static(b"page"),
        ..entry(key, created_ms)
    };
    store.put(response("page", 1.0));
    assert_eq!(&*store.find("/about").expect("the page").key, "page");
    store.put(response("page", 2.0));
    assert_eq!(store.find("/about").expect("the page").created_ms, 2.0);
    // Another source of the same path takes its place, and leaves it empty.
    store.put(response("other", 3.0));
    assert_eq!(&*store.find("/about").expect("the page").key, "other");
    store.remove("page");
    assert_eq!(&*store.find("/about").expect("the page").key, "other");
    store.remove("other");
    assert!(store.find("/about").is_none());
}

#[test]
fn reading_and_writing_threads_see_whole_entries() {
    let store = Store::new(64 * 1024);
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..2000_u32 {
                    let key = format!("{}", (round * 7 + thread) % 50);
                    let length = (round % 50) as usize * 20;
                    store.put(NewEntry {
                        value: Bytes::from(vec![length as u8; length]),
                        ..tagged(&key, 1.0, &["tag"])
                    });
                    if let Some(found) = store.get(&key, &[], 2.0).found() {
                        let first = found.value.first().copied().unwrap_or(0);
                        assert!(found.value.iter().all(|byte| *byte == first));
                    }
                    if round % 100 == 0 {
                        store.tags().expire(["another"], f64::from(round));
                    }
                }
            });
        }
    });
    assert!(store.stats().bytes <= 64 * 1024);
    store.set_capacity(0);
    let stats = store.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
}
