//! What everybody but the connection's own task has of a socket.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use bytes::Bytes;

use super::close::CloseCode;
use super::frame::{self, Frame};
use crate::http::PlainSocket;

/// Bytes that wait for the client before the sender is asked to wait.
const HIGH_WATER: usize = 64 * 1024;

/// A queue that held more frames gives its memory back once it is empty.
pub(super) const KEPT_FRAMES: usize = 16;

/// What became of something that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The socket is closed or closing; also when it closes because its client reads too slowly.
    Closed,
    /// More may follow.
    Taken,
    /// It was taken; [`Listener::drained`](super::Listener::drained) tells when more should follow.
    Full,
}

/// A socket to send on; cheap to clone. It may outlive the connection, then sending does nothing.
#[derive(Clone)]
pub struct SocketHandle(Arc<Shared>);

struct Shared {
    id: u64,
    protocol: Option<Box<str>>,
    is_deflated: bool,
    max_buffered: usize,
    /// Bytes that were sent here and not yet taken by the operating system.
    buffered: AtomicUsize,
    is_paused: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// What the connection's task has not taken over.
    queue: VecDeque<Frame>,
    /// What is left of a frame that a sender has begun to write; goes out before the queue.
    begun: Option<Bytes>,
    /// Where senders may write themselves; only while the connection's task is there.
    socket: Option<PlainSocket>,
    /// The connection's task has nothing to write.
    is_idle: bool,
    /// Whether a pong is among them.
    has_pong: bool,
    stage: Stage,
    /// The sender waits for room.
    wants_drain: bool,
    /// Of the connection's task; none while it was woken and has not looked.
    waker: Option<Waker>,
}

enum Stage {
    Open,
    /// To be closed after what is queued; none once the task has seen it.
    Closing(Option<Closing>),
    /// To be dropped at once.
    Terminated,
}

/// How a socket is to be closed.
pub(super) struct Closing {
    pub(super) code: CloseCode,
    pub(super) reason: String,
    /// What was queued is not sent.
    pub(super) discards_queue: bool,
}

/// What the connection's task takes over.
pub(super) enum Waiting {
    Whole(Frame),
    /// The rest of a frame, which nothing may come before.
    Begun(Bytes),
}

/// What the connection's task is to do.
pub(super) enum Order {
    GoOn,
    Close(Closing),
    Terminate,
}

