//! Arrays as JSON.

use super::cell::{Cell, fixed, milliseconds, put_hex, put_uuid, widen};
use crate::postgres::config::Int8Mode;
use crate::postgres::message::Reader;
use crate::postgres::types::oid;

/// Writes a binary array as JSON: numbers and booleans as such, times as milliseconds, JSON as it is,
/// everything else as strings.
pub(super) fn put_array(value: &[u8], int8: Int8Mode, text: &mut String) -> Option<()> {
    let mut reader = Reader(value);
    let dimensions = reader.u32()?;
    let _has_nulls = reader.u32()?;
    let element_oid = reader.u32()?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions.min(6) {
        lengths.push(reader.u32()?);
        let _lower_bound = reader.u32()?;
    }
    if lengths.is_empty() {
        text.push_str("[]");
        return Some(());
    }
    put_dimension(
        &mut reader,
        &lengths,
        Cell::scalar(element_oid, int8),
        element_oid,
        text,
    )
}

fn put_dimension(
    reader: &mut Reader<'_>,
    lengths: &[u32],
    cell: Cell,
    element_oid: u32,
    text: &mut String,
) -> Option<()> {
    let (length, inner) = lengths.split_first()?;
    text.push('[');
    for index in 0..*length {
        if index > 0 {
            text.push(',');
        }
        if !inner.is_empty() {
            put_dimension(reader, inner, cell, element_oid, text)?;
            continue;
        }
        match usize::try_from(reader.i32()?) {
            Ok(size) => put_element(reader.bytes(size)?, cell, element_oid, text)?,
            Err(_) => text.push_str("null"),
        }
    }
    text.push(']');
    Some(())
}

fn put_element(value: &[u8], cell: Cell, element_oid: u32, text: &mut String) -> Option<()> {
    use std::fmt::Write as _;
    match cell {
        Cell::Bool => text.push_str(if *value.first()? == 0 {
            "false"
        } else {
            "true"
        }),
        Cell::Int2 => write!(text, "{}", i16::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Int4 => write!(text, "{}", i32::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Oid => write!(text, "{}", u32::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Int8Double => write!(text, "{}", i64::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Float4 => put_json_number(widen(f32::from_be_bytes(fixed(value)?)), text),
        Cell::Float8 => put_json_number(f64::from_be_bytes(fixed(value)?), text),
        Cell::Timestamp => {
            put_json_number(milliseconds(i64::from_be_bytes(fixed(value)?)), text);
        }
        Cell::Int8Text | Cell::Int8Words => {
            write!(text, "\"{}\"", i64::from_be_bytes(fixed(value)?)).ok()?;
        }
        Cell::Uuid => {
            text.push('"');
            put_uuid(value, text)?;
            text.push('"');
        }
        Cell::Bytes => {
            text.push('"');
            put_hex(value, text);
            text.push('"');
        }
        Cell::Jsonb => text.push_str(std::str::from_utf8(value.strip_prefix(&[1])?).ok()?),
        Cell::Text if element_oid == oid::JSON => text.push_str(std::str::from_utf8(value).ok()?),
        Cell::Text => put_json_string(&String::from_utf8_lossy(value), text),
        Cell::Array(_) | Cell::ArrayLiteral => return None,
    }
    Some(())
}

/// JSON has no infinities and no NaN: they become strings that `Number` reads.
fn put_json_number(value: f64, text: &mut String) {
    if value.is_finite() {
        text.push_str(&serde_json::Value::from(value).to_string());
    } else if value.is_nan() {
        text.push_str("\"NaN\"");
    } else {
        text.push_str(if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    }
}

fn put_json_string(value: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

/// Rewrites an array literal (PostgreSQL manual, "Array Input and Output Syntax") as JSON with strings.
pub(super) fn put_array_literal(value: &[u8], text: &mut String) -> Option<()> {
    let literal = std::str::from_utf8(value).ok()?;
    // Bounds other than 1 come first, as in `[0:1]={a,b}`.
    let mut rest = literal[literal.find('{')?..].chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '{' => text.push('['),
            '}' => text.push(']'),
            ',' => text.push(','),
            '"' => {
                let mut element = String::new();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => element.push(rest.next()?),
                        other => element.push(other),
                    }
                }
                put_json_string(&element, text);
            }
            first => {
                let mut element = String::from(first);
                while let Some(other) = rest.next_if(|next| !matches!(next, ',' | '}')) {
                    element.push(other);
                }
                match element.as_str() {
                    "NULL" => text.push_str("null"),
                    element => put_json_string(element, text),
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_literals_become_json() {
        let json = |literal: &str| {
            let mut text = String::new();
            put_array_literal(literal.as_bytes(), &mut text).map(|()| text)
        };
        assert_eq!(json("{1.50,NULL}").unwrap(), r#"["1.50",null]"#);
        assert_eq!(
            json(r#"{"a\"b","{x}","NULL"}"#).unwrap(),
            r#"["a\"b","{x}","NULL"]"#
        );
        assert_eq!(json("[0:1]={{a},{b}}").unwrap(), r#"[["a"],["b"]]"#);
        assert_eq!(json("{}").unwrap(), "[]");
        assert!(json("no array").is_none());
    }
}
