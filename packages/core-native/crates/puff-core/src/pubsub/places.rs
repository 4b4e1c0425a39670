//! Who listens to what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::hub::Subscriber;
use super::interest::Interest;
use super::pattern::Pattern;

/// Subscribers, shared by all who deliver to them.
pub(super) type Listed = Arc<[Arc<dyn Subscriber>]>;

/// The subscribers of one channel or pattern.
#[derive(Default)]
pub(super) struct Place {
    subscribers: HashMap<u64, Arc<dyn Subscriber>>,
    last_id: u64,
    /// The subscribers as publishers see them; none after a change.
    listed: Option<Listed>,
}

/// All places that have subscribers.
#[derive(Default)]
pub(super) struct Places {
    channels: HashMap<Arc<str>, ChannelPlace>,
    patterns: HashMap<Arc<str>, PatternPlace>,
    /// The patterns by what their channels begin with, so that a message is compared with few of many.
    by_prefix: HashMap<Box<[u8]>, Vec<Arc<str>>>,
    /// The lengths of the prefixes, and how many patterns have each.
    prefix_lengths: BTreeMap<usize, usize>,
}

struct ChannelPlace {
    /// The channel's name as it is shared.
    name: Arc<str>,
    place: Place,
}

struct PatternPlace {
    pattern: Pattern,
    place: Place,
}

impl Place {
    fn add(&mut self, subscriber: Arc<dyn Subscriber>) -> u64 {
        self.last_id += 1;
        self.subscribers.insert(self.last_id, subscriber);
        self.listed = None;
        self.last_id
    }

    fn list(&mut self) -> Listed {
        let subscribers = &self.subscribers;
        let listed = self
            .listed
            .get_or_insert_with(|| subscribers.values().cloned().collect());
        listed.clone()
    }
}

/// What a subscriber leaves behind; dropped outside of the lock, since its end may touch the hub.
pub(super) struct Removed {
    /// Whether nobody listens to it any more.
    pub(super) is_last: bool,
    _subscriber: Option<Arc<dyn Subscriber>>,
    _listed: Option<Listed>,
}

impl Places {
    /// Adds a subscriber and returns the name that is kept, its id, and whether it is the first.
    pub(super) fn add(
        &mut self,
        interest: Interest,
        subscriber: Arc<dyn Subscriber>,
    ) -> (Interest, u64, bool) {
        match interest {
            Interest::Channel(name) => {
                let entry = self.channels.entry(name.clone());
                let ChannelPlace { name, place } = entry.or_insert_with(|| ChannelPlace {
                    name,
                    place: Place::default(),
                });
                let id = place.add(subscriber);
                let is_first = place.subscribers.len() == 1;
                (Interest::Channel(name.clone()), id, is_first)
            }
            Interest::Pattern(text) => {
                let place = self.pattern_place(&text);
                let id = place.add(subscriber);
                (Interest::Pattern(text), id, place.subscribers.len() == 1)
            }
        }
    }

    /// Removes a subscriber.
    pub(super) fn remove(&mut self, interest: &Interest, id: u64) -> Option<Removed> {
        let place = match interest {
            Interest::Channel(name) => &mut self.channels.get_mut(name)?.place,
            Interest::Pattern(text) => &mut self.patterns.get_mut(text)?.place,
        };
        let removed = Removed {
            _subscriber: place.subscribers.remove(&id),
            _listed: place.listed.take(),
            is_last: place.subscribers.is_empty(),
        };
        if removed.is_last {
            match interest {
                Interest::Channel(name) => drop(self.channels.remove(name)),
                Interest::Pattern(text) => self.remove_pattern(text),
            }
        }
        Some(removed)
    }

