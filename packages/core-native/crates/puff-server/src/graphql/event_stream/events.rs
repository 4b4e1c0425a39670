//! Events as they stand in a stream (HTML standard, section "Server-sent events").

use bytes::Bytes;

/// A comment, which keeps a connection alive.
pub(super) const COMMENT: &[u8] = b":\n\n";

/// An operation's response.
pub(super) fn next(response: &[u8]) -> Bytes {
    event("next", &[response])
}

/// The end of an operation. It has data, because a browser ignores events without.
pub(super) fn complete() -> Bytes {
    Bytes::from_static(b"event: complete\ndata: \n\n")
}

/// A response of the operation with this id, which is JSON.
pub(super) fn next_of(id: &str, response: &[u8]) -> Bytes {
    let parts = [b"{\"id\":", id.as_bytes(), b",\"payload\":", response, b"}"];
    event("next", &parts)
}

/// The end of the operation with this id.
pub(super) fn complete_of(id: &str) -> Bytes {
    event("complete", &[b"{\"id\":", id.as_bytes(), b"}"])
}

/// An event; line breaks in JSON are between its tokens, and become lines of data.
fn event(name: &str, parts: &[&[u8]]) -> Bytes {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + name.len() + 32);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    for part in parts {
        let mut lines = part.split(|byte| matches!(byte, b'\n' | b'\r'));
        if let Some(first) = lines.next() {
            out.extend_from_slice(first);
        }
        for line in lines {
            out.extend_from_slice(b"\ndata: ");
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_a_name_and_data() {
        assert_eq!(next(b"{}"), "event: next\ndata: {}\n\n");
        assert_eq!(
            next_of("\"a\"", b"{\"data\":1}"),
            "event: next\ndata: {\"id\":\"a\",\"payload\":{\"data\":1}}\n\n"
        );
        assert_eq!(
            complete_of("\"a\""),
            "event: complete\ndata: {\"id\":\"a\"}\n\n"
        );
    }

    #[test]
    fn line_breaks_do_not_end_an_event() {
        assert_eq!(
            next(b"{\n\"a\":\r\n1}"),
            "event: next\ndata: {\ndata: \"a\":\ndata: \ndata: 1}\n\n"
        );
    }
}
