//! Leaves: from the bytes of a column to the JSON of a GraphQL scalar or enum (GraphQL specification,
//! section 3.5 "Scalars", result coercion).

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::array::{Array, Item, parse_literal};
use super::number::{double_text, put_double, put_integer, widen};
use super::text::{put_hex, put_string, put_uuid};
use super::timestamp::put_timestamp;
use crate::plan::Leaf;

/// OIDs from `pg_type.dat`; they never change.
mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const BYTEA: u32 = 17;
    pub(super) const INT8: u32 = 20;
    pub(super) const INT2: u32 = 21;
    pub(super) const INT4: u32 = 23;
    pub(super) const OID: u32 = 26;
    pub(super) const TEXT: u32 = 25;
    pub(super) const JSON: u32 = 114;
    pub(super) const FLOAT4: u32 = 700;
    pub(super) const FLOAT8: u32 = 701;
    pub(super) const VARCHAR: u32 = 1043;
    pub(super) const TIMESTAMP: u32 = 1114;
    pub(super) const TIMESTAMPTZ: u32 = 1184;
    pub(super) const UUID: u32 = 2950;
    pub(super) const JSONB: u32 = 3802;
}

/// A leaf type of GraphQL, and how the column with its values is written.
#[derive(Clone, Copy)]
pub(crate) struct LeafType<'a> {
    pub(crate) leaf: &'a Leaf,
    /// Names of enum values by the values of the database, where the statement says so.
    pub(crate) enum_names: Option<&'a HashMap<String, String>>,
    pub(crate) type_oid: u32,
    pub(crate) is_binary: bool,
    fast: FastLeaf,
}

