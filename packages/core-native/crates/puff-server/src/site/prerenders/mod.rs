//! Answers that Next.js has in store, sent again without JavaScript.
//!
//! Nothing is worked out here, it is *learned*: when Next.js answers from its cache, the answer is recorded, and sent again for
//! as long as Next.js would answer the same. What proves that an answer came from an entry of the process's cache is its body,
//! which has to be a part of that entry byte for byte; so the recording shares the entry's memory and lives no longer than it.
//! When the entry is replaced, evicted or due for revalidation, or one of its tags was revalidated by any isolate, requests go
//! to JavaScript again. An app that keeps its pages in another cache handler has no such entries, and nothing is recorded.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ::http::Method;
use ::http::request::Parts;
use puff_core::cache::{Entry, Store, now_ms};

use super::prerender_key::PrerenderKey;
use crate::http::Response;

mod conditions;
mod recorder;
mod recording;

pub use recorder::Recorder;
use recording::Recording;

/// Recordings that are kept without looking whether their entries are gone.
const UNSWEPT: usize = 1024;

/// The recorded answers of a site.
pub struct Prerenders {
    shared: Arc<Shared>,
}

struct Shared {
    store: &'static Store,
    base_path: Box<str>,
    recordings: RwLock<Recordings>,
}

#[derive(Default)]
struct Recordings {
    by_key: HashMap<PrerenderKey, Arc<Recording>>,
    /// With more of them, those of entries that are gone are looked for.
    sweep_above: usize,
}

impl Prerenders {
    /// None recorded yet; `store` is the cache that the app's pages are kept in.
    pub fn new(store: &'static Store, base_path: &str) -> Prerenders {
        Prerenders {
            shared: Arc::new(Shared {
                store,
                base_path: base_path.into(),
                recordings: RwLock::default(),
            }),
        }
    }

    /// The answer to a request, if it was recorded and is fresh.
    pub fn find(&self, parts: &Parts, key: &PrerenderKey) -> Option<Response> {
        let recording = self.shared.read().by_key.get(key).cloned()?;
        recording.replay(parts, self.shared.store.tags(), now_ms())
    }

    /// Records the answer to a request that JavaScript is going to be asked; none if that can teach nothing.
    pub fn recorder(&self, parts: &Parts, key: &PrerenderKey) -> Option<Recorder> {
        (parts.method == Method::GET).then(|| Recorder::new(self.shared.clone(), key.clone()))
    }
}

impl Shared {
    /// The cache's entry of the page at a path of a URL.
    fn entry(&self, path: &str) -> Option<Arc<Entry>> {
        let below_base = path.strip_prefix(&*self.base_path)?;
        let plain = match below_base.strip_suffix('/').unwrap_or(below_base) {
            "" => "/",
            plain => plain,
        };
        self.store.find(plain).or_else(|| {
            // Next.js' names of pages are encoded less than URLs may be.
            let decoded = percent_encoding::percent_decode_str(plain)
                .decode_utf8()
                .ok()?;
            self.store.find(&decoded)
        })
    }

    fn keep(&self, key: PrerenderKey, recording: Recording, entry: &Arc<Entry>) {
        let mut recordings = self
            .recordings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let former = recordings.by_key.get(&key);
        if former.is_some_and(|former| former.is_of(entry)) {
            return;
        }
        if !self.store.grow(entry, recording.size()) {
            return;
        }
        recordings.by_key.insert(key, Arc::new(recording));
        if recordings.by_key.len() > recordings.sweep_above.max(UNSWEPT) {
            recordings
                .by_key
                .retain(|_, recording| recording.is_alive());
            recordings.sweep_above = 2 * recordings.by_key.len();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Recordings> {
        self.recordings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
