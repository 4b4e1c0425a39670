//! Entries in Redis.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::claims::Claims;
use super::health::{Health, PAUSE};
use super::known::Known;
use super::owed::Owed;
use super::recall::Recalled;
use super::stored::{self, Read};
use crate::cache::entry::NewEntry;
use crate::cache::now_ms;
use crate::cache::store::Store;
use crate::cache::tags::Revalidation;
use crate::redis::{Client, Reply, Script};
use crate::runtime;

/// Entries that are on their way to Redis at the same time; more are not shared.
const MAX_WRITES: usize = 64;

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
pub struct SecondLevel(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) store: &'static Store,
    pub(super) client: Client,
    pub(super) options: SecondLevelOptions,
    /// What this process calls a new epoch, and its claims.
    pub(super) nonce: String,
    pub(super) scripts: Scripts,
    pub(super) health: Health,
    known: Mutex<Known>,
    owed: Mutex<Owed>,
    pub(super) recalled: Mutex<Recalled>,
    pub(super) has_recalled: watch::Sender<bool>,
    pub(super) claims: Mutex<Claims>,
    writes: Arc<Semaphore>,
}

/// What runs in Redis.
pub(super) struct Scripts {
    fetch: Script,
    put: Script,
    mark: Script,
    pub(super) recall: Script,
    pub(super) claim: Script,
    pub(super) release: Script,
}

impl SecondLevel {
    /// Asks Redis nothing yet.
    pub fn new(store: &'static Store, client: Client, options: SecondLevelOptions) -> SecondLevel {
        SecondLevel(Arc::new(Shared {
            store,
            client,
            nonce: format!("{}-{:x}", now_ms(), std::process::id()),
            scripts: Scripts {
                fetch: Script::new(include_str!("fetch.lua")),
                put: Script::new(include_str!("put.lua")),
                mark: Script::new(include_str!("mark.lua")),
                recall: Script::new(include_str!("recall.lua")),
                claim: Script::new(include_str!("claim.lua")),
                release: Script::new(include_str!("release.lua")),
            },
            health: Health::new(options.timeout),
            options,
            known: Mutex::default(),
            owed: Mutex::default(),
            recalled: Mutex::default(),
            has_recalled: watch::Sender::new(false),
            claims: Mutex::default(),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
        }))
    }

    /// Brings an entry into the store of the process, if Redis has one that may be used, and that is younger than the one there;
    /// `more_tags` count like its own.
    pub async fn fetch(&self, key: &str, more_tags: &[String]) -> Fetched {
        let shared = &self.0;
        if shared.health.is_down() || lock(&shared.owed).is_owing() {
            return Fetched::Unavailable;
        }
        // What is revalidated from here on is newer than the answer.
        let tags_seen = shared.store.tags().version();
        let at_hand = shared.store.created_ms(key, more_tags, now_ms());
        let at_hand = at_hand.map(|created_ms| created_ms.to_string());
        let keys = [shared.entry_key(key), shared.meta_key(), shared.tags_key()];
        let mut args = vec![shared.nonce.as_str(), at_hand.as_deref().unwrap_or("")];
        args.extend(more_tags.iter().map(String::as_str));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let run = shared.scripts.fetch.run(&shared.client, &keys, &args);
        let Some(reply) = shared.health.read(run).await else {
            return Fetched::Unavailable;
        };
        let Some(answer) = reply.as_array() else {
            return Fetched::Absent;
        };
        shared.learn(answer);
        match stored::read(key, tags_seen, answer) {
            Read::Entry(entry) if entry.value.len() <= shared.options.max_entry_bytes => {
                shared.store.put_younger(entry, more_tags);
                Fetched::Stored
            }
            Read::Entry(_) | Read::Absent => Fetched::Absent,
            Read::Damaged => {
                shared.health.report_damage(key);
                self.remove(key);
                Fetched::Absent
            }
        }
    }

