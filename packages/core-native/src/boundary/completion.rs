//! Answers, and how they are written for JavaScript to read.
//!
//! `packages/next-puff/src/boundary/completions.ts` reads what is written here. A record is
//!
//! | word | meaning |
//! |---|---|
//! | 0 | call id; message: what it is about |
//! | 1 | kind: 1 result, 2 failure, 3 session, 4 nothing, 5 event, 6 chunk, 7 response, 8 ask, 9 message, 10 deliveries, 11 text, 12 replies |
//! | 2, 3 | result: rows selected or changed, low word first; session: its id, its server process; response: its status, the number of statements; message: its topic, its first number; deliveries: how many, 0; replies: how many events |
//! | 4 | result: the shape's id, 0 without one; response: bytes of the body; message: its second number |
//! | 5 | result, response, ask: flags, see below; message: the number of its attachments; deliveries, replies: 1 with a text, 2 with bytes |
//! | 6 | result, response, deliveries, replies: words of the body |
//!
//! followed by the body, unless it is large and came as an attachment. An ask is a result as well,
//! where it has rows. Attachments are strings and typed arrays in the order in which the reader needs
//! them: a failure's or an event's JSON; a text; a chunk's bytes; a response's headers, stream and body; an ask's JSON
//! and the operation's request; a result's command, description, body and texts; the text and
//! the bytes of deliveries.

use napi::bindgen_prelude::{Array, Int32Array, Uint8Array};
use napi::{Env, Result};
use puff_core::postgres::Error;
use puff_core::postgres::packed::{Packed, Shape, Text};
use puff_core::redis::packed::Record;
use puff_server::script::{Attachment, Message};

use super::deliveries::{MAX_EVENTS, PackedEvents, WORDS};
use super::failure;

/// The end of a call.
pub(crate) struct Completion {
    pub(crate) call: u32,
    pub(crate) answer: Answer,
}

/// What a call ended with.
pub(crate) enum Answer {
    /// A statement's result.
    Result(Box<Packed>),
    /// What went wrong.
    Failure(Box<Error>),
    /// A statement's result; others may follow before the call ends.
    Partial(Box<Packed>),
    /// A session was checked out.
    Session {
        /// Its id on this boundary.
        id: u32,
        /// The server process at the other end.
        process_id: i32,
    },
    /// Something that belongs to no call: JSON.
    Event(String),
    /// Bytes of a raw exchange; others may follow before the call ends.
    Chunk(Vec<u8>),
    /// The response to a GraphQL request.
    Response(Box<Response>),
    /// A question of a GraphQL operation; the call goes on.
    Ask(Box<Question>),
    /// What went wrong, as JSON: nothing of PostgreSQL's.
    Fault(String),
    /// Something that answers no call: JavaScript's listeners of its topic take it.
    Message(Box<Message>),
    /// What the call is answered with, for its caller to read.
    Text(String),
    /// What came on a connection to Redis.
    Replies(Box<Record>),
    /// There is nothing to say.
    Nothing,
}

/// The response to a GraphQL request.
pub(crate) struct Response {
    /// The status code of HTTP; without HTTP 0 for a request that was not executed, 1 for one that was,
    /// 2 for one that has errors.
    pub(crate) status: u32,
    /// As JSON: pairs of name and value.
    pub(crate) headers: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Statements that the engine ran.
    pub(crate) statements: u32,
    /// The stream that has the body, 0 for none.
    pub(crate) stream: u32,
}

/// A question of a GraphQL operation.
pub(crate) struct Question {
    /// As JSON.
    pub(crate) header: String,
    /// The operation's request as JSON, in its first question.
    pub(crate) start: Option<String>,
    /// The parents, where they are rows.
    pub(crate) rows: Option<Box<Packed>>,
}

const RESULT: i32 = 1;
const FAILURE: i32 = 2;
const SESSION: i32 = 3;
const NOTHING: i32 = 4;
const EVENT: i32 = 5;
const CHUNK: i32 = 6;
const RESPONSE: i32 = 7;
const ASK: i32 = 8;
const MESSAGE: i32 = 9;
const DELIVERIES: i32 = 10;
const TEXT: i32 = 11;
const REPLIES: i32 = 12;

/// The reader has not seen this shape: its columns are attached as JSON.
const DESCRIBED: i32 = 1;
/// A cursor has more rows.
const SUSPENDED: i32 = 2;
/// The body is attached.
const DETACHED: i32 = 4;
/// The command is attached; else it is in the bits from `COMMAND_SHIFT` on.
const COMMAND_ATTACHED: i32 = 8;
/// The call has not ended with it.
const PARTIAL: i32 = 16;
/// Headers are attached.
const HEADERS: i32 = 32;
/// The operation's request is attached.
const STARTS: i32 = 64;
/// The number of a stream is attached.
const STREAMED: i32 = 256;
/// The ask has rows.
const ROWS: i32 = 128;
/// The replies have a text.
const HAS_TEXT: i32 = 1;
/// The replies have bytes.
const HAS_BYTES: i32 = 2;
const COMMAND_SHIFT: u32 = 8;
const COMMANDS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Deliveries have a text.
const WITH_TEXT: i32 = 1;
/// Deliveries have bytes.
const WITH_BYTES: i32 = 2;

