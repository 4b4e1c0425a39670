//! Parameter values on their way from the caller to a Bind message.
//!
//! They travel as one run of bytes, because that is the cheapest thing to hand over from JavaScript:
//! for each value a tag, then little-endian numbers, or a 32-bit length and the bytes. Only here, where
//! the server's parameter types are known, they become what PostgreSQL reads.

use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};
use serde_json::Value as Json;

use super::cell_array::{CellArray, CellsFit};
use super::error::Error;
use super::types::{array_element, oid, type_name};

/// The tags of the packed form; `packages/next-puff/src/postgres/params.ts` writes the same.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const NUMBER: u8 = 3;
    pub(super) const TEXT: u8 = 4;
    pub(super) const BYTES: u8 = 5;
    pub(super) const DATE: u8 = 6;
    pub(super) const BIGINT: u8 = 7;
    pub(super) const JSON: u8 = 8;
    pub(super) const ARRAY: u8 = 9;
    pub(super) const BINARY: u8 = 10;
    /// Written here only: JavaScript has no cells.
    pub(super) const CELLS: u8 = 11;
}

/// The values of a statement's parameters, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params {
    count: usize,
    bytes: Vec<u8>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Milliseconds since 1970-01-01 UTC.
    Date(f64),
    /// Decimal digits.
    BigInt(&'a str),
    /// JSON text of an object, or of anything the caller marked as JSON.
    Json(&'a str),
    /// JSON text of an array.
    Array(&'a str),
    /// The binary form of whatever type the parameter has.
    Binary(&'a [u8]),
    /// Values of a column, as an array.
    Cells(CellArray<'a>),
}

impl Params {
    /// No values.
    pub fn new() -> Params {
        Params::default()
    }

    /// Takes over values that were packed on the other side of the boundary.
    pub fn from_packed(count: usize, bytes: Vec<u8>) -> Params {
        Params { count, bytes }
    }

    /// Adds NULL.
    pub fn push_null(&mut self) {
        self.push_tag(tag::NULL);
    }

    /// Adds a number.
    pub fn push_number(&mut self, value: f64) {
        self.push_tag(tag::NUMBER);
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds a text; it fits every type whose text form it is.
    pub fn push_text(&mut self, value: &str) {
        self.push_run(tag::TEXT, value.as_bytes());
    }

    /// Adds a boolean.
    pub fn push_bool(&mut self, value: bool) {
        self.push_tag(if value { tag::TRUE } else { tag::FALSE });
    }

    /// Adds bytes, for a `bytea`.
    pub fn push_bytes(&mut self, value: &[u8]) {
        self.push_run(tag::BYTES, value);
    }

    /// Adds an object as JSON text.
    pub fn push_json(&mut self, text: &str) {
        self.push_run(tag::JSON, text.as_bytes());
    }

    /// Adds a list as the JSON text of an array.
    pub fn push_array(&mut self, text: &str) {
        self.push_run(tag::ARRAY, text.as_bytes());
    }

    /// Adds an array of values that came from a column of this type, in the form in which they came;
    /// none of them is NULL.
    ///
    /// The parameter has to be an array: `= any($1)`. Its elements may have another type than the
    /// column where no value changes on the way, integers of another width for example.
    pub fn push_cells<'a>(
        &mut self,
        type_oid: u32,
        is_binary: bool,
        cells: impl Iterator<Item = &'a [u8]>,
    ) {
        self.push_tag(tag::CELLS);
        self.bytes.extend(type_oid.to_le_bytes());
        self.bytes.push(u8::from(is_binary));
        let counts = self.bytes.len();
        self.bytes.extend([0; 8]);
        let mut count = 0u32;
        for cell in cells {
            // As in a binary array, so that one of the same type is only copied.
            self.bytes.extend((cell.len() as i32).to_be_bytes());
            self.bytes.extend_from_slice(cell);
            count += 1;
        }
        let length = (self.bytes.len() - counts - 8) as u32;
        self.bytes[counts..counts + 4].copy_from_slice(&count.to_le_bytes());
        self.bytes[counts + 4..counts + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// Adds values that were packed on the other side of the boundary.
    pub fn push_packed(&mut self, count: usize, bytes: &[u8]) {
        self.count += count;
        self.bytes.extend_from_slice(bytes);
    }

    fn push_run(&mut self, tag: u8, bytes: &[u8]) {
        self.push_tag(tag);
        self.bytes.extend((bytes.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    fn push_tag(&mut self, tag: u8) {
        self.count += 1;
        self.bytes.push(tag);
    }

    fn values(&self) -> Values<'_> {
        Values {
            rest: &self.bytes,
            left: self.count,
        }
    }

    /// Writes format codes and values as a Bind message wants them.
    pub(crate) fn encode(&self, types: &[u32], buffer: &mut BytesMut) -> Result<(), Error> {
        if self.count != types.len() {
            return Err(Error::ParameterCount {
                expected: types.len(),
                got: self.count,
            });
        }
        buffer.put_u16(types.len() as u16);
        for (value, type_oid) in self.values().zip(types) {
            buffer.put_i16(i16::from(is_binary(value, *type_oid)));
        }
        buffer.put_u16(types.len() as u16);
        for (index, (value, type_oid)) in self.values().zip(types).enumerate() {
            if value == Value::Null {
                buffer.put_i32(-1);
                continue;
            }
            let start = buffer.len();
            buffer.put_i32(0);
            write_value(value, *type_oid, buffer).map_err(|got| Error::Parameter {
                index: index + 1,
                expected: type_name(*type_oid),
                got,
            })?;
            let length = (buffer.len() - start - 4) as i32;
            buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }
}

struct Values<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Values<'a> {
    fn number(&mut self) -> f64 {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return f64::NAN;
        };
        self.rest = rest;
        f64::from_le_bytes(*bytes)
    }

    fn word(&mut self) -> u32 {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return 0;
        };
        self.rest = rest;
        u32::from_le_bytes(*bytes)
    }

    fn cells(&mut self) -> CellArray<'a> {
        let type_oid = self.word();
        let is_binary = self.rest.first() == Some(&1);
        self.rest = self.rest.get(1..).unwrap_or_default();
        let count = self.word();
        CellArray {
            type_oid,
            is_binary,
            count,
            cells: self.bytes(),
        }
    }

    fn bytes(&mut self) -> &'a [u8] {
        let Some((length, rest)) = self.rest.split_first_chunk() else {
            return &[];
        };
        let length = (u32::from_le_bytes(*length) as usize).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        self.rest = rest;
        bytes
    }

    /// The packing side writes UTF-8; lone surrogates were replaced there.
    fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("\u{fffd}")
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match *kind {
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::NUMBER => Value::Number(self.number()),
            tag::TEXT => Value::Text(self.text()),
            tag::BYTES => Value::Bytes(self.bytes()),
            tag::DATE => Value::Date(self.number()),
            tag::BIGINT => Value::BigInt(self.text()),
            tag::JSON => Value::Json(self.text()),
            tag::ARRAY => Value::Array(self.text()),
            tag::BINARY => Value::Binary(self.bytes()),
            tag::CELLS => Value::Cells(self.cells()),
            _ => Value::Null,
        })
    }
}

/// Whether `write_value` writes the binary form of this value; the two must agree.
fn is_binary(value: Value<'_>, type_oid: u32) -> bool {
    match value {
        Value::Number(_) => matches!(
            type_oid,
            oid::INT2 | oid::INT4 | oid::INT8 | oid::OID | oid::FLOAT4 | oid::FLOAT8
        ),
        Value::Bool(_) => type_oid == oid::BOOL,
        Value::Bytes(_) | Value::Binary(_) => true,
        Value::Cells(cells) => cells.fit(type_oid) == CellsFit::Binary,
        Value::Date(_) => {
            matches!(type_oid, oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::DATE)
        }
        _ => false,
    }
}

fn write_value(value: Value<'_>, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::Text(text) | Value::BigInt(text) => buffer.put_slice(text.as_bytes()),
        Value::Binary(bytes) => buffer.put_slice(bytes),
        Value::Number(number) => return write_number(number, type_oid, buffer),
        Value::Bool(value) => return write_bool(value, type_oid, buffer),
        Value::Bytes(bytes) => match type_oid {
            oid::BYTEA => buffer.put_slice(bytes),
            _ => return Err(format!("{} bytes (Uint8Array)", bytes.len())),
        },
        Value::Date(milliseconds) => return write_date(milliseconds, type_oid, buffer),
        Value::Json(text) => match type_oid {
            // An object has no other text form than JSON; types that are not built in (hstore,
            // domains over jsonb) may read it.
            oid::JSON | oid::JSONB | oid::TEXT | oid::VARCHAR => buffer.put_slice(text.as_bytes()),
            _ if type_oid < FIRST_USER_OID => return Err("an object".into()),
            _ => buffer.put_slice(text.as_bytes()),
        },
        Value::Array(text) => return write_array(text, type_oid, buffer),
        Value::Cells(cells) => return cells.write(type_oid, buffer),
    }
    Ok(())
}

/// Objects with lower OIDs come with PostgreSQL (`FirstNormalObjectId` in its sources).
pub(crate) const FIRST_USER_OID: u32 = 16384;

fn write_number(number: f64, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    let whole = |minimum: f64, maximum: f64| {
        if number.fract() != 0.0 || !number.is_finite() {
            Err(format!("{number}, which is not a whole number"))
        } else if number < minimum || number > maximum {
            Err(format!("{number}, which is out of range"))
        } else {
            Ok(number as i64)
        }
    };
    match type_oid {
        oid::INT2 => buffer.put_i16(whole(f64::from(i16::MIN), f64::from(i16::MAX))? as i16),
        oid::INT4 => buffer.put_i32(whole(f64::from(i32::MIN), f64::from(i32::MAX))? as i32),
        oid::OID => buffer.put_u32(whole(0.0, f64::from(u32::MAX))? as u32),
        oid::INT8 => buffer.put_i64(whole(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)?),
        oid::FLOAT4 => buffer.put_f32(number as f32),
        oid::FLOAT8 => buffer.put_f64(number),
        oid::BOOL | oid::BYTEA | oid::UUID | oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            return Err(format!("the number {number}"));
        }
        _ => put_display(buffer, number),
    }
    Ok(())
}

