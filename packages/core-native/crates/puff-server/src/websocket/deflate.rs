//! Compressed messages (RFC 7692, section 7.2).
//!
//! No context is carried over, in either direction: a thread's one compressor and one decompressor
//! serve all sockets.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Shorter messages go out as they are.
pub(super) const THRESHOLD: usize = 1024;

/// A message of JSON shrinks to a fifth on the first levels; higher ones cost more than they save.
const LEVEL: u32 = 3;

/// The end of a flush, which messages leave out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// By how much the space for inflated bytes grows at a time, at least.
const STEP: usize = 4 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compress>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// Why a message cannot be inflated.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InflateError {
    /// It is no deflated data.
    Invalid,
    /// It has more bytes than allowed.
    TooBig,
}

/// Compresses a message behind `prefix`, in whose place its header can be written; none when that makes
/// it no shorter.
pub(super) fn deflate(payload: &[u8], prefix: usize) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = kept.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        compressor.reset();
        let mut out = Vec::with_capacity(prefix + payload.len() / 2 + TAIL.len() + 16);
        out.resize(prefix, 0);
        loop {
            let rest = &payload[compressor.total_in() as usize..];
            compressor
                .compress_vec(rest, &mut out, FlushCompress::Sync)
                .ok()?;
            // A flush is complete when it leaves room.
            if compressor.total_in() as usize == payload.len() && out.len() < out.capacity() {
                break;
            }
            if out.len() >= prefix + payload.len() {
                return None;
            }
            out.reserve(payload.len() / 4 + 64);
        }
        let end = out.len().checked_sub(TAIL.len())?;
        debug_assert_eq!(out[end..], TAIL);
        out.truncate(end);
        (end < prefix + payload.len()).then_some(out)
    })
}

/// Inflates a message to at most `limit` bytes.
pub(super) fn inflate(payload: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = kept.get_or_insert_with(|| Decompress::new(false));
        decompressor.reset(false);
        let mut out = Vec::with_capacity(payload.len().saturating_mul(4).clamp(64, STEP));
        inflate_part(decompressor, payload, &mut out, limit)?;
        inflate_part(decompressor, &TAIL, &mut out, limit)?;
        Ok(out)
    })
}

fn inflate_part(
    decompressor: &mut Decompress,
    mut input: &[u8],
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), InflateError> {
    loop {
        if out.len() > limit {
            return Err(InflateError::TooBig);
        }
        if out.len() == out.capacity() {
            // One byte beyond the limit tells that there is more.
            out.reserve_exact(out.len().max(STEP).min(limit + 1 - out.len()));
        }
        let before = decompressor.total_in();
        let length = out.len();
        let status = decompressor
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| InflateError::Invalid)?;
        let taken = (decompressor.total_in() - before) as usize;
        input = &input[taken..];
        match status {
            // The sender ended its stream; what follows begins another.
            Status::StreamEnd => decompressor.reset(false),
            _ if input.is_empty() && out.len() < out.capacity() => break,
            _ if taken == 0 && out.len() == length && out.len() < out.capacity() => {
                return Err(InflateError::Invalid);
            }
            _ => {}
        }
        if input.is_empty() && status == Status::StreamEnd {
            break;
        }
    }
    if out.len() > limit {
        return Err(InflateError::TooBig);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{InflateError, deflate, inflate};

    #[test]
    fn what_was_deflated_inflates_to_the_same() {
        let mut noise = 1u32;
        for length in [1024, 4096, 10_000, 65_536, 300_000] {
            let payload: Vec<u8> = (0..length)
                .map(|index: u32| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if index.is_multiple_of(7) {
                        (noise >> 24) as u8
                    } else {
                        b'a'
                    }
                })
                .collect();
            let packed = deflate(&payload, 3).expect("it is shorter");
            assert!(packed.len() < payload.len());
            assert_eq!(inflate(&packed[3..], payload.len()), Ok(payload.clone()));
            assert_eq!(
                inflate(&packed[3..], payload.len() - 1),
                Err(InflateError::TooBig)
            );
        }
    }

    #[test]
    fn noise_is_left_alone() {
        let mut noise = 7u32;
        let payload: Vec<u8> = (0..20_000)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                noise as u8
            })
            .collect();
        assert_eq!(deflate(&payload, 0), None);
    }

    /// The examples of RFC 7692, section 7.2.3.
    #[test]
    fn the_examples_of_the_specification_inflate() {
        let cases: [&[u8]; 4] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            // Not compressed.
            &[
                0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
            ],
            // Its block is the last of the stream.
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            // Two blocks.
            &[
                0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
            ],
        ];
        for case in cases {
            assert_eq!(inflate(case, 100), Ok(b"Hello".to_vec()), "{case:02x?}");
        }
        assert_eq!(inflate(&[0x00], 100), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_deflated_is_refused() {
        assert_eq!(inflate(&[0xff; 40], 1000), Err(InflateError::Invalid));
        // A distance beyond the beginning.
        assert_eq!(
            inflate(&[0x4b, 0x04, 0xa2, 0xff], 1000),
            Err(InflateError::Invalid)
        );
    }
}
