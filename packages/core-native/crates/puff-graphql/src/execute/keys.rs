//! Joining rows to their parents by key.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;

use super::data::RowObjects;
use crate::rows::Rows;

/// Stands for a parent without a key: one of its columns is NULL.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// OIDs of `pg_type.dat` whose binary forms are compared by their meaning.
mod oid {
    pub(super) const INT8: u32 = 20;
    pub(super) const INT2: u32 = 21;
    pub(super) const INT4: u32 = 23;
    pub(super) const UUID: u32 = 2950;
}

/// A column that all parents have.
pub(crate) enum ParentColumn {
    /// Of rows.
    Cells { objects: RowObjects, column: usize },
    /// Properties of objects of JavaScript.
    Json(Vec<Box<RawValue>>),
}

/// The form in which values of two columns can be compared byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the server sent them: both columns have the same type.
    Raw,
    /// 64-bit integers, whatever their width was.
    Integer,
    /// Text.
    Text,
}

impl ParentColumn {
    fn len(&self) -> usize {
        match self {
            ParentColumn::Cells { objects, .. } => objects.len(),
            ParentColumn::Json(values) => values.len(),
        }
    }

    /// What tells two values of this column apart; `None` for NULL.
    pub(crate) fn value(&self, parent: usize) -> Option<&[u8]> {
        match self {
            ParentColumn::Cells { objects, column } => {
                objects.rows.cell(objects.row(parent), *column)
            }
            ParentColumn::Json(values) => match values[parent].get() {
                "null" => None,
                text => Some(text.as_bytes()),
            },
        }
    }

    fn form_with(&self, rows: &Rows, column: usize) -> Form {
        let child = &rows.columns[column];
        let is_integer = |type_oid, is_binary| {
            is_binary && matches!(type_oid, oid::INT2 | oid::INT4 | oid::INT8)
        };
        match self {
            ParentColumn::Cells { objects, column } => {
                let parent = &objects.rows.columns[*column];
                if (parent.type_oid, parent.is_binary) == (child.type_oid, child.is_binary) {
                    Form::Raw
                } else if is_integer(parent.type_oid, parent.is_binary)
                    && is_integer(child.type_oid, child.is_binary)
                {
                    Form::Integer
                } else {
                    Form::Text
                }
            }
            ParentColumn::Json(_) => Form::Text,
        }
    }

    fn formed(&self, parent: usize, form: Form) -> Option<Cow<'_, [u8]>> {
        let value = self.value(parent)?;
        match self {
            ParentColumn::Cells { objects, column } => {
                let column = &objects.rows.columns[*column];
                Some(formed(value, column.type_oid, column.is_binary, form))
            }
            ParentColumn::Json(values) => {
                let text = values[parent].get();
                Some(match serde_json::from_str::<String>(text) {
                    Ok(text) => Cow::Owned(text.into_bytes()),
                    Err(_) => Cow::Borrowed(text.as_bytes()),
                })
            }
        }
    }
}

/// Brings a value into a form.
fn formed(value: &[u8], type_oid: u32, is_binary: bool, form: Form) -> Cow<'_, [u8]> {
    if form == Form::Raw || !is_binary {
        return Cow::Borrowed(value);
    }
    let integer = match (type_oid, value) {
        (oid::INT2, [a, b]) => Some(i64::from(i16::from_be_bytes([*a, *b]))),
        (oid::INT4, [a, b, c, d]) => Some(i64::from(i32::from_be_bytes([*a, *b, *c, *d]))),
        (oid::INT8, bytes) => bytes.try_into().ok().map(i64::from_be_bytes),
        _ => None,
    };
    match (integer, form) {
        (Some(integer), Form::Integer) => Cow::Owned(integer.to_be_bytes().to_vec()),
        (Some(integer), _) => Cow::Owned(integer.to_string().into_bytes()),
        (None, _) if type_oid == oid::UUID => {
            let mut text = Vec::with_capacity(36);
            crate::serialize::put_uuid(value, &mut text);
            Cow::Owned(text)
        }
        (None, _) => Cow::Borrowed(value),
    }
}

/// The keys of the parents: which are the same, and who has them.
pub(crate) struct Keys {
    columns: Vec<Arc<ParentColumn>>,
    /// For each parent the number of its key, or [`NO_KEY`].
    pub(crate) of_parent: Vec<u32>,
    /// For each key a parent that has it.
    pub(crate) first: Vec<u32>,
}

impl Keys {
    /// Finds the distinct keys of the parents, in the order of their first parent.
    pub(crate) fn new(columns: Vec<Arc<ParentColumn>>) -> Keys {
        let count = columns.first().map_or(0, |column| column.len());
        let (of_parent, first) = match columns.as_slice() {
            [column] => distinct((0..count).map(|parent| column.value(parent))),
            _ => distinct((0..count).map(|parent| joined(&columns, parent))),
        };
        Keys {
            columns,
            of_parent,
            first,
        }
    }

    /// For each row the number of its key, or [`NO_KEY`]; `columns` are the rows' columns that the
    /// parents' columns are joined on.
    pub(crate) fn of_rows(&self, rows: &Rows, columns: &[usize]) -> Vec<u32> {
        match (self.columns.as_slice(), columns) {
            ([parent], [child]) => self.of_rows_by_one(rows, parent, *child),
            _ => self.of_rows_by_many(rows, columns),
        }
    }

