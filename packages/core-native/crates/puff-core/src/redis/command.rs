//! Commands as they go over the wire.

/// Appends a command: an array of bulk strings.
pub fn encode_into<A: AsRef<[u8]>>(args: &[A], bytes: &mut Vec<u8>) {
    put_length(b'*', args.len(), bytes);
    for arg in args {
        let arg = arg.as_ref();
        put_length(b'$', arg.len(), bytes);
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// A command by itself.
pub fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(args, &mut bytes);
    bytes
}

/// Appends how many elements an array has (`*`), or bytes a string (`$`).
pub(crate) fn put_length(mark: u8, length: usize, bytes: &mut Vec<u8>) {
    let mut line = [0; 24];
    line[22..].copy_from_slice(b"\r\n");
    let (mut at, mut rest) = (22, length);
    loop {
        at -= 1;
        line[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line[at - 1] = mark;
    bytes.extend_from_slice(&line[at - 1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_bulk_strings_of_any_bytes() {
        let bytes = encode(&[b"SET".as_slice(), b"k\r\n", b"\0\xff"]);
        assert_eq!(bytes, b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\0\xff\r\n");
    }
}
