//! Entries in Redis.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::known::Known;
use crate::cache::entry::NewEntry;
use crate::cache::now_ms;
use crate::cache::store::Store;
use crate::redis::{Client, Error, Reply, Script};
use crate::runtime;

/// Entries that are on their way to Redis at the same time; more are not shared.
const MAX_WRITES: usize = 64;

/// Tags that Redis could not be told of, one by one; with more, everything tagged there is outdated.
const MAX_OWED: usize = 10_000;

/// How long Redis is left alone after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// How long an entry without an end of its own is kept, in milliseconds.
const LONGEST_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct SecondLevelOptions {
    /// What all keys begin with.
    pub prefix: String,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// Larger entries stay in the process.
    pub max_entry_bytes: usize,
}

/// What came of looking an entry up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is in the store of the process now.
    Stored,
    /// Redis has none that may be used.
    Absent,
    /// Redis was not asked, or did not answer in time.
    Unavailable,
}

/// The level behind a store.
#[derive(Clone)]
pub struct SecondLevel(Arc<Shared>);

struct Shared {
    store: &'static Store,
    client: Client,
    options: SecondLevelOptions,
    /// What this process calls a new epoch.
    nonce: String,
    fetch: Script,
    put: Script,
    mark: Script,
    known: Mutex<Known>,
    owed: Mutex<Owed>,
    writes: Arc<Semaphore>,
    /// Until then Redis is left alone, in milliseconds since 1970.
    paused_until_ms: AtomicU64,
    /// Its failure was reported.
    is_down: AtomicBool,
}

/// Revalidations that Redis has not confirmed; until it has, its entries are not used here.
#[derive(Default)]
struct Owed {
    tags: HashSet<String>,
    is_everything: bool,
    /// Some of them are on their way.
    is_under_way: bool,
    /// Somebody is telling Redis.
    is_settling: bool,
}

impl SecondLevel {
    /// Asks Redis nothing yet.
    pub fn new(store: &'static Store, client: Client, options: SecondLevelOptions) -> SecondLevel {
        let nonce = format!("{}-{:x}", now_ms(), std::process::id());
        SecondLevel(Arc::new(Shared {
            store,
            client,
            options,
            nonce,
            fetch: Script::new(include_str!("fetch.lua")),
            put: Script::new(include_str!("put.lua")),
            mark: Script::new(include_str!("mark.lua")),
            known: Mutex::default(),
            owed: Mutex::default(),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            paused_until_ms: AtomicU64::new(0),
            is_down: AtomicBool::new(false),
        }))
    }

    /// Brings an entry into the store of the process, if Redis has one that may be used; `more_tags` count like its own.
    pub async fn fetch(&self, key: &str, more_tags: &[String]) -> Fetched {
        let shared = &self.0;
        if shared.is_paused() || lock(&shared.owed).is_owing() {
            return Fetched::Unavailable;
        }
        // What is revalidated from here on is newer than the answer.
        let tags_seen = shared.store.tags().version();
        let keys = [shared.entry_key(key), shared.meta_key(), shared.tags_key()];
        let mut args = vec![shared.nonce.as_str()];
        args.extend(more_tags.iter().map(String::as_str));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let run = shared.fetch.run(&shared.client, &keys, &args);
        let Some(reply) = shared.bounded(run).await else {
            return Fetched::Unavailable;
        };
        let Some(answer) = reply.as_array() else {
            return Fetched::Absent;
        };
        shared.learn(answer);
        match entry_of(key, tags_seen, answer) {
            Some(entry) if entry.value.len() <= shared.options.max_entry_bytes => {
                shared.store.put(entry);
                Fetched::Stored
            }
            Some(_) | None => Fetched::Absent,
        }
    }

    /// Puts an entry, as soon as may be, without anybody waiting for it. Seeds are not shared: every process has them.
    pub fn put(&self, entry: &NewEntry) {
        let shared = self.0.clone();
        if entry.is_seed || entry.value.len() > shared.options.max_entry_bytes || shared.is_paused()
        {
            return;
        }
        let tags_seen = entry.tags_seen.unwrap_or(shared.store.tags().version());
        let known = lock(&shared.known).at(tags_seen);
        if known.is_none() && !lock(&shared.known).is_empty() {
            return;
        }
        let Ok(permit) = shared.writes.clone().try_acquire_owned() else {
            return;
        };
        let ttl_ms = entry
            .expires_ms
            .map_or(LONGEST_MS, |expires| (expires - now_ms()).min(LONGEST_MS));
        if ttl_ms < 1.0 {
            return;
        }
        let tags: Vec<&str> = entry.tags.iter().map(|tag| &**tag).collect();
        let known_args = |(epoch, version): (String, u64)| -> [Bytes; 2] {
            [epoch.into(), version.to_string().into()]
        };
        let entry_args: [Bytes; 6] = [
            serde_json::json!(tags).to_string().into(),
            entry.created_ms.to_string().into(),
            entry
                .expires_ms
                .map_or_else(String::new, |at| at.to_string())
                .into(),
            entry
                .path
                .as_deref()
                .map_or_else(String::new, String::from)
                .into(),
            entry.value.clone(),
            (ttl_ms as u64).to_string().into(),
        ];
        let keys: [Bytes; 2] = [
            shared.entry_key(&entry.key).into(),
            shared.meta_key().into(),
        ];
        let level = self.clone();
        drop(runtime::spawn(async move {
            let known = match known {
                Some(known) => Some(known),
                None => level.first_known().await,
            };
            if let Some(known) = known {
                let args = [&known_args(known)[..], &entry_args].concat();
                let run = shared.put.run(&shared.client, &keys, &args);
                shared.bounded(run).await;
            }
            drop(permit);
        }));
    }

