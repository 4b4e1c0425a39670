//! What is published.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// What the bytes of a message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text in UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// A JSON text.
    Json,
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What its bytes are.
    pub kind: Kind,
    /// Its content.
    pub bytes: Bytes,
    /// Who published it, if that has an id.
    pub sender: Option<Box<str>>,
}

/// A message while it is delivered: its content is somebody else's until a subscriber keeps it.
pub struct Message<'a> {
    number: u64,
    kind: Kind,
    bytes: &'a [u8],
    sender: Option<Cow<'a, str>>,
    /// What those share who keep it.
    kept: OnceCell<Arc<Payload>>,
}

impl<'a> Message<'a> {
    /// A message with borrowed content.
    pub fn new(kind: Kind, bytes: &'a [u8], sender: Option<Cow<'a, str>>) -> Message<'a> {
        Message {
            number: next_number(),
            kind,
            bytes,
            sender,
            kept: OnceCell::new(),
        }
    }

    /// A number that no other message of the process has.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What its bytes are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its content.
    pub fn bytes(&self) -> &[u8] {
        match self.kept.get() {
            Some(kept) => &kept.bytes,
            None => self.bytes,
        }
    }

    /// Who published it, if that has an id.
    pub fn sender(&self) -> Option<&str> {
        match self.kept.get() {
            Some(kept) => kept.sender.as_deref(),
            None => self.sender.as_deref(),
        }
    }

    /// The message for later, copied once for all who keep it.
    pub fn keep(&self) -> &Arc<Payload> {
        self.kept.get_or_init(|| {
            Arc::new(Payload {
                kind: self.kind,
                bytes: Bytes::copy_from_slice(self.bytes),
                sender: self.sender.as_deref().map(Into::into),
            })
        })
    }
}

impl From<Payload> for Message<'static> {
    fn from(payload: Payload) -> Message<'static> {
        Message {
            number: next_number(),
            kind: payload.kind,
            bytes: &[],
            sender: None,
            kept: OnceCell::from(Arc::new(payload)),
        }
    }
}

fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_copied_once_for_all_who_keep_it() {
        let message = Message::new(Kind::Text, b"text", Some("sender".into()));
        let kept = message.keep().clone();
        assert!(Arc::ptr_eq(&kept, message.keep()));
        let again = Message::from(Payload::clone(&kept));
        assert_ne!(again.number(), message.number());
        for message in [message, again] {
            assert_eq!(message.kind(), Kind::Text);
            assert_eq!(message.bytes(), b"text");
            assert_eq!(message.sender(), Some("sender"));
            assert_eq!(**message.keep(), *kept);
        }
    }
}
