//! Which versions of Redis' tags this process knew of, and when.

use std::collections::VecDeque;

/// Versions that are remembered; work that began before them is not shared.
const MAX_VERSIONS: usize = 1024;

/// What is known of the tags in Redis.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which life of Redis' data it is; empty before the first answer.
    epoch: String,
    /// The store's version of its tags from which on a version of Redis' was known.
    versions: VecDeque<(u64, u64)>,
}

impl Known {
    /// Whether there was no answer yet.
    pub(super) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Takes an answer; `advance` gives a new version of the store's tags.
    pub(super) fn learn(&mut self, epoch: &str, version: u64, advance: impl FnOnce() -> u64) {
        if self.epoch != epoch {
            self.epoch = epoch.into();
            self.versions.clear();
        }
        let newest = self.versions.back().map(|&(_, version)| version);
        if newest.is_some_and(|newest| newest >= version) {
            return;
        }
        self.versions.push_back((advance(), version));
        if self.versions.len() > MAX_VERSIONS {
            self.versions.pop_front();
        }
    }

    /// The epoch, and the version of Redis' tags that was known at a version of the store's.
    pub(super) fn at(&self, tags_seen: u64) -> Option<(String, u64)> {
        let mut versions = self.versions.iter().rev();
        let &(_, version) = versions.find(|(local, _)| *local <= tags_seen)?;
        Some((self.epoch.clone(), version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_knows_what_was_known_when_it_began() {
        let mut known = Known::default();
        assert_eq!(known.at(5), None);
        known.learn("a", 7, || 3);
        known.learn("a", 7, || unreachable!());
        known.learn("a", 9, || 6);
        assert_eq!(known.at(2), None);
        assert_eq!(known.at(5), Some(("a".into(), 7)));
        assert_eq!(known.at(6), Some(("a".into(), 9)));
        known.learn("b", 1, || 8);
        assert_eq!(known.at(7), None);
        assert_eq!(known.at(8), Some(("b".into(), 1)));
    }
}
