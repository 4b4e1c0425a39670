//! Messages of the hub on their way into an isolate.
//!
//! They do not cross one by one: a record has many, and one text for all of them, because making a string
//! costs JavaScript more than cutting it. They are packed by the thread that brings them. A record's body has [`WORDS`] words for each event:
//!
//! | word | meaning |
//! |---|---|
//! | 0 | the subscription |
//! | 1 | 0 text, 1 bytes, 2 JSON, 3 a gap, 4 messages were dropped, 5 nothing comes any more, 6 a refusal as JSON |
//! | 2, 3 | where the content begins in the text or the bytes, and its length; dropped: 0, how many |
//! | 4, 5 | the same of the sender in the text; -1, 0 for none |
//! | 6, 7 | the same of the channel in the text, for patterns; -1, 0 for none |

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use puff_core::pubsub::{Kind, Message};

use super::isolate::lock;

/// Words of an event.
pub(super) const WORDS: usize = 8;

/// Events in a record.
pub(super) const MAX_EVENTS: usize = 128;

/// A text that is cut keeps the whole alive: a longer one is begun only for a single message.
const MAX_TEXT: usize = 8 * 1024;

/// What may wait for an isolate whose event loop stands still, in bytes.
const MAX_WAITING: usize = 64 * 1024 * 1024;

/// What an event costs beside its content.
const EVENT_COST: usize = 128;

/// What an event is; `message.ts` has the same numbers.
mod kinds {
    pub(super) const TEXT: i32 = 0;
    pub(super) const BINARY: i32 = 1;
    pub(super) const JSON: i32 = 2;
    pub(super) const GAP: i32 = 3;
    pub(super) const DROPPED: i32 = 4;
    pub(super) const ENDED: i32 = 5;
    pub(super) const REFUSED: i32 = 6;
}

/// Something that a subscription is told.
pub(crate) struct Delivery<'a> {
    pub(crate) subscription: u32,
    pub(crate) event: Event<'a>,
}

/// What it is told.
pub(crate) enum Event<'a> {
    /// A message; its channel, unless the subscription knows it.
    Message {
        channel: Option<&'a str>,
        message: &'a Message<'a>,
    },
    /// Messages of other processes may have been missed.
    Gap,
    /// So many messages were dropped, because the isolate did not take them.
    Dropped(u32),
    /// What has to be told whatever was dropped.
    News(News),
}

/// What is told once in the life of a subscription.
#[derive(Clone)]
pub(crate) enum News {
    /// Messages of other processes do not come: why, as the JSON of an error.
    Refused(Arc<str>),
    /// It has ended: what came before was the last.
    Ended,
}

/// The events that wait for an isolate, in their order; above [`MAX_WAITING`] the oldest are dropped.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Packed when they come: nothing of them is kept apart.
    records: VecDeque<PackedEvents>,
    bytes: usize,
    /// Messages that were dropped since the isolate last took some, by subscription.
    dropped: BTreeMap<u32, u32>,
}

/// Events, packed.
#[derive(Default)]
pub(super) struct PackedEvents {
    pub(super) words: Vec<i32>,
    pub(super) text: String,
    /// The text's length in UTF-16 code units.
    units: usize,
    pub(super) bytes: Vec<u8>,
    /// The number of the message that was packed last, and its words: one message often goes to many subscriptions.
    last: Option<(u64, [i32; 5])>,
    /// The news among the events.
    news: Vec<(u32, News)>,
}

impl Deliveries {
    /// Adds an event.
    pub(super) fn push(&self, delivery: &Delivery<'_>) {
        let mut waiting = lock(&self.0);
        waiting.add(delivery);
        while waiting.bytes > MAX_WAITING
            && waiting.records.len() > 1
            && let Some(oldest) = waiting.records.pop_front()
        {
            waiting.drop_record(oldest);
        }
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = lock(&self.0);
        waiting.records.is_empty() && waiting.dropped.is_empty()
    }

    /// Takes the events of one record, at most [`MAX_EVENTS`]; none when none waits.
    pub(super) fn take(&self) -> Option<PackedEvents> {
        let mut waiting = lock(&self.0);
        if !waiting.dropped.is_empty() {
            return Some(waiting.take_dropped());
        }
        let record = waiting.records.pop_front()?;
        waiting.bytes -= record.cost();
        Some(record)
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let waiting = std::mem::take(&mut *lock(&self.0));
        drop(waiting);
    }
}