    /// Puts an entry, as soon as may be, without anybody waiting for it. Seeds are not shared: every process has them.
    pub fn put(&self, entry: &NewEntry) {
        let shared = &self.0;
        let claim_key = shared
            .take_claim(&entry.key)
            .then(|| shared.claim_key(&entry.key));
        if entry.value.len() > shared.options.max_entry_bytes && !entry.is_seed {
            // What it replaces is outdated for others, too.
            self.remove(&entry.key);
        }
        let put = shared.prepare(entry);
        if put.is_none() && claim_key.is_none() {
            return;
        }
        let level = self.clone();
        drop(runtime::spawn(async move {
            if let Some(put) = put {
                level.send(put).await;
            }
            if let Some(claim_key) = claim_key {
                level.end_claim(&claim_key).await;
            }
        }));
    }

    async fn send(&self, put: PreparedPut) {
        let known = match put.known {
            Some(known) => Some(known),
            None => self.first_known().await,
        };
        let Some((epoch, version)) = known else {
            return;
        };
        let known: [Bytes; 2] = [epoch.into(), version.to_string().into()];
        let args = [&known[..], &put.entry].concat();
        let shared = &self.0;
        let run = shared.scripts.put.run(&shared.client, &put.keys, &args);
        shared.health.write(run).await;
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
            let run = async { shared.client.command(&["DEL", &key]).await };
            shared.health.write(run).await;
        }));
    }

    /// From now on no entry of Redis with one of these tags is used here; [`SecondLevel::settle`] tells Redis.
    pub fn owe(&self, tags: &[String], how: Revalidation) {
        lock(&self.0.owed).add(tags.iter().cloned(), how);
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

/// An entry that is about to be sent.
struct PreparedPut {
    keys: [Bytes; 2],
    /// None before the first answer.
    known: Option<(String, u64)>,
    entry: [Bytes; 7],
    _permit: OwnedSemaphorePermit,
}

impl Shared {
    /// What is sent to put an entry; none when it is not shared.
    fn prepare(&self, entry: &NewEntry) -> Option<PreparedPut> {
        if entry.is_seed
            || entry.value.len() > self.options.max_entry_bytes
            || self.health.takes_nothing()
        {
            return None;
        }
        let tags_seen = entry.tags_seen.unwrap_or(self.store.tags().version());
        let known = lock(&self.known).at(tags_seen);
        if known.is_none() && !lock(&self.known).is_empty() {
            return None;
        }
        Some(PreparedPut {
            keys: [self.entry_key(&entry.key).into(), self.meta_key().into()],
            known,
            entry: stored::arguments(entry)?,
            _permit: self.writes.clone().try_acquire_owned().ok()?,
        })
    }

    /// Whether the claim was this process's; it is no more.
    pub(super) fn take_claim(&self, key: &str) -> bool {
        lock(&self.claims).remove(key)
    }

    /// Whether nothing is owed any more.
    async fn settle_once(&self) -> bool {
        loop {
            let batch = {
                let mut owed = lock(&self.owed);
                let Some(batch) = owed.begin() else {
                    owed.is_settling = false;
                    return true;
                };
                batch
            };
            let keys = [self.meta_key(), self.tags_key(), self.marks_key()];
            let args = [vec![self.nonce.clone()], batch.arguments()].concat();
            let run = self.scripts.mark.run(&self.client, &keys, &args);
            let reply = self.health.write(run).await;
            let mut owed = lock(&self.owed);
            let Some(reply) = reply else {
                owed.give_back(batch);
                return false;
            };
            owed.confirm();
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

    pub(super) fn claim_key(&self, key: &str) -> String {
        format!("{}claim:{key}", self.options.prefix)
    }

    fn entry_key(&self, key: &str) -> String {
        format!("{}entry:{key}", self.options.prefix)
    }

    pub(super) fn meta_key(&self) -> String {
        format!("{}meta", self.options.prefix)
    }

    pub(super) fn tags_key(&self) -> String {
        format!("{}tags", self.options.prefix)
    }

    pub(super) fn marks_key(&self) -> String {
        format!("{}marks", self.options.prefix)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
