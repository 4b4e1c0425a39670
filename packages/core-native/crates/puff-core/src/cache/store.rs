//! The entries of the process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::entry::{Entry, NewEntry};
use super::now_ms;
use super::tags::Tags;

/// Bytes that a store keeps unless it is told otherwise: what Next.js gives its own in-memory cache (`cacheMaxMemorySize`).
pub const DEFAULT_CAPACITY: usize = 50 * 1024 * 1024;

/// No entry may take more than this part of the capacity: it would drive out everything else.
const LARGEST_SHARE: usize = 4;

static STORE: LazyLock<Store> = LazyLock::new(|| Store::new(DEFAULT_CAPACITY));

/// The store of the process.
pub fn store() -> &'static Store {
    &STORE
}

/// What became of an entry that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is in the store.
    Stored,
    /// It was a seed, and an entry was there; or that was younger.
    Present,
    /// It is too large; what was under its key is gone, because it is outdated.
    TooLarge,
}

/// What is under a key.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// An entry that may be used; [`Tags::is_stale`] tells whether it should be made anew.
    Found(Arc<Entry>),
    /// An entry that must not be used: its time is over, or a tag of it has expired.
    Expired,
    /// Nothing.
    Absent,
}

impl Lookup {
    /// The entry that may be used.
    pub fn found(self) -> Option<Arc<Entry>> {
        match self {
            Lookup::Found(entry) => Some(entry),
            Lookup::Expired | Lookup::Absent => None,
        }
    }
}

/// What a store holds and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries.
    pub entries: usize,
    /// Bytes that they count for.
    pub bytes: usize,
    /// The bound of those bytes.
    pub capacity: usize,
    /// Reads that found an entry.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Entries that had to make room.
    pub evictions: u64,
}

/// A bounded map of entries, and the revalidations of their tags.
///
/// Reading takes a shared lock for the time of a look-up. What was not used since eviction last came by goes first, in the
/// order in which it came (second chance).
#[derive(Debug)]
pub struct Store {
    shelf: RwLock<Shelf>,
    tags: Tags,
    capacity: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

#[derive(Debug, Default)]
struct Shelf {
    by_key: HashMap<Arc<str>, Arc<Entry>>,
    /// The entries that are responses, by the path they are the response of.
    by_path: HashMap<Arc<str>, Arc<str>>,
    /// Keys in the order of eviction; those that are gone from `by_key` are left here until they are met.
    queue: VecDeque<Arc<str>>,
    bytes: usize,
}

impl Store {
    /// An empty store for so many bytes.
    pub fn new(capacity: usize) -> Store {
        Store {
            shelf: RwLock::default(),
            tags: Tags::default(),
            capacity: AtomicUsize::new(capacity),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// When tags were revalidated.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Changes the bound; evicts what is too much.
    pub fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Ordering::Relaxed);
        let evicted = self.evict(&mut self.write());
        drop(evicted);
    }

