//! Messages of the hub on their way into an isolate.
//!
//! They do not cross one by one: a record has many, and one text for all of them, because making a string
//! costs JavaScript more than cutting it. A record's body has [`WORDS`] words for each event:
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

use puff_core::pubsub::{Kind, Payload};

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

/// Something that a subscription is told.
pub(crate) struct Delivery {
    pub(crate) subscription: u32,
    pub(crate) event: Event,
}

/// What it is told.
pub(crate) enum Event {
    /// A message; its channel, unless the subscription knows it.
    Message {
        channel: Option<Arc<str>>,
        payload: Arc<Payload>,
    },
    /// Messages of other processes may have been missed.
    Gap,
    /// Messages of other processes do not come: why, as the JSON of an error.
    Refused(Arc<str>),
    /// So many messages were dropped, because the isolate did not take them.
    Dropped(u32),
    /// It has ended: what came before was the last.
    Ended,
}

/// The events that wait for an isolate, in their order; above [`MAX_WAITING`] the oldest are dropped.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Delivery>,
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
    /// The message that was packed last, and its words: one message often goes to many subscriptions.
    last: Option<(Arc<Payload>, [i32; 5])>,
}

impl Deliveries {
    /// Adds an event.
    pub(super) fn push(&self, delivery: Delivery) {
        let mut waiting = lock(&self.0);
        waiting.bytes += delivery.cost();
        waiting.events.push_back(delivery);
        while waiting.bytes > MAX_WAITING
            && waiting.events.len() > 1
            && let Some(oldest) = waiting.events.pop_front()
        {
            waiting.bytes -= oldest.cost();
            let lost = match oldest.event {
                Event::Message { .. } => 1,
                Event::Dropped(count) => count,
                // Whoever sees that messages were dropped knows as much.
                Event::Gap => 1,
                // They have to be told, and cost nothing: one is rare, the other the last of its subscription anyway.
                Event::Refused(_) | Event::Ended => {
                    waiting.events.push_back(oldest);
                    continue;
                }
            };
            *waiting.dropped.entry(oldest.subscription).or_default() += lost;
        }
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = lock(&self.0);
        waiting.events.is_empty() && waiting.dropped.is_empty()
    }

    /// Takes the events of one record, at most [`MAX_EVENTS`]; none when none waits.
    pub(super) fn take(&self) -> Option<PackedEvents> {
        let mut waiting = lock(&self.0);
        let mut packed = PackedEvents::default();
        while packed.count() < MAX_EVENTS
            && let Some((subscription, count)) = waiting.dropped.pop_first()
        {
            packed.add(Delivery {
                subscription,
                event: Event::Dropped(count),
            });
        }
        while packed.count() < MAX_EVENTS
            && waiting
                .events
                .front()
                .is_some_and(|next| packed.has_room_for(next))
            && let Some(next) = waiting.events.pop_front()
        {
            waiting.bytes -= next.cost();
            packed.add(next);
        }
        (packed.count() > 0).then_some(packed)
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let waiting = std::mem::take(&mut *lock(&self.0));
        drop(waiting);
    }
}

impl Delivery {
    fn cost(&self) -> usize {
        match &self.event {
            Event::Message { payload, .. } => EVENT_COST + payload.bytes.len(),
            Event::Gap | Event::Dropped(_) => EVENT_COST,
            // There is one for each subscription, which cost more when it was there.
            Event::Refused(_) | Event::Ended => 0,
        }
    }
}