/// Words of a record before its body.
const HEADER: usize = 7;

/// A longer body goes out of line.
const INLINE_BODY: usize = 8 * 1024;

/// Bytes of a word.
const WORD: usize = 4;

/// The space for records in one drain, and the attachments they need.
pub(crate) struct Writer<'a, 'env> {
    pub(crate) env: &'a Env,
    pub(crate) words: &'a mut [i32],
    pub(crate) used: usize,
    pub(crate) attachments: Array<'env>,
}

impl Writer<'_, '_> {
    /// Whether the next record finds room.
    pub(crate) fn fits(&self, completion: &Completion) -> bool {
        let body = match &completion.answer {
            Answer::Result(packed) | Answer::Partial(packed)
                if packed.words.len() <= INLINE_BODY =>
            {
                packed.words.len()
            }
            Answer::Ask(question) => match &question.rows {
                Some(packed) if packed.words.len() <= INLINE_BODY => packed.words.len(),
                _ => 0,
            },
            Answer::Replies(record) if record.words.len() <= INLINE_BODY => record.words.len(),
            Answer::Response(response) if response.body.len() <= INLINE_BODY * WORD => {
                response.body.len().div_ceil(WORD)
            }
            _ => 0,
        };
        self.used + HEADER + body <= self.words.len()
    }

    /// Writes a record; `is_new` tells whether the reader sees a shape for the first time.
    pub(crate) fn write(
        &mut self,
        completion: Completion,
        is_new: impl FnOnce(&Shape) -> bool,
    ) -> Result<()> {
        let mut header = [0; HEADER];
        header[0] = completion.call.cast_signed();
        let mut body = Vec::new();
        match completion.answer {
            Answer::Result(packed) => {
                header[1] = RESULT;
                body = self.write_result(*packed, &mut header, is_new)?;
            }
            Answer::Failure(error) => {
                header[1] = FAILURE;
                self.attachments.insert(failure::to_json(&error))?;
            }
            Answer::Partial(packed) => {
                header[1] = RESULT;
                header[5] |= PARTIAL;
                body = self.write_result(*packed, &mut header, is_new)?;
            }
            Answer::Session { id, process_id } => {
                header[1] = SESSION;
                header[2] = id.cast_signed();
                header[3] = process_id;
            }
            Answer::Event(json) => {
                header[1] = EVENT;
                self.attachments.insert(json)?;
            }
            Answer::Chunk(bytes) => {
                header[1] = CHUNK;
                self.attachments.insert(Uint8Array::new(bytes))?;
            }
            Answer::Response(response) => {
                header[1] = RESPONSE;
                body = self.write_response(*response, &mut header)?;
            }
            Answer::Ask(question) => {
                header[1] = ASK;
                self.attachments.insert(question.header)?;
                if let Some(start) = question.start {
                    header[5] |= STARTS;
                    self.attachments.insert(start)?;
                }
                if let Some(packed) = question.rows {
                    header[5] |= ROWS;
                    body = self.write_result(*packed, &mut header, is_new)?;
                }
            }
            Answer::Fault(json) => {
                header[1] = FAILURE;
                self.attachments.insert(json)?;
            }
            Answer::Message(message) => {
                header[1] = MESSAGE;
                header[2] = i32::from(message.topic.0);
                header[3] = message.numbers[0];
                header[4] = message.numbers[1];
                header[5] = message.attachments.len() as i32;
                for attachment in message.attachments {
                    self.attach(attachment)?;
                }
            }
            Answer::Text(text) => {
                header[1] = TEXT;
                self.attachments.insert(text)?;
            }
            Answer::Replies(record) => {
                header[1] = REPLIES;
                body = self.write_replies(*record, &mut header)?;
            }
            Answer::Nothing => header[1] = NOTHING,
        }
        self.write_words(&header, &body);
        Ok(())
    }

    /// Whether deliveries find room, however many.
    pub(crate) fn fits_deliveries(&self) -> bool {
        self.used + HEADER + MAX_EVENTS * WORDS <= self.words.len()
    }

    /// Writes a record of messages of the hub.
    pub(super) fn write_deliveries(&mut self, packed: PackedEvents) -> Result<()> {
        let mut header = [0; HEADER];
        header[1] = DELIVERIES;
        header[2] = packed.count() as i32;
        header[6] = packed.words.len() as i32;
        if !packed.text.is_empty() {
            header[5] |= WITH_TEXT;
            let text = match packed.is_ascii() {
                true => self.env.create_string_latin1(packed.text.as_bytes())?,
                false => self.env.create_string(&packed.text)?,
            };
            self.attachments.insert(text)?;
        }
        if !packed.bytes.is_empty() {
            header[5] |= WITH_BYTES;
            self.attachments.insert(Uint8Array::new(packed.bytes))?;
        }
        self.write_words(&header, &packed.words);
        Ok(())
    }