    /// What is under a key; `more_tags` may have expired it as well as its own.
    pub fn get(&self, key: &str, more_tags: &[String], now_ms: f64) -> Lookup {
        let found = self.read().by_key.get(key).cloned();
        let lookup = match found {
            None => Lookup::Absent,
            Some(entry) if self.has_expired(&entry, more_tags, now_ms) => Lookup::Expired,
            Some(entry) => {
                entry.touch();
                Lookup::Found(entry)
            }
        };
        let counter = match &lookup {
            Lookup::Found(_) => &self.hits,
            Lookup::Expired | Lookup::Absent => &self.misses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        lookup
    }

    /// The entry that is the response of a path, expired or not; see [`Entry::is_fresh`].
    pub fn find(&self, path: &str) -> Option<Arc<Entry>> {
        let shelf = self.read();
        let key = shelf.by_path.get(path)?;
        shelf.by_key.get(key).cloned()
    }

    /// When the entry under a key was made, if it may be used; not counted as a read.
    pub(super) fn created_ms(&self, key: &str, more_tags: &[String], now_ms: f64) -> Option<f64> {
        let entry = self.read().by_key.get(key).cloned()?;
        (!self.has_expired(&entry, more_tags, now_ms)).then_some(entry.created_ms)
    }

    /// Puts an entry in the place of what is under its key.
    pub fn put(&self, entry: NewEntry) -> Put {
        let is_seed = entry.is_seed;
        self.put_over(entry, |_| !is_seed)
    }

    /// Puts an entry, unless one that may be used and is as young is under its key.
    pub(super) fn put_younger(&self, entry: NewEntry, more_tags: &[String]) -> Put {
        let created_ms = entry.created_ms;
        self.put_over(entry, |present| {
            created_ms > present.created_ms || self.has_expired(present, more_tags, now_ms())
        })
    }

    fn put_over(&self, entry: NewEntry, replaces: impl Fn(&Entry) -> bool) -> Put {
        let entry = Arc::new(Entry::new(entry, self.tags.version()));
        let mut shelf = self.write();
        let present = shelf.by_key.get(&entry.key);
        if present.is_some_and(|present| !replaces(present)) {
            return Put::Present;
        }
        let former = shelf.remove(&entry.key);
        let capacity = self.capacity.load(Ordering::Relaxed);
        let is_too_large = entry.size.load(Ordering::Relaxed) > capacity / LARGEST_SHARE;
        let mut evicted = Vec::new();
        if !is_too_large {
            if former.is_some() {
                // It stands where that one stood in the queue.
                entry.touch();
            }
            shelf.insert(entry, former.is_some());
            evicted = self.evict(&mut shelf);
        }
        drop(shelf);
        // Freed after the lock.
        drop((former, evicted));
        if is_too_large {
            Put::TooLarge
        } else {
            Put::Stored
        }
    }

    /// Takes an entry away; whether there was one.
    pub fn remove(&self, key: &str) -> bool {
        let removed = self.write().remove(key);
        removed.is_some()
    }

    /// Counts more bytes for an entry, for what is kept beside it as long as it is current. False if it is not any more.
    pub fn grow(&self, entry: &Entry, bytes: usize) -> bool {
        let mut shelf = self.write();
        if !entry.is_current() {
            return false;
        }
        entry.size.fetch_add(bytes, Ordering::Relaxed);
        shelf.bytes += bytes;
        let evicted = self.evict(&mut shelf);
        drop(shelf);
        drop(evicted);
        entry.is_current()
    }

    /// What it holds and did.
    pub fn stats(&self) -> Stats {
        let shelf = self.read();
        Stats {
            entries: shelf.by_key.len(),
            bytes: shelf.bytes,
            capacity: self.capacity.load(Ordering::Relaxed),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    /// Makes the entries fit; returns what had to go.
    fn evict(&self, shelf: &mut Shelf) -> Vec<Arc<Entry>> {
        let capacity = self.capacity.load(Ordering::Relaxed);
        let mut evicted = Vec::new();
        while shelf.bytes > capacity {
            let Some(entry) = shelf.remove_next() else {
                break;
            };
            evicted.push(entry);
        }
        self.evictions
            .fetch_add(evicted.len() as u64, Ordering::Relaxed);
        evicted
    }

    fn has_expired(&self, entry: &Entry, more_tags: &[String], now_ms: f64) -> bool {
        entry.is_past(now_ms)
            || self.tags.is_expired(entry, now_ms)
            || self.tags.is_expired_by(more_tags, entry, now_ms)
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// Puts an entry under a key that is free, and that may be in the queue still.
    fn insert(&mut self, entry: Arc<Entry>, is_queued: bool) {
        self.bytes += entry.size.load(Ordering::Relaxed);
        if let Some(path) = &entry.path {
            self.by_path.insert(path.clone(), entry.key.clone());
        }
        if !is_queued {
            self.queue.push_back(entry.key.clone());
        }
        self.by_key.insert(entry.key.clone(), entry);
        // Keys that come and go would pile up while nothing has to be evicted.
        if self.queue.len() > 2 * self.by_key.len() + 64 {
            let mut seen = HashSet::with_capacity(self.by_key.len());
            let by_key = &self.by_key;
            self.queue
                .retain(|key| by_key.contains_key(key) && seen.insert(key.clone()));
        }
    }

    fn remove(&mut self, key: &str) -> Option<Arc<Entry>> {
        let entry = self.by_key.remove(key)?;
        entry.is_current.store(false, Ordering::Release);
        self.bytes = self
            .bytes
            .saturating_sub(entry.size.load(Ordering::Relaxed));
        if let Some(path) = &entry.path
            && self.by_path.get(path) == Some(&entry.key)
        {
            self.by_path.remove(path);
        }
        Some(entry)
    }

    /// Removes the first entry of the queue that was not used since the last time.
    fn remove_next(&mut self) -> Option<Arc<Entry>> {
        while let Some(key) = self.queue.pop_front() {
            let Some(entry) = self.by_key.get(&key) else {
                continue;
            };
            if entry.is_used.swap(false, Ordering::Relaxed) {
                self.queue.push_back(key);
                continue;
            }
            return self.remove(&key);
        }
        None
    }
}
