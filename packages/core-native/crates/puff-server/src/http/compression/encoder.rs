//! The encodings, and compressing with them bit by bit.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde::Deserialize;

/// A content coding (RFC 9110, 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Encoding {
    /// Brotli (RFC 7932).
    #[serde(rename = "br")]
    Brotli,
    /// Zstandard (RFC 8878).
    #[serde(rename = "zstd")]
    Zstd,
    /// gzip (RFC 1952).
    #[serde(rename = "gzip")]
    Gzip,
    /// zlib (RFC 1950).
    #[serde(rename = "deflate")]
    Deflate,
}

impl Encoding {
    pub(super) const COUNT: usize = 4;

    /// As it stands in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Brotli => "br",
            Encoding::Zstd => "zstd",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
        }
    }
}

/// How much work compressing may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Once for each answer.
    Each,
    /// Once for many.
    Once,
}

/// Compresses what is written to it.
pub(super) enum Encoder {
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Encoder {
    pub(super) fn new(encoding: Encoding, effort: Effort) -> io::Result<Encoder> {
        let output = Vec::new();
        // Levels at which each is about as fast as gzip's usual one, or faster; windows that keep
        // an answer's memory small.
        Ok(match (encoding, effort) {
            (Encoding::Brotli, Effort::Each) => Encoder::Brotli(brotli_writer(output, 4, 18)),
            (Encoding::Brotli, Effort::Once) => Encoder::Brotli(brotli_writer(output, 9, 22)),
            (Encoding::Zstd, effort) => {
                let level = if effort == Effort::Each { 3 } else { 12 };
                let mut encoder = zstd::stream::write::Encoder::new(output, level)?;
                // Browsers refuse windows above 8 MB (RFC 9659).
                encoder.window_log(if effort == Effort::Each { 19 } else { 22 })?;
                Encoder::Zstd(encoder)
            }
            (Encoding::Gzip, effort) => Encoder::Gzip(GzEncoder::new(output, level(effort))),
            (Encoding::Deflate, effort) => {
                Encoder::Deflate(ZlibEncoder::new(output, level(effort)))
            }
        })
    }

    /// Takes bytes; what they become may come later.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Brotli(encoder) => encoder.write_all(bytes),
            Encoder::Zstd(encoder) => encoder.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
            Encoder::Deflate(encoder) => encoder.write_all(bytes),
        }
    }

    /// Makes everything that was written come out.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Brotli(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Deflate(encoder) => encoder.flush(),
        }
    }

    /// What has come out by now.
    pub(super) fn take(&mut self) -> Bytes {
        let output = match self {
            Encoder::Brotli(encoder) => encoder.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Deflate(encoder) => encoder.get_mut(),
        };
        Bytes::from(std::mem::take(output))
    }

    /// Ends, and gives the rest.
    pub(super) fn finish(self) -> io::Result<Bytes> {
        let output = match self {
            Encoder::Brotli(encoder) => encoder.into_inner(),
            Encoder::Zstd(encoder) => encoder.finish()?,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Deflate(encoder) => encoder.finish()?,
        };
        Ok(Bytes::from(output))
    }
}

/// Compresses all of something.
pub(super) fn compress(encoding: Encoding, effort: Effort, bytes: &[u8]) -> io::Result<Bytes> {
    let mut encoder = Encoder::new(encoding, effort)?;
    encoder.write(bytes)?;
    encoder.finish()
}

fn brotli_writer(
    output: Vec<u8>,
    quality: u32,
    window: u32,
) -> Box<brotli::CompressorWriter<Vec<u8>>> {
    Box::new(brotli::CompressorWriter::new(
        output,
        16 * 1024,
        quality,
        window,
    ))
}

fn level(effort: Effort) -> Level {
    match effort {
        Effort::Each => Level::new(6),
        Effort::Once => Level::new(9),
    }
}
