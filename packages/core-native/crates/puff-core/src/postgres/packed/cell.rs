//! How the bytes of one column become words and text.

use super::array::{put_array, put_array_literal};
use super::rows::Rows;
use crate::postgres::config::Int8Mode;
use crate::postgres::params::POSTGRES_EPOCH_MS;
use crate::postgres::types::{Decoding, Kind, oid};

/// How the bytes of one column become words and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Bool,
    Int2,
    Int4,
    Oid,
    Float4,
    Float8,
    /// `int8` as digits, as two words, as a double.
    Int8Text,
    Int8Words,
    Int8Double,
    Timestamp,
    Text,
    Jsonb,
    Uuid,
    Bytes,
    /// Binary array; the element's OID comes with the value.
    Array(Int8Mode),
    /// The text of an array whose elements stay text.
    ArrayLiteral,
}

impl Cell {
    pub(super) fn of(type_oid: u32, decoding: Decoding) -> Cell {
        let int8 = match decoding.kind {
            Kind::BigInt => Int8Mode::BigInt,
            Kind::Int8Number => Int8Mode::Number,
            _ => Int8Mode::String,
        };
        match (decoding.is_array, decoding.is_binary) {
            (true, true) => Cell::Array(int8),
            (true, false) => Cell::ArrayLiteral,
            (false, false) => Cell::Text,
            (false, true) => Cell::scalar(type_oid, int8),
        }
    }

    pub(super) fn scalar(type_oid: u32, int8: Int8Mode) -> Cell {
        match type_oid {
            oid::BOOL => Cell::Bool,
            oid::INT2 => Cell::Int2,
            oid::INT4 => Cell::Int4,
            oid::OID => Cell::Oid,
            oid::FLOAT4 => Cell::Float4,
            oid::FLOAT8 => Cell::Float8,
            oid::INT8 => match int8 {
                Int8Mode::String => Cell::Int8Text,
                Int8Mode::BigInt => Cell::Int8Words,
                Int8Mode::Number => Cell::Int8Double,
            },
            oid::TIMESTAMP | oid::TIMESTAMPTZ => Cell::Timestamp,
            oid::JSONB => Cell::Jsonb,
            oid::UUID => Cell::Uuid,
            oid::BYTEA => Cell::Bytes,
            _ => Cell::Text,
        }
    }

    pub(super) fn put_null(self, out: &mut Rows) {
        match self {
            Cell::Bool | Cell::Int2 | Cell::Int4 => out.words.push(0),
            Cell::Oid
            | Cell::Float4
            | Cell::Float8
            | Cell::Int8Words
            | Cell::Int8Double
            | Cell::Timestamp => out.words.extend([0, 0]),
            Cell::Int8Text
            | Cell::Text
            | Cell::Jsonb
            | Cell::Uuid
            | Cell::Bytes
            | Cell::Array(_)
            | Cell::ArrayLiteral => out.end_text(),
        }
    }

    /// Writes a value, or returns `None` when its bytes make no sense.
    #[inline]
    pub(super) fn put(self, value: &[u8], out: &mut Rows) -> Option<()> {
        match self {
            Cell::Bool => out.words.push(i32::from(*value.first()? != 0)),
            Cell::Int2 => out.words.push(i32::from(i16::from_be_bytes(fixed(value)?))),
            Cell::Int4 => out.words.push(i32::from_be_bytes(fixed(value)?)),
            Cell::Oid => out.put_double(f64::from(u32::from_be_bytes(fixed(value)?))),
            Cell::Float4 => out.put_double(widen(f32::from_be_bytes(fixed(value)?))),
            Cell::Float8 => out.put_double(f64::from_be_bytes(fixed(value)?)),
            Cell::Int8Words => out.put_wide(u64::from_be_bytes(fixed(value)?)),
            Cell::Int8Double => out.put_double(i64::from_be_bytes(fixed(value)?) as f64),
            Cell::Timestamp => out.put_double(milliseconds(i64::from_be_bytes(fixed(value)?))),
            Cell::Text => out.put_text(value),
            Cell::Jsonb => out.put_text(value.strip_prefix(&[1])?),
            Cell::Int8Text => out.put_made_text(|text| {
                use std::fmt::Write as _;
                write!(text, "{}", i64::from_be_bytes(fixed(value)?)).ok()
            })?,
            Cell::Uuid => out.put_made_text(|text| put_uuid(value, text))?,
            Cell::Bytes => out.put_made_text(|text| {
                put_hex(value, text);
                Some(())
            })?,
            Cell::Array(int8) => out.put_made_text(|text| put_array(value, int8, text))?,
            Cell::ArrayLiteral => out.put_made_text(|text| put_array_literal(value, text))?,
        }
        Some(())
    }
}

pub(super) fn fixed<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

/// The double with the same shortest decimal form: 0.1 stays 0.1.
pub(super) fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// Milliseconds since 1970 of PostgreSQL's microseconds since 2000; its infinities are the ends of the
/// range.
pub(super) fn milliseconds(microseconds: i64) -> f64 {
    match microseconds {
        i64::MAX => f64::INFINITY,
        i64::MIN => f64::NEG_INFINITY,
        _ => microseconds.div_euclid(1000) as f64 + POSTGRES_EPOCH_MS,
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(super) fn put_hex(bytes: &[u8], text: &mut String) {
    text.reserve(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

pub(super) fn put_uuid(value: &[u8], text: &mut String) -> Option<()> {
    let bytes: [u8; 16] = fixed(value)?;
    for (index, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if index > 0 {
            text.push('-');
        }
        put_hex(&bytes[part], text);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_keep_their_digits() {
        assert_eq!(widen(0.1), 0.1);
        assert!(widen(f32::NAN).is_nan());
        assert_eq!(widen(f32::INFINITY), f64::INFINITY);
    }
}
