//! The process's cache for JavaScript.
//!
//! Keys, tags and times are what JavaScript gives; times are milliseconds since 1970.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::BufferSlice;
use napi::{Env, Error, Result};
use napi_derive::napi;
use puff_core::cache::{
    Lookup, NewEntry, Put, SecondLevel, SecondLevelOptions, now_ms, peers, store,
};
use puff_core::redis::{Client, Config, Options};
use serde_json::json;

use crate::boundary::{Answer, Boundary};

/// Before the bytes of an entry: it may be used.
const FRESH: u8 = 0;
/// It may be used and should be made anew.
const STALE: u8 = 1;
/// It must not be used; no bytes follow.
const EXPIRED: u8 = 2;

/// The entry under a key: a byte that tells what it is good for (0 to be used, 1 to be used and made anew, 2 expired), then
/// its bytes; nothing when there is none. `moreTags` may have expired it as well as its own.
#[napi(catch_unwind)]
pub fn cache_get(
    env: &Env,
    key: String,
    more_tags: Option<Vec<String>>,
) -> Result<Option<BufferSlice<'_>>> {
    let more_tags = more_tags.unwrap_or_default();
    let entry = match store().get(&key, &more_tags, now_ms()) {
        Lookup::Absent => return Ok(None),
        Lookup::Expired => return BufferSlice::copy_from(env, [EXPIRED]).map(Some),
        Lookup::Found(entry) => entry,
    };
    let is_stale = store().tags().is_stale(&entry);
    let mut bytes = Vec::with_capacity(1 + entry.value.len());
    bytes.push(if is_stale { STALE } else { FRESH });
    bytes.extend_from_slice(&entry.value);
    BufferSlice::from_data(env, bytes).map(Some)
}

/// Puts an entry that knows of the tags' version `tagsSeen`, or of the present one: 0 it is there, 1 it was a seed and another one was there, 2 it is too large.
#[napi(catch_unwind)]
#[allow(
    clippy::too_many_arguments,
    reason = "one crossing per entry, without objects"
)]
pub fn cache_put(
    key: String,
    value: &[u8],
    tags: Vec<String>,
    created_ms: f64,
    expires_ms: Option<f64>,
    path: Option<String>,
    tags_seen: Option<f64>,
    is_seed: bool,
) -> u32 {
    let entry = NewEntry {
        key: key.into(),
        path: path.map(Arc::from),
        value: Bytes::copy_from_slice(value),
        tags: tags.into_iter().map(Arc::from).collect(),
        created_ms,
        expires_ms,
        tags_seen: tags_seen.map(|version| version as u64),
        is_seed,
    };
    if let Some(second_level) = peers().second_level() {
        second_level.put(&entry);
    }
    match store().put(entry) {
        Put::Stored => 0,
        Put::Present => 1,
        Put::TooLarge => 2,
    }
}

/// Takes an entry away; whether there was one.
#[napi(catch_unwind)]
pub fn cache_delete(key: String) -> bool {
    if let Some(second_level) = peers().second_level() {
        second_level.remove(&key);
    }
    store().remove(&key)
}

/// Changes the bound of the bytes that all entries count for.
#[napi(catch_unwind)]
pub fn cache_set_capacity(bytes: f64) {
    store().set_capacity(bytes as usize);
}

/// Exchanges revalidations with the processes of the same name that pub/sub reaches; the first name counts.
#[napi(catch_unwind)]
pub fn cache_join(name: String) {
    peers().join(&name);
}

/// Shares entries by a Redis with these options (JSON). The first one counts.
///
/// Throws a message that begins with `PUFF_REDIS_CONFIG: ` when the options make no sense.
#[napi(catch_unwind)]
pub fn cache_share(
    redis: String,
    prefix: String,
    timeout_ms: f64,
    max_entry_bytes: f64,
) -> Result<()> {
    let refuse =
        |error: &dyn std::fmt::Display| Error::from_reason(format!("PUFF_REDIS_CONFIG: {error}"));
    if peers().second_level().is_some() {
        return Ok(());
    }
    let options = Options::from_json(&redis).map_err(|error| refuse(&error))?;
    let config = Config::new(options).map_err(|error| refuse(&error))?;
    let options = SecondLevelOptions {
        prefix,
        timeout: Duration::from_millis(timeout_ms as u64),
        max_entry_bytes: max_entry_bytes as usize,
    };
    peers().share(SecondLevel::new(store(), Client::new(config), options));
    Ok(())
}

/// Whether entries are shared by a Redis.
#[napi(catch_unwind)]
pub fn cache_is_shared() -> bool {
    peers().second_level().is_some()
}

#[napi]
impl Boundary {
    /// Answers with nothing when an entry of another process, if there is one that is younger, is in the store of this one.
    #[napi(catch_unwind)]
    pub fn cache_fetch(&self, call: u32, key: String, more_tags: Vec<String>) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(second_level) = peers().second_level() {
                second_level.fetch(&key, &more_tags).await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }

    /// Answers with nothing when revalidations that were before this process are known, or could not be had in time.
    #[napi(catch_unwind)]
    pub fn cache_recalled(&self, call: u32) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(second_level) = peers().second_level() {
                second_level.recalled().await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }

    /// Answers with nothing when an entry is the caller's to make: no other process is doing it, or for longer than that. Or when
    /// it is in the store. `cachePut` or `cacheRelease` follows.
    #[napi(catch_unwind)]
    pub fn cache_claim(&self, call: u32, key: String, patience_ms: f64) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(second_level) = peers().second_level() {
                let patience = Duration::from_millis(patience_ms as u64);
                second_level.claim(&key, patience).await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }
}

/// Expires everything that has one of these tags, in all processes.
#[napi(catch_unwind)]
pub fn cache_expire_tags(tags: Vec<String>) {
    peers().expire(tags);
}

/// Makes everything stale that has one of these tags, in all processes; after `expireMs` it will be expired.
#[napi(catch_unwind)]
pub fn cache_make_tags_stale(tags: Vec<String>, expire_ms: Option<f64>) {
    peers().make_stale(tags, expire_ms);
}

/// Whether something of that time must not be used any more because of these tags.
#[napi(catch_unwind)]
pub fn cache_have_tags_expired(tags: Vec<String>, created_ms: f64) -> bool {
    store().tags().have_expired(&tags, created_ms, now_ms())
}

/// The number of the last change of tags.
#[napi(catch_unwind)]
pub fn cache_tags_version() -> f64 {
    store().tags().version() as f64
}

/// The tags that have changed since a version, as JSON: `[version, [[tag, staleMs, expiredMs], ...]]`.
#[napi(catch_unwind)]
pub fn cache_tag_changes(since: f64) -> String {
    let (version, changes) = store().tags().changes(since as u64);
    let changes: Vec<_> = changes
        .iter()
        .map(|change| {
            json!([
                &*change.tag,
                change.stale_ms,
                change.expires_ms.or(change.expired_ms)
            ])
        })
        .collect();
    json!([version, changes]).to_string()
}

/// Ends a claim of [`Boundary::cache_claim`] where nothing was put.
#[napi(catch_unwind)]
pub fn cache_release(key: String) {
    if let Some(second_level) = peers().second_level() {
        second_level.release(&key);
    }
}

/// When one of these tags was last expired, or will be; 0 when none was.
#[napi(catch_unwind)]
pub fn cache_tags_expiration(tags: Vec<String>) -> f64 {
    let names = tags.iter().map(String::as_str);
    store().tags().expiration(names)
}
