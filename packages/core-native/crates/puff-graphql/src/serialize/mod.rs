//! Writing responses: JSON, straight from the bytes that PostgreSQL sent.

mod array;
mod json_leaf;
mod leaf;
mod number;
mod page;
mod text;
mod timestamp;
mod writer;

pub(crate) use leaf::FastLeaf;
pub(crate) use text::put_uuid;
pub(crate) use writer::Writer;