impl Waiting {
    fn add(&mut self, delivery: &Delivery<'_>) {
        if self
            .records
            .back()
            .is_none_or(|last| !last.has_room_for(delivery))
        {
            self.records.push_back(PackedEvents::default());
        }
        if let Some(last) = self.records.back_mut() {
            let before = last.cost();
            last.add(delivery);
            self.bytes += last.cost() - before;
        }
    }

    /// Counts the messages of a record that nobody gets; its news are told nevertheless.
    fn drop_record(&mut self, record: PackedEvents) {
        self.bytes -= record.cost();
        for words in record.words.chunks_exact(WORDS) {
            let lost = match words[1] {
                kinds::REFUSED | kinds::ENDED => continue,
                kinds::DROPPED => words[3].cast_unsigned(),
                // Whoever sees that messages were dropped knows of the gap as well.
                _ => 1,
            };
            *self.dropped.entry(words[0].cast_unsigned()).or_default() += lost;
        }
        for (subscription, news) in record.news {
            self.add(&Delivery {
                subscription,
                event: Event::News(news),
            });
        }
    }

    fn take_dropped(&mut self) -> PackedEvents {
        let mut packed = PackedEvents::default();
        while packed.count() < MAX_EVENTS
            && let Some((subscription, count)) = self.dropped.pop_first()
        {
            packed.add(&Delivery {
                subscription,
                event: Event::Dropped(count),
            });
        }
        packed
    }
}

impl Event<'_> {
    fn len(&self) -> usize {
        match self {
            Event::Message { message, .. } => message.bytes().len(),
            Event::News(News::Refused(json)) => json.len(),
            Event::Gap | Event::Dropped(_) | Event::News(News::Ended) => 0,
        }
    }
}

impl PackedEvents {
    /// How many events there are.
    pub(super) fn count(&self) -> usize {
        self.words.len() / WORDS
    }

