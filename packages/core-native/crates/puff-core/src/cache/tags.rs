//! Tags and when they were revalidated.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::entry::Entry;

/// Tags that are remembered. Beyond that the oldest revalidations are forgotten, and with them every tagged entry that is
/// older.
const MAX_TAGS: usize = 50_000;

/// What a revalidation does to entries with its tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Revalidation {
    /// They have expired.
    Expire,
    /// They are stale, and will have expired so many milliseconds later.
    MakeStale {
        /// None where that is left to the entries.
        expire_ms: Option<f64>,
    },
}

/// When tags were revalidated, in the terms of Next.js 16's `revalidateTag(tag, profile)`: from one time on entries are
/// *stale* (to be used once more while they are made anew), from another on they are *expired* (not to be used).
#[derive(Debug)]
pub struct Tags {
    marks: RwLock<Marks>,
    /// The number of the last change.
    version: AtomicU64,
    max_tags: usize,
}

#[derive(Debug, Default)]
struct Marks {
    by_name: HashMap<Arc<str>, Mark>,
    /// The tags in the order of their last change.
    by_version: BTreeMap<u64, Arc<str>>,
    /// Revalidations up to this time are not known one by one any more.
    forgotten_ms: f64,
    /// Up to this version some may be missing; what was put later is not concerned.
    unheard_version: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    version: u64,
    stale_ms: Option<f64>,
    /// When everything expired at once, at last.
    expired_ms: Option<f64>,
    /// When what was made stale expires.
    expires_ms: Option<f64>,
    /// The last change that expired everything at once.
    expired_version: u64,
}

/// A change of a tag, as [`Tags::changes`] lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct TagChange {
    /// The tag.
    pub tag: Arc<str>,
    /// From when on older entries are stale.
    pub stale_ms: Option<f64>,
    /// From when on older entries are expired.
    pub expired_ms: Option<f64>,
    /// The same, for what was made stale: may be in the future.
    pub expires_ms: Option<f64>,
}

impl Default for Tags {
    fn default() -> Tags {
        Tags::new(MAX_TAGS)
    }
}

impl Tags {
    pub(super) fn new(max_tags: usize) -> Tags {
        Tags {
            marks: RwLock::default(),
            version: AtomicU64::new(0),
            max_tags,
        }
    }

