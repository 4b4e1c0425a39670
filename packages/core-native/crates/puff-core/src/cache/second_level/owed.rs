//! Revalidations that Redis has not confirmed.

use std::collections::HashMap;

use crate::cache::tags::Revalidation;

/// Tags that Redis could not be told of, one by one; with more, everything tagged there is outdated.
const MAX_TAGS: usize = 10_000;

/// What Redis is to be told. Until it has confirmed, its entries are not used here.
#[derive(Debug, Default)]
pub(super) struct Owed {
    tags: HashMap<String, Revalidation>,
    is_everything: bool,
    /// Some of them are on their way.
    is_under_way: bool,
    /// Somebody is telling Redis.
    pub(super) is_settling: bool,
}

/// A part of it that is on its way.
#[derive(Debug)]
pub(super) struct Batch {
    tags: HashMap<String, Revalidation>,
    is_everything: bool,
}

impl Owed {
    pub(super) fn is_owing(&self) -> bool {
        self.is_everything || self.is_under_way || !self.tags.is_empty()
    }

    pub(super) fn add(&mut self, tags: impl IntoIterator<Item = String>, how: Revalidation) {
        for tag in tags {
            let former = self.tags.entry(tag).or_insert(how);
            if *former != Revalidation::Expire {
                *former = how;
            }
        }
        if self.tags.len() > MAX_TAGS {
            self.tags.clear();
            self.is_everything = true;
        }
    }

    /// What is to be told now; none when nothing is owed.
    pub(super) fn begin(&mut self) -> Option<Batch> {
        if !self.is_owing() {
            return None;
        }
        self.is_under_way = true;
        Some(Batch {
            tags: std::mem::take(&mut self.tags),
            is_everything: std::mem::take(&mut self.is_everything),
        })
    }

    /// Redis has confirmed what was on its way.
    pub(super) fn confirm(&mut self) {
        self.is_under_way = false;
    }

    /// It has not; what was owed since counts more.
    pub(super) fn give_back(&mut self, batch: Batch) {
        self.is_under_way = false;
        self.is_everything |= batch.is_everything;
        for (tag, how) in batch.tags {
            let newer = self.tags.remove(&tag);
            self.add([tag.clone()], how);
            if let Some(newer) = newer {
                self.add([tag], newer);
            }
        }
    }
}

impl Batch {
    /// Its arguments for `mark.lua`.
    pub(super) fn arguments(&self) -> Vec<String> {
        if self.is_everything {
            return Vec::new();
        }
        let pairs = self.tags.iter().map(|(tag, how)| {
            let how = match how {
                Revalidation::Expire => "expire".into(),
                Revalidation::MakeStale { expire_ms: None } => String::new(),
                Revalidation::MakeStale {
                    expire_ms: Some(after),
                } => format!("{after:.0}"),
            };
            [tag.clone(), how]
        });
        pairs.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Revalidation = Revalidation::MakeStale { expire_ms: None };

    fn told(owed: &mut Owed) -> Vec<String> {
        let batch = owed.begin().expect("something is owed");
        let arguments = batch.arguments();
        owed.give_back(batch);
        arguments
    }

    #[test]
    fn what_was_expired_stays_expired() {
        let mut owed = Owed::default();
        owed.add(["a".into()], Revalidation::Expire);
        owed.add(["a".into()], STALE);
        assert_eq!(told(&mut owed), ["a", "expire"]);
    }

    #[test]
    fn what_was_not_confirmed_is_owed_with_what_came_since() {
        let mut owed = Owed::default();
        owed.add(["a".into()], STALE);
        let batch = owed.begin().expect("something is owed");
        owed.add(
            ["a".into()],
            Revalidation::MakeStale {
                expire_ms: Some(5.0),
            },
        );
        owed.give_back(batch);
        assert_eq!(told(&mut owed), ["a", "5"]);
        assert!(owed.is_owing());
        let batch = owed.begin().expect("something is owed");
        assert!(!batch.is_everything);
        owed.confirm();
        assert!(!owed.is_owing() && owed.begin().is_none());
    }

    #[test]
    fn too_much_to_tell_is_everything() {
        let mut owed = Owed::default();
        owed.add((0..=MAX_TAGS).map(|n| n.to_string()), Revalidation::Expire);
        assert!(owed.is_owing());
        assert!(told(&mut owed).is_empty());
    }
}
