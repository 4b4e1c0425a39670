//! Laying rows out, chunk by chunk.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::cell::Cell;
use super::rows::{Rows, Text};
use super::shape::Shape;
use super::sink::Packed;
use crate::postgres::config::Int8Mode;
use crate::postgres::error::Error;
use crate::postgres::message::RowRef;
use crate::postgres::request::Outcome;
use crate::postgres::statement::Column;
use crate::postgres::types::{Decoding, Profile, decoding_for};

/// A chunk ends after the row that makes its text longer than this, in bytes.
const CHUNK_TEXT: usize = 16 * 1024;

/// In which form the columns of a statement come, and how to pack its rows.
#[derive(Debug)]
pub struct PackedLayout {
    shape: Arc<Shape>,
    decodings: Box<[Decoding]>,
    cells: Box<[Cell]>,
    /// Set by the first who has something to keep beside the layout.
    memo: OnceLock<Arc<dyn Any + Send + Sync>>,
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
            memo: OnceLock::new(),
        }
    }

    /// The columns, and whether the values of each come in PostgreSQL's binary form; otherwise they
    /// are text.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&Column, bool)> {
        let forms = self.decodings.iter().map(|decoding| decoding.is_binary);
        let columns = self.shape.columns.iter().map(|(column, ..)| column);
        columns.zip(forms)
    }

    /// What a reader of raw rows worked out for this layout, made at its first use and kept with it.
    /// There is one place: it belongs to the first type that is asked for, others are made each time.
    pub fn memo<T: Any + Send + Sync>(&self, make: impl Fn(&PackedLayout) -> T) -> Arc<T> {
        let kept = self.memo.get_or_init(|| Arc::new(make(self)));
        match kept.clone().downcast() {
            Ok(memo) => memo,
            Err(_) => Arc::new(make(self)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::params::POSTGRES_EPOCH_MS;
    use crate::postgres::types::oid;

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
}
