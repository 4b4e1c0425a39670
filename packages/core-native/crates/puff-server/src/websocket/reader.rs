//! From the bytes of a client to its messages (RFC 6455, sections 5 and 8.1).

use bytes::Bytes;

use super::close::CloseCode;
use super::deflate::{self, InflateError};
use super::frame::{COMPRESSED, FIN, MAX_CONTROL, Opcode};
use super::listener::Message;
use super::mask;

/// Something that a client sent, whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// None for a frame without a code.
    Close(Option<CloseCode>, String),
}

/// What a client may not send.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
}

/// Reads frames; it holds bytes only while a frame or a message is incomplete.
pub(super) struct Reader {
    is_deflated: bool,
    max_message: usize,
    /// The beginning of a header.
    header: [u8; MAX_HEADER],
    header_length: usize,
    frame: Option<Frame>,
    /// A message of several frames, or of one that has arrived in part.
    message: Option<Partial>,
    /// A control frame that has arrived in part.
    control: Vec<u8>,
}

/// The longest header of a frame with a mask.
const MAX_HEADER: usize = 14;

/// The frame whose payload is being read.
struct Frame {
    opcode: Opcode,
    is_final: bool,
    is_compressed: bool,
    mask: [u8; 4],
    length: usize,
    /// Bytes of the payload that have been read.
    taken: usize,
}

struct Partial {
    is_text: bool,
    is_compressed: bool,
    bytes: Vec<u8>,
    /// How far a text is known to be UTF-8.
    valid: usize,
}

impl Reader {
    pub(super) fn new(is_deflated: bool, max_message: usize) -> Reader {
        Reader {
            is_deflated,
            max_message,
            header: [0; MAX_HEADER],
            header_length: 0,
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Reads from the beginning of `input`, unmasking in place, until something is whole or nothing is
    /// left.
    pub(super) fn read(&mut self, input: &mut &mut [u8]) -> Result<Option<Incoming>, Violation> {
        loop {
            if self.frame.is_none() {
                match self.read_header(input)? {
                    None => return Ok(None),
                    frame => self.frame = frame,
                }
            }
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let available = input.len().min(frame.length - frame.taken);
            let (payload, rest) = std::mem::take(input).split_at_mut(available);
            *input = rest;
            mask::apply(payload, frame.mask, frame.taken);
            frame.taken += available;
            let is_whole = frame.taken == frame.length;
            let incoming = if frame.opcode.is_control() {
                self.control(payload, is_whole)?
            } else {
                self.data(payload, is_whole)?
            };
            if is_whole {
                self.frame = None;
            }
            if incoming.is_some() || input.is_empty() {
                return Ok(incoming);
            }
        }
    }

    fn read_header(&mut self, input: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        loop {
            let needed = match self.header_length {
                0 | 1 => 2,
                _ => match self.header[1] & 0x7f {
                    126 => 8,
                    127 => MAX_HEADER,
                    _ => 6,
                },
            };
            if self.header_length == 2 {
                // Refused before more is waited for.
                self.check_begin()?;
            }
            if self.header_length == needed {
                self.header_length = 0;
                return self.check_header().map(Some);
            }
            let count = input.len().min(needed - self.header_length);
            if count == 0 {
                return Ok(None);
            }
            let (begin, rest) = std::mem::take(input).split_at_mut(count);
            *input = rest;
            self.header[self.header_length..][..count].copy_from_slice(begin);
            self.header_length += count;
        }
    }

    /// Checks the first two bytes of a header.
    fn check_begin(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.header;
        let Some(opcode) = Opcode::read(first) else {
            return Err(protocol("Unknown opcode"));
        };
        let is_first = matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & 0x30 != 0 || first & COMPRESSED != 0 && !(self.is_deflated && is_first) {
            return Err(protocol("Reserved bits are set"));
        }
        if second & 0x80 == 0 {
            return Err(protocol("Frames of clients must be masked"));
        }
        if opcode.is_control() {
            if first & FIN == 0 {
                return Err(protocol("Control frames must not be fragmented"));
            }
            if usize::from(second & 0x7f) > MAX_CONTROL {
                return Err(protocol("A control frame is too long"));
            }
        } else if is_first == self.message.is_some() {
            return Err(protocol(match is_first {
                true => "A message began within another",
                false => "A continuation has no message",
            }));
        }
        Ok(())
    }

    fn check_header(&mut self) -> Result<Frame, Violation> {
        let header = &self.header;
        let opcode = Opcode::read(header[0]).unwrap_or(Opcode::Continuation);
        let (length, mask) = match header[1] & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes([header[2], header[3]])),
                [header[4], header[5], header[6], header[7]],
            ),
            127 => {
                let [_, _, length @ .., a, b, c, d] = *header;
                (u64::from_be_bytes(length), [a, b, c, d])
            }
            length => (
                u64::from(length),
                [header[2], header[3], header[4], header[5]],
            ),
        };
        if length >> 63 != 0 {
            return Err(protocol("A frame's length has its highest bit set"));
        }
        let before = self
            .message
            .as_ref()
            .map_or(0, |message| message.bytes.len());
        let length = usize::try_from(length)
            .ok()
            .filter(|length| opcode.is_control() || *length <= self.max_message - before)
            .ok_or(TOO_BIG)?;
        Ok(Frame {
            opcode,
            is_final: header[0] & FIN != 0,
            is_compressed: header[0] & COMPRESSED != 0,
            mask,
            length,
            taken: 0,
        })
    }

    fn control(&mut self, payload: &[u8], is_whole: bool) -> Result<Option<Incoming>, Violation> {
        self.control.extend_from_slice(payload);
        let opcode = self.frame.as_ref().map(|frame| frame.opcode);
        if !is_whole {
            return Ok(None);
        }
        let payload = std::mem::take(&mut self.control);
        Ok(Some(match opcode {
            Some(Opcode::Ping) => Incoming::Ping(payload),
            Some(Opcode::Pong) => Incoming::Pong(payload),
            _ => read_close(&payload)?,
        }))
    }

    fn data(&mut self, payload: &mut [u8], is_whole: bool) -> Result<Option<Incoming>, Violation> {
        let Some(frame) = &self.frame else {
            return Ok(None);
        };
        let is_end = is_whole && frame.is_final;
        let message = match &mut self.message {
            Some(message) => message,
            // It came in one piece, so nothing has to be kept.
            None if is_end => {
                let is_text = frame.opcode == Opcode::Text;
                let message = match frame.is_compressed {
                    true => finish(is_text, inflate(payload, self.max_message)?),
                    false if is_text => std::str::from_utf8(payload)
                        .map(|text| Message::Text(text.to_owned()))
                        .map_err(|_| INVALID_TEXT),
                    false => Ok(Message::Binary(Bytes::copy_from_slice(payload))),
                };
                return Ok(Some(Incoming::Message(message?)));
            }
            none => none.insert(Partial {
                is_text: frame.opcode == Opcode::Text,
                is_compressed: frame.is_compressed,
                bytes: Vec::new(),
                valid: 0,
            }),
        };
        message.bytes.extend_from_slice(payload);
        if message.is_text && !message.is_compressed {
            message.validate()?;
        }
        if !is_end {
            return Ok(None);
        }
        let Some(message) = self.message.take() else {
            return Ok(None);
        };
        let bytes = match message.is_compressed {
            true => inflate(&message.bytes, self.max_message)?,
            false => message.bytes,
        };
        finish(message.is_text, bytes).map(|message| Some(Incoming::Message(message)))
    }
}

