//! How a message is written in a notification.
//!
//! JSON, so that it is text without NUL whatever it holds: `[node, kind, channel, sender, content]`, or
//! `[node, id]` for one that waits in the table. Bytes are in base64.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::super::payload::{Kind, Message, Payload};

/// A notification must be shorter than 8,000 bytes (PostgreSQL manual, NOTIFY).
const LONGEST_NOTIFICATION: usize = 7_999;

/// A message, as it is written.
#[derive(Serialize, Deserialize)]
struct Written<'a>(
    &'a str,
    char,
    #[serde(borrow)] std::borrow::Cow<'a, str>,
    #[serde(borrow)] Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)] std::borrow::Cow<'a, str>,
);

/// What a notification says.
pub(super) enum Notification {
    /// A message of another process.
    Message(Arc<str>, Payload),
    /// One that waits in the table.
    Stored(i64),
    /// One of our own, which has been delivered, or nothing that we understand.
    Other,
}

/// Writes a message.
pub(super) fn write(node: &str, channel: &str, message: &Message<'_>) -> String {
    let (kind, content) = match message.kind() {
        Kind::Text => ('t', String::from_utf8_lossy(message.bytes())),
        Kind::Json => ('j', String::from_utf8_lossy(message.bytes())),
        Kind::Binary => ('b', STANDARD.encode(message.bytes()).into()),
    };
    let sender = message.sender().map(Into::into);
    // A tuple of texts is always JSON.
    serde_json::to_string(&Written(node, kind, channel.into(), sender, content)).unwrap_or_default()
}

/// Whether an envelope is too long for a notification.
pub(super) fn is_long(envelope: &str) -> bool {
    envelope.len() > LONGEST_NOTIFICATION
}

/// Reads a notification.
pub(super) fn read(node: &str, text: &str) -> Notification {
    if let Ok((sender_node, id)) = serde_json::from_str::<(&str, i64)>(text) {
        return match sender_node == node {
            true => Notification::Other,
            false => Notification::Stored(id),
        };
    }
    let Ok(Written(sender_node, kind, channel, sender, content)) = serde_json::from_str(text)
    else {
        return Notification::Other;
    };
    let kind = match kind {
        't' => Kind::Text,
        'j' => Kind::Json,
        'b' => Kind::Binary,
        _ => return Notification::Other,
    };
    let bytes = match kind {
        Kind::Binary => STANDARD.decode(content.as_bytes()).ok().map(Bytes::from),
        Kind::Text | Kind::Json => Some(Bytes::from(content.into_owned())),
    };
    match bytes {
        Some(bytes) if sender_node != node => {
            let sender = sender.map(|sender| sender.into_owned().into_boxed_str());
            let payload = Payload {
                kind,
                bytes,
                sender,
            };
            Notification::Message(channel.into(), payload)
        }
        _ => Notification::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(kind: Kind, bytes: &[u8], sender: Option<&str>) {
        let payload = Payload {
            kind,
            bytes: Bytes::copy_from_slice(bytes),
            sender: sender.map(Into::into),
        };
        let written = write("us", "a \"channel\"", &payload.clone().into());
        match read("them", &written) {
            Notification::Message(channel, read) => {
                assert_eq!(&*channel, "a \"channel\"");
                assert_eq!(read, payload);
            }
            _ => panic!("{written}"),
        }
        assert!(matches!(read("us", &written), Notification::Other));
    }

    #[test]
    fn what_is_written_is_read() {
        round_trip(Kind::Text, "é\0\n\u{1F600}".as_bytes(), None);
        round_trip(Kind::Json, br#"{"a":1}"#, Some("a sender"));
        round_trip(Kind::Binary, &[0, 255, 128], None);
        round_trip(Kind::Binary, &[], None);
    }

    #[test]
    fn what_others_notify_is_left_alone() {
        for text in [
            "",
            "hello",
            "[]",
            "[1,2]",
            r#"["them","x","c",null,"?"]"#,
            r#"["them","b","c",null,"?"]"#,
        ] {
            assert!(matches!(read("us", text), Notification::Other), "{text}");
        }
        assert!(matches!(
            read("us", r#"["them",7]"#),
            Notification::Stored(7)
        ));
        assert!(matches!(read("us", r#"["us",7]"#), Notification::Other));
    }
}
