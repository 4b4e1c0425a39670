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

mod array;
mod cell;
mod literal;
mod packer;
mod rows;
mod shape;
mod sink;

pub(crate) use literal::put_cell_text;
pub use packer::{PackedLayout, Packer};
pub use rows::Text;
pub use shape::Shape;
pub use sink::{Packed, PackedSink};
