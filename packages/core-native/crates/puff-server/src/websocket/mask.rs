//! Masking of what clients send (RFC 6455, section 5.3).

/// Masks or unmasks bytes that begin `offset` bytes into a frame's payload.
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    let mut key = key;
    key.rotate_left(offset % 4);
    let word = u32::from_ne_bytes(key);
    let wide = u64::from(word) << 32 | u64::from(word);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn every_offset_and_length_is_masked_byte_by_byte() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..40 {
            for offset in 0..9 {
                let mut bytes: Vec<u8> = (0..length).collect();
                apply(&mut bytes, key, offset);
                let expected: Vec<u8> = (0..length)
                    .map(|index| index ^ key[(offset + usize::from(index)) % 4])
                    .collect();
                assert_eq!(bytes, expected, "length {length}, offset {offset}");
            }
        }
    }
}