impl Event {
    fn len(&self) -> usize {
        match self {
            Event::Message { payload, .. } => payload.bytes.len(),
            Event::Refused(json) => json.len(),
            Event::Gap | Event::Dropped(_) | Event::Ended => 0,
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

    fn has_room_for(&self, delivery: &Delivery) -> bool {
        self.count() == 0 || self.text.len() + self.bytes.len() + delivery.event.len() <= MAX_TEXT
    }

    fn add(
        &mut self,
        Delivery {
            subscription,
            event,
        }: Delivery,
    ) {
        let mut words = [subscription.cast_signed(), 0, 0, 0, -1, 0, -1, 0];
        match event {
            Event::Message { channel, payload } => {
                words[1..6].copy_from_slice(&self.add_payload(payload));
                if let Some(channel) = channel {
                    words[6..8].copy_from_slice(&self.add_text(&channel));
                }
            }
            Event::Gap => words[1] = 3,
            Event::Ended => words[1] = 5,
            Event::Refused(json) => {
                words[1] = 6;
                words[2..4].copy_from_slice(&self.add_text(&json));
            }
            Event::Dropped(count) => {
                words[1] = 4;
                words[3] = count.cast_signed();
            }
        }
        self.words.extend(words);
    }

    /// Kind, content and sender of a message.
    fn add_payload(&mut self, payload: Arc<Payload>) -> [i32; 5] {
        if let Some((last, words)) = &self.last
            && Arc::ptr_eq(last, &payload)
        {
            return *words;
        }
        let (kind, [start, length]) = match payload.kind {
            Kind::Text => (0, self.add_text(&String::from_utf8_lossy(&payload.bytes))),
            Kind::Json => (2, self.add_text(&String::from_utf8_lossy(&payload.bytes))),
            Kind::Binary => {
                let start = self.bytes.len() as i32;
                self.bytes.extend_from_slice(&payload.bytes);
                (1, [start, payload.bytes.len() as i32])
            }
        };
        let sender = match &payload.sender {
            Some(sender) => self.add_text(sender),
            None => [-1, 0],
        };
        let words = [kind, start, length, sender[0], sender[1]];
        self.last = Some((payload, words));
        words
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
    use bytes::Bytes;

    use super::*;

    fn message(subscription: u32, kind: Kind, bytes: &[u8]) -> Delivery {
        let payload = Payload {
            kind,
            bytes: Bytes::copy_from_slice(bytes),
            sender: Some("é".into()),
        };
        Delivery {
            subscription,
            event: Event::Message {
                channel: Some("a".into()),
                payload: Arc::new(payload),
            },
        }
    }

    #[test]
    fn many_events_are_packed_into_one_text() {
        let deliveries = Deliveries::default();
        assert!(deliveries.take().is_none());
        deliveries.push(message(1, Kind::Text, b"hello"));
        deliveries.push(message(2, Kind::Binary, &[0, 255]));
        deliveries.push(Delivery {
            subscription: 3,
            event: Event::Gap,
        });
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
        let first = message(1, Kind::Json, b"{}");
        let Event::Message { payload, .. } = &first.event else {
            unreachable!("it is a message");
        };
        let again = Delivery {
            subscription: 2,
            event: Event::Message {
                channel: None,
                payload: payload.clone(),
            },
        };
        deliveries.push(first);
        deliveries.push(again);
        let packed = deliveries.take().unwrap();
        assert_eq!(packed.text, "{}éa");
        assert_eq!(packed.words[WORDS..], [2, 2, 0, 2, 2, 1, -1, 0]);
    }

    #[test]
    fn records_have_so_many_events_and_so_much_text() {
        let deliveries = Deliveries::default();
        for _ in 0..=MAX_EVENTS {
            deliveries.push(message(1, Kind::Text, b""));
        }
        assert_eq!(deliveries.take().unwrap().count(), MAX_EVENTS);
        deliveries.push(message(1, Kind::Text, &[b'x'; MAX_TEXT]));
        assert_eq!(deliveries.take().unwrap().count(), 1);
        assert_eq!(deliveries.take().unwrap().text.len(), MAX_TEXT + 3);
    }

    #[test]
    fn the_oldest_are_dropped_and_counted_when_nobody_takes_them() {
        let deliveries = Deliveries::default();
        let large = vec![b'x'; MAX_WAITING / 4];
        for subscription in 0..6 {
            deliveries.push(message(subscription, Kind::Text, &large));
        }
        let packed = deliveries.take().unwrap();
        let dropped: Vec<_> = packed
            .words
            .chunks(WORDS)
            .filter(|words| words[1] == 4)
            .map(|words| (words[0], words[3]))
            .collect();
        assert_eq!(dropped, [(0, 1), (1, 1), (2, 1)]);
        let mut left = 0;
        while deliveries.take().is_some() {
            left += 1;
        }
        assert_eq!(left, 3);
    }
}
