//! Compression of answers.
//!
//! Which answers are compressed, and what `Vary` says, is as in `next start` (the package
//! `compression` in its defaults, inside `next/dist/compiled`); the encodings are more: br and zstd
//! besides gzip and deflate.

mod body;
mod encoder;
mod encodings;
mod media_type;
mod negotiation;
mod transform;

pub use encoder::Encoding;
pub use encodings::Encodings;
pub(super) use transform::Compression;
pub use transform::CompressionConfig;
