//! Columns of values as parameters, in the binary form of arrays.

use uuid::Uuid;

use crate::postgres::Params;

/// OIDs of `pg_type.dat`.
const BOOL: u32 = 16;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const FLOAT8: u32 = 701;
const UUID: u32 = 2950;

/// Adds a `text[]`.
pub(super) fn push_texts<'a>(params: &mut Params, values: impl Iterator<Item = &'a str>) {
    params.push_cells(TEXT, true, values.map(str::as_bytes));
}

/// Adds a `uuid[]`.
pub(super) fn push_ids<'a>(params: &mut Params, values: impl Iterator<Item = &'a Uuid>) {
    params.push_cells(UUID, true, values.map(|id| id.as_bytes().as_slice()));
}

/// Adds a `bigint[]`.
pub(super) fn push_longs(params: &mut Params, values: impl Iterator<Item = i64>) {
    let cells: Vec<_> = values.map(i64::to_be_bytes).collect();
    params.push_cells(INT8, true, cells.iter().map(<[u8; 8]>::as_slice));
}

/// Adds an `integer[]`.
pub(super) fn push_integers(params: &mut Params, values: impl Iterator<Item = i32>) {
    let cells: Vec<_> = values.map(i32::to_be_bytes).collect();
    params.push_cells(INT4, true, cells.iter().map(<[u8; 4]>::as_slice));
}

/// Adds a `double precision[]`.
pub(super) fn push_doubles(params: &mut Params, values: impl Iterator<Item = f64>) {
    let cells: Vec<_> = values.map(f64::to_be_bytes).collect();
    params.push_cells(FLOAT8, true, cells.iter().map(<[u8; 8]>::as_slice));
}

/// Adds a `boolean[]`.
pub(super) fn push_flags(params: &mut Params, values: impl Iterator<Item = bool>) {
    let cells: Vec<_> = values.map(|flag| [u8::from(flag)]).collect();
    params.push_cells(BOOL, true, cells.iter().map(<[u8; 1]>::as_slice));
}

/// Adds a `uuid`.
pub(super) fn push_id(params: &mut Params, id: &Uuid) {
    params.push_text(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

/// Adds a `bigint`.
pub(super) fn push_long(params: &mut Params, value: i64) {
    params.push_text(&value.to_string());
}