impl Partial {
    /// Finds out early that a text is none; a character may still be incomplete.
    fn validate(&mut self) -> Result<(), Violation> {
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(INVALID_TEXT),
        }
        Ok(())
    }
}

fn finish(is_text: bool, bytes: Vec<u8>) -> Result<Message, Violation> {
    match is_text {
        true => String::from_utf8(bytes)
            .map(Message::Text)
            .map_err(|_| INVALID_TEXT),
        false => Ok(Message::Binary(bytes.into())),
    }
}

fn inflate(payload: &[u8], limit: usize) -> Result<Vec<u8>, Violation> {
    deflate::inflate(payload, limit).map_err(|error| match error {
        InflateError::TooBig => TOO_BIG,
        InflateError::Invalid => Violation {
            code: CloseCode::INVALID_DATA,
            reason: "A message cannot be inflated",
        },
    })
}

fn read_close(payload: &[u8]) -> Result<Incoming, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(Incoming::Close(None, String::new())),
        [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        [_] => return Err(protocol("A close frame has half a code")),
    };
    if !code.is_sendable() {
        return Err(protocol("A close frame has a code that may not be sent"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| INVALID_TEXT)?;
    Ok(Incoming::Close(Some(code), reason.to_owned()))
}

const INVALID_TEXT: Violation = Violation {
    code: CloseCode::INVALID_DATA,
    reason: "A text is no UTF-8",
};

const TOO_BIG: Violation = Violation {
    code: CloseCode::TOO_BIG,
    reason: "The message is too big",
};

fn protocol(reason: &'static str) -> Violation {
    Violation {
        code: CloseCode::PROTOCOL_ERROR,
        reason,
    }
}