    /// What is known after Redis was asked for the first time.
    async fn first_known(&self) -> Option<(String, u64)> {
        self.fetch("", &[]).await;
        lock(&self.0.known).at(u64::MAX)
    }

    /// Takes an entry away, as soon as may be.
    pub fn remove(&self, key: &str) {
        let shared = self.0.clone();
        let key = shared.entry_key(key);
        drop(runtime::spawn(async move {
            shared.bounded(shared.client.command(&["DEL", &key])).await;
        }));
    }

    /// From now on no entry of Redis with one of these tags is used here; [`SecondLevel::settle`] tells Redis.
    pub fn owe(&self, tags: &[String]) {
        let mut owed = lock(&self.0.owed);
        owed.tags.extend(tags.iter().cloned());
        if owed.tags.len() > MAX_OWED {
            owed.tags.clear();
            owed.is_everything = true;
        }
    }

    /// Tells Redis what it is owed. Returns after the first attempt, which is bounded; others follow until one succeeds.
    pub async fn settle(&self) {
        if std::mem::replace(&mut lock(&self.0.owed).is_settling, true)
            || self.0.settle_once().await
        {
            return;
        }
        let shared = self.0.clone();
        drop(runtime::spawn(async move {
            while !shared.settle_once().await {
                tokio::time::sleep(PAUSE).await;
            }
        }));
    }
}

impl Shared {
    /// Whether nothing is owed any more.
    async fn settle_once(&self) -> bool {
        loop {
            let (tags, is_everything) = {
                let mut owed = lock(&self.owed);
                if !owed.is_owing() {
                    owed.is_settling = false;
                    return true;
                }
                owed.is_under_way = true;
                let tags = std::mem::take(&mut owed.tags);
                (tags, std::mem::take(&mut owed.is_everything))
            };
            let keys = [self.meta_key(), self.tags_key()];
            let mut args = vec![self.nonce.clone()];
            if !is_everything {
                args.extend(tags.iter().cloned());
            }
            let reply = self
                .bounded(self.mark.run(&self.client, &keys, &args))
                .await;
            let mut owed = lock(&self.owed);
            owed.is_under_way = false;
            let Some(reply) = reply else {
                owed.tags.extend(tags);
                owed.is_everything |= is_everything;
                return false;
            };
            drop(owed);
            self.learn(reply.as_array().unwrap_or_default());
        }
    }

    fn learn(&self, answer: &[Reply]) {
        let text = |index: usize| answer.get(index).and_then(Reply::as_text);
        if let (Some(epoch), Some(version)) = (text(0), text(1))
            && let Ok(version) = version.parse()
        {
            lock(&self.known).learn(epoch, version, || self.store.tags().advance());
        }
    }

    /// The reply, if it comes in time; a failure is reported once until there is a reply again.
    async fn bounded(&self, run: impl Future<Output = Result<Reply, Error>>) -> Option<Reply> {
        let result = match tokio::time::timeout(self.options.timeout, run).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout(self.options.timeout)),
        };
        match result {
            Ok(reply) => {
                if self.is_down.swap(false, Ordering::AcqRel) {
                    eprintln!("[next-puff] the cache shares its entries by Redis again.");
                }
                Some(reply)
            }
            Err(error) => {
                let until = now_ms() + PAUSE.as_millis() as f64;
                self.paused_until_ms.store(until as u64, Ordering::Release);
                if !self.is_down.swap(true, Ordering::AcqRel) {
                    eprintln!(
                        "[next-puff] every process keeps its cache to itself until Redis answers. {error} ({})",
                        error.code()
                    );
                }
                None
            }
        }
    }

    fn is_paused(&self) -> bool {
        (now_ms() as u64) < self.paused_until_ms.load(Ordering::Acquire)
    }

    fn entry_key(&self, key: &str) -> String {
        format!("{}entry:{key}", self.options.prefix)
    }

    fn meta_key(&self) -> String {
        format!("{}meta", self.options.prefix)
    }

    fn tags_key(&self) -> String {
        format!("{}tags", self.options.prefix)
    }
}

impl Owed {
    fn is_owing(&self) -> bool {
        self.is_everything || self.is_under_way || !self.tags.is_empty()
    }
}

/// The entry in an answer of `fetch.lua`.
fn entry_of(key: &str, tags_seen: u64, answer: &[Reply]) -> Option<NewEntry> {
    let [_, _, tags, created, expires, path, Reply::Bytes(value)] = answer else {
        return None;
    };
    let tags: Vec<String> = serde_json::from_str(tags.as_text()?).ok().or_else(|| {
        // Lua writes an empty list as an empty object.
        (tags.as_text()? == "{}").then(Vec::new)
    })?;
    let expires = expires.as_text()?;
    let path = path.as_text()?;
    Some(NewEntry {
        key: key.into(),
        path: (!path.is_empty()).then(|| path.into()),
        value: value.clone(),
        tags: tags.into_iter().map(Arc::from).collect(),
        created_ms: created.as_text()?.parse().ok()?,
        expires_ms: match expires {
            "" => None,
            expires => Some(expires.parse().ok()?),
        },
        tags_seen: Some(tags_seen),
        is_seed: false,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
