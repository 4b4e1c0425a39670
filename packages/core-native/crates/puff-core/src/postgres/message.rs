//! Reading what the server sends, without copying (PostgreSQL manual, "Message Formats").

/// A message at the start of a buffer: its type byte, its body and how many bytes it takes.
pub(crate) struct Frame<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
    pub(crate) size: usize,
}

/// Finds the next whole message, or `None` while some of it is still on its way.
///
/// # Errors
/// A length that the protocol does not allow: the stream cannot be followed any further.
pub(crate) fn next_frame(buffer: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let Some((header, rest)) = buffer.split_first_chunk::<5>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if !(4..=0x4000_0000).contains(&length) {
        return Err("a message with an impossible length");
    }
    let body_length = length - 4;
    if rest.len() < body_length {
        return Ok(None);
    }
    Ok(Some(Frame {
        tag: header[0],
        body: &rest[..body_length],
        size: length + 1,
    }))
}

/// How many bytes the message at the start of the buffer takes, once its header is here.
pub(crate) fn frame_size(buffer: &[u8]) -> Option<usize> {
    let header = buffer.first_chunk::<5>()?;
    Some(u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize + 1)
}

/// Walks over a message body.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.u32().map(u32::cast_signed)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A string that ends with a zero byte.
    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Some(text)
    }
}

/// One row as PostgreSQL sent it: the body of a DataRow message.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a> {
    body: &'a [u8],
}

impl<'a> RowRef<'a> {
    /// Takes the body of a DataRow message: a count, then the values with their lengths.
    pub fn new(body: &'a [u8]) -> RowRef<'a> {
        RowRef {
            body: body.get(2..).unwrap_or_default(),
        }
    }

    /// Takes what is left of such a body without its count, as a sink may have kept it.
    pub fn from_values(values: &'a [u8]) -> RowRef<'a> {
        RowRef { body: values }
    }

    /// The body without its count: a 32-bit length before each value, -1 for NULL.
    pub fn as_values(self) -> &'a [u8] {
        self.body
    }

    /// The values in column order, `None` for NULL; ends early if the row is malformed.
    pub fn values(self) -> Values<'a> {
        Values(Reader(self.body))
    }
}

/// The values of a row.
pub struct Values<'a>(Reader<'a>);

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        match usize::try_from(self.0.i32()?) {
            Ok(length) => Some(Some(self.0.bytes(length)?)),
            Err(_) => Some(None),
        }
    }
}

/// The fields of an ErrorResponse or NoticeResponse.
pub(crate) struct ErrorFields<'a>(Reader<'a>);

impl<'a> ErrorFields<'a> {
    pub(crate) fn new(body: &'a [u8]) -> ErrorFields<'a> {
        ErrorFields(Reader(body))
    }
}

impl<'a> Iterator for ErrorFields<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (kind, rest) = self.0.0.split_first()?;
        if *kind == 0 {
            return None;
        }
        self.0.0 = rest;
        Some((*kind, self.0.text()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_whole_message() {
        let message = [b'Z', 0, 0, 0, 5, b'I', b'X'];
        for end in 0..6 {
            assert!(next_frame(&message[..end]).unwrap().is_none());
        }
        let frame = next_frame(&message).unwrap().unwrap();
        assert_eq!((frame.tag, frame.body, frame.size), (b'Z', &b"I"[..], 6));
    }

    #[test]
    fn refuses_impossible_lengths() {
        assert!(next_frame(&[b'Z', 0, 0, 0, 3]).is_err());
        assert!(next_frame(&[b'Z', 0xff, 0, 0, 3]).is_err());
    }

    #[test]
    fn reads_rows_with_nulls_and_stops_at_damage() {
        let row = [0, 2, 0, 0, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff];
        assert_eq!(
            RowRef::new(&row).values().collect::<Vec<_>>(),
            [Some(&b"a"[..]), None]
        );
        let damaged = [0, 1, 0, 0, 0, 9, b'a'];
        assert_eq!(RowRef::new(&damaged).values().count(), 0);
    }
}