    /// The subscribers of a channel or pattern; not of the patterns that match the channel.
    pub(super) fn subscribers(&self, interest: &Interest) -> usize {
        let place = match interest {
            Interest::Channel(name) => self.channels.get(name).map(|entry| &entry.place),
            Interest::Pattern(text) => self.patterns.get(text).map(|entry| &entry.place),
        };
        place.map_or(0, |place| place.subscribers.len())
    }

    /// Everything that somebody listens to.
    pub(super) fn interests(&self) -> impl Iterator<Item = Interest> {
        let channels = self.channels.keys().cloned().map(Interest::Channel);
        channels.chain(self.patterns.keys().cloned().map(Interest::Pattern))
    }

    /// Everybody.
    pub(super) fn all(&self) -> Vec<Arc<dyn Subscriber>> {
        let patterns = self.patterns.values().map(|entry| &entry.place);
        let channels = self.channels.values().map(|entry| &entry.place);
        let places = channels.chain(patterns);
        places
            .flat_map(|place| place.subscribers.values().cloned())
            .collect()
    }

    /// Those who listen to a channel, or to a pattern, and the channel's name as it is shared.
    pub(super) fn list(
        &mut self,
        channel: &str,
        pattern: Option<&str>,
    ) -> Option<(Arc<str>, Listed)> {
        if let Some(text) = pattern {
            return Some((channel.into(), self.patterns.get_mut(text)?.place.list()));
        }
        let entry = self.channels.get_mut(channel)?;
        Some((entry.name.clone(), entry.place.list()))
    }

    /// Those who listen to exactly this.
    pub(super) fn listed(&mut self, interest: &Interest) -> Option<Listed> {
        let place = match interest {
            Interest::Channel(name) => &mut self.channels.get_mut(name)?.place,
            Interest::Pattern(text) => &mut self.patterns.get_mut(text)?.place,
        };
        Some(place.list())
    }

    /// Those who get a channel's messages, and the channel's name as it is shared: first those of the
    /// channel, then those of each pattern that matches it.
    pub(super) fn list_all(&mut self, channel: &str) -> Option<(Arc<str>, Vec<Listed>)> {
        let mut all = Vec::new();
        let mut name = None;
        if let Some(entry) = self.channels.get_mut(channel) {
            name = Some(entry.name.clone());
            all.push(entry.place.list());
        }
        for &length in self.prefix_lengths.keys() {
            let Some(prefix) = channel.as_bytes().get(..length) else {
                break;
            };
            for text in self.by_prefix.get(prefix).into_iter().flatten() {
                if let Some(entry) = self.patterns.get_mut(text)
                    && entry.pattern.matches(channel)
                {
                    all.push(entry.place.list());
                }
            }
        }
        if all.is_empty() {
            return None;
        }
        Some((name.unwrap_or_else(|| channel.into()), all))
    }

    fn pattern_place(&mut self, text: &Arc<str>) -> &mut Place {
        let entry = self.patterns.entry(text.clone()).or_insert_with(|| {
            let pattern = Pattern::new(text);
            let prefix = pattern.prefix();
            *self.prefix_lengths.entry(prefix.len()).or_default() += 1;
            let same = self.by_prefix.entry(prefix.into()).or_default();
            same.push(text.clone());
            PatternPlace {
                pattern,
                place: Place::default(),
            }
        });
        &mut entry.place
    }

    fn remove_pattern(&mut self, text: &Arc<str>) {
        let Some(entry) = self.patterns.remove(text) else {
            return;
        };
        let prefix = entry.pattern.prefix();
        if let Some(same) = self.by_prefix.get_mut(prefix) {
            same.retain(|other| other != text);
            if same.is_empty() {
                self.by_prefix.remove(prefix);
            }
        }
        if let Some(count) = self.prefix_lengths.get_mut(&prefix.len()) {
            *count -= 1;
            if *count == 0 {
                self.prefix_lengths.remove(&prefix.len());
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty()
            && self.patterns.is_empty()
            && self.by_prefix.is_empty()
            && self.prefix_lengths.is_empty()
    }
}
