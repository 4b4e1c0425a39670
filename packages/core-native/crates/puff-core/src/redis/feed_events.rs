//! What a feed has heard and not told yet.

use std::ops::Range;

use super::error::Error;
use super::feed_session::Ask;
use super::frame::{Item, next_item};

/// Room that is kept for the next messages.
const KEPT_BYTES: usize = 256 * 1024;

/// What was heard since it was last told. The bytes of all messages are in one place: a buffer for each would cost more
/// than all else that is done with it here.
#[derive(Default)]
pub(super) struct Heard {
    events: Vec<Event>,
    bytes: Vec<u8>,
}

/// Messages say where in the bytes their parts are.
pub(super) enum Event {
    Message {
        channel: Range<usize>,
        pattern: Option<Range<usize>>,
        payload: Range<usize>,
    },
    Ready,
    Confirmed,
    Refused(Ask, Error),
    /// The server has not confirmed a subscription in time.
    Unanswered,
    Lost(Error),
}

impl Heard {
    pub(super) fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Notes a message; what is none is of no interest.
    pub(super) fn push(&mut self, frame: &[u8]) {
        let mut at = 0;
        let mut next = || match next_item(frame, &mut at) {
            Ok(Some(Item::Bulk(text))) => Some(text),
            _ => None,
        };
        // The first item is the list itself.
        next();
        let pattern = match next() {
            Some(b"message" | b"smessage") => None,
            Some(b"pmessage") => next(),
            _ => return,
        };
        if let (Some(channel), Some(payload)) = (next(), next()) {
            let message = Event::Message {
                channel: self.keep(channel),
                pattern: pattern.map(|pattern| self.keep(pattern)),
                payload: self.keep(payload),
            };
            self.events.push(message);
        }
    }

    fn keep(&mut self, part: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(part);
        start..self.bytes.len()
    }

    /// Tells everything in its order.
    pub(super) fn tell(&mut self, mut tell: impl FnMut(Event, &[u8])) {
        for event in self.events.drain(..) {
            tell(event, &self.bytes);
        }
        self.bytes.clear();
    }

    /// Takes over the room of one that was told, unless something was heard meanwhile.
    pub(super) fn reuse(&mut self, told: Heard) {
        if self.events.is_empty() && told.bytes.capacity() <= KEPT_BYTES {
            *self = told;
        }
    }
}
