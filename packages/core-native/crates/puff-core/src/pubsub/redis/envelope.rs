//! How a message is written on a channel of Redis.
//!
//! A line before the content says whose it is and what it is:
//! `\x01puff1:<node>:<kind>:<sender>\n<content>`. The node has 32 hexadecimal digits, the kind is `t` for text, `b` for
//! bytes, `j` for JSON, `g` for a gap without content; the sender is a JSON string, or nothing. Other programs find
//! the content behind the first line feed. What does not begin like this is theirs: text if it is UTF-8,
//! otherwise bytes.

use bytes::Bytes;

use super::super::payload::{Kind, Payload};

const MARK: &[u8] = b"\x01puff1:";
const NODE: usize = 32;

/// What a message on a channel is.
#[derive(Debug, PartialEq)]
pub(super) enum Received {
    /// A message of another process, or of another program.
    Message(Payload),
    /// Another process could not send some of its messages.
    Gap,
    /// One of our own, which has been delivered.
    Own,
}

/// Writes a message's envelope.
pub(super) fn write(node: &str, payload: &Payload) -> Vec<u8> {
    let kind = match payload.kind {
        Kind::Text => b't',
        Kind::Binary => b'b',
        Kind::Json => b'j',
    };
    let sender = payload.sender.as_deref();
    let length = MARK.len() + NODE + 4 + sender.map_or(0, str::len) + payload.bytes.len();
    let mut envelope = Vec::with_capacity(length + 16);
    begin(node, kind, &mut envelope);
    if let Some(sender) = sender {
        // A text is always JSON, on one line.
        envelope.extend(serde_json::to_vec(sender).unwrap_or_default());
    }
    envelope.push(b'\n');
    envelope.extend_from_slice(&payload.bytes);
    envelope
}

/// Writes that messages may have been missed.
pub(super) fn write_gap(node: &str) -> Vec<u8> {
    let mut envelope = Vec::new();
    begin(node, b'g', &mut envelope);
    envelope.push(b'\n');
    envelope
}

fn begin(node: &str, kind: u8, envelope: &mut Vec<u8>) {
    envelope.extend_from_slice(MARK);
    envelope.extend_from_slice(node.as_bytes());
    envelope.extend_from_slice(&[b':', kind, b':']);
}

/// Reads what came on a channel.
pub(super) fn read(node: &str, message: &[u8]) -> Received {
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
            Ok(sender) => Some(sender.into_boxed_str()),
            Err(_) => return Received::Message(plain(message)),
        },
    };
    Received::Message(Payload {
        kind,
        bytes: Bytes::copy_from_slice(parts.content),
        sender,
    })
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

fn plain(message: &[u8]) -> Payload {
    let kind = match std::str::from_utf8(message) {
        Ok(_) => Kind::Text,
        Err(_) => Kind::Binary,
    };
    Payload {
        kind,
        bytes: Bytes::copy_from_slice(message),
        sender: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "0123456789abcdef0123456789abcdef";
    const THEM: &str = "ffffffffffffffffffffffffffffffff";

    #[test]
    fn what_is_written_is_read() {
        for (kind, bytes, sender) in [
            (Kind::Text, "é\0\nline".as_bytes(), None),
            (Kind::Json, b"{}".as_slice(), Some("a \"sender\"\n")),
            (Kind::Binary, &[0, 255, b'\n'], Some("")),
            (Kind::Binary, &[], None),
        ] {
            let payload = Payload {
                kind,
                bytes: Bytes::copy_from_slice(bytes),
                sender: sender.map(Into::into),
            };
            let written = write(US, &payload);
            assert_eq!(read(US, &written), Received::Own);
            assert_eq!(read(THEM, &written), Received::Message(payload));
        }
        let gap = write_gap(US);
        assert_eq!(read(THEM, &gap), Received::Gap);
        assert_eq!(read(US, &gap), Received::Own);
    }

    #[test]
    fn what_other_programs_publish_is_text_or_bytes() {
        let long = format!("\x01puff1:{THEM}:x:\ncontent");
        let sender = format!("\x01puff1:{THEM}:t:no JSON\ncontent");
        for text in [
            "",
            "hello",
            "\x01puff1:",
            "\x01puff1:short:t:\nx",
            &long,
            &sender,
        ] {
            let payload = plain(text.as_bytes());
            assert_eq!(payload.kind, Kind::Text);
            let received = read(US, &payload.bytes);
            assert_eq!(received, Received::Message(payload));
        }
        let Received::Message(payload) = read(US, &[0xff, 0]) else {
            unreachable!("nothing of ours begins like this");
        };
        assert_eq!(payload.kind, Kind::Binary);
    }
}
