//! What is published.

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

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What its bytes are.
    pub kind: Kind,
    /// Its content.
    pub bytes: Bytes,
    /// Who published it, if that has an id.
    pub sender: Option<Box<str>>,
}
