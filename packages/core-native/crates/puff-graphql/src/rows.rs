//! The rows of a statement as PostgreSQL sent them.

use std::any::Any;
use std::sync::Arc;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name.
    pub name: Box<str>,
    /// OID of its type.
    pub type_oid: u32,
    /// Whether its values are in PostgreSQL's binary form; otherwise they are text.
    pub is_binary: bool,
}

/// The columns of a result, shared by all results of the same statement: what is worked out for them
/// is kept by this pointer.
pub type Columns = Arc<[Column]>;

/// All rows of a result.
pub struct Rows {
    /// The columns.
    pub columns: Columns,
    /// Bodies of DataRow messages without their column counts, one after the other: for each value a
    /// 32-bit length, -1 for NULL, and the bytes.
    bytes: Vec<u8>,
    /// Where each row begins.
    starts: Vec<u32>,
    /// Rows selected or changed.
    pub row_count: u64,
    /// What the host needs to hand rows to somebody else, for example a layout; the engine does not
    /// look inside.
    pub origin: Option<Arc<dyn Any + Send + Sync>>,
}

impl Rows {
    /// A result without rows yet.
    pub fn new(columns: Columns) -> Rows {
        Rows {
            columns,
            bytes: Vec::new(),
            starts: Vec::new(),
            row_count: 0,
            origin: None,
        }
    }

    /// Makes room for as many rows and bytes as are expected.
    pub fn reserve(&mut self, rows: usize, bytes: usize) {
        self.starts.reserve(rows);
        self.bytes.reserve(bytes);
    }

    /// The bytes of all rows.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a row: the values of a DataRow message, without the count before them.
    pub fn push(&mut self, values: &[u8]) {
        self.starts.push(self.bytes.len() as u32);
        self.bytes.extend_from_slice(values);
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The bytes of a row, as they were pushed.
    pub fn row(&self, index: usize) -> &[u8] {
        let start = self.starts[index] as usize;
        let end = match self.starts.get(index + 1) {
            Some(next) => *next as usize,
            None => self.bytes.len(),
        };
        &self.bytes[start..end]
    }

    /// The column with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| *column.name == *name)
    }

    /// The column whose name is the snake_case form of this one: `question_text` for `questionText`.
    pub fn position_of_snake_case(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| is_snake_case_of(&column.name, name))
    }

    /// One value, `None` for NULL or for a row that is malformed.
    pub fn cell(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.cells(row).nth(column).flatten()
    }

    /// The values of a row.
    pub fn cells(&self, row: usize) -> Cells<'_> {
        Cells(self.row(row))
    }
}

fn is_snake_case_of(column: &str, name: &str) -> bool {
    let mut column = column.bytes();
    for (index, byte) in name.bytes().enumerate() {
        if byte.is_ascii_uppercase() && index > 0 && column.next() != Some(b'_') {
            return false;
        }
        if column.next() != Some(byte.to_ascii_lowercase()) {
            return false;
        }
    }
    column.next().is_none()
}

/// Walks over the values of a row.
pub struct Cells<'a>(&'a [u8]);

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        if length < 0 {
            self.0 = rest;
            return Some(None);
        }
        let (value, rest) = rest.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_columns_by_the_names_of_fields() {
        for (column, name) in [
            ("question_text", "questionText"),
            ("id", "id"),
            ("pub_date", "PubDate"),
        ] {
            assert!(is_snake_case_of(column, name), "{column} {name}");
        }
        for (column, name) in [
            ("question", "questionText"),
            ("question_texts", "questionText"),
        ] {
            assert!(!is_snake_case_of(column, name), "{column} {name}");
        }
    }

    #[test]
    fn walks_over_rows() {
        let mut rows = Rows::new(Arc::from([]));
        rows.push(&[0, 0, 0, 1, b'a', 255, 255, 255, 255]);
        rows.push(&[0, 0, 0, 0, 0, 0, 0, 9, b'x']);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.cells(0).collect::<Vec<_>>(), [Some(&b"a"[..]), None]);
        assert_eq!(rows.cells(1).collect::<Vec<_>>(), [Some(&b""[..])]);
        assert_eq!(rows.cell(0, 1), None);
    }
}
