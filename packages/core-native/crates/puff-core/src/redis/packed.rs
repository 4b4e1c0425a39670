//! Replies laid out for JavaScript: words, and one text or one array of bytes for all strings.
//!
//! `packages/next-puff/src/redis/replies.ts` reads it. A record is a list of events, each one or more words in
//! the order of what they stand for; the lowest four bits of a word say what it is, the others are a length:
//!
//! | bits | meaning | length, then |
//! |---|---|---|
//! | 0 | nil | |
//! | 1 | string | UTF-16 units of the text |
//! | 2 | string as bytes | bytes of the array |
//! | 3 | integer of 28 bits | the integer itself |
//! | 4 | integer | low word, high word |
//! | 5 | list | elements, which follow |
//! | 6 | map | pairs, which follow |
//! | 7 | double | its two words |
//! | 8 | boolean | 1 or 0 |
//! | 9 | big number | UTF-16 units of its digits |
//! | 10 | error reply | UTF-16 units of its text |
//! | 11 | `OK` | |
//! | 12 | failure of commands | UTF-16 units of JSON; a word: how many commands |
//! | 13 | push | 0; a list follows |
//! | 14 | state | UTF-16 units of JSON |
//!
//! Each event but the last two kinds answers the next command.

use super::error::Error;
use super::frame::{Item, next_item};

/// Strings of such a batch become texts.
pub const TEXT: u8 = 0;
/// Strings of such a batch become bytes.
pub const BYTES: u8 = 1;

/// Lengths have 28 bits.
const MAX_LENGTH: usize = (1 << 28) - 1;

/// What crosses at a time: a string that JavaScript keeps may keep a whole record's text.
const FULL: usize = 16 * 1024;

/// What crosses together.
#[derive(Debug, Default)]
pub struct Record {
    /// How many events it has.
    pub events: u32,
    /// As the module says.
    pub words: Vec<i32>,
    /// All texts.
    pub text: String,
    /// The length of the text in UTF-16 units; equal to its length in bytes if it is all ASCII.
    pub units: usize,
    /// All strings that stay bytes.
    pub bytes: Vec<u8>,
}

impl Record {
    /// Whether it should cross before more is added.
    pub fn is_full(&self) -> bool {
        self.words.len() * 4 + self.text.len() + self.bytes.len() >= FULL
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Adds the reply to a command.
    pub fn reply(&mut self, mode: u8, frame: &[u8]) {
        let (words, text, units, bytes) = (
            self.words.len(),
            self.text.len(),
            self.units,
            self.bytes.len(),
        );
        if let Err(error) = self.items(mode, frame) {
            self.words.truncate(words);
            self.text.truncate(text);
            self.bytes.truncate(bytes);
            self.units = units;
            return self.failure(1, &error);
        }
        self.events += 1;
    }

    /// Adds what no command asked for.
    pub fn push(&mut self, frame: &[u8]) {
        self.put(13, 0);
        self.reply(BYTES, frame);
    }

    /// Adds that commands have failed.
    pub fn failure(&mut self, commands: u32, error: &Error) {
        let json = error_json(error).to_string();
        self.text(12, &json);
        self.words.push(commands.cast_signed());
        self.events += 1;
    }

    /// Adds news of the connection, as JSON.
    pub fn state(&mut self, json: &str) {
        self.text(14, json);
        self.events += 1;
    }

    fn items(&mut self, mode: u8, frame: &[u8]) -> Result<(), Error> {
        let mut at = 0;
        while at < frame.len() {
            let Some(item) = next_item(frame, &mut at)? else {
                return Err(Error::Protocol("a reply that is cut off".into()));
            };
            match item {
                Item::Nil => self.put(0, 0),
                Item::Bulk(bytes) if bytes.len() > MAX_LENGTH => {
                    return Err(Error::Protocol(format!(
                        "a string of {} bytes: JavaScript takes up to {MAX_LENGTH}",
                        bytes.len()
                    )));
                }
                Item::Bulk(bytes) if mode == BYTES => {
                    self.put(2, bytes.len());
                    self.bytes.extend_from_slice(bytes);
                }
                Item::Bulk(bytes) => self.lossy_text(1, bytes),
                Item::Status(b"OK") => self.put(11, 0),
                Item::Status(text) => self.lossy_text(1, text),
                Item::Error(text) => self.lossy_text(10, text),
                Item::BigNumber(digits) => self.lossy_text(9, digits),
                Item::Boolean(value) => self.put(8, usize::from(value)),
                Item::Double(number) => {
                    self.put(7, 0);
                    self.two_words(number.to_bits());
                }
                Item::Integer(number) => match i32::try_from(number) {
                    Ok(small) if (small << 4) >> 4 == small => self.words.push(small << 4 | 3),
                    _ => {
                        self.put(4, 0);
                        self.two_words(number.cast_unsigned());
                    }
                },
                Item::Array(count) | Item::Push(count) => self.put(5, count),
                Item::Map(pairs) => self.put(6, pairs),
            }
        }
        Ok(())
    }

    fn put(&mut self, kind: u32, length: usize) {
        self.words.push(((length as u32) << 4 | kind).cast_signed());
    }

    fn two_words(&mut self, bits: u64) {
        self.words.push(bits as i32);
        self.words.push((bits >> 32) as i32);
    }

    fn lossy_text(&mut self, kind: u32, bytes: &[u8]) {
        if bytes.is_ascii() {
            // SAFETY: ASCII is UTF-8.
            let text = unsafe { std::str::from_utf8_unchecked(bytes) };
            self.put(kind, text.len());
            self.units += text.len();
            self.text.push_str(text);
        } else {
            self.text(kind, &String::from_utf8_lossy(bytes));
        }
    }

    fn text(&mut self, kind: u32, text: &str) {
        let units = match text.is_ascii() {
            true => text.len(),
            false => text.encode_utf16().count(),
        };
        self.put(kind, units);
        self.units += units;
        self.text.push_str(text);
    }
}

/// An error as JavaScript makes a class of it.
pub fn error_json(error: &Error) -> serde_json::Value {
    let mut json = serde_json::json!({ "code": error.code(), "message": error.to_string() });
    if let Some(hint) = error.hint() {
        json["hint"] = hint.into();
    }
    if let Error::Connect {
        system_code: Some(code),
        ..
    } = error
    {
        json["systemCode"] = (*code).into();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_words_and_text() {
        let mut record = Record::default();
        record.reply(TEXT, b"*3\r\n$2\r\nab\r\n:-7\r\n$-1\r\n");
        record.reply(TEXT, "$3\r\n\u{20ac}\r\n".as_bytes());
        record.reply(BYTES, b"$1\r\n\xff\r\n");
        record.reply(TEXT, b":4294967297\r\n");
        record.reply(TEXT, b"+OK\r\n");
        assert_eq!(record.events, 5);
        assert_eq!(record.text, "ab\u{20ac}");
        assert_eq!(record.units, 3);
        assert_eq!(record.bytes, b"\xff");
        let words = [
            3 << 4 | 5,
            2 << 4 | 1,
            -7 << 4 | 3,
            0,
            1 << 4 | 1,
            1 << 4 | 2,
            4,
            1,
            1,
            11,
        ];
        assert_eq!(record.words, words);
    }
}
