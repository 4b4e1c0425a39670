//! Tags, as Next.js 16 revalidates them.

use puff_core::cache::{DEFAULT_CAPACITY, NewEntry, Store, TagChange};

use crate::support::{entry, tagged};

fn store() -> Store {
    Store::new(DEFAULT_CAPACITY)
}

#[test]
fn an_expired_tag_takes_older_entries_away() {
    let store = store();
    store.put(tagged("a", 10.0, &["x", "y"]));
    store.put(tagged("b", 10.0, &["z"]));
    let found = store.get("a", &[], 11.0).found().expect("the entry");
    assert!(found.is_fresh(store.tags(), 11.0));
    store.tags().expire(["y"], 12.0);
    assert!(store.get("a", &[], 12.0).found().is_none());
    assert!(!found.is_fresh(store.tags(), 12.0));
    assert!(store.get("b", &[], 12.0).found().is_some());
    store.put(tagged("a", 13.0, &["x", "y"]));
    let newer = store.get("a", &[], 13.0).found().expect("the entry");
    assert!(newer.is_fresh(store.tags(), 13.0));
}

#[test]
fn an_entry_of_the_same_millisecond_is_older() {
    let store = store();
    store.put(tagged("a", 10.0, &["x"]));
    store.tags().expire(["x"], 10.0);
    assert!(store.get("a", &[], 10.0).found().is_none());
    store.put(tagged("a", 10.0, &["x"]));
    assert!(
        store.get("a", &[], 10.0).found().is_some(),
        "it was put afterwards"
    );
}

#[test]
fn what_was_revalidated_while_an_entry_was_made_expires_it() {
    let store = store();
    let version = store.tags().version();
    store.tags().expire(["x"], 10.0);
    store.put(NewEntry {
        tags_seen: Some(version),
        ..tagged("a", 10.0, &["x"])
    });
    assert!(store.get("a", &[], 10.0).found().is_none());
    store.put(NewEntry {
        tags_seen: Some(store.tags().version()),
        ..tagged("a", 10.0, &["x"])
    });
    assert!(store.get("a", &[], 10.0).found().is_some());
}

#[test]
fn a_seed_is_as_old_as_its_time() {
    let store = store();
    store.tags().expire(["x"], 10.0);
    let seed = |created_ms| NewEntry {
        is_seed: true,
        ..tagged("a", created_ms, &["x"])
    };
    store.put(seed(9.0));
    assert!(store.get("a", &[], 11.0).found().is_none());
    store.remove("a");
    store.put(seed(10.5));
    assert!(store.get("a", &[], 11.0).found().is_some());
}

#[test]
fn a_stale_tag_leaves_entries_until_they_expire() {
    let store = store();
    store.put(tagged("a", 10.0, &["x"]));
    store.tags().make_stale(["x"], Some(100.0), 12.0);
    let found = store.get("a", &[], 13.0).found().expect("the stale entry");
    assert!(store.tags().is_stale(&found));
    assert!(!found.is_fresh(store.tags(), 13.0));
    assert!(store.get("a", &[], 111.0).found().is_some());
    assert!(store.get("a", &[], 112.0).found().is_none());
}

#[test]
fn a_stale_tag_without_an_end_leaves_them_for_good() {
    let store = store();
    store.put(tagged("a", 10.0, &["x"]));
    store.tags().make_stale(["x"], None, 12.0);
    let found = store.get("a", &[], 1e15).found().expect("the stale entry");
    assert!(store.tags().is_stale(&found));
}

#[test]
fn an_immediate_expiry_is_not_taken_back_by_a_later_one() {
    let store = store();
    store.put(tagged("a", 10.0, &["x"]));
    store.tags().expire(["x"], 11.0);
    store.tags().make_stale(["x"], Some(1000.0), 12.0);
    assert!(store.get("a", &[], 13.0).found().is_none());
}

#[test]
fn tags_of_the_reader_count_as_well() {
    let store = store();
    store.put(entry("a", 10.0));
    let more = ["x".to_owned()];
    assert!(store.get("a", &more, 11.0).found().is_some());
    store.tags().expire(["x"], 12.0);
    assert!(store.get("a", &more, 12.0).found().is_none());
    assert!(store.get("a", &[], 12.0).found().is_some());
}

