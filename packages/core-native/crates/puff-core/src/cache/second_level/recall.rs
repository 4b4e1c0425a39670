//! Revalidations that were before this process, which it has from Redis.
//!
//! Times there are those of Redis' clock; here they count from now, as far back as they were there. What is younger than its
//! file of the build, or than an entry that has not the tag itself, is told by them alone.

use super::health::PAUSE;
use super::level::{SecondLevel, Shared, lock};
use crate::cache::now_ms;
use crate::cache::tags::TagChange;
use crate::redis::Reply;
use crate::runtime;

/// Revalidations of one answer.
const PAGE: usize = 5_000;

/// Replies that tell of one of them.
const FIELDS: usize = 5;

/// Up to where they are known.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    epoch: String,
    version: f64,
}

/// One answer of `recall.lua`.
struct Answer {
    epoch: String,
    forgotten_ms: f64,
    changes: Vec<TagChange>,
    /// The version of the last one.
    version: Option<f64>,
    is_last: bool,
}

impl SecondLevel {
    /// Brings what was revalidated in Redis to the tags of the store, as soon as it answers.
    pub(crate) fn recall(&self) {
        let level = self.clone();
        drop(runtime::spawn(async move {
            while !level.0.recall_once().await {
                tokio::time::sleep(PAUSE).await;
            }
            level.0.has_recalled.send_replace(true);
        }));
    }

    /// Returns when [`SecondLevel::recall`] has succeeded, or after the time that answers are waited for.
    pub async fn recalled(&self) {
        let mut has_recalled = self.0.has_recalled.subscribe();
        let recalled = has_recalled.wait_for(|has| *has);
        let _ = tokio::time::timeout(self.0.options.timeout, recalled).await;
    }
}

impl Shared {
    /// Whether everything has come.
    async fn recall_once(&self) -> bool {
        loop {
            let (epoch, version) = {
                let recalled = lock(&self.recalled);
                (recalled.epoch.clone(), recalled.version)
            };
            // Before Redis looks at its clock: what takes long must not make a revalidation younger than the entries after it.
            let asked_ms = now_ms();
            let keys = [self.meta_key(), self.tags_key(), self.marks_key()];
            let args = [epoch, version.to_string(), PAGE.to_string()];
            let run = self.scripts.recall.run(&self.client, &keys, &args);
            let Some(reply) = self.health.read(run).await else {
                return false;
            };
            // What cannot be read is not going to change.
            let Some(answer) = Answer::read(reply.as_array().unwrap_or_default(), asked_ms) else {
                return true;
            };
            self.store
                .tags()
                .recall(answer.changes, answer.forgotten_ms);
            let mut recalled = lock(&self.recalled);
            if recalled.epoch != answer.epoch {
                recalled.version = 0.0;
            }
            recalled.epoch = answer.epoch;
            recalled.version = answer.version.unwrap_or(recalled.version);
            if answer.is_last {
                return true;
            }
        }
    }
}

impl Answer {
    fn read(answer: &[Reply], asked_ms: f64) -> Option<Answer> {
        let [epoch, now, forgotten, marks @ ..] = answer else {
            return None;
        };
        let redis_ms: f64 = now.as_text()?.parse().ok()?;
        let here = |time: &Reply| -> Option<f64> {
            let time: f64 = time.as_text()?.parse().ok()?;
            Some(asked_ms - (redis_ms - time))
        };
        let mut version = None;
        let changes = marks.chunks_exact(FIELDS).filter_map(|mark| {
            let [tag, at, stale, expired, expires] = mark else {
                return None;
            };
            version = at.as_text()?.parse().ok();
            Some(TagChange {
                tag: tag.as_text()?.into(),
                stale_ms: here(stale),
                expired_ms: here(expired),
                expires_ms: here(expires),
            })
        });
        let changes = changes.collect();
        Some(Answer {
            epoch: epoch.as_text()?.into(),
            forgotten_ms: here(forgotten).unwrap_or(0.0),
            changes,
            version,
            is_last: marks.len() / FIELDS < PAGE,
        })
    }
}
