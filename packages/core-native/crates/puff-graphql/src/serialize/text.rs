//! Strings as JSON (RFC 8259, section 7).

const HEX: &[u8; 16] = b"0123456789abcdef";

/// For each byte: 0 if it stands for itself, `u` for a numeric escape, else the letter of its escape.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes a string with its quotes; bytes that are no UTF-8 are replaced.
#[inline]
pub(crate) fn put_string(value: &[u8], out: &mut Vec<u8>) {
    if is_plain(value) {
        out.reserve(value.len() + 2);
        out.push(b'"');
        out.extend_from_slice(value);
        out.push(b'"');
        return;
    }
    match std::str::from_utf8(value) {
        Ok(text) => put_text(text, out),
        Err(_) => put_text(&String::from_utf8_lossy(value), out),
    }
}

/// Whether a text is ASCII without anything to escape; looks at eight bytes at a time.
#[inline]
fn is_plain(value: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte is zero where subtracting one borrows from its high bit (and it was not set before).
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let is_special = |word: u64| {
        let is_control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let is_quote = has_zero(word ^ (ONES * u64::from(b'"')));
        let is_backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
        (word & HIGH) | is_control | is_quote | is_backslash
    };
    let (words, rest) = value.as_chunks::<8>();
    let special = words.iter().fold(0, |found, word| {
        found | is_special(u64::from_le_bytes(*word))
    });
    special == 0
        && rest
            .iter()
            .all(|byte| byte.is_ascii() && ESCAPES[usize::from(*byte)] == 0)
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[start..index]);
        start = index + 1;
        match escape {
            b'u' => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Writes the digits of bytes.
pub(crate) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

/// Writes a UUID from its 16 bytes; anything else as digits.
pub(crate) fn put_uuid(value: &[u8], out: &mut Vec<u8>) {
    if value.len() != 16 {
        return put_hex(value, out);
    }
    for (index, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if index > 0 {
            out.push(b'-');
        }
        put_hex(&value[part], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_those_of_serde_json() {
        for text in [
            "",
            "plain",
            "quote \" backslash \\ slash /",
            "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}",
            "grün 日本 🎉 \u{2028}",
            "eight plain bytes, then \" and more of them",
            "eight plain bytes, then \\ and more of them",
            "eight plain bytes, then \u{1f} and more of them",
            "eight plain bytes, then ü and more of them",
            "\u{7f}~ !#[]\u{7f}~ !#[]\u{7f}~ !#[]",
        ] {
            let mut out = Vec::new();
            put_string(text.as_bytes(), &mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                serde_json::to_string(text).unwrap()
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut out = Vec::new();
        put_string(b"a\xffb", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\u{fffd}b\"");
    }
}