/// Larger numbers do not stand for one integer; a `bigint` does.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

fn write_bool(value: bool, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    match type_oid {
        oid::BOOL => buffer.put_u8(u8::from(value)),
        oid::INT2
        | oid::INT4
        | oid::INT8
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::NUMERIC
        | oid::BYTEA
        | oid::UUID
        | oid::DATE
        | oid::TIMESTAMP
        | oid::TIMESTAMPTZ => return Err(format!("the boolean {value}")),
        _ => put_display(buffer, value),
    }
    Ok(())
}

pub(crate) fn put_display(buffer: &mut BytesMut, value: impl std::fmt::Display) {
    // BytesMut grows as needed, so writing to it does not fail.
    let _ = write!(buffer, "{value}");
}

/// 2000-01-01 UTC, PostgreSQL's epoch, in milliseconds since 1970.
pub(crate) const POSTGRES_EPOCH_MS: f64 = 946_684_800_000.0;
const DAY_MS: f64 = 86_400_000.0;

fn write_date(milliseconds: f64, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    if milliseconds.is_nan() {
        return Err("an invalid Date".into());
    }
    match type_oid {
        oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            buffer.put_i64(((milliseconds - POSTGRES_EPOCH_MS) * 1000.0) as i64);
        }
        oid::DATE => buffer.put_i32(((milliseconds - POSTGRES_EPOCH_MS) / DAY_MS).floor() as i32),
        oid::JSON | oid::JSONB => {
            buffer.put_u8(b'"');
            put_display(buffer, IsoTime(milliseconds));
            buffer.put_u8(b'"');
        }
        oid::BOOL
        | oid::INT2
        | oid::INT4
        | oid::INT8
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::NUMERIC
        | oid::UUID
        | oid::BYTEA => return Err("a Date".into()),
        _ => put_display(buffer, IsoTime(milliseconds)),
    }
    Ok(())
}