    /// The number of the last change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Expires everything that has one of these tags.
    pub fn expire<'a>(&self, names: impl IntoIterator<Item = &'a str>, now_ms: f64) {
        self.change(names, now_ms, |mark, version| Mark {
            expired_ms: Some(now_ms),
            expires_ms: None,
            expired_version: version,
            ..mark
        });
    }

    /// Makes everything stale that has one of these tags; after `expire_ms` milliseconds it will be expired.
    pub fn make_stale<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        expire_ms: Option<f64>,
        now_ms: f64,
    ) {
        self.change(names, now_ms, |mark, _| Mark {
            stale_ms: Some(now_ms),
            expires_ms: expire_ms.map(|after| now_ms + after).or(mark.expires_ms),
            ..mark
        });
    }

    /// Adds revalidations of the past that were not known here, and a time up to which some are not known one by one.
    pub fn recall(&self, changes: impl IntoIterator<Item = TagChange>, forgotten_ms: f64) {
        let later = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        for change in changes {
            let TagChange {
                tag,
                stale_ms,
                expired_ms,
                expires_ms,
            } = change;
            self.change([&*tag], 0.0, |mark, _| Mark {
                stale_ms: later(mark.stale_ms, stale_ms),
                expired_ms: later(mark.expired_ms, expired_ms),
                expires_ms: later(mark.expires_ms, expires_ms),
                ..mark
            });
        }
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        if forgotten_ms > marks.forgotten_ms {
            marks.forgotten_ms = forgotten_ms;
            self.version.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Expires everything older that has tags: what was revalidated until now is not known.
    pub fn expire_all(&self, now_ms: f64) {
        self.forget(|marks| marks.forgotten_ms = marks.forgotten_ms.max(now_ms));
    }

    /// Expires everything that was put until now and has tags, except for seeds: revalidations of others were not heard yet.
    pub fn expire_unheard(&self) {
        self.forget(|_| {});
    }

    /// A new version, with nothing revalidated.
    pub(super) fn advance(&self) -> u64 {
        let _marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        self.version.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn forget(&self, forget: impl Fn(&mut Marks)) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let version = self.version.load(Ordering::Acquire) + 1;
        marks.unheard_version = version;
        forget(&mut marks);
        self.version.store(version, Ordering::Release);
    }

    fn change<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        now_ms: f64,
        change: impl Fn(Mark, u64) -> Mark,
    ) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        // Before the version is published, so that nobody takes the old marks for those of the new version.
        let mut version = self.version.load(Ordering::Acquire);
        for name in names {
            version += 1;
            marks.change(name, version, &change);
            if marks.by_name.len() > self.max_tags {
                marks.forget_oldest(now_ms);
            }
        }
        self.version.store(version, Ordering::Release);
    }

    /// The tags that have changed since a version, the oldest change first, and the version that they lead to.
    pub fn changes(&self, since: u64) -> (u64, Vec<TagChange>) {
        let marks = self.read();
        let changes = marks.by_version.range(since.saturating_add(1)..);
        let changes = changes.filter_map(|(_, tag)| {
            let mark = marks.by_name.get(tag)?;
            Some(TagChange {
                tag: tag.clone(),
                stale_ms: mark.stale_ms,
                expired_ms: mark.expired_ms,
                expires_ms: mark.expires_ms,
            })
        });
        (self.version(), changes.collect())
    }

    /// When one of these tags was last expired, or will be; 0 when none was.
    pub fn expiration<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> f64 {
        let marks = self.read();
        let times = names
            .into_iter()
            .filter_map(|name| marks.get(name))
            .flat_map(|mark| [mark.expired_ms, mark.expires_ms])
            .flatten();
        times.fold(marks.forgotten_ms, f64::max)
    }

    /// Whether an entry must not be used any more because of its tags.
    pub fn is_expired(&self, entry: &Entry, now_ms: f64) -> bool {
        let marks = self.read();
        marks.has_forgotten(entry.created_ms, &entry.tags)
            || marks.has_not_heard(entry.tags_seen, &entry.tags)
            || entry.tags.iter().any(|tag| {
                marks.get(tag).is_some_and(|mark| {
                    mark.is_expired(entry.created_ms, now_ms)
                        || mark.expired_version > entry.tags_seen
                })
            })
    }

    /// Whether an entry must not be used any more because of tags that are not its own.
    pub(super) fn is_expired_by(&self, names: &[String], entry: &Entry, now_ms: f64) -> bool {
        self.have_expired(names, entry.created_ms, now_ms)
            || self.read().has_not_heard(entry.tags_seen, names)
    }

    /// Whether something of that time must not be used any more because of these tags.
    pub fn have_expired(&self, names: &[String], created_ms: f64, now_ms: f64) -> bool {
        let marks = self.read();
        marks.has_forgotten(created_ms, names)
            || names.iter().any(|name| {
                let mark = marks.get(name);
                mark.is_some_and(|mark| mark.is_expired(created_ms, now_ms))
            })
    }

    /// Whether an entry is to be made anew because of its tags.
    pub fn is_stale(&self, entry: &Entry) -> bool {
        let marks = self.read();
        entry.tags.iter().any(|tag| {
            let stale_ms = marks.get(tag).and_then(|mark| mark.stale_ms);
            stale_ms.is_some_and(|stale_ms| stale_ms > entry.created_ms)
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Marks> {
        self.marks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn get(&self, name: &str) -> Option<&Mark> {
        self.by_name.get(name)
    }

    fn change(&mut self, name: &str, version: u64, change: impl Fn(Mark, u64) -> Mark) {
        let (name, former) = match self.by_name.get_key_value(name) {
            Some((name, mark)) => (name.clone(), *mark),
            None => (Arc::from(name), Mark::default()),
        };
        self.by_version.remove(&former.version);
        let mark = Mark {
            version,
            ..change(former, version)
        };
        self.by_version.insert(version, name.clone());
        self.by_name.insert(name, mark);
    }

    fn forget_oldest(&mut self, now_ms: f64) {
        let Some((_, name)) = self.by_version.pop_first() else {
            return;
        };
        let Some(mark) = self.by_name.remove(&name) else {
            return;
        };
        // What it would have expired later is expired now.
        let times = [mark.stale_ms, mark.expired_ms, mark.expires_ms]
            .into_iter()
            .flatten();
        let past = times.filter(|time| *time <= now_ms);
        self.forgotten_ms = past.fold(self.forgotten_ms, f64::max);
    }

    /// Whether there are tags, and what is known of them does not reach back to that time.
    fn has_forgotten<T>(&self, created_ms: f64, tags: &[T]) -> bool {
        created_ms <= self.forgotten_ms && !tags.is_empty()
    }

    /// Whether there are tags, and revalidations may be missing since that version.
    fn has_not_heard<T>(&self, tags_seen: u64, tags: &[T]) -> bool {
        tags_seen < self.unheard_version && !tags.is_empty()
    }
}

impl Mark {
    fn is_expired(&self, created_ms: f64, now_ms: f64) -> bool {
        let times = [self.expired_ms, self.expires_ms];
        let mut times = times.into_iter().flatten();
        times.any(|expired_ms| expired_ms <= now_ms && expired_ms > created_ms)
    }
}