    fn of_rows_by_one(&self, rows: &Rows, parent: &ParentColumn, child: usize) -> Vec<u32> {
        let form = parent.form_with(rows, child);
        let column = &rows.columns[child];
        let mut known: FxHashMap<Cow<'_, [u8]>, u32> = FxHashMap::default();
        known.reserve(self.first.len());
        for (key, first) in self.first.iter().enumerate() {
            if let Some(value) = parent.formed(*first as usize, form) {
                known.insert(value, key as u32);
            }
        }
        (0..rows.len())
            .map(|row| {
                let value = rows.cell(row, child)?;
                let value = formed(value, column.type_oid, column.is_binary, form);
                known.get(&*value).copied()
            })
            .map(|key| key.unwrap_or(NO_KEY))
            .collect()
    }

    fn of_rows_by_many(&self, rows: &Rows, columns: &[usize]) -> Vec<u32> {
        let forms: Vec<_> = self
            .columns
            .iter()
            .zip(columns)
            .map(|(parent, child)| parent.form_with(rows, *child))
            .collect();
        let mut known = FxHashMap::default();
        for (key, first) in self.first.iter().enumerate() {
            let mut joined = Vec::new();
            for (column, form) in self.columns.iter().zip(&forms) {
                let value = column.formed(*first as usize, *form).unwrap_or_default();
                push_part(&mut joined, &value);
            }
            known.insert(joined, key as u32);
        }
        (0..rows.len())
            .map(|row| {
                let mut joined = Vec::new();
                for (child, form) in columns.iter().zip(&forms) {
                    let Some(value) = rows.cell(row, *child) else {
                        return NO_KEY;
                    };
                    let column = &rows.columns[*child];
                    let value = formed(value, column.type_oid, column.is_binary, *form);
                    push_part(&mut joined, &value);
                }
                known.get(&joined).copied().unwrap_or(NO_KEY)
            })
            .collect()
    }
}

/// The values that a parent has in several columns as one, each after its length.
fn joined(columns: &[Arc<ParentColumn>], parent: usize) -> Option<Vec<u8>> {
    let mut joined = Vec::new();
    for column in columns {
        push_part(&mut joined, column.value(parent)?);
    }
    Some(joined)
}

fn push_part(joined: &mut Vec<u8>, value: &[u8]) {
    joined.extend((value.len() as u32).to_le_bytes());
    joined.extend_from_slice(value);
}

/// Numbers values by their first occurrence: the number of each, and where each was first.
fn distinct<V: Hash + Eq>(values: impl Iterator<Item = Option<V>>) -> (Vec<u32>, Vec<u32>) {
    let mut known = FxHashMap::default();
    let mut first = Vec::new();
    let numbers = values
        .enumerate()
        .map(|(index, value)| {
            let Some(value) = value else { return NO_KEY };
            let next = first.len() as u32;
            let number = *known.entry(value).or_insert(next);
            if number == next {
                first.push(index as u32);
            }
            number
        })
        .collect();
    (numbers, first)
}

/// The rows of each key: their numbers in `order`, from `start` on.
pub(crate) struct Groups {
    /// Numbers of rows, by key; `None` if they are in that order already.
    pub(crate) order: Option<Arc<[u32]>>,
    /// Start and length for each key.
    pub(crate) ranges: Vec<(u32, u32)>,
}

impl Groups {
    /// Groups rows by the keys that [`Keys::of_rows`] found; rows keep their order within a key.
    pub(crate) fn new(of_rows: &[u32], key_count: usize) -> Groups {
        let mut ranges = vec![(0, 0); key_count];
        let mut is_ordered = true;
        let mut last = 0;
        for key in of_rows {
            match ranges.get_mut(*key as usize) {
                Some(range) => {
                    range.1 += 1;
                    is_ordered &= *key >= last;
                    last = *key;
                }
                None => is_ordered = false,
            }
        }
        let mut start = 0;
        for range in &mut ranges {
            range.0 = start;
            start += range.1;
        }
        if is_ordered {
            return Groups {
                order: None,
                ranges,
            };
        }
        let mut next: Vec<u32> = ranges.iter().map(|range| range.0).collect();
        let mut order = vec![0; start as usize];
        for (row, key) in of_rows.iter().enumerate() {
            if let Some(place) = next.get_mut(*key as usize) {
                order[*place as usize] = row as u32;
                *place += 1;
            }
        }
        Groups {
            order: Some(order.into()),
            ranges,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_rows_and_keeps_their_order() {
        let groups = Groups::new(&[1, 0, NO_KEY, 1, 0], 3);
        assert_eq!(groups.ranges, [(0, 2), (2, 2), (4, 0)]);
        assert_eq!(groups.order.as_deref(), Some(&[1, 4, 0, 3][..]));
        let ordered = Groups::new(&[0, 0, 2], 3);
        assert_eq!(ordered.ranges, [(0, 2), (2, 0), (2, 1)]);
        assert_eq!(ordered.order, None);
    }

    #[test]
    fn integers_of_all_widths_and_uuids_as_text_are_the_same() {
        let four = formed(&[0, 0, 0, 7], oid::INT4, true, Form::Integer);
        let eight = formed(&[0, 0, 0, 0, 0, 0, 0, 7], oid::INT8, true, Form::Integer);
        assert_eq!(four, eight);
        assert_eq!(&*formed(&[0, 7], oid::INT2, true, Form::Text), b"7");
        let uuid = formed(&[0x11; 16], oid::UUID, true, Form::Text);
        assert_eq!(&*uuid, b"11111111-1111-1111-1111-111111111111");
    }
}