/// A time as `Date.prototype.toISOString` writes it.
pub(crate) struct IsoTime(pub(crate) f64);

impl std::fmt::Display for IsoTime {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let days = (self.0 / DAY_MS).floor();
        let (year, month, day) = civil_from_days(days as i64);
        let rest = (self.0 - days * DAY_MS) as u64;
        let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
        let (second, millisecond) = (rest / 1000 % 60, rest % 1000);
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day comes last; 400 years are 146,097 days.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn write_array(json: &str, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    let element = match type_oid {
        oid::JSON | oid::JSONB => {
            buffer.put_slice(json.as_bytes());
            return Ok(());
        }
        _ => array_element(type_oid),
    };
    if element.is_none() && type_oid < FIRST_USER_OID && type_oid != oid::UNKNOWN {
        return Err("an array".into());
    }
    // Numbers need no quotes: the JSON text is the array literal but for its brackets.
    if json
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b',' | b'[' | b']' | b'-' | b'.'))
    {
        buffer.extend(json.bytes().map(|byte| match byte {
            b'[' => b'{',
            b']' => b'}',
            other => other,
        }));
        return Ok(());
    }
    let value: Json = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let is_json = matches!(element, Some(oid::JSON | oid::JSONB));
    write_array_element(&value, is_json, true, buffer)
}

