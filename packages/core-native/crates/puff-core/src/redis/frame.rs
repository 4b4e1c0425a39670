//! Where replies begin and end (RESP2 and RESP3, <https://redis.io/docs/latest/develop/reference/protocol-spec/>).

use super::error::Error;

/// The longest string that Redis sends.
const MAX_BULK: usize = 512 * 1024 * 1024;

/// The longest line: numbers and simple strings.
const MAX_LINE: usize = 1024 * 1024;

/// One piece of a reply; the elements of an aggregate follow it.
#[derive(Debug, PartialEq)]
pub(crate) enum Item<'a> {
    Nil,
    Status(&'a [u8]),
    Error(&'a [u8]),
    Integer(i64),
    Bulk(&'a [u8]),
    Double(f64),
    Boolean(bool),
    BigNumber(&'a [u8]),
    Array(usize),
    /// A number of pairs.
    Map(usize),
    Push(usize),
}

impl Item<'_> {
    /// How many items follow it and belong to it.
    pub(crate) fn elements(&self) -> usize {
        match self {
            Item::Array(count) | Item::Push(count) => *count,
            Item::Map(pairs) => pairs * 2,
            _ => 0,
        }
    }
}

/// Reads the item at `at` and moves behind it; nothing while it is not complete.
pub(crate) fn next_item<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Option<Item<'a>>, Error> {
    let rest = &bytes[*at..];
    let Some(&mark) = rest.first() else {
        return Ok(None);
    };
    let Some(end) = line_end(&rest[1..])? else {
        return Ok(None);
    };
    let line = &rest[1..=end];
    let after = *at + end + 3;
    let item = match mark {
        b'+' => Item::Status(line),
        b'-' => Item::Error(line),
        b':' => Item::Integer(number(line)?),
        b'_' => Item::Nil,
        b'#' => Item::Boolean(line == b"t"),
        b',' => Item::Double(double(line)?),
        b'(' => Item::BigNumber(line),
        b'$' | b'=' | b'!' => {
            let length = number(line)?;
            if length < 0 {
                *at = after;
                return Ok(Some(Item::Nil));
            }
            let length = length as usize;
            if length > MAX_BULK {
                return Err(Error::Protocol(format!("a string of {length} bytes")));
            }
            if bytes.len() < after + length + 2 {
                return Ok(None);
            }
            let text = &bytes[after..after + length];
            if &bytes[after + length..after + length + 2] != b"\r\n" {
                return Err(Error::Protocol("a string without its end".into()));
            }
            *at = after + length + 2;
            return Ok(Some(match mark {
                b'!' => Item::Error(text),
                // Verbatim strings begin with their format.
                b'=' => Item::Bulk(text.get(4..).unwrap_or_default()),
                _ => Item::Bulk(text),
            }));
        }
        b'*' | b'~' => match number(line)? {
            count if count < 0 => Item::Nil,
            count => Item::Array(count as usize),
        },
        b'>' => Item::Push(number(line)?.max(0) as usize),
        b'%' => Item::Map(number(line)?.max(0) as usize),
        other => {
            return Err(Error::Protocol(format!(
                "a reply that begins with byte {other}"
            )));
        }
    };
    if item.elements() > u32::MAX as usize >> 4 {
        return Err(Error::Protocol("an aggregate that is too long".into()));
    }
    *at = after;
    Ok(Some(item))
}

/// The length of the line without its end.
fn line_end(bytes: &[u8]) -> Result<Option<usize>, Error> {
    // Lines are short, so that a plain loop is as fast as anything.
    let limit = bytes.len().min(MAX_LINE);
    match bytes[..limit].iter().position(|byte| *byte == b'\r') {
        Some(end) if end + 1 < bytes.len() => match bytes[end + 1] {
            b'\n' => Ok(Some(end)),
            _ => Err(Error::Protocol("a line without its end".into())),
        },
        None if bytes.len() > MAX_LINE => Err(Error::Protocol("an endless line".into())),
        _ => Ok(None),
    }
}

fn number(line: &[u8]) -> Result<i64, Error> {
    let (is_negative, digits) = match line {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let mut value: i64 = 0;
    for digit in digits {
        let digit = match digit {
            b'0'..=b'9' => i64::from(digit - b'0'),
            _ => return Err(bad_number(line)),
        };
        // Counted downwards: the smallest number has no positive counterpart.
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_sub(digit))
            .ok_or_else(|| bad_number(line))?;
    }
    if digits.is_empty() {
        return Err(bad_number(line));
    }
    match is_negative {
        true => Ok(value),
        false => value.checked_neg().ok_or_else(|| bad_number(line)),
    }
}

fn double(line: &[u8]) -> Result<f64, Error> {
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| bad_number(line))
}

fn bad_number(line: &[u8]) -> Error {
    Error::Protocol(format!("no number: {}", String::from_utf8_lossy(line)))
}

/// How far a reply that is not complete was understood: none of it is looked at again.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Bytes of the reply that were understood.
    at: usize,
    /// Items that are still to come, without the first.
    open: usize,
    has_begun: bool,
}

impl Scan {
    /// The size of the reply that `bytes` begins with; nothing while it is not complete.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        loop {
            if self.has_begun && self.open == 0 {
                let size = self.at;
                *self = Scan::default();
                return Ok(Some(size));
            }
            let Some(item) = next_item(bytes, &mut self.at)? else {
                return Ok(None);
            };
            if self.has_begun {
                self.open -= 1;
            }
            self.has_begun = true;
            self.open += item.elements();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[u8]) -> Vec<usize> {
        let (mut scan, mut sizes, mut rest) = (Scan::default(), Vec::new(), bytes);
        while let Ok(Some(size)) = scan.advance(rest) {
            sizes.push(size);
            rest = &rest[size..];
        }
        sizes
    }

    #[test]
    fn replies_end_where_their_last_element_does() {
        assert_eq!(sizes(b"+OK\r\n:1\r\n$-1\r\n"), [5, 4, 5]);
        assert_eq!(sizes(b"*2\r\n$1\r\na\r\n*1\r\n:5\r\n+OK\r\n"), [19, 5]);
        assert_eq!(sizes(b"%1\r\n+a\r\n*0\r\n_\r\n"), [12, 3]);
        assert_eq!(sizes(b"*-1\r\n*0\r\n"), [5, 4]);
    }

    #[test]
    fn a_reply_that_comes_byte_by_byte_is_the_same() {
        let bytes = b"*3\r\n$5\r\na\r\nbc\r\n%1\r\n:-9223372036854775808\r\n,1.5\r\n#t\r\n";
        let mut scan = Scan::default();
        for end in 0..bytes.len() {
            assert_eq!(scan.advance(&bytes[..end]).unwrap(), None);
        }
        assert_eq!(scan.advance(bytes).unwrap(), Some(bytes.len()));
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for bytes in [
            b"HTTP/1.1 400 Bad Request\r\n".as_slice(),
            b"$1\r\nabc\r\n",
            b":x\r\n",
            b":9223372036854775808\r\n",
            b"+a\rb\r\n",
            b"$99999999999\r\n",
        ] {
            assert!(Scan::default().advance(bytes).is_err(), "{bytes:?}");
        }
    }
}