    fn write_words(&mut self, header: &[i32; HEADER], body: &[i32]) {
        self.words[self.used..self.used + HEADER].copy_from_slice(header);
        self.used += HEADER;
        self.words[self.used..self.used + body.len()].copy_from_slice(body);
        self.used += body.len();
    }

    /// Fills in a response's header, attaches what it needs and returns the body to write inline.
    fn write_response(
        &mut self,
        response: Response,
        header: &mut [i32; HEADER],
    ) -> Result<Vec<i32>> {
        let bytes = response.body;
        header[2] = response.status.cast_signed();
        header[3] = response.statements.cast_signed();
        header[4] = bytes.len() as i32;
        if let Some(headers) = response.headers {
            header[5] |= HEADERS;
            self.attachments.insert(headers)?;
        }
        if response.stream != 0 {
            header[5] |= STREAMED;
            self.attachments.insert(response.stream)?;
        }
        if bytes.len() > INLINE_BODY * WORD {
            header[5] |= DETACHED;
            self.attachments.insert(Uint8Array::new(bytes))?;
            return Ok(Vec::new());
        }
        // Copied: a small array of its own costs JavaScript more than its bytes.
        let body: Vec<i32> = bytes
            .chunks(WORD)
            .map(|chunk| {
                let mut word = [0; WORD];
                word[..chunk.len()].copy_from_slice(chunk);
                i32::from_ne_bytes(word)
            })
            .collect();
        header[6] = body.len() as i32;
        Ok(body)
    }

    /// Fills in the header of replies, attaches what they need and returns the words to write inline.
    fn write_replies(&mut self, record: Record, header: &mut [i32; HEADER]) -> Result<Vec<i32>> {
        header[2] = record.events.cast_signed();
        header[6] = record.words.len() as i32;
        let mut body = record.words;
        if body.len() > INLINE_BODY {
            header[5] |= DETACHED;
            self.attachments
                .insert(Int32Array::new(std::mem::take(&mut body)))?;
        }
        if !record.text.is_empty() {
            header[5] |= HAS_TEXT;
            if record.units == record.text.len() {
                let text = self.env.create_string_latin1(record.text.as_bytes())?;
                self.attachments.insert(text)?;
            } else {
                self.attachments.insert(record.text.as_str())?;
            }
        }
        if !record.bytes.is_empty() {
            header[5] |= HAS_BYTES;
            self.attachments.insert(Uint8Array::new(record.bytes))?;
        }
        Ok(body)
    }

    /// Fills in a result's header, attaches what it needs and returns the body to write inline.
    fn write_result(
        &mut self,
        packed: Packed,
        header: &mut [i32; HEADER],
        is_new: impl FnOnce(&Shape) -> bool,
    ) -> Result<Vec<i32>> {
        header[2] = packed.outcome.row_count as i32;
        header[3] = (packed.outcome.row_count >> 32) as i32;
        header[6] = packed.words.len() as i32;
        let mut flags = header[5];
        match COMMANDS
            .iter()
            .position(|command| **command == *packed.outcome.command)
        {
            Some(index) => flags |= (index as i32 + 1) << COMMAND_SHIFT,
            None => {
                flags |= COMMAND_ATTACHED;
                self.attachments.insert(&*packed.outcome.command)?;
            }
        }
        if packed.outcome.is_suspended {
            flags |= SUSPENDED;
        }
        if let Some(shape) = &packed.shape {
            header[4] = shape.id.cast_signed();
            if is_new(shape) {
                flags |= DESCRIBED;
                self.attachments.insert(describe(shape))?;
            }
        }
        let mut body = packed.words;
        if body.len() > INLINE_BODY {
            flags |= DETACHED;
            self.attachments
                .insert(Int32Array::new(std::mem::take(&mut body)))?;
        }
        for text in &packed.texts {
            self.attach_text(text)?;
        }
        header[5] = flags;
        Ok(body)
    }

    fn attach(&mut self, attachment: Attachment) -> Result<()> {
        match attachment {
            Attachment::Text(text) => self.attachments.insert(text),
            Attachment::Latin1(bytes) => {
                let text = self.env.create_string_latin1(&bytes)?;
                self.attachments.insert(text)
            }
            Attachment::Bytes(bytes) => self.attachments.insert(Uint8Array::from(Vec::from(bytes))),
        }
    }

    fn attach_text(&mut self, text: &Text) -> Result<()> {
        if text.units as usize == text.text.len() {
            self.attachments
                .insert(self.env.create_string_latin1(text.text.as_bytes())?)
        } else {
            self.attachments.insert(text.text.as_str())
        }
    }
}

/// A shape as `[[name, kind, isArray, type, table, attribute, typeSize, typeModifier], ...]`; type
/// and table are OIDs.
fn describe(shape: &Shape) -> String {
    let columns: Vec<_> = shape
        .columns
        .iter()
        .map(|(column, kind, is_array)| {
            serde_json::json!([
                column.name,
                *kind as u8,
                is_array,
                column.type_oid,
                column.table_oid,
                column.attribute,
                column.type_size,
                column.type_modifier,
            ])
        })
        .collect();
    serde_json::Value::from(columns).to_string()
}