/// Writes an array literal, PostgreSQL manual section "Array Input and Output Syntax".
fn write_array_element(
    value: &Json,
    is_json: bool,
    is_outermost: bool,
    buffer: &mut BytesMut,
) -> Result<(), String> {
    match value {
        Json::Array(elements) if is_outermost || !is_json => {
            buffer.put_u8(b'{');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    buffer.put_u8(b',');
                }
                write_array_element(element, is_json, false, buffer)?;
            }
            buffer.put_u8(b'}');
        }
        Json::Null => buffer.put_slice(b"NULL"),
        other if is_json => put_quoted(buffer, other.to_string().as_bytes()),
        Json::Bool(value) => put_display(buffer, value),
        Json::Number(number) => put_display(buffer, number),
        Json::String(text) => put_quoted(buffer, text.as_bytes()),
        Json::Object(_) => return Err("an array with an object in it".into()),
        Json::Array(_) => return Err("an array".into()),
    }
    Ok(())
}

pub(crate) fn put_quoted(buffer: &mut BytesMut, text: &[u8]) {
    buffer.put_u8(b'"');
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            buffer.put_u8(b'\\');
        }
        buffer.put_u8(*byte);
    }
    buffer.put_u8(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: Value<'_>, type_oid: u32) -> Result<Vec<u8>, String> {
        let mut buffer = BytesMut::new();
        write_value(value, type_oid, &mut buffer)?;
        Ok(buffer.to_vec())
    }

    #[test]
    fn numbers_take_the_parameters_type() {
        assert_eq!(
            written(Value::Number(-2.0), oid::INT4).unwrap(),
            (-2i32).to_be_bytes()
        );
        assert_eq!(written(Value::Number(1.5), oid::NUMERIC).unwrap(), b"1.5");
        assert_eq!(
            written(Value::Number(1.5), oid::FLOAT8).unwrap(),
            1.5f64.to_be_bytes()
        );
        assert_eq!(written(Value::Number(7.0), oid::TEXT).unwrap(), b"7");
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for (number, type_oid) in [
            (1.5, oid::INT4),
            (f64::NAN, oid::INT8),
            (40_000.0, oid::INT2),
            (9_007_199_254_740_993.0, oid::INT8),
            (1.0, oid::BOOL),
        ] {
            assert!(
                written(Value::Number(number), type_oid).is_err(),
                "{number} for {type_oid}"
            );
        }
    }

    #[test]
    fn dates_count_from_postgres_epoch() {
        let new_year = Value::Date(POSTGRES_EPOCH_MS);
        assert_eq!(
            written(new_year, oid::TIMESTAMPTZ).unwrap(),
            0i64.to_be_bytes()
        );
        assert_eq!(
            written(Value::Date(-1.0), oid::DATE).unwrap(),
            (-10_958i32).to_be_bytes()
        );
        assert_eq!(
            written(new_year, oid::TEXT).unwrap(),
            b"2000-01-01T00:00:00.000Z"
        );
        assert_eq!(
            written(Value::Date(1_709_164_800_123.0), oid::TEXT).unwrap(),
            b"2024-02-29T00:00:00.123Z"
        );
        assert!(written(Value::Date(f64::NAN), oid::TIMESTAMPTZ).is_err());
    }

    #[test]
    fn arrays_become_literals() {
        let array = |json, type_oid| {
            String::from_utf8(written(Value::Array(json), type_oid).unwrap()).unwrap()
        };
        assert_eq!(array("[1,2,-3]", 1007), "{1,2,-3}");
        assert_eq!(array("[[1],[2]]", 1007), "{{1},{2}}");
        assert_eq!(
            array(r#"["a \"b\"","c\\d",null]"#, 1009),
            r#"{"a \"b\"","c\\d",NULL}"#
        );
        assert_eq!(
            array(r#"[{"a":[1]},[2]]"#, 3807),
            r#"{"{\"a\":[1]}","[2]"}"#
        );
        assert_eq!(array("[1,2]", oid::JSONB), "[1,2]");
        assert_eq!(
            array("[null,0.49286843315205764,-1.3446827283071504e-238]", 1022),
            "{NULL,0.49286843315205764,-1.3446827283071504e-238}"
        );
        assert!(written(Value::Array("[1]"), oid::INT4).is_err());
        assert!(written(Value::Array(r#"[{"a":1}]"#), 1007).is_err());
    }

    #[test]
    fn the_packed_form_survives_damage() {
        let params = Params::from_packed(3, vec![tag::TEXT, 200, 0, 0, 0, b'x']);
        assert_eq!(params.values().collect::<Vec<_>>(), [Value::Text("x")]);
        assert!(
            Params::from_packed(1, vec![])
                .encode(&[], &mut BytesMut::new())
                .is_err()
        );
    }

    #[test]
    fn counts_must_match() {
        let mut params = Params::new();
        params.push_text("a");
        let error = params
            .encode(&[oid::TEXT, oid::TEXT], &mut BytesMut::new())
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::ParameterCount {
                    expected: 2,
                    got: 1
                }
            ),
            "{error}"
        );
    }
}
