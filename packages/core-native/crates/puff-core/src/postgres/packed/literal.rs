//! Binary values as the text that PostgreSQL reads.

use std::fmt::Write as _;

use super::cell::{Cell, fixed, put_hex, put_uuid};
use crate::postgres::config::Int8Mode;
use crate::postgres::params::{POSTGRES_EPOCH_MS, civil_from_days};
use crate::postgres::types::oid;

/// Writes a value of a type that is asked for in binary form, or returns `None` when its bytes make no
/// sense or are an array's.
pub(crate) fn put_cell_text(type_oid: u32, value: &[u8], text: &mut String) -> Option<()> {
    match Cell::scalar(type_oid, Int8Mode::String) {
        Cell::Bool => text.push_str(match value.first()? {
            0 => "false",
            _ => "true",
        }),
        Cell::Int2 => write!(text, "{}", i16::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Int4 => write!(text, "{}", i32::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Oid => write!(text, "{}", u32::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Float4 => write!(text, "{}", f32::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Float8 => write!(text, "{}", f64::from_be_bytes(fixed(value)?)).ok()?,
        Cell::Int8Text | Cell::Int8Words | Cell::Int8Double => {
            write!(text, "{}", i64::from_be_bytes(fixed(value)?)).ok()?;
        }
        Cell::Timestamp => {
            put_timestamp(i64::from_be_bytes(fixed(value)?), text)?;
            if type_oid == oid::TIMESTAMPTZ {
                text.push_str("+00");
            }
        }
        Cell::Uuid => put_uuid(value, text)?,
        Cell::Bytes => {
            text.push_str("\\x");
            put_hex(value, text);
        }
        Cell::Jsonb => text.push_str(std::str::from_utf8(value.strip_prefix(&[1])?).ok()?),
        Cell::Text => text.push_str(std::str::from_utf8(value).ok()?),
        Cell::Array(_) | Cell::ArrayLiteral => return None,
    }
    Some(())
}

/// Writes microseconds since 2000, all of them, with BC for the years before 1.
fn put_timestamp(microseconds: i64, text: &mut String) -> Option<()> {
    const DAY: i64 = 86_400_000_000;
    const EPOCH_DAYS: i64 = (POSTGRES_EPOCH_MS as i64) / 86_400_000;
    match microseconds {
        i64::MAX => text.push_str("infinity"),
        i64::MIN => text.push_str("-infinity"),
        _ => {
            let days = microseconds.div_euclid(DAY) + EPOCH_DAYS;
            let rest = microseconds.rem_euclid(DAY);
            let (year, month, day) = civil_from_days(days);
            let (shown, era) = match year {
                1.. => (year, ""),
                _ => (1 - year, " BC"),
            };
            let (hour, minute) = (rest / 3_600_000_000, rest / 60_000_000 % 60);
            let (second, micro) = (rest / 1_000_000 % 60, rest % 1_000_000);
            // The era goes last in PostgreSQL's output, but is read after the date as well.
            write!(
                text,
                "{shown:04}-{month:02}-{day:02}{era} {hour:02}:{minute:02}:{second:02}.{micro:06}"
            )
            .ok()?;
        }
    }
    Some(())
}
