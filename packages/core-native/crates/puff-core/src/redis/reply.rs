//! Replies as values.

use bytes::Bytes;

use super::error::Error;
use super::frame::{Item, next_item};

/// What Redis answers a command with.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// There is nothing.
    Nil,
    /// A short text such as `OK`.
    Status(String),
    /// A whole number.
    Integer(i64),
    /// A string of any bytes.
    Bytes(Bytes),
    /// A list or a set.
    Array(Vec<Reply>),
    /// Pairs, in the server's order; only of RESP3.
    Map(Vec<(Reply, Reply)>),
    /// Only of RESP3.
    Double(f64),
    /// Only of RESP3.
    Boolean(bool),
    /// A whole number of any size, in decimal digits; only of RESP3.
    BigNumber(String),
    /// The command was refused.
    Error(Error),
}

/// Aggregates inside aggregates; no command of Redis comes near.
const MAX_DEPTH: usize = 128;

impl Reply {
    /// Reads a complete reply.
    pub(crate) fn parse(frame: &[u8]) -> Result<Reply, Error> {
        parse_at(frame, &mut 0, MAX_DEPTH)
    }

    /// The reply, or the error that it is.
    pub fn into_result(self) -> Result<Reply, Error> {
        match self {
            Reply::Error(error) => Err(error),
            reply => Ok(reply),
        }
    }

    /// The bytes of a string or status; nothing of all else.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Bytes(bytes) => Some(bytes),
            Reply::Status(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The text of a string or status that is UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        self.as_bytes()
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The number of an integer reply.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Reply::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_array(&self) -> Option<&[Reply]> {
        match self {
            Reply::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

fn parse_at(frame: &[u8], at: &mut usize, depth: usize) -> Result<Reply, Error> {
    let Some(item) = next_item(frame, at)? else {
        return Err(Error::Protocol("a reply that is cut off".into()));
    };
    if depth == 0 {
        return Err(Error::Protocol("a reply that is nested too deeply".into()));
    }
    let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    Ok(match item {
        Item::Nil => Reply::Nil,
        Item::Status(text) => Reply::Status(lossy(text)),
        Item::Error(text) => Reply::Error(Error::of_reply(&lossy(text))),
        Item::Integer(number) => Reply::Integer(number),
        Item::Bulk(bytes) => Reply::Bytes(Bytes::copy_from_slice(bytes)),
        Item::Double(number) => Reply::Double(number),
        Item::Boolean(value) => Reply::Boolean(value),
        Item::BigNumber(digits) => Reply::BigNumber(lossy(digits)),
        Item::Array(count) | Item::Push(count) => Reply::Array(
            (0..count)
                .map(|_| parse_at(frame, at, depth - 1))
                .collect::<Result<_, _>>()?,
        ),
        Item::Map(pairs) => Reply::Map(
            (0..pairs)
                .map(|_| {
                    Ok((
                        parse_at(frame, at, depth - 1)?,
                        parse_at(frame, at, depth - 1)?,
                    ))
                })
                .collect::<Result<_, Error>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_values() {
        let reply = Reply::parse(b"*4\r\n$2\r\n\0\xff\r\n:-3\r\n$-1\r\n-ERR no\r\n").unwrap();
        assert_eq!(
            reply,
            Reply::Array(vec![
                Reply::Bytes(Bytes::from_static(b"\0\xff")),
                Reply::Integer(-3),
                Reply::Nil,
                Reply::Error(Error::Server("ERR no".into())),
            ])
        );
    }

    #[test]
    fn endless_nesting_is_refused() {
        let frame = [b"*1\r\n".repeat(1000), b":1\r\n".to_vec()].concat();
        assert!(Reply::parse(&frame).is_err());
    }
}
