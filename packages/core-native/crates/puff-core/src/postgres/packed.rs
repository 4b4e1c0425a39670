//! Rows laid out for JavaScript: the fastest way into it that we measured (see `bench/rows`).
//!
//! A result is one run of 32-bit words and a list of texts. The words come in chunks: how many rows,
//! how many words they take, then the rows; the text of a chunk's cells is one string. A row takes a
//! fixed number of words: a bit per column that is set for NULL (32 columns to a word), then the cells:
//!
//! | kind | words |
//! |---|---|
//! | int, bool | the value |
//! | float, date, 64-bit integers | a double or integer, low word first |
//! | text, JSON, bytes (hex), arrays (JSON) | where the cell's text ends in the chunk's string, in UTF-16 code units; it begins where the one before ended |
//!
//! The reader makes each string by slicing the chunk's, which copies nothing. A slice keeps its whole
//! parent alive, so a chunk's text ends soon after 16 KB: that bounds what one kept string can hold.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use super::config::Int8Mode;
use super::error::Error;
use super::message::{Reader, RowRef};
use super::params::POSTGRES_EPOCH_MS;
use super::request::{Outcome, Sink};
use super::statement::Column;
use super::types::{Decoding, Kind, Profile, decoding_for, oid};

/// A chunk ends after the row that makes its text longer than this, in bytes.
const CHUNK_TEXT: usize = 16 * 1024;

/// A whole result.
#[derive(Debug)]
pub struct Packed {
    /// The columns; `None` for a script, whose rows are dropped.
    pub shape: Option<Arc<Shape>>,
    /// The chunks, one after the other.
    pub words: Vec<i32>,
    /// The text of each chunk.
    pub texts: Vec<Text>,
    /// How the statement ended.
    pub outcome: Outcome,
}

/// The text of a chunk.
#[derive(Debug, Default)]
pub struct Text {
    /// The characters.
    pub text: String,
    /// Its length in UTF-16 code units; equal to its length in bytes if it is all ASCII.
    pub units: u32,
}

/// The columns of a result and what they become, shared by all results that have the same.
#[derive(Debug)]
pub struct Shape {
    /// Unique in the process, so that readers compile a decoder once; 0 for one not worth keeping.
    pub id: u32,
    /// Each column, its kind and whether it is an array of that kind.
    pub columns: ShapeColumns,
}

type ShapeColumns = Box<[(Column, Kind, bool)]>;

static SHAPES: LazyLock<Mutex<HashMap<ShapeColumns, Arc<Shape>>>> = LazyLock::new(Mutex::default);
static NEXT_SHAPE: AtomicU32 = AtomicU32::new(1);

/// Programs that invent columns without end (pivots) get unshared shapes after this many.
const MAX_SHAPES: usize = 10_000;

impl Shape {
    fn of(columns: &[Column], decodings: &[Decoding]) -> Arc<Shape> {
        let key: ShapeColumns = columns
            .iter()
            .zip(decodings)
            .map(|(column, decoding)| (column.clone(), decoding.kind, decoding.is_array))
            .collect();
        let mut shapes = SHAPES.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some(shape) = shapes.get(&key) {
            return shape.clone();
        }
        if shapes.len() >= MAX_SHAPES {
            return Arc::new(Shape {
                id: 0,
                columns: key,
            });
        }
        let id = NEXT_SHAPE.fetch_add(1, Ordering::Relaxed);
        let shape = Arc::new(Shape {
            id,
            columns: key.clone(),
        });
        shapes.insert(key, shape.clone());
        shape
    }
}

/// Packs the rows of one statement and hands the result to a function, exactly once.
pub struct PackedSink<F: FnOnce(Result<Packed, Error>) + Send> {
    finish: Option<F>,
    packer: Option<Packer>,
}

impl<F: FnOnce(Result<Packed, Error>) + Send> PackedSink<F> {
    /// A sink for one request.
    pub fn new(finish: F) -> PackedSink<F> {
        PackedSink {
            finish: Some(finish),
            packer: None,
        }
    }
}

impl<F: FnOnce(Result<Packed, Error>) + Send> Sink for PackedSink<F> {
    fn start(&mut self, layout: &Arc<PackedLayout>) {
        // Also where there are no columns: a `select` of nothing has rows all the same.
        self.packer = Some(Packer::new(layout.clone()));
    }

    fn row(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        match &mut self.packer {
            Some(packer) => packer.push(row),
            None => Err(Error::Protocol("a row without a description".into())),
        }
    }

    fn finish(mut self: Box<Self>, outcome: Result<Outcome, Error>) {
        let packer = self.packer.take();
        let result = outcome.map(|outcome| match packer {
            Some(packer) => packer.finish(outcome),
            None => Packed {
                shape: None,
                words: Vec::new(),
                texts: Vec::new(),
                outcome,
            },
        });
        if let Some(finish) = self.finish.take() {
            finish(result);
        }
    }
}