#[test]
fn the_expiration_of_tags_is_the_latest() {
    let store = store();
    assert_eq!(store.tags().expiration(["x", "y"]), 0.0);
    store.tags().expire(["x"], 10.0);
    store.tags().expire(["y"], 12.0);
    store.tags().make_stale(["z"], None, 20.0);
    assert_eq!(store.tags().expiration(["x", "y", "z"]), 12.0);
    assert_eq!(store.tags().expiration(["x"]), 10.0);
    assert_eq!(store.tags().expiration(["z"]), 0.0);
}

#[test]
fn changes_are_told_since_a_version() {
    let store = store();
    let tags = store.tags();
    assert_eq!(tags.changes(0), (0, Vec::new()));
    tags.expire(["x", "y"], 10.0);
    let (version, changes) = tags.changes(0);
    let names: Vec<&str> = changes.iter().map(|change| &*change.tag).collect();
    assert_eq!(names, ["x", "y"]);
    tags.make_stale(["x"], Some(5.0), 20.0);
    let (later, changes) = tags.changes(version);
    assert!(later > version);
    let change = TagChange {
        tag: "x".into(),
        stale_ms: Some(20.0),
        expired_ms: Some(10.0),
        expires_ms: Some(25.0),
    };
    assert_eq!(changes, [change]);
    assert_eq!(tags.changes(later), (later, Vec::new()));
}

#[test]
fn forgotten_tags_expire_everything_tagged_that_is_older() {
    const MORE_THAN_KEPT: u32 = 60_000;
    let store = store();
    store.put(tagged("old", 1.0, &["0"]));
    store.put(tagged("other", 1.0, &["never revalidated"]));
    store.put(entry("untagged", 1.0));
    store.put(tagged("new", 1e6, &["never revalidated"]));
    for tag in 0..MORE_THAN_KEPT {
        let expire_ms = (tag % 2 == 0).then_some(1e12);
        let now_ms = f64::from(tag) + 2.0;
        store
            .tags()
            .make_stale([&*tag.to_string()], expire_ms, now_ms);
    }
    assert!(store.tags().changes(0).1.len() < MORE_THAN_KEPT as usize);
    assert!(store.get("old", &[], 2e6).found().is_none());
    assert!(store.get("other", &[], 2e6).found().is_none());
    assert!(store.get("untagged", &[], 2e6).found().is_some());
    assert!(store.get("new", &[], 2e6).found().is_some());
}

#[test]
fn recalled_revalidations_concern_what_is_older() {
    let store = store();
    let tags = store.tags();
    for (key, created_ms) in [("old", 10.0), ("new", 30.0)] {
        store.put(tagged(key, created_ms, &["a", "b"]));
    }
    let version = tags.version();
    let change = |tag: &str, stale_ms, expired_ms| TagChange {
        tag: tag.into(),
        stale_ms,
        expired_ms,
        expires_ms: None,
    };
    tags.recall(
        [change("a", None, Some(20.0)), change("b", Some(40.0), None)],
        0.0,
    );
    assert!(tags.version() > version);
    assert!(store.get("old", &[], 50.0).found().is_none());
    let new = store.get("new", &[], 50.0).found().unwrap();
    assert!(tags.is_stale(&new));
    // What is known here of a later time stays.
    tags.recall([change("b", Some(5.0), None)], 0.0);
    assert!(tags.is_stale(&new));
    tags.recall([], 35.0);
    assert!(store.get("new", &[], 50.0).found().is_none());
}

#[test]
fn a_profile_does_not_take_an_expiry_back() {
    let store = store();
    let mut seed = tagged("seed", 1.0, &["a"]);
    seed.is_seed = true;
    store.put(seed);
    store.tags().expire(["a"], 10.0);
    store.tags().make_stale(["a"], Some(1000.0), 20.0);
    assert!(store.get("seed", &[], 30.0).found().is_none());
}
