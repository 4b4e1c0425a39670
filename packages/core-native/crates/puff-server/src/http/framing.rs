//! Where the messages of an HTTP/1 connection begin and end, so strictly that nobody can see it
//! otherwise.
//!
//! hyper is lenient where RFC 9112 allows it: it takes a bare LF for a line's end, and lets
//! `Transfer-Encoding` win over `Content-Length`. A proxy in front of the server may decide
//! otherwise, and then what is one request for it is two for us: request smuggling. So the bytes
//! pass through here first, and what is ambiguous is spoilt: hyper then refuses it with 400 and
//! closes the connection, in its turn behind the answers of earlier requests.

/// What a client of HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes in the line of a chunk's size, with extensions, which nobody uses.
const MAX_SIZE_LINE: usize = 256;

/// Follows the bytes that a client sends.
pub(super) struct Framing {
    stage: Stage,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    head: Head,
    max_head: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// So many bytes were the preface's.
    Preface(usize),
    Head,
    /// Bytes of a body that are to come.
    Body(u64),
    ChunkSize,
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    Trailers,
    /// HTTP/2, which is not ours to follow.
    Http2,
    /// Neither is this: another protocol, or a head that is too long, which hyper refuses.
    Opaque,
    Broken,
}

/// What the head of a request says about its body.
#[derive(Default)]
struct Head {
    /// Bytes so far.
    bytes: usize,
    has_request_line: bool,
    length: Option<u64>,
    is_chunked: bool,
    is_opaque: bool,
}

/// What is ambiguous or wrong.
struct Malformed;

impl Framing {
    /// A connection of which nothing has been read; it may turn out to speak HTTP/2.
    pub(super) fn new(max_head: usize) -> Framing {
        Framing {
            stage: Stage::Preface(0),
            line: Vec::new(),
            head: Head::default(),
            max_head,
        }
    }

    /// Follows nothing more: the client speaks HTTP/2.
    pub(super) fn let_pass(&mut self) {
        self.stage = Stage::Http2;
    }

    /// Whether it is clear which version of HTTP the client speaks.
    pub(super) fn is_http1_or_2(&self) -> bool {
        !matches!(self.stage, Stage::Preface(_))
    }

    /// Whether the client speaks HTTP/2; known once its first bytes are there.
    pub(super) fn is_http2(&self) -> bool {
        self.stage == Stage::Http2
    }

    /// Whether a request has begun whose head is not complete.
    pub(super) fn is_in_head(&self) -> bool {
        match self.stage {
            Stage::Preface(bytes) => bytes > 0,
            Stage::Head => self.head.bytes > 0,
            _ => false,
        }
    }

    /// Whether the last request is complete and no other has begun.
    pub(super) fn is_between(&self) -> bool {
        match self.stage {
            Stage::Preface(bytes) => bytes == 0,
            Stage::Head => self.head.bytes == 0,
            _ => false,
        }
    }

