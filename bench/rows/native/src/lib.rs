//! The same rows, as PostgreSQL sends them in binary, brought into JavaScript in three ways.
//!
//! Rows have five columns: int4, text, float8, timestamptz, bool. Each function does all the work from
//! the bytes on the wire, so that what is compared is the whole way into JavaScript.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use napi::bindgen_prelude::{Array, Int32Array, Object};
use napi::{Env, Result};
use napi_derive::napi;
use puff_core::postgres::packed::{PackedLayout, Packer};
use puff_core::postgres::{Column, Int8Mode, Outcome, Profile, RowRef};

const MAX_ROWS: u32 = 10_000;
/// 2026-01-01 in microseconds since 2000-01-01, the unit of a timestamptz on the wire.
const FIRST_TIME: i64 = 820_540_800_000_000;
const POSTGRES_EPOCH_MS: f64 = 946_684_800_000.0;

/// DataRow bodies for ids from 1 on.
fn rows() -> &'static [Vec<u8>] {
    static ROWS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ROWS.get_or_init(|| (1..=MAX_ROWS as i32).map(data_row).collect())
}

fn data_row(id: i32) -> Vec<u8> {
    let mut body = 5u16.to_be_bytes().to_vec();
    let mut put = |bytes: &[u8]| {
        body.extend((bytes.len() as i32).to_be_bytes());
        body.extend(bytes);
    };
    put(&id.to_be_bytes());
    put(format!("item number {id}").as_bytes());
    put(&(f64::from(id) * 1.25).to_be_bytes());
    put(&(FIRST_TIME + i64::from(id) * 1_000_000).to_be_bytes());
    put(&[u8::from(id % 2 == 0)]);
    body
}

fn layout() -> Arc<PackedLayout> {
    static LAYOUT: OnceLock<Arc<PackedLayout>> = OnceLock::new();
    let columns = [
        ("id", 23),
        ("name", 25),
        ("price", 701),
        ("created", 1184),
        ("active", 16),
    ];
    let columns: Vec<_> = columns
        .iter()
        .map(|(name, oid)| Column::new(name, *oid))
        .collect();
    LAYOUT
        .get_or_init(|| Arc::new(PackedLayout::new(&columns, Profile::Typed, Int8Mode::String)))
        .clone()
}

/// A row's values with their types, `None` for NULL.
struct Item<'a> {
    id: i32,
    name: &'a str,
    price: f64,
    created: f64,
    active: bool,
}

fn item(body: &[u8]) -> Item<'_> {
    let mut values = RowRef::new(body)
        .values()
        .map(|value| value.unwrap_or_default());
    let mut next = || values.next().unwrap_or_default();
    let micros = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
    Item {
        id: i32::from_be_bytes(next().try_into().unwrap_or_default()),
        name: std::str::from_utf8(next()).unwrap_or_default(),
        price: f64::from_be_bytes(next().try_into().unwrap_or_default()),
        created: micros(next()) as f64 / 1000.0 + POSTGRES_EPOCH_MS,
        active: next() == [1],
    }
}

/// Packed words and texts: `[words, text, text, ...]`, as next-puff sends them. Words that fit are
/// written into `inbox`, then `words` is how many they are.
#[napi]
pub fn packed(env: &Env, count: u32, mut inbox: Int32Array) -> Result<Array<'_>> {
    let mut packer = Packer::new(layout());
    for row in &rows()[..count as usize] {
        packer.push(RowRef::new(row)).map_err(|error| napi::Error::from_reason(error.to_string()))?;
    }
    let outcome = Outcome { command: "SELECT".into(), row_count: count.into(), is_suspended: false };
    let packed = packer.finish(outcome);
    let mut result = env.create_array(0)?;
    // SAFETY: the benchmark does not touch the array during the call.
    let inbox = unsafe { inbox.as_mut() };
    match inbox.get_mut(..packed.words.len()) {
        Some(place) => {
            place.copy_from_slice(&packed.words);
            result.insert(packed.words.len() as u32)?;
        }
        None => result.insert(Int32Array::new(packed.words))?,
    }
    for text in &packed.texts {
        result.insert(env.create_string_latin1(text.text.as_bytes())?)?;
    }
    Ok(result)
}

/// JSON text of an array of objects; times are milliseconds.
#[napi]
pub fn json_objects(env: &Env, count: u32) -> Result<napi::JsString<'_>> {
    json(env, count, |text, item| {
        let name = serde_json::Value::from(item.name);
        write!(
            text,
            r#"{{"id":{},"name":{name},"price":{},"created":{},"active":{}}}"#,
            item.id, item.price, item.created, item.active
        )
    })
}

/// JSON text of an array of arrays.
#[napi]
pub fn json_arrays(env: &Env, count: u32) -> Result<napi::JsString<'_>> {
    json(env, count, |text, item| {
        let name = serde_json::Value::from(item.name);
        write!(
            text,
            "[{},{name},{},{},{}]",
            item.id, item.price, item.created, item.active
        )
    })
}

fn json(
    env: &Env,
    count: u32,
    write: impl Fn(&mut String, &Item<'_>) -> std::fmt::Result,
) -> Result<napi::JsString<'_>> {
    let mut text = String::from("[");
    for (index, row) in rows()[..count as usize].iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(&mut text, &item(row))
            .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    }
    text.push(']');
    env.create_string_latin1(text.as_bytes())
}

/// One flat array of values, made one by one through Node-API.
#[napi]
pub fn values(env: &Env, count: u32) -> Result<Array<'_>> {
    let mut result = env.create_array(count * 5)?;
    for (index, row) in rows()[..count as usize].iter().enumerate() {
        let item = item(row);
        let at = index as u32 * 5;
        result.set(at, item.id)?;
        result.set(at + 1, item.name)?;
        result.set(at + 2, item.price)?;
        result.set(at + 3, item.created)?;
        result.set(at + 4, item.active)?;
    }
    Ok(result)
}

/// An array of objects, made property by property through Node-API.
#[napi]
pub fn objects(env: &Env, count: u32) -> Result<Array<'_>> {
    let mut result = env.create_array(count)?;
    for (index, row) in rows()[..count as usize].iter().enumerate() {
        let item = item(row);
        let mut object = Object::new(env)?;
        object.set("id", item.id)?;
        object.set("name", item.name)?;
        object.set("price", item.price)?;
        object.set("created", item.created)?;
        object.set("active", item.active)?;
        result.set(index as u32, object)?;
    }
    Ok(result)
}

/// The DataRow bodies as they came, with their lengths before them, for a decoder in JavaScript.
#[napi]
pub fn wire(count: u32) -> napi::bindgen_prelude::Buffer {
    let mut bytes = Vec::new();
    for row in &rows()[..count as usize] {
        bytes.extend((row.len() as u32).to_be_bytes());
        bytes.extend(row);
    }
    bytes.into()
}
