//! Arrays of values that came from a column, as parameters: the keys of all parents at once.

use bytes::{BufMut, BytesMut};

use super::packed::put_cell_text;
use super::params::{FIRST_USER_OID, put_quoted};
use super::types::{array_element, oid, type_name};

/// Values of a column in the form in which they came from the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CellArray<'a> {
    /// OID of the column's type.
    pub(crate) type_oid: u32,
    pub(crate) is_binary: bool,
    pub(crate) count: u32,
    /// Each with a 32-bit length before it, in network order.
    pub(crate) cells: &'a [u8],
}

/// In which form the values go to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellsFit {
    /// As a binary array.
    Binary,
    /// As the literal of an array.
    Literal,
    /// Not at all: the parameter is one value.
    Scalar,
}

impl<'a> CellArray<'a> {
    /// The form for a parameter of this type.
    pub(crate) fn fit(&self, type_oid: u32) -> CellsFit {
        match array_element(type_oid) {
            Some(element) if self.is_binary => {
                let is_same = element == self.type_oid
                    || (is_integer(element) && is_integer(self.type_oid))
                    || (is_text(element) && is_text(self.type_oid))
                    || self.is_widened(element);
                match is_same {
                    true => CellsFit::Binary,
                    false => CellsFit::Literal,
                }
            }
            Some(_) => CellsFit::Literal,
            // Arrays of enums and of extensions' types have OIDs of their own database.
            None if type_oid >= FIRST_USER_OID => CellsFit::Literal,
            None => CellsFit::Scalar,
        }
    }

    /// Writes the values in the form that [`CellArray::fit`] says.
    ///
    /// # Errors
    /// What the value is instead of what was expected.
    pub(crate) fn write(&self, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
        match self.fit(type_oid) {
            CellsFit::Binary => self.write_binary(array_element(type_oid), buffer),
            CellsFit::Literal => self.write_literal(buffer),
            CellsFit::Scalar => Err(format!(
                "an array of {}: a comparison with it is written `= any($1)`",
                type_name(self.type_oid)
            )),
        }
    }

    /// The binary form of arrays is that of `array_send` in PostgreSQL's `arrayfuncs.c`.
    fn write_binary(&self, element: Option<u32>, buffer: &mut BytesMut) -> Result<(), String> {
        let element = element.unwrap_or(self.type_oid);
        let dimensions = i32::from(self.count > 0);
        buffer.put_i32(dimensions);
        buffer.put_i32(0); // no NULL in it
        buffer.put_u32(element);
        if dimensions == 0 {
            return Ok(());
        }
        buffer.put_u32(self.count);
        buffer.put_i32(1); // the index of its first element
        if element == self.type_oid || is_text(element) {
            buffer.put_slice(self.cells);
            return Ok(());
        }
        if self.is_widened(element) {
            for cell in self.cells() {
                let value = cell.try_into().map(f32::from_be_bytes);
                buffer.put_i32(8);
                buffer.put_f64(value.map_err(|_| "a malformed real")?.into());
            }
            return Ok(());
        }
        for cell in self.cells() {
            let value = read_integer(self.type_oid, cell)?;
            put_integer(value, element, buffer)?;
        }
        Ok(())
    }

    /// PostgreSQL manual, section "Array Input and Output Syntax".
    fn write_literal(&self, buffer: &mut BytesMut) -> Result<(), String> {
        let mut text = String::new();
        buffer.put_u8(b'{');
        for (index, cell) in self.cells().enumerate() {
            if index > 0 {
                buffer.put_u8(b',');
            }
            if !self.is_binary {
                put_quoted(buffer, cell);
                continue;
            }
            text.clear();
            put_cell_text(self.type_oid, cell, &mut text)
                .ok_or_else(|| format!("a malformed {}", type_name(self.type_oid)))?;
            put_quoted(buffer, text.as_bytes());
        }
        buffer.put_u8(b'}');
        Ok(())
    }

    /// A `real` is another number than the one with the same digits in double precision.
    fn is_widened(&self, element: u32) -> bool {
        self.type_oid == oid::FLOAT4 && element == oid::FLOAT8
    }

    fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.cells;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk()?;
            let (cell, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = after;
            Some(cell)
        })
    }
}

fn is_integer(type_oid: u32) -> bool {
    matches!(type_oid, oid::INT2 | oid::INT4 | oid::INT8 | oid::OID)
}

/// Whether its binary form is its text.
fn is_text(type_oid: u32) -> bool {
    matches!(
        type_oid,
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UNKNOWN
    )
}

fn read_integer(type_oid: u32, cell: &[u8]) -> Result<i64, String> {
    let value = match type_oid {
        oid::INT2 => cell.try_into().ok().map(|b| i16::from_be_bytes(b).into()),
        oid::INT4 => cell.try_into().ok().map(|b| i32::from_be_bytes(b).into()),
        oid::OID => cell.try_into().ok().map(|b| u32::from_be_bytes(b).into()),
        _ => cell.try_into().ok().map(i64::from_be_bytes),
    };
    value.ok_or_else(|| format!("a malformed {}", type_name(type_oid)))
}

fn put_integer(value: i64, type_oid: u32, buffer: &mut BytesMut) -> Result<(), String> {
    let out_of_range = |_| format!("{value}, which is out of range");
    match type_oid {
        oid::INT2 => {
            let value = i16::try_from(value).map_err(out_of_range)?;
            buffer.put_i32(2);
            buffer.put_i16(value);
        }
        oid::INT4 => {
            let value = i32::try_from(value).map_err(out_of_range)?;
            buffer.put_i32(4);
            buffer.put_i32(value);
        }
        oid::OID => {
            let value = u32::try_from(value).map_err(out_of_range)?;
            buffer.put_i32(4);
            buffer.put_u32(value);
        }
        _ => {
            buffer.put_i32(8);
            buffer.put_i64(value);
        }
    }
    Ok(())
}