    /// Whether its bytes are not HTTP/1, as far as is known.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.stage, Stage::Opaque | Stage::Http2)
    }

    /// Whether something ambiguous came.
    pub(super) fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// Takes the next bytes; what is ambiguous is overwritten.
    pub(super) fn advance(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match self.step(&bytes[at..]) {
                Ok(taken) => at += taken,
                Err(Malformed) => {
                    // No NUL is allowed in a head, and no CR may follow a CR where chunks are.
                    let spoiler = if self.stage == Stage::Head { 0 } else { b'\r' };
                    bytes[at..].fill(spoiler);
                    self.stage = Stage::Broken;
                }
            }
            if self.is_opaque() || self.is_broken() {
                return;
            }
        }
    }

    /// Takes some of the bytes, of which there is at least one.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        match self.stage {
            Stage::Preface(matched) => Ok(self.match_preface(matched, bytes)),
            Stage::Head => self.take_head(bytes),
            Stage::Body(left) => {
                let (taken, left) = count_down(left, bytes);
                self.stage = match left {
                    0 => self.next_message(),
                    left => Stage::Body(left),
                };
                Ok(taken)
            }
            Stage::Chunk(left) => {
                let (taken, left) = count_down(left, bytes);
                self.stage = match left {
                    0 => Stage::ChunkEnd,
                    left => Stage::Chunk(left),
                };
                Ok(taken)
            }
            Stage::ChunkEnd => self.take_line(bytes, 2, |framing, line| {
                framing.stage = Stage::ChunkSize;
                if line.is_empty() {
                    Ok(())
                } else {
                    Err(Malformed)
                }
            }),
            Stage::ChunkSize => self.take_line(bytes, MAX_SIZE_LINE, |framing, line| {
                framing.stage = match chunk_size(line)? {
                    0 => Stage::Trailers,
                    size => Stage::Chunk(size),
                };
                Ok(())
            }),
            Stage::Trailers => self.take_line(bytes, self.max_head, |framing, line| {
                if line.is_empty() {
                    framing.stage = framing.next_message();
                }
                Ok(())
            }),
            Stage::Http2 | Stage::Opaque | Stage::Broken => Ok(bytes.len()),
        }
    }

    fn match_preface(&mut self, matched: usize, bytes: &[u8]) -> usize {
        let expected = &PREFACE[matched..];
        let same = expected
            .iter()
            .zip(bytes)
            .take_while(|(expected, byte)| expected == byte)
            .count();
        let matched = matched + same;
        if matched == PREFACE.len() {
            self.stage = Stage::Http2;
        } else if same == bytes.len() {
            self.stage = Stage::Preface(matched);
        } else {
            // The method of a usual request. Should even the line's end be the preface's, hyper
            // refuses its version.
            self.line.extend_from_slice(&PREFACE[..matched]);
            self.head.bytes = matched;
            self.stage = Stage::Head;
        }
        same
    }

    fn take_head(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.head.bytes += end.map_or(bytes.len(), |end| end + 1);
        if self.head.bytes > self.max_head {
            self.stage = Stage::Opaque;
            return Ok(bytes.len());
        }
        let taken = self.take_line(bytes, usize::MAX, Framing::head_line)?;
        if !self.head.has_request_line && self.line.is_empty() {
            // Empty lines before a request are no beginning of it (RFC 9112, 2.2).
            self.head.bytes = 0;
        }
        Ok(taken)
    }

    /// Takes bytes up to the end of a line, and gives the line, without its end, once it is whole.
    fn take_line(
        &mut self,
        bytes: &[u8],
        max: usize,
        then: impl FnOnce(&mut Framing, &[u8]) -> Result<(), Malformed>,
    ) -> Result<usize, Malformed> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            if self.line.len() + bytes.len() > max {
                return Err(Malformed);
            }
            self.line.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        let mut carried = std::mem::take(&mut self.line);
        let line = if carried.is_empty() {
            &bytes[..end]
        } else {
            carried.extend_from_slice(&bytes[..end]);
            &carried[..]
        };
        let line = line.strip_suffix(b"\r").ok_or(Malformed)?;
        if line.len() > max || line.contains(&b'\r') {
            return Err(Malformed);
        }
        then(self, line)?;
        carried.clear();
        self.line = carried;
        Ok(end + 1)
    }

    fn head_line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let head = &mut self.head;
        if !head.has_request_line {
            if !line.is_empty() {
                head.has_request_line = true;
                head.is_opaque = line.starts_with(b"CONNECT ");
            }
            return Ok(());
        }
        if line.is_empty() {
            self.stage = self.body()?;
            return Ok(());
        }
        // Without a colon it is hyper's to refuse, as are all other faults that leave no doubt
        // about where lines end.
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Ok(());
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = decimal(value).ok_or(Malformed)?;
            if head.length.replace(length).is_some() {
                return Err(Malformed);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            // Other codings would have to be undone, and nobody sends them.
            if head.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed);
            }
            head.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            head.is_opaque |= names_websocket(value);
        }
        Ok(())
    }

    /// What follows a head.
    fn body(&mut self) -> Result<Stage, Malformed> {
        let head = std::mem::take(&mut self.head);
        Ok(match head {
            Head {
                is_chunked: true,
                length: Some(_),
                ..
            } => {
                self.head = head;
                return Err(Malformed);
            }
            // Whoever answers such a request either takes the connection over or closes it.
            Head {
                is_opaque: true, ..
            } => Stage::Opaque,
            Head {
                is_chunked: true, ..
            } => Stage::ChunkSize,
            Head {
                length: Some(length @ 1..),
                ..
            } => Stage::Body(length),
            _ => Stage::Head,
        })
    }

    fn next_message(&mut self) -> Stage {
        self.head = Head::default();
        Stage::Head
    }
}

