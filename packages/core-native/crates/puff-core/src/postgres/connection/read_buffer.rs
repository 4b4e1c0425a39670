//! Bytes read and not yet understood.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::postgres::message::frame_size;
use crate::stream::Stream;

/// Room for reading, kept between messages; larger messages take more for as long as they need it.
pub(super) const READ_BUFFER: usize = 32 * 1024;

/// Bytes read and not yet understood.
#[derive(Default)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    pub(super) fn with(bytes: &[u8]) -> ReadBuffer {
        let mut buffer = vec![0; READ_BUFFER.max(bytes.len())];
        buffer[..bytes.len()].copy_from_slice(bytes);
        ReadBuffer {
            bytes: buffer,
            start: 0,
            end: bytes.len(),
        }
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Reads once; the end of the stream is an error.
    pub(super) fn poll_fill(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.make_room();
        let mut buffer = ReadBuf::new(&mut self.bytes[self.end..]);
        match Pin::new(stream).poll_read(context, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Poll::Ready(Ok(())) => {
                self.end += buffer.filled().len();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads what a lent socket has; true if there was room for more. The end of the stream is an error.
    pub(super) fn fill_lent(&mut self, stream: &Stream) -> io::Result<bool> {
        self.make_room();
        match stream.try_read_lent(&mut self.bytes[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.end += count;
                Ok(self.end < self.bytes.len())
            }
        }
    }

    /// Moves the unread rest to the front and grows for a message that does not fit, or shrinks back
    /// after one.
    pub(super) fn make_room(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > 8 * READ_BUFFER {
                self.bytes = vec![0; READ_BUFFER];
            }
            return;
        }
        let needed = frame_size(self.filled()).unwrap_or(5);
        if self.start > 0 && self.start + needed > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if needed > self.bytes.len() {
            // Grow with what arrives, not with what a header claims.
            let size = needed.min((self.end * 2).max(READ_BUFFER));
            self.bytes.resize(size.max(self.end + 1), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_keeps_what_is_unread_and_grows_for_large_messages() {
        let mut buffer = ReadBuffer::with(&[b'D', 0, 1, 0, 0, 7]);
        buffer.make_room();
        assert_eq!(buffer.bytes.len(), READ_BUFFER);
        assert_eq!(buffer.filled(), [b'D', 0, 1, 0, 0, 7]);
        buffer.end = READ_BUFFER;
        buffer.make_room();
        assert!(buffer.bytes.len() > READ_BUFFER);
    }
}