impl<F: FnOnce(Result<Packed, Error>) + Send> Drop for PackedSink<F> {
    fn drop(&mut self) {
        if let Some(finish) = self.finish.take() {
            finish(Err(Error::Protocol(
                "the task of the connection panicked".into(),
            )));
        }
    }
}

/// In which form the columns of a statement come, and how to pack its rows.
#[derive(Debug)]
pub struct PackedLayout {
    shape: Arc<Shape>,
    decodings: Box<[Decoding]>,
    cells: Box<[Cell]>,
}

impl PackedLayout {
    /// Works out how rows with these columns are packed; `int8` says what 64-bit integers become.
    pub fn new(columns: &[Column], profile: Profile, int8: Int8Mode) -> PackedLayout {
        let decodings: Box<[_]> = columns
            .iter()
            .map(|column| decoding_for(profile, column.type_oid, int8))
            .collect();
        let cells = columns.iter().zip(&decodings);
        PackedLayout {
            shape: Shape::of(columns, &decodings),
            cells: cells
                .map(|(column, decoding)| Cell::of(column.type_oid, *decoding))
                .collect(),
            decodings,
        }
    }

    /// The format codes of the columns in a Bind message: 1 for binary, 0 for text.
    pub(crate) fn formats(&self) -> impl ExactSizeIterator<Item = i16> {
        self.decodings
            .iter()
            .map(|decoding| i16::from(decoding.is_binary))
    }
}

/// Lays rows out.
pub struct Packer {
    layout: Arc<PackedLayout>,
    out: Rows,
    texts: Vec<Text>,
    /// Where the current chunk begins in the words.
    chunk: usize,
    rows: i32,
}

/// What cells are written to: the words so far and the current chunk's text.
#[derive(Default)]
struct Rows {
    words: Vec<i32>,
    text: Text,
}