/// Whether an `Upgrade` header asks for a WebSocket.
pub(super) fn names_websocket(value: &[u8]) -> bool {
    let mut protocols = value.split(|byte| *byte == b',');
    protocols.any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}

fn count_down(left: u64, bytes: &[u8]) -> (usize, u64) {
    let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (taken, left - taken as u64)
}

fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a chunk's size; extensions are ignored.
fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let end = line.iter().position(|byte| *byte == b';');
    let digits = &line[..end.unwrap_or(line.len())];
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Malformed);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| Malformed)?;
    u64::from_str_radix(digits, 16).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in pieces of every size, and says how it ended: between messages, within
    /// one, or broken.
    fn ending(bytes: &[u8]) -> &'static str {
        let endings: Vec<_> = (1..=bytes.len())
            .map(|size| {
                let mut framing = Framing::new(1024);
                let mut passed = Vec::new();
                for piece in bytes.chunks(size) {
                    let mut piece = piece.to_vec();
                    framing.advance(&mut piece);
                    passed.extend(piece);
                    if framing.is_broken() {
                        break;
                    }
                }
                let ending = match () {
                    () if framing.is_broken() => "broken",
                    () if framing.is_http2() => "HTTP/2",
                    () if framing.stage == Stage::Opaque => "opaque",
                    () if framing.is_between() => "between",
                    () => "within",
                };
                assert_eq!(passed != bytes[..passed.len()], ending == "broken");
                ending
            })
            .collect();
        assert!(
            endings.iter().all(|ending| *ending == endings[0]),
            "{endings:?}"
        );
        endings[0]
    }

    #[test]
    fn whole_requests_end_where_the_next_may_begin() {
        for request in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "PATCH / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked \r\n\r\nA\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
        ] {
            assert_eq!(ending(request.as_bytes()), "between", "{request:?}");
            assert_eq!(ending(request.repeat(3).as_bytes()), "between");
            let cut = &request.as_bytes()[..request.len() - 1];
            assert_eq!(ending(cut), "within", "{request:?}");
        }
    }

    #[test]
    fn ambiguity_is_spoilt() {
        for request in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(ending(request.as_bytes()), "broken", "{request:?}");
            let second = format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{request}");
            assert_eq!(ending(second.as_bytes()), "broken", "{second:?}");
        }
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in [
            "\r\n",
            "5\nhello",
            "5 \r\nhello",
            "0x5\r\nhello",
            "-1\r\n",
            "g\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "ffffffffffffffff1\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\n\n",
        ] {
            let request = format!("{chunked}{body}");
            assert_eq!(ending(request.as_bytes()), "broken", "{request:?}");
        }
    }

    #[test]
    fn other_protocols_pass() {
        assert_eq!(ending(&[PREFACE, b"\0\n\n"].concat()), "HTTP/2");
        let websocket = b"GET / HTTP/1.1\r\nUpgrade: foo, WebSocket\r\n\r\n\x81\n\n\x00";
        assert_eq!(ending(websocket), "opaque");
        assert_eq!(ending(b"CONNECT a:1 HTTP/1.1\r\n\r\n\n\n"), "opaque");
        // Only what is taken over may pass.
        let other = b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\n\n";
        assert_eq!(ending(other), "broken");
    }

    #[test]
    fn heads_that_are_too_long_are_left_to_hyper() {
        let long = "a".repeat(1024);
        let request = format!("GET / HTTP/1.1\r\nA: {long}");
        assert_eq!(ending(request.as_bytes()), "opaque");
    }
}