/// What a value of a column is, whatever its width.
enum Value<'a> {
    Bool(bool),
    Integer(i64),
    Double(f64),
    /// Microseconds since 2000-01-01 UTC.
    Timestamp(i64),
    Uuid(&'a [u8]),
    Bytes(&'a [u8]),
    /// JSON text.
    Json(&'a [u8]),
    Text(&'a [u8]),
}

/// The pairs of a leaf type and a column type that are written most, each by the shortest way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastLeaf {
    /// A 32-bit integer as a number.
    Int4,
    /// A 32-bit integer as a string.
    Int4Id,
    /// A 64-bit integer as a string.
    Int8Text,
    /// Text.
    Text,
    /// A timestamp as a string.
    Timestamp,
    /// A boolean.
    Bool,
    /// A double as a number.
    Float8,
    /// A UUID as a string.
    Uuid,
    /// Any other.
    None,
}

impl FastLeaf {
    pub(crate) fn of(leaf: &Leaf, type_oid: u32, is_binary: bool) -> FastLeaf {
        if !is_binary {
            return match leaf {
                // JSON as text is no string.
                Leaf::String | Leaf::Id if !matches!(type_oid, oid::JSON | oid::JSONB) => {
                    FastLeaf::Text
                }
                _ => FastLeaf::None,
            };
        }
        match (leaf, type_oid) {
            (Leaf::Int | Leaf::Float | Leaf::Custom, oid::INT4) => FastLeaf::Int4,
            (Leaf::Id, oid::INT4) => FastLeaf::Int4Id,
            (Leaf::Id | Leaf::String | Leaf::Custom, oid::INT8) => FastLeaf::Int8Text,
            (Leaf::String | Leaf::Id | Leaf::Custom, oid::TEXT | oid::VARCHAR) => FastLeaf::Text,
            (Leaf::String | Leaf::Custom, oid::TIMESTAMP | oid::TIMESTAMPTZ) => FastLeaf::Timestamp,
            (Leaf::Boolean | Leaf::Custom, oid::BOOL) => FastLeaf::Bool,
            (Leaf::Float | Leaf::Custom, oid::FLOAT8) => FastLeaf::Float8,
            (Leaf::String | Leaf::Id | Leaf::Custom, oid::UUID) => FastLeaf::Uuid,
            _ => FastLeaf::None,
        }
    }

    /// Writes a value, or returns false: then [`write_leaf`] has to, or has to say what is wrong.
    #[inline]
    pub(crate) fn write(self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            FastLeaf::Int4 | FastLeaf::Int4Id => {
                let Ok(bytes) = bytes.try_into() else {
                    return false;
                };
                let value = i64::from(i32::from_be_bytes(bytes));
                match self {
                    FastLeaf::Int4 => put_integer(value, out),
                    _ => quoted(out, |out| put_integer(value, out)),
                }
            }
            FastLeaf::Int8Text => {
                let Ok(bytes) = bytes.try_into() else {
                    return false;
                };
                quoted(out, |out| put_integer(i64::from_be_bytes(bytes), out));
            }
            FastLeaf::Text => put_string(bytes, out),
            FastLeaf::Timestamp => {
                let Ok(bytes) = bytes.try_into() else {
                    return false;
                };
                quoted(out, |out| put_timestamp(i64::from_be_bytes(bytes), out));
            }
            FastLeaf::Bool => match bytes {
                [byte] => put_bool(*byte != 0, out),
                _ => return false,
            },
            FastLeaf::Float8 => match bytes.try_into().map(f64::from_be_bytes) {
                Ok(value) if value.is_finite() => put_double(value, out),
                _ => return false,
            },
            FastLeaf::Uuid => quoted(out, |out| put_uuid(bytes, out)),
            FastLeaf::None => return false,
        }
        true
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

impl<'a> LeafType<'a> {
    pub(crate) fn new(
        leaf: &'a Leaf,
        enum_names: Option<&'a HashMap<String, String>>,
        type_oid: u32,
        is_binary: bool,
    ) -> LeafType<'a> {
        LeafType {
            leaf,
            enum_names,
            type_oid,
            is_binary,
            fast: FastLeaf::of(leaf, type_oid, is_binary),
        }
    }

    /// `None` if the bytes make no sense.
    fn value(&self, bytes: &'a [u8]) -> Option<Value<'a>> {
        if !self.is_binary {
            return Some(match self.type_oid {
                oid::JSON | oid::JSONB => Value::Json(bytes),
                _ => Value::Text(bytes),
            });
        }
        Some(match self.type_oid {
            oid::BOOL => Value::Bool(*bytes.first()? != 0),
            oid::INT2 => Value::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
            oid::INT4 => Value::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
            oid::INT8 => Value::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
            oid::OID => Value::Integer(u32::from_be_bytes(bytes.try_into().ok()?).into()),
            oid::FLOAT4 => Value::Double(widen(f32::from_be_bytes(bytes.try_into().ok()?))),
            oid::FLOAT8 => Value::Double(f64::from_be_bytes(bytes.try_into().ok()?)),
            oid::TIMESTAMP | oid::TIMESTAMPTZ => {
                Value::Timestamp(i64::from_be_bytes(bytes.try_into().ok()?))
            }
            oid::UUID => Value::Uuid(bytes),
            oid::BYTEA => Value::Bytes(bytes),
            oid::JSON => Value::Json(bytes),
            oid::JSONB => Value::Json(bytes.strip_prefix(&[1])?),
            _ => Value::Text(bytes),
        })
    }

    /// Whether a value of the column is a list by itself.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.type_oid, oid::JSON | oid::JSONB)
    }

    /// Whether a value is JSON's null: nothing, as NULL is.
    pub(crate) fn is_json_null(&self, bytes: &[u8]) -> bool {
        let text = bytes.strip_prefix(&[1]).unwrap_or(bytes);
        self.is_json() && text.trim_ascii() == b"null"
    }

    /// The items of a value of an array column, and the type of its elements; `None` if it is none.
    pub(crate) fn items(&self, bytes: &'a [u8]) -> Option<(LeafType<'a>, Vec<Item<'a>>)> {
        if self.is_binary {
            let array = Array::parse(bytes)?;
            let element = LeafType::new(self.leaf, self.enum_names, array.element_oid, true);
            return Some((element, array.into_items()));
        }
        Some((*self, parse_literal(bytes)?))
    }
}

/// Writes the JSON of a value.
///
/// # Errors
/// A value that the type cannot represent, in the words of graphql-js.
#[inline]
pub(crate) fn write_leaf(ty: LeafType<'_>, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    if ty.fast.write(bytes, out) {
        return Ok(());
    }
    write_any(ty, bytes, out)
}

fn write_any(ty: LeafType<'_>, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let Some(value) = ty.value(bytes) else {
        return Err(format!(
            "A value of the column's type (OID {}) was expected, but it has {} bytes.",
            ty.type_oid,
            bytes.len()
        ));
    };
    match ty.leaf {
        Leaf::Int => write_int(value, out),
        Leaf::Float => write_float(value, out),
        Leaf::String => {
            write_string(value, out);
            Ok(())
        }
        Leaf::Id => write_id(value, out),
        Leaf::Boolean => match value {
            Value::Bool(value) => {
                put_bool(value, out);
                Ok(())
            }
            Value::Integer(value) => {
                put_bool(value != 0, out);
                Ok(())
            }
            other => Err(format!(
                "Boolean cannot represent a non boolean value: {}",
                shown(&other)
            )),
        },
        Leaf::Enum(names) => {
            let text = text_of(&value);
            let from_statement = ty
                .enum_names
                .and_then(|names| names.get(text.as_str()))
                .map(String::as_str);
            match from_statement.or_else(|| names.names.get(text.as_str()).map(|name| &**name)) {
                Some(name) => {
                    put_string(name.as_bytes(), out);
                    Ok(())
                }
                None => Err(format!(
                    "Enum \"{}\" cannot represent value: {}",
                    names.type_name,
                    shown(&value)
                )),
            }
        }
        Leaf::Custom => {
            write_custom(ty, value, out);
            Ok(())
        }
    }
}