impl Packer {
    /// A packer for rows of one layout.
    pub fn new(layout: Arc<PackedLayout>) -> Packer {
        Packer {
            layout,
            out: Rows::default(),
            texts: Vec::new(),
            chunk: 0,
            rows: 0,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// A value whose binary form is malformed.
    pub fn push(&mut self, row: RowRef<'_>) -> Result<(), Error> {
        let cells = &self.layout.cells;
        let out = &mut self.out;
        if self.rows == 0 {
            self.chunk = out.words.len();
            out.words.extend([0, 0]);
        }
        let masks = out.words.len();
        out.words.resize(masks + cells.len().div_ceil(32), 0);
        let mut values = row.values();
        for (index, cell) in cells.iter().enumerate() {
            match values.next() {
                Some(Some(value)) => cell.put(value, out).ok_or_else(|| {
                    let name = &self.layout.shape.columns[index].0.name;
                    Error::Protocol(format!("column {name} has a malformed value"))
                })?,
                Some(None) => {
                    out.words[masks + index / 32] |= 1 << (index % 32);
                    cell.put_null(out);
                }
                None => return Err(Error::Protocol("a row with too few columns".into())),
            }
        }
        self.rows += 1;
        if self.out.text.text.len() >= CHUNK_TEXT {
            self.end_chunk();
        }
        Ok(())
    }

    fn end_chunk(&mut self) {
        let length = self.out.words.len() - self.chunk - 2;
        self.out.words[self.chunk] = self.rows;
        self.out.words[self.chunk + 1] = length as i32;
        self.rows = 0;
        self.texts.push(std::mem::take(&mut self.out.text));
    }

    /// Ends the result.
    pub fn finish(mut self, outcome: Outcome) -> Packed {
        if self.rows > 0 {
            self.end_chunk();
        }
        let shape = Some(self.layout.shape.clone());
        Packed {
            shape,
            words: self.out.words,
            texts: self.texts,
            outcome,
        }
    }
}

/// How the bytes of one column become words and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
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
    fn of(type_oid: u32, decoding: Decoding) -> Cell {
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

    fn scalar(type_oid: u32, int8: Int8Mode) -> Cell {
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

    fn put_null(self, out: &mut Rows) {
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
    fn put(self, value: &[u8], out: &mut Rows) -> Option<()> {
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

fn fixed<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

/// The double with the same shortest decimal form: 0.1 stays 0.1.
fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// Milliseconds since 1970 of PostgreSQL's microseconds since 2000; its infinities are the ends of the
/// range.
fn milliseconds(microseconds: i64) -> f64 {
    match microseconds {
        i64::MAX => f64::INFINITY,
        i64::MIN => f64::NEG_INFINITY,
        _ => microseconds.div_euclid(1000) as f64 + POSTGRES_EPOCH_MS,
    }
}

impl Rows {
    fn put_wide(&mut self, value: u64) {
        self.words.extend([value as i32, (value >> 32) as i32]);
    }

    fn put_double(&mut self, value: f64) {
        self.put_wide(value.to_bits());
    }

    fn end_text(&mut self) {
        self.words.push(self.text.units as i32);
    }

    fn put_text(&mut self, value: &[u8]) {
        let start = self.text.text.len();
        match std::str::from_utf8(value) {
            Ok(text) => self.text.text.push_str(text),
            // A database with encoding SQL_ASCII holds any bytes.
            Err(_) => self.text.text.push_str(&String::from_utf8_lossy(value)),
        }
        self.count_units(start);
    }

    fn put_made_text(&mut self, make: impl FnOnce(&mut String) -> Option<()>) -> Option<()> {
        let start = self.text.text.len();
        make(&mut self.text.text)?;
        self.count_units(start);
        Some(())
    }

    fn count_units(&mut self, start: usize) {
        let added = &self.text.text[start..];
        let units = if added.is_ascii() {
            added.len()
        } else {
            added.encode_utf16().count()
        };
        self.text.units += units as u32;
        self.end_text();
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn put_hex(bytes: &[u8], text: &mut String) {
    text.reserve(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

fn put_uuid(value: &[u8], text: &mut String) -> Option<()> {
    let bytes: [u8; 16] = fixed(value)?;
    for (index, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if index > 0 {
            text.push('-');
        }
        put_hex(&bytes[part], text);
    }
    Some(())
}

/// Writes a binary array as JSON: numbers and booleans as such, times as milliseconds, JSON as it is,
/// everything else as strings.
fn put_array(value: &[u8], int8: Int8Mode, text: &mut String) -> Option<()> {
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
fn put_array_literal(value: &[u8], text: &mut String) -> Option<()> {
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

    fn column(name: &str, type_oid: u32) -> Column {
        Column::new(name, type_oid)
    }

    fn layout(columns: &[Column]) -> PackedLayout {
        PackedLayout::new(columns, Profile::Typed, Int8Mode::String)
    }

    fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut body = (values.len() as u16).to_be_bytes().to_vec();
        for value in values {
            match value {
                Some(value) => {
                    body.extend((value.len() as i32).to_be_bytes());
                    body.extend(*value);
                }
                None => body.extend((-1i32).to_be_bytes()),
            }
        }
        body
    }

    fn pack(columns: &[Column], rows: &[Vec<u8>]) -> Packed {
        let mut packer = Packer::new(Arc::new(layout(columns)));
        for row in rows {
            packer.push(RowRef::new(row)).unwrap();
        }
        packer.finish(Outcome {
            command: "SELECT".into(),
            row_count: 0,
            is_suspended: false,
        })
    }

    #[test]
    fn words_and_text_follow_the_format() {
        let columns = [
            column("id", oid::INT4),
            column("title", oid::TEXT),
            column("at", oid::TIMESTAMPTZ),
        ];
        let packed = pack(
            &columns,
            &[
                row(&[
                    Some(&7i32.to_be_bytes()),
                    Some("añ€😀".as_bytes()),
                    Some(&0i64.to_be_bytes()),
                ]),
                row(&[None, None, None]),
                row(&[Some(&(-1i32).to_be_bytes()), Some(b"xy"), None]),
            ],
        );
        let epoch = POSTGRES_EPOCH_MS.to_bits();
        let (low, high) = (epoch as i32, (epoch >> 32) as i32);
        assert_eq!(
            packed.words,
            [
                3, 15, 0, 7, 5, low, high, 0b111, 0, 5, 0, 0, 0b100, -1, 7, 0, 0
            ]
        );
        let [text] = &packed.texts[..] else {
            panic!("one chunk")
        };
        assert_eq!((text.text.as_str(), text.units), ("añ€😀xy", 7));
    }

    #[test]
    fn equal_columns_share_a_shape() {
        let columns = [column("shared_shape", oid::INT4)];
        let shape = layout(&columns).shape;
        assert_eq!(layout(&columns).shape.id, shape.id);
        assert_ne!(
            layout(&[column("other_shape", oid::INT4)]).shape.id,
            shape.id
        );
    }

    #[test]
    fn long_text_is_cut_into_chunks() {
        let columns = [column("body", oid::TEXT)];
        let body = vec![b'x'; 10_000];
        let rows: Vec<_> = (0..4).map(|_| row(&[Some(&body)])).collect();
        let packed = pack(&columns, &rows);
        assert_eq!(
            packed.words,
            [2, 4, 0, 10_000, 0, 20_000, 2, 4, 0, 10_000, 0, 20_000]
        );
        assert_eq!(packed.texts.len(), 2);
    }

    #[test]
    fn malformed_values_are_errors() {
        let mut packer = Packer::new(Arc::new(layout(&[column("id", oid::INT4)])));
        assert!(packer.push(RowRef::new(&row(&[Some(b"abc")]))).is_err());
        let mut packer = Packer::new(Arc::new(layout(&[column("id", oid::INT4)])));
        assert!(packer.push(RowRef::new(&row(&[]))).is_err());
    }

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

    #[test]
    fn narrow_floats_keep_their_digits() {
        assert_eq!(widen(0.1), 0.1);
        assert!(widen(f32::NAN).is_nan());
        assert_eq!(widen(f32::INFINITY), f64::INFINITY);
    }
}
