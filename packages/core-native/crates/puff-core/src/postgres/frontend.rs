//! Writing what the server reads (PostgreSQL manual, "Message Formats").

use bytes::{BufMut, BytesMut};

/// The name of a prepared statement or portal on one connection; 0 is the unnamed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) u32);

impl Name {
    pub(crate) const UNNAMED: Name = Name(0);

    fn put(self, buffer: &mut BytesMut) {
        if self != Name::UNNAMED {
            buffer.put_u8(b'p');
            let mut digits = [0u8; 10];
            let mut at = digits.len();
            let mut rest = self.0;
            while rest > 0 {
                at -= 1;
                digits[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            buffer.put_slice(&digits[at..]);
        }
        buffer.put_u8(0);
    }
}

/// Writes one message and fills in its length.
fn message(buffer: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    buffer.put_u8(tag);
    let start = buffer.len();
    buffer.put_u32(0);
    body(buffer);
    let length = (buffer.len() - start) as u32;
    buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

pub(crate) fn parse(buffer: &mut BytesMut, name: Name, sql: &str) {
    message(buffer, b'P', |buffer| {
        name.put(buffer);
        buffer.put_slice(sql.as_bytes());
        buffer.put_u8(0);
        buffer.put_u16(0);
    });
}

pub(crate) fn describe_statement(buffer: &mut BytesMut, name: Name) {
    message(buffer, b'D', |buffer| {
        buffer.put_u8(b'S');
        name.put(buffer);
    });
}

/// Writes a Bind; `parameters` writes the format codes and values of the parameters, `formats` are
/// those of the result columns (0 text, 1 binary).
pub(crate) fn bind<E>(
    buffer: &mut BytesMut,
    portal: Name,
    statement: Name,
    parameters: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    formats: impl ExactSizeIterator<Item = i16>,
) -> Result<(), E> {
    let undo = buffer.len();
    let mut result = Ok(());
    message(buffer, b'B', |buffer| {
        portal.put(buffer);
        statement.put(buffer);
        result = parameters(buffer);
        buffer.put_u16(formats.len() as u16);
        for format in formats {
            buffer.put_i16(format);
        }
    });
    if result.is_err() {
        buffer.truncate(undo);
    }
    result
}

/// Writes an Execute; 0 rows means all.
pub(crate) fn execute(buffer: &mut BytesMut, portal: Name, max_rows: u32) {
    message(buffer, b'E', |buffer| {
        portal.put(buffer);
        buffer.put_u32(max_rows);
    });
}

pub(crate) fn close_statement(buffer: &mut BytesMut, name: Name) {
    close(buffer, b'S', name);
}

pub(crate) fn close_portal(buffer: &mut BytesMut, name: Name) {
    close(buffer, b'P', name);
}

fn close(buffer: &mut BytesMut, kind: u8, name: Name) {
    message(buffer, b'C', |buffer| {
        buffer.put_u8(kind);
        name.put(buffer);
    });
}

pub(crate) fn query(buffer: &mut BytesMut, sql: &str) {
    message(buffer, b'Q', |buffer| {
        buffer.put_slice(sql.as_bytes());
        buffer.put_u8(0);
    });
}

pub(crate) fn copy_fail(buffer: &mut BytesMut, reason: &str) {
    message(buffer, b'f', |buffer| {
        buffer.put_slice(reason.as_bytes());
        buffer.put_u8(0);
    });
}

pub(crate) fn sync(buffer: &mut BytesMut) {
    message(buffer, b'S', |_| {});
}

pub(crate) fn flush(buffer: &mut BytesMut) {
    message(buffer, b'H', |_| {});
}

pub(crate) fn terminate(buffer: &mut BytesMut) {
    message(buffer, b'X', |_| {});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_from_one() {
        let mut buffer = BytesMut::new();
        Name(1024).put(&mut buffer);
        Name::UNNAMED.put(&mut buffer);
        assert_eq!(&buffer[..], b"p1024\0\0");
    }

    #[test]
    fn a_failed_bind_leaves_nothing_behind() {
        let mut buffer = BytesMut::from(&b"before"[..]);
        let result = bind(
            &mut buffer,
            Name::UNNAMED,
            Name(7),
            |buffer| {
                buffer.put_u8(1);
                Err("bad value")
            },
            [1i16].into_iter(),
        );
        assert_eq!(result, Err("bad value"));
        assert_eq!(&buffer[..], b"before");
    }
}