    /// Whether the text is all ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.units == self.text.len()
    }

    /// What it keeps in memory, in bytes.
    fn cost(&self) -> usize {
        self.count() * EVENT_COST + self.text.len() + self.bytes.len()
    }

    fn has_room_for(&self, delivery: &Delivery<'_>) -> bool {
        let length = self.text.len() + self.bytes.len() + delivery.event.len();
        self.count() == 0 || (self.count() < MAX_EVENTS && length <= MAX_TEXT)
    }

    fn add(&mut self, delivery: &Delivery<'_>) {
        let mut words = [delivery.subscription.cast_signed(), 0, 0, 0, -1, 0, -1, 0];
        match &delivery.event {
            Event::Message { channel, message } => {
                words[1..6].copy_from_slice(&self.add_message(message));
                if let Some(channel) = channel {
                    words[6..8].copy_from_slice(&self.add_text(channel));
                }
            }
            Event::Gap => words[1] = kinds::GAP,
            Event::Dropped(count) => {
                words[1] = kinds::DROPPED;
                words[3] = count.cast_signed();
            }
            Event::News(news) => {
                words[1] = match news {
                    News::Refused(_) => kinds::REFUSED,
                    News::Ended => kinds::ENDED,
                };
                if let News::Refused(json) = news {
                    words[2..4].copy_from_slice(&self.add_text(json));
                }
                self.news.push((delivery.subscription, news.clone()));
            }
        }
        self.words.extend(words);
    }

    /// Kind, content and sender of a message.
    fn add_message(&mut self, message: &Message<'_>) -> [i32; 5] {
        if let Some((last, words)) = &self.last
            && *last == message.number()
        {
            return *words;
        }
        let bytes = message.bytes();
        let (kind, [start, length]) = match message.kind() {
            Kind::Text => (kinds::TEXT, self.add_bytes_of_text(bytes)),
            Kind::Json => (kinds::JSON, self.add_bytes_of_text(bytes)),
            Kind::Binary => {
                let start = self.bytes.len() as i32;
                self.bytes.extend_from_slice(bytes);
                (kinds::BINARY, [start, bytes.len() as i32])
            }
        };
        let sender = match message.sender() {
            Some(sender) => self.add_text(sender),
            None => [-1, 0],
        };
        let words = [kind, start, length, sender[0], sender[1]];
        self.last = Some((message.number(), words));
        words
    }

    /// Text of a process that may have been wrong about it.
    fn add_bytes_of_text(&mut self, bytes: &[u8]) -> [i32; 2] {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add_text(text),
            Err(_) => self.add_text(&String::from_utf8_lossy(bytes)),
        }
    }

    /// Where a text is, in UTF-16 code units.
    fn add_text(&mut self, text: &str) -> [i32; 2] {
        let units = match text.is_ascii() {
            true => text.len(),
            false => text.encode_utf16().count(),
        };
        let start = self.units;
        self.text.push_str(text);
        self.units += units;
        [start as i32, units as i32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, bytes: &[u8]) -> Message<'_> {
        Message::new(kind, bytes, Some("é".into()))
    }

    fn push(deliveries: &Deliveries, subscription: u32, message: &Message<'_>) {
        let event = Event::Message {
            channel: Some("a"),
            message,
        };
        tell(deliveries, subscription, event);
    }

    fn tell(deliveries: &Deliveries, subscription: u32, event: Event<'_>) {
        deliveries.push(&Delivery {
            subscription,
            event,
        });
    }

    #[test]
    fn many_events_are_packed_into_one_text() {
        let deliveries = Deliveries::default();
        assert!(deliveries.take().is_none());
        push(&deliveries, 1, &message(Kind::Text, b"hello"));
        push(&deliveries, 2, &message(Kind::Binary, &[0, 255]));
        tell(&deliveries, 3, Event::Gap);
        let packed = deliveries.take().unwrap();
        assert_eq!(packed.text, "helloéaéa");
        assert!(!packed.is_ascii());
        assert_eq!(packed.bytes, [0, 255]);
        let words: Vec<_> = packed.words.chunks(WORDS).collect();
        assert_eq!(words[0], [1, 0, 0, 5, 5, 1, 6, 1]);
        assert_eq!(words[1], [2, 1, 0, 2, 7, 1, 8, 1]);
        assert_eq!(words[2], [3, 3, 0, 0, -1, 0, -1, 0]);
        assert!(deliveries.is_empty());
    }

    #[test]
    fn a_message_for_many_subscriptions_is_packed_once() {
        let deliveries = Deliveries::default();
        let first = message(Kind::Json, b"{}");
        push(&deliveries, 1, &first);
        let event = Event::Message {
            channel: None,
            message: &first,
        };
        tell(&deliveries, 2, event);
        push(&deliveries, 3, &message(Kind::Json, b"{}"));
        let packed = deliveries.take().unwrap();
        assert_eq!(packed.text, "{}éa{}éa");
        assert_eq!(packed.words[WORDS..2 * WORDS], [2, 2, 0, 2, 2, 1, -1, 0]);
    }

    #[test]
    fn text_that_is_none_is_made_text() {
        let deliveries = Deliveries::default();
        push(&deliveries, 1, &message(Kind::Text, b"a\xff"));
        assert_eq!(deliveries.take().unwrap().text, "a\u{fffd}éa");
    }

    #[test]
    fn records_have_so_many_events_and_so_much_text() {
        let deliveries = Deliveries::default();
        for _ in 0..=MAX_EVENTS {
            push(&deliveries, 1, &message(Kind::Text, b""));
        }
        assert_eq!(deliveries.take().unwrap().count(), MAX_EVENTS);
        push(&deliveries, 1, &message(Kind::Text, &[b'x'; MAX_TEXT]));
        assert_eq!(deliveries.take().unwrap().count(), 1);
        assert_eq!(deliveries.take().unwrap().text.len(), MAX_TEXT + 3);
    }

    #[test]
    fn the_oldest_are_dropped_and_counted_when_nobody_takes_them() {
        let deliveries = Deliveries::default();
        let large = vec![b'x'; MAX_WAITING / 4];
        tell(&deliveries, 9, Event::News(News::Ended));
        for subscription in 0..6 {
            push(&deliveries, subscription, &message(Kind::Text, &large));
        }
        let packed = deliveries.take().unwrap();
        let dropped: Vec<_> = packed
            .words
            .chunks(WORDS)
            .map(|words| (words[0], words[1], words[3]))
            .collect();
        assert_eq!(
            dropped,
            [
                (0, kinds::DROPPED, 1),
                (1, kinds::DROPPED, 1),
                (2, kinds::DROPPED, 1)
            ]
        );
        let mut left = Vec::new();
        while let Some(record) = deliveries.take() {
            left.extend(record.words.chunks(WORDS).map(|words| (words[0], words[1])));
        }
        left.sort_unstable();
        assert_eq!(left, [(3, 0), (4, 0), (5, 0), (9, kinds::ENDED)]);
        assert_eq!(lock(&deliveries.0).bytes, 0);
    }
}