fn write_int(value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let number = match &value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Double(double) => Some(*double),
        Value::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        _ => None,
    };
    match number.filter(|number: &f64| number.fract() == 0.0) {
        Some(number) if number as i64 == i64::from(number as i32) => {
            put_integer(number as i64, out);
            Ok(())
        }
        Some(_) => Err(format!(
            "Int cannot represent non 32-bit signed integer value: {}",
            shown(&value)
        )),
        None => Err(format!(
            "Int cannot represent non-integer value: {}",
            shown(&value)
        )),
    }
}

fn write_float(value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let double = match &value {
        Value::Integer(integer) => {
            put_integer(*integer, out);
            return Ok(());
        }
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Double(double) => Some(*double),
        Value::Text(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok()),
        _ => None,
    };
    match double {
        Some(double) if double.is_finite() => {
            put_double(double, out);
            Ok(())
        }
        _ => Err(format!(
            "Float cannot represent non numeric value: {}",
            shown(&value)
        )),
    }
}

fn write_string(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) | Value::Json(text) => put_string(text, out),
        other => put_string(text_of(&other).as_bytes(), out),
    }
}

fn write_id(value: Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Integer(integer) => {
            out.push(b'"');
            put_integer(integer, out);
            out.push(b'"');
            Ok(())
        }
        Value::Text(text) => {
            put_string(text, out);
            Ok(())
        }
        Value::Uuid(uuid) => {
            out.push(b'"');
            put_uuid(uuid, out);
            out.push(b'"');
            Ok(())
        }
        other => Err(format!("ID cannot represent value: {}", shown(&other))),
    }
}

/// What fits the value best; 64-bit integers and `numeric` as strings, which lose no digits.
fn write_custom(ty: LeafType<'_>, value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => put_bool(value, out),
        Value::Integer(integer) if ty.type_oid != oid::INT8 => put_integer(integer, out),
        Value::Double(double) if double.is_finite() => put_double(double, out),
        Value::Json(json) => out.extend_from_slice(json),
        Value::Text(text) => put_string(text, out),
        other => put_string(text_of(&other).as_bytes(), out),
    }
}

