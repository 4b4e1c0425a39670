//! Frames that go out.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::close::CloseCode;
use super::deflate;

/// What a frame is (RFC 6455, section 11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    pub(super) fn read(byte: u8) -> Option<Opcode> {
        Some(match byte & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    pub(super) fn is_control(self) -> bool {
        self as u8 >= Opcode::Close as u8
    }
}

/// The bit of a frame that ends its message.
pub(super) const FIN: u8 = 0x80;
/// The bit of a compressed message's first frame.
pub(super) const COMPRESSED: u8 = 0x40;
/// The longest payload of a control frame.
pub(super) const MAX_CONTROL: usize = 125;

/// The longest header of a frame without a mask.
const MAX_HEADER: usize = 10;

/// A message, encoded for the wire once and shared by all sockets that it is sent to; cheap to clone.
#[derive(Clone, Debug)]
pub struct Frame(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    opcode: Opcode,
    header: usize,
    plain: Bytes,
    /// As sockets with permessage-deflate get it, from the first such socket on; none if that is no
    /// shorter.
    deflated: OnceLock<Option<Bytes>>,
}

impl Frame {
    /// A text.
    pub fn text(text: &str) -> Frame {
        Frame::new(Opcode::Text, text.as_bytes())
    }

    /// Bytes.
    pub fn binary(bytes: &[u8]) -> Frame {
        Frame::new(Opcode::Binary, bytes)
    }

    /// A ping; of a longer payload the first 125 bytes.
    pub fn ping(payload: &[u8]) -> Frame {
        Frame::new(Opcode::Ping, &payload[..payload.len().min(MAX_CONTROL)])
    }

    /// A pong; of a longer payload the first 125 bytes.
    pub(super) fn pong(payload: &[u8]) -> Frame {
        Frame::new(Opcode::Pong, &payload[..payload.len().min(MAX_CONTROL)])
    }

    /// A close frame; a code that may not be sent is left out, and of a longer reason the first 123
    /// bytes remain.
    pub(super) fn close(code: CloseCode, reason: &str) -> Frame {
        let mut payload = Vec::new();
        if code.is_sendable() {
            payload.extend_from_slice(&code.0.to_be_bytes());
            let end = reason.floor_char_boundary(MAX_CONTROL - payload.len());
            payload.extend_from_slice(&reason.as_bytes()[..end]);
        }
        Frame::new(Opcode::Close, &payload)
    }

    fn new(opcode: Opcode, payload: &[u8]) -> Frame {
        let (header, length) = header(FIN | opcode as u8, payload.len());
        let mut plain = Vec::with_capacity(length + payload.len());
        plain.extend_from_slice(&header[..length]);
        plain.extend_from_slice(payload);
        Frame(Arc::new(Encoded {
            opcode,
            header: length,
            plain: plain.into(),
            deflated: OnceLock::new(),
        }))
    }

    /// Bytes that it takes without compression.
    pub fn len(&self) -> usize {
        self.0.plain.len()
    }

    /// Never: a frame has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    pub(super) fn is_pong(&self) -> bool {
        self.0.opcode == Opcode::Pong
    }

    /// As it goes over the wire of a socket with or without permessage-deflate.
    pub(super) fn bytes(&self, is_deflated: bool) -> Bytes {
        let Encoded {
            opcode,
            header,
            plain,
            deflated,
        } = &*self.0;
        if !is_deflated || opcode.is_control() || plain.len() < deflate::THRESHOLD {
            return plain.clone();
        }
        deflated
            .get_or_init(|| compress(*opcode, &plain[*header..]))
            .as_ref()
            .unwrap_or(plain)
            .clone()
    }
}

/// Whether a payload is so long that compressing it is tried.
pub(super) fn may_be_compressed(payload: usize) -> bool {
    MAX_HEADER + payload >= deflate::THRESHOLD
}

/// The header of a whole text that is not compressed, and the header's length.
pub(super) fn text_header(payload: usize) -> ([u8; MAX_HEADER], usize) {
    header(FIN | Opcode::Text as u8, payload)
}

fn compress(opcode: Opcode, payload: &[u8]) -> Option<Bytes> {
    let mut bytes = deflate::deflate(payload, MAX_HEADER)?;
    let (header, length) = header(FIN | COMPRESSED | opcode as u8, bytes.len() - MAX_HEADER);
    // The header ends where the payload begins.
    let start = MAX_HEADER - length;
    bytes[start..MAX_HEADER].copy_from_slice(&header[..length]);
    Some(Bytes::from(bytes).slice(start..))
}

/// A header and its length; what a server sends has no mask.
fn header(first: u8, payload: usize) -> ([u8; MAX_HEADER], usize) {
    let mut header = [0; MAX_HEADER];
    header[0] = first;
    let length = match payload {
        0..=125 => {
            header[1] = payload as u8;
            2
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    };
    (header, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_short_as_they_can_be() {
        for (length, header) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xff, 0xff]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let bytes = Frame::binary(&vec![7; length]).bytes(false);
            assert_eq!(bytes[..header.len()], header);
            assert_eq!(bytes.len(), header.len() + length);
        }
    }

    #[test]
    fn a_message_is_compressed_once_for_all_sockets() {
        let frame = Frame::text(&"the same again, ".repeat(1000));
        let (first, second) = (frame.bytes(true), frame.clone().bytes(true));
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(first[0], FIN | COMPRESSED | 1);
        assert!(first.len() < 300);
        let plain = frame.bytes(false);
        assert_eq!(plain[0], FIN | 1);
        assert_eq!(plain.len(), 16_004);
    }

    #[test]
    fn short_messages_and_control_frames_are_not_compressed() {
        assert_eq!(Frame::text(&"a".repeat(100)).bytes(true)[0], FIN | 1);
        assert_eq!(Frame::ping(&[b'a'; 125]).bytes(true)[0], FIN | 9);
    }

    #[test]
    fn a_close_frame_has_a_code_that_may_be_sent_and_a_reason_that_fits() {
        let bytes = Frame::close(CloseCode::GOING_AWAY, "bye").bytes(false);
        assert_eq!(bytes, &b"\x88\x05\x03\xe9bye"[..]);
        assert_eq!(
            Frame::close(CloseCode::ABNORMAL, "bye").bytes(false),
            &b"\x88\x00"[..]
        );
        // 122 bytes: a character is not cut in two.
        let long = Frame::close(CloseCode::NORMAL, &"ä".repeat(100)).bytes(false);
        assert_eq!(long.len(), 2 + 2 + 122);
    }
}