impl SocketHandle {
    pub(super) fn new(
        id: u64,
        protocol: Option<&str>,
        is_deflated: bool,
        max_buffered: usize,
    ) -> SocketHandle {
        SocketHandle(Arc::new(Shared {
            id,
            protocol: protocol.map(Box::from),
            is_deflated,
            max_buffered,
            buffered: AtomicUsize::new(0),
            is_paused: AtomicBool::new(false),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                begun: None,
                socket: None,
                is_idle: false,
                has_pong: false,
                stage: Stage::Open,
                wants_drain: false,
                waker: None,
            }),
        }))
    }

    /// Unique among the sockets of its [`Sockets`](super::Sockets).
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The subprotocol that was agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol.as_deref()
    }

    /// Sends a message; never waits.
    ///
    /// A socket for whose client more than `max_buffered_bytes` wait is closed with 1008 instead, and
    /// what waits is discarded: a client that missed a message must know.
    pub fn send(&self, frame: &Frame) -> Sent {
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Open) {
            return Sent::Closed;
        }
        if self.buffered() >= self.0.max_buffered {
            let closing = Closing {
                code: CloseCode::POLICY,
                reason: "The client reads too slowly".into(),
                discards_queue: true,
            };
            state.stage = Stage::Closing(Some(closing));
            wake(state);
            return Sent::Closed;
        }
        state.queue.push_back(frame.clone());
        let buffered = self.0.buffered.fetch_add(frame.len(), Ordering::Relaxed) + frame.len();
        let sent = if buffered >= HIGH_WATER {
            state.wants_drain = true;
            Sent::Full
        } else {
            Sent::Taken
        };
        wake(state);
        sent
    }

    /// Sends a message as [`SocketHandle::send`] does, and writes it itself if nothing has to go out before it.
    ///
    /// That is cheaper than to have the connection's task woken, for a thread that has the time for a system
    /// call.
    pub fn send_now(&self, frame: &Frame) -> Sent {
        let bytes = frame.bytes(self.0.is_deflated);
        self.write([&bytes, &[]])
            .unwrap_or_else(|| self.send(frame))
    }

    /// [`SocketHandle::send_now`] for a text that goes to this socket alone: it is copied only if it has to wait.
    pub fn send_text_now(&self, text: &str) -> Sent {
        if self.0.is_deflated && frame::may_be_compressed(text.len()) {
            return self.send_now(&Frame::text(text));
        }
        let (header, length) = frame::text_header(text.len());
        self.write([&header[..length], text.as_bytes()])
            .unwrap_or_else(|| self.send(&Frame::text(text)))
    }

    /// Writes a frame; none if it has to wait, because of others or of the client.
    fn write(&self, frame: [&[u8]; 2]) -> Option<Sent> {
        let mut state = self.lock();
        let may_write = state.is_idle && state.queue.is_empty() && state.begun.is_none();
        if !may_write || !matches!(state.stage, Stage::Open) {
            return None;
        }
        // SAFETY: the connection takes the socket away, under this lock, before it goes.
        let written = unsafe { state.socket.as_ref()?.write(&frame.map(IoSlice::new)) }.ok()?;
        let [header, payload] = frame.map(<[u8]>::len);
        if written == header + payload {
            return Some(Sent::Taken);
        }
        let rest = frame.concat().split_off(written);
        let buffered = self.0.buffered.fetch_add(rest.len(), Ordering::Relaxed) + rest.len();
        state.begun = Some(rest.into());
        state.wants_drain |= buffered >= HIGH_WATER;
        wake(state);
        Some(match buffered >= HIGH_WATER {
            true => Sent::Full,
            false => Sent::Taken,
        })
    }

    /// Lets senders write to the connection's socket.
    ///
    /// # Safety
    /// [`SocketHandle::withhold`] is called before the connection is dropped.
    pub(super) unsafe fn lend(&self, socket: PlainSocket) {
        self.lock().socket = Some(socket);
    }

    /// Ends [`SocketHandle::lend`].
    pub(super) fn withhold(&self) {
        self.lock().socket = None;
    }

    /// Closes the socket after what was sent; nothing more can be sent, and no message is given to the
    /// listener any more. A code that may not be sent is left out of the close frame.
    pub fn close(&self, code: CloseCode, reason: &str) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Open) {
            state.stage = Stage::Closing(Some(Closing {
                code,
                reason: reason.into(),
                discards_queue: false,
            }));
            wake(state);
        }
    }

    /// Drops the connection, without a close frame.
    pub fn terminate(&self) {
        let mut state = self.lock();
        state.stage = Stage::Terminated;
        wake(state);
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.lock().stage, Stage::Open)
    }

    /// Bytes that were sent here and not yet taken by the operating system.
    pub fn buffered(&self) -> usize {
        self.0.buffered.load(Ordering::Relaxed)
    }

    /// Gives the listener no messages until [`SocketHandle::resume`]; the client has to wait.
    pub fn pause(&self) {
        self.0.is_paused.store(true, Ordering::SeqCst);
    }

    /// Ends [`SocketHandle::pause`].
    pub fn resume(&self) {
        if self.0.is_paused.swap(false, Ordering::SeqCst) {
            wake(self.lock());
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.is_paused.load(Ordering::SeqCst)
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.0.is_deflated
    }

    /// Answers a ping, in its place among what is sent. Of several that wait only the latest is answered
    /// (RFC 6455, section 5.5.3), so that a flood of pings fills no memory.
    pub(super) fn pong(&self, payload: &[u8]) {
        let pong = Frame::pong(payload);
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Open) {
            return;
        }
        self.0.buffered.fetch_add(pong.len(), Ordering::Relaxed);
        if std::mem::replace(&mut state.has_pong, true)
            && let Some(waiting) = state.queue.iter_mut().find(|frame| frame.is_pong())
        {
            let replaced = std::mem::replace(waiting, pong);
            self.0.buffered.fetch_sub(replaced.len(), Ordering::Relaxed);
        } else {
            state.queue.push_back(pong);
        }
    }

    /// Takes over what is queued, if there is room or it is the end; whoever queues more wakes the task.
    pub(super) fn take(
        &self,
        context: &mut Context<'_>,
        has_room: bool,
        mut push: impl FnMut(Waiting),
    ) -> Order {
        let mut state = self.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        state.is_idle = has_room && state.queue.is_empty() && state.begun.is_none();
        if let Some(rest) = state.begun.take() {
            push(Waiting::Begun(rest));
        }
        if has_room || !matches!(state.stage, Stage::Open) {
            state
                .queue
                .drain(..)
                .map(Waiting::Whole)
                .for_each(&mut push);
            state.has_pong = false;
            if state.queue.capacity() > KEPT_FRAMES {
                state.queue = VecDeque::new();
            }
        }
        match &mut state.stage {
            Stage::Open => Order::GoOn,
            Stage::Closing(closing) => closing.take().map_or(Order::GoOn, Order::Close),
            Stage::Terminated => Order::Terminate,
        }
    }

    /// So many bytes have gone out, or will never; true when the sender waits for that.
    pub(super) fn release(&self, bytes: usize) -> bool {
        let left = self.0.buffered.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        if left >= HIGH_WATER / 2 {
            return false;
        }
        std::mem::take(&mut self.lock().wants_drain)
    }

    /// The connection says no more: whatever is sent from now on goes nowhere.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Open) {
            state.stage = Stage::Closing(None);
        }
    }

    /// The connection is gone; nobody will take what is queued.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.stage = Stage::Terminated;
        state.waker = None;
        // Dropped after the lock.
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop(queue);
        self.0.buffered.store(0, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl fmt::Debug for SocketHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SocketHandle")
            .field(&self.0.id)
            .finish()
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
