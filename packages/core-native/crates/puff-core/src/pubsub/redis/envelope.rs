//! How a message is written on a channel of Redis.
//!
//! A line before the content says whose it is and what it is:
//! `\x01puff1:<node>:<kind>:<sender>\n<content>`. The node has 32 hexadecimal digits, the kind is `t` for text, `b` for
//! bytes, `j` for JSON, `g` for a gap without content; the sender is a JSON string, or nothing. Other programs find
//! the content behind the first line feed. What does not begin like this is theirs: text if it is UTF-8,
//! otherwise bytes.

use std::borrow::Cow;

use super::super::payload::{Kind, Message};

const MARK: &[u8] = b"\x01puff1:";
const NODE: usize = 32;

/// What a message on a channel is.
pub(super) enum Received<'a> {
    /// A message of another process, or of another program.
    Message(Message<'a>),
    /// Another process could not send some of its messages.
    Gap,
    /// One of our own, which has been delivered.
    Own,
}

/// A message as it goes over the wire.
pub(super) struct Envelope<'a> {
    node: &'a str,
    kind: u8,
    /// JSON, or nothing.
    sender: Vec<u8>,
    content: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// The envelope of a message.
    pub(super) fn of(node: &'a str, message: &'a Message<'_>) -> Envelope<'a> {
        let kind = match message.kind() {
            Kind::Text => b't',
            Kind::Binary => b'b',
            Kind::Json => b'j',
        };
        // A text is always JSON, on one line.
        let sender = message
            .sender()
            .map(|sender| serde_json::to_vec(sender).unwrap_or_default());
        Envelope {
            node,
            kind,
            sender: sender.unwrap_or_default(),
            content: message.bytes(),
        }
    }

    /// The one that tells that messages may have been missed.
    pub(super) fn of_gap(node: &'a str) -> Envelope<'a> {
        Envelope {
            node,
            kind: b'g',
            sender: Vec::new(),
            content: b"",
        }
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        MARK.len() + self.node.len() + 4 + self.sender.len() + self.content.len()
    }

    /// Appends it.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(self.node.as_bytes());
        bytes.extend_from_slice(&[b':', self.kind, b':']);
        bytes.extend_from_slice(&self.sender);
        bytes.push(b'\n');
        bytes.extend_from_slice(self.content);
    }
}

/// Reads what came on a channel.
pub(super) fn read<'a>(node: &str, message: &'a [u8]) -> Received<'a> {
    let Some(parts) = parts(message) else {
        return Received::Message(plain(message));
    };
    if parts.node == node.as_bytes() {
        return Received::Own;
    }
    let kind = match parts.kind {
        b't' => Kind::Text,
        b'b' => Kind::Binary,
        b'j' => Kind::Json,
        b'g' => return Received::Gap,
        _ => return Received::Message(plain(message)),
    };
    let sender = match parts.sender {
        [] => None,
        sender => match serde_json::from_slice::<String>(sender) {
            Ok(sender) => Some(Cow::Owned(sender)),
            Err(_) => return Received::Message(plain(message)),
        },
    };
    Received::Message(Message::new(kind, parts.content, sender))
}

/// What is in an envelope, as it is written.
struct Parts<'a> {
    node: &'a [u8],
    kind: u8,
    sender: &'a [u8],
    content: &'a [u8],
}

fn parts(message: &[u8]) -> Option<Parts<'_>> {
    let rest = message.strip_prefix(MARK)?;
    let (node, rest) = rest.split_at_checked(NODE)?;
    let [b':', kind, b':', rest @ ..] = rest else {
        return None;
    };
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some(Parts {
        node,
        kind: *kind,
        sender: &rest[..end],
        content: &rest[end + 1..],
    })
}

fn plain(message: &[u8]) -> Message<'_> {
    let kind = match std::str::from_utf8(message) {
        Ok(_) => Kind::Text,
        Err(_) => Kind::Binary,
    };
    Message::new(kind, message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "0123456789abcdef0123456789abcdef";
    const THEM: &str = "ffffffffffffffffffffffffffffffff";

    fn written(envelope: &Envelope<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        envelope.write(&mut bytes);
        assert_eq!(bytes.len(), envelope.len());
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        for (kind, bytes, sender) in [
            (Kind::Text, "é\0\nline".as_bytes(), None),
            (Kind::Json, b"{}".as_slice(), Some("a \"sender\"\n")),
            (Kind::Binary, &[0, 255, b'\n'], Some("")),
            (Kind::Binary, &[], None),
        ] {
            let message = Message::new(kind, bytes, sender.map(Into::into));
            let written = written(&Envelope::of(US, &message));
            assert!(matches!(read(US, &written), Received::Own));
            let Received::Message(read) = read(THEM, &written) else {
                panic!("{kind:?}");
            };
            assert_eq!(read.keep(), message.keep());
        }
        let gap = written(&Envelope::of_gap(US));
        assert!(matches!(read(THEM, &gap), Received::Gap));
        assert!(matches!(read(US, &gap), Received::Own));
    }

    #[test]
    fn what_other_programs_publish_is_text_or_bytes() {
        let long = format!("\x01puff1:{THEM}:x:\ncontent");
        let sender = format!("\x01puff1:{THEM}:t:no JSON\ncontent");
        let texts = [
            "",
            "hello",
            "\x01puff1:",
            "\x01puff1:short:t:\nx",
            &long,
            &sender,
        ];
        let bytes = texts.map(|text| (text.as_bytes(), Kind::Text));
        for (bytes, kind) in bytes.into_iter().chain([(&[0xff, 0][..], Kind::Binary)]) {
            let Received::Message(message) = read(US, bytes) else {
                panic!("nothing of ours begins like {bytes:?}");
            };
            assert_eq!((message.kind(), message.bytes()), (kind, bytes));
            assert_eq!(message.sender(), None);
        }
    }
}