fn put_bool(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// A value as text, for strings.
fn text_of(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    match value {
        Value::Bool(value) => put_bool(*value, &mut out),
        Value::Integer(integer) => put_integer(*integer, &mut out),
        Value::Double(double) => return double_text(*double),
        Value::Timestamp(microseconds) => put_timestamp(*microseconds, &mut out),
        Value::Uuid(uuid) => put_uuid(uuid, &mut out),
        Value::Bytes(bytes) => return BASE64_STANDARD.encode(bytes),
        Value::Json(text) | Value::Text(text) => out.extend_from_slice(text),
    }
    String::from_utf8(out).unwrap_or_else(|error| {
        let mut hex = Vec::new();
        put_hex(error.as_bytes(), &mut hex);
        String::from_utf8_lossy(&hex).into_owned()
    })
}

/// A value in a message: strings in quotes.
fn shown(value: &Value<'_>) -> String {
    let text = text_of(value);
    match value {
        Value::Bool(_) | Value::Integer(_) | Value::Double(_) => text,
        _ => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(leaf: &Leaf, type_oid: u32, bytes: &[u8]) -> Result<String, String> {
        let ty = LeafType::new(leaf, None, type_oid, type_oid != 1700);
        let mut out = Vec::new();
        write_leaf(ty, bytes, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn integers_keep_to_their_types() {
        let big = 5_000_000_000_i64.to_be_bytes();
        assert_eq!(
            written(&Leaf::Int, oid::INT4, &7_i32.to_be_bytes()),
            Ok("7".into())
        );
        assert_eq!(
            written(&Leaf::Int, oid::INT8, &big),
            Err("Int cannot represent non 32-bit signed integer value: 5000000000".into())
        );
        assert_eq!(
            written(&Leaf::Id, oid::INT8, &big),
            Ok("\"5000000000\"".into())
        );
        assert_eq!(
            written(&Leaf::Float, oid::INT8, &big),
            Ok("5000000000".into())
        );
        assert_eq!(
            written(&Leaf::Custom, oid::INT8, &big),
            Ok("\"5000000000\"".into())
        );
        assert_eq!(written(&Leaf::Int, 1700, b"12.00"), Ok("12".into()));
        assert_eq!(
            written(&Leaf::Int, 1700, b"-1e40"),
            Err("Int cannot represent non 32-bit signed integer value: \"-1e40\"".into())
        );
        assert_eq!(
            written(&Leaf::Int, 1700, b"12.5"),
            Err("Int cannot represent non-integer value: \"12.5\"".into())
        );
    }

    #[test]
    fn what_is_no_number_is_no_float() {
        assert_eq!(written(&Leaf::Float, 1700, b"12.50"), Ok("12.5".into()));
        assert!(written(&Leaf::Float, oid::FLOAT8, &f64::NAN.to_be_bytes()).is_err());
        assert!(written(&Leaf::Float, 25, b"abc").is_err());
    }

    #[test]
    fn other_types_have_their_text() {
        assert_eq!(
            written(&Leaf::String, oid::BOOL, &[1]),
            Ok("\"true\"".into())
        );
        assert_eq!(
            written(&Leaf::Custom, oid::TIMESTAMPTZ, &0_i64.to_be_bytes()),
            Ok("\"2000-01-01T00:00:00.000Z\"".into())
        );
        assert_eq!(
            written(&Leaf::Custom, oid::JSONB, b"\x01{\"a\": 1}"),
            Ok("{\"a\": 1}".into())
        );
        assert_eq!(
            written(&Leaf::Custom, oid::BYTEA, b"foo"),
            Ok("\"Zm9v\"".into())
        );
        assert!(written(&Leaf::Custom, oid::INT4, b"x").is_err());
        assert!(written(&Leaf::Boolean, 25, b"yes").is_err());
    }
}
