//! What waits for the reader of a stream.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use puff_core::runtime;

/// Bytes that wait for the reader before a source that can wait is asked to.
const HIGH_WATER: usize = 64 * 1024;

/// Chunks that were written and not yet read; bounded.
pub struct Outbox {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    /// Bytes in `chunks`.
    waiting: usize,
    end: Option<End>,
    reader: Option<Waker>,
    writers: Vec<Waker>,
    on_overflow: Option<Overflowed>,
}

/// What is done when the reader is too slow.
type Overflowed = Box<dyn FnOnce() + Send>;

/// How a stream ends after its last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All was written.
    Whole,
    /// The reader was too slow: some of it is lost.
    TooSlow,
}

impl Outbox {
    /// An empty one, for so many bytes.
    pub fn new(max_bytes: usize) -> Outbox {
        Outbox {
            max_bytes,
            state: Mutex::default(),
        }
    }

    /// Says what ends with the stream if its reader, who may not come back for it, is too slow.
    pub fn on_overflow(&self, end: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        match state.end {
            Some(End::TooSlow) => {
                drop(state);
                end();
            }
            _ => state.on_overflow = Some(Box::new(end)),
        }
    }

    /// Adds a chunk. If too much waits already, the stream ends with [`End::TooSlow`] instead.
    pub fn write(&self, chunk: Bytes) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        if state.waiting >= self.max_bytes {
            state.chunks.clear();
            state.end = Some(End::TooSlow);
            if let Some(end) = state.on_overflow.take() {
                // Whoever writes may hold what it ends.
                runtime::spawn(async move { end() });
            }
        } else {
            state.waiting += chunk.len();
            state.chunks.push_back(chunk);
        }
        wake_reader(state);
    }

    /// Ends the stream after what was written.
    pub fn end(&self) {
        let mut state = self.lock();
        state.end.get_or_insert(End::Whole);
        wake_reader(state);
    }

    /// Reads the next chunk; or how the stream has ended.
    pub fn poll_read(&self, context: &mut Context<'_>) -> Poll<Result<Bytes, End>> {
        let mut state = self.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            state.waiting -= chunk.len();
            if state.waiting < HIGH_WATER / 2 {
                let writers = std::mem::take(&mut state.writers);
                drop(state);
                writers.into_iter().for_each(Waker::wake);
            }
            return Poll::Ready(Ok(chunk));
        }
        if let Some(end) = state.end {
            return Poll::Ready(Err(end));
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Resolves when the reader has taken most of what was written.
    pub fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(poll_fn(|context| {
            let mut state = self.lock();
            if state.waiting < HIGH_WATER || state.end.is_some() {
                return Poll::Ready(());
            }
            state.writers.push(context.waker().clone());
            Poll::Pending
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

fn wake_reader(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(outbox: &Outbox) -> Option<Result<Bytes, End>> {
        match outbox.poll_read(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(chunk) => Some(chunk),
            Poll::Pending => None,
        }
    }

    fn has_room(outbox: &Outbox) -> bool {
        let mut room = outbox.room();
        room.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[test]
    fn what_is_written_is_read_in_order_to_the_end() {
        let outbox = Outbox::new(100);
        assert_eq!(read(&outbox), None);
        outbox.write(Bytes::from_static(b"a"));
        outbox.write(Bytes::from_static(b"b"));
        outbox.end();
        outbox.write(Bytes::from_static(b"c"));
        assert_eq!(read(&outbox), Some(Ok(Bytes::from_static(b"a"))));
        assert_eq!(read(&outbox), Some(Ok(Bytes::from_static(b"b"))));
        assert_eq!(read(&outbox), Some(Err(End::Whole)));
    }

    #[test]
    fn a_reader_that_is_too_slow_is_cut_off() {
        let outbox = Outbox::new(3);
        for _ in 0..3 {
            outbox.write(Bytes::from_static(b"aa"));
        }
        assert_eq!(read(&outbox), Some(Err(End::TooSlow)));
    }

    #[test]
    fn writers_that_can_wait_are_asked_to() {
        let outbox = Outbox::new(10 * HIGH_WATER);
        let chunk = Bytes::from(vec![0; HIGH_WATER / 2]);
        outbox.write(chunk.clone());
        assert!(has_room(&outbox));
        outbox.write(chunk);
        assert!(!has_room(&outbox));
        assert!(read(&outbox).is_some());
        assert!(has_room(&outbox));
        outbox.write(Bytes::from(vec![0; HIGH_WATER]));
        assert!(!has_room(&outbox));
        outbox.end();
        assert!(has_room(&outbox));
    }
}
