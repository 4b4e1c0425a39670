//! Who makes an entry, among all processes.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::level::{Fetched, SecondLevel, lock};
use crate::cache::now_ms;
use crate::redis::Reply;
use crate::runtime;

/// How often it is asked whether the one who makes an entry has ended: soon at first, later less often.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The keys whose entries this process is making.
pub(super) type Claims = HashSet<String>;

impl SecondLevel {
    /// Returns when an entry is the caller's to make, or is in the store. Where another process makes it, that is waited for, at
    /// most so long; the claim itself lasts no longer, so that one who crashed holds nobody up.
    ///
    /// Ends with [`SecondLevel::put`] or [`SecondLevel::release`].
    pub async fn claim(&self, key: &str, patience: Duration) {
        let shared = &self.0;
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        let (claim_key, lasts) = (
            shared.claim_key(key),
            patience.as_millis().max(1).to_string(),
        );
        let keys = [claim_key.as_str()];
        while !shared.health.takes_nothing() {
            let args = [shared.nonce.as_str(), lasts.as_str()];
            let run = shared.scripts.claim.run(&shared.client, &keys, &args);
            match shared.health.write(run).await {
                Some(Reply::Integer(1)) => {
                    lock(&shared.claims).insert(key.into());
                    // Who had it may have ended with an entry.
                    if self.fetch(key, &[]).await == Fetched::Stored {
                        self.release(key);
                    }
                    return;
                }
                Some(_) => {}
                None => return,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            // Another isolate of this process.
            if shared.store.created_ms(key, &[], now_ms()).is_some() {
                return;
            }
        }
    }

    /// Ends a claim without an entry.
    pub fn release(&self, key: &str) {
        if !self.0.take_claim(key) {
            return;
        }
        let (level, key) = (self.clone(), self.0.claim_key(key));
        drop(runtime::spawn(async move { level.end_claim(&key).await }));
    }

    pub(super) async fn end_claim(&self, claim_key: &str) {
        let shared = &self.0;
        let (keys, args) = ([claim_key], [shared.nonce.as_str()]);
        let run = shared.scripts.release.run(&shared.client, &keys, &args);
        shared.health.write(run).await;
    }
}
