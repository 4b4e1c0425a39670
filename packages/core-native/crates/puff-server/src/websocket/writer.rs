//! Writes frames to a connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::handle::KEPT_FRAMES;

/// Frames that are handed to the operating system at a time.
const BATCH: usize = 32;

/// The frames that a connection has taken over.
#[derive(Default)]
pub(super) struct Writer {
    frames: VecDeque<Pending>,
    /// Bytes of frames from others' queue that are done with.
    released: usize,
    needs_flush: bool,
}

struct Pending {
    /// What is left of it.
    bytes: Bytes,
    /// As the sender counted it; 0 for a frame of our own.
    counted: usize,
    has_begun: bool,
}

impl Writer {
    /// Adds a frame; `counted` is what will be released.
    pub(super) fn push(&mut self, bytes: Bytes, counted: usize) {
        self.frames.push_back(Pending {
            bytes,
            counted,
            has_begun: false,
        });
    }

    /// Adds the rest of a frame whose beginning somebody else has written; before all others, none of which
    /// has begun then.
    pub(super) fn push_begun(&mut self, bytes: Bytes) {
        self.frames.push_front(Pending {
            counted: bytes.len(),
            bytes,
            has_begun: true,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Forgets all frames but one that is on its way.
    pub(super) fn discard(&mut self) {
        let begun = usize::from(self.frames.front().is_some_and(|frame| frame.has_begun));
        for frame in self.frames.drain(begun..) {
            self.released += frame.counted;
        }
    }

    /// Bytes that have gone out since the last call, or were discarded.
    pub(super) fn take_released(&mut self) -> usize {
        std::mem::take(&mut self.released)
    }

    /// Writes until nothing is left, or the connection takes no more.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.frames.is_empty() {
            let written = ready!(self.poll_some(io, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.needs_flush = true;
            self.advance(written);
        }
        if self.frames.capacity() > KEPT_FRAMES {
            self.frames = VecDeque::new();
        }
        if self.needs_flush {
            ready!(Pin::new(io).poll_flush(context))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_some<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(io);
        if self.frames.len() == 1 || !io.is_write_vectored() {
            return io.poll_write(context, &self.frames[0].bytes);
        }
        let mut slices = [IoSlice::new(&[]); BATCH];
        let mut count = 0;
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(&frame.bytes);
            count += 1;
        }
        io.poll_write_vectored(context, &slices[..count])
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(frame) = self.frames.front_mut() {
            if written < frame.bytes.len() {
                frame.has_begun |= written > 0;
                frame.bytes.advance(written);
                return;
            }
            written -= frame.bytes.len();
            self.released += frame.counted;
            self.frames.pop_front();
        }
    }
}
