//! What the store keeps under a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;

use super::tags::Tags;

/// What an entry costs beside its bytes: its place in the maps and its own fields.
const OVERHEAD: usize = 256;

/// An entry that is to be put.
#[derive(Debug)]
pub struct NewEntry {
    /// What it is found by.
    pub key: Arc<str>,
    /// The path whose response it is, if it is one: a second name, see [`super::Store::find`].
    pub path: Option<Arc<str>>,
    /// Its bytes; see [`super::parts`].
    pub value: Bytes,
    /// What may be revalidated together with it.
    pub tags: Box<[Arc<str>]>,
    /// When what it says was true, in milliseconds since 1970.
    pub created_ms: f64,
    /// From when on it must not be used, in milliseconds since 1970.
    pub expires_ms: Option<f64>,
    /// The version of the tags that it knows of, when work on it began; none for that of now. See
    /// [`super::Tags::version`].
    pub tags_seen: Option<u64>,
    /// It comes from elsewhere, a file of the build: it gives way to an entry that is there, and only `created_ms`
    /// tells what it knows of.
    pub is_seed: bool,
}

/// An entry of the store. It never changes: putting again under its key makes another one.
#[derive(Debug)]
pub struct Entry {
    /// What it is found by.
    pub key: Arc<str>,
    /// The path whose response it is, if it is one.
    pub path: Option<Arc<str>>,
    /// Its bytes.
    pub value: Bytes,
    /// What may be revalidated together with it.
    pub tags: Box<[Arc<str>]>,
    /// When what it says was true, in milliseconds since 1970.
    pub created_ms: f64,
    /// From when on it must not be used, in milliseconds since 1970.
    pub expires_ms: Option<f64>,
    /// The last change of tags that it is younger than; the highest number for an entry that only its time tells of.
    pub(super) tags_seen: u64,
    /// Bytes that it counts for; changed under the store's lock.
    pub(super) size: AtomicUsize,
    /// It is the one in the store.
    pub(super) is_current: AtomicBool,
    /// It was asked for since eviction came by.
    pub(super) is_used: AtomicBool,
    /// The version of the tags at which it was found fresh.
    fresh_at: AtomicU64,
}

impl Entry {
    pub(super) fn new(entry: NewEntry, tags_version: u64) -> Entry {
        let names: usize = entry.tags.iter().map(|tag| tag.len() + 24).sum();
        let path = entry.path.as_ref().map_or(0, |path| path.len());
        let size = OVERHEAD + entry.key.len() + path + entry.value.len() + names;
        Entry {
            tags_seen: match entry.is_seed {
                true => u64::MAX,
                false => entry.tags_seen.unwrap_or(tags_version),
            },
            key: entry.key,
            path: entry.path,
            value: entry.value,
            tags: entry.tags,
            created_ms: entry.created_ms,
            expires_ms: entry.expires_ms,
            size: AtomicUsize::new(size),
            is_current: AtomicBool::new(true),
            is_used: AtomicBool::new(false),
            fresh_at: AtomicU64::new(u64::MAX),
        }
    }

    /// Whether it is still the one in the store.
    pub fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Acquire)
    }

    /// Whether it may be used without asking anybody: it is the current one, has not expired, and none of its tags was
    /// revalidated. Tells the store that it is used.
    pub fn is_fresh(&self, tags: &Tags, now_ms: f64) -> bool {
        if !self.is_current() || self.is_past(now_ms) {
            return false;
        }
        let version = tags.version();
        if self.fresh_at.load(Ordering::Relaxed) != version {
            if tags.is_expired(self, now_ms) || tags.is_stale(self) {
                return false;
            }
            self.fresh_at.store(version, Ordering::Relaxed);
        }
        self.touch();
        true
    }

    pub(super) fn is_past(&self, now_ms: f64) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= now_ms)
    }

    pub(super) fn touch(&self) {
        // A store would take the cache line from the other threads each time.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }
}
