//! The task of a socket, which owns its connection.

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::close::{CloseCode, Closed};
use super::frame::Frame;
use super::handle::{Closing, Order, SocketHandle, Waiting};
use super::listener::Listener;
use super::options::SocketOptions;
use super::reader::{Incoming, Reader, Violation};
use super::sockets::Place;
use super::writer::Writer;
use crate::http::GuardedIo;

/// Bytes that are read at a time.
const READ_SIZE: usize = 64 * 1024;

/// Turns of reading and writing after which other tasks get theirs.
const MAX_TURNS: usize = 32;

/// How far away "never" is.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A socket's connection: a future that ends with it.
pub(super) struct Connection<S> {
    io: S,
    owner: Owner,
    options: Arc<SocketOptions>,
    reader: Reader,
    writer: Writer,
    /// What has been read and waits, because the listener paused.
    unread: Vec<u8>,
    phase: Phase,
    last_received: Instant,
    /// A ping was sent, and nothing has come since.
    is_pinged: bool,
    timer: Pin<Box<Sleep>>,
    /// Counts it among the open sockets; after the owner was told.
    _place: Place,
}

/// The listener, with what it has to be told in the end.
pub(super) struct Owner {
    socket: SocketHandle,
    /// None once it was told of the end.
    listener: Option<Box<dyn Listener>>,
    ending: Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame was sent; the peer's is waited for.
    Closing,
    /// Nothing is heard any more; what is left to say is written.
    Finishing {
        /// The peer may be in the middle of sending, and would lose our last words if the connection
        /// were dropped before it has read them.
        lingers: bool,
    },
    /// Everything was said: what the peer still sends is discarded, until it closes.
    Lingering,
}

/// The connection is over.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Over {
        Over
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Within a runtime.
    pub(super) fn new(io: S, owner: Owner, options: Arc<SocketOptions>, place: Place) -> Self {
        let reader = Reader::new(owner.socket.is_deflated(), options.max_message_bytes);
        let timer = Box::pin(sleep(or_never(options.ping_interval())));
        let mut connection = Connection {
            io,
            owner,
            options,
            reader,
            writer: Writer::default(),
            unread: Vec::new(),
            phase: Phase::Open,
            last_received: Instant::now(),
            is_pinged: false,
            timer,
            _place: place,
        };
        connection.tell(|listener, socket| listener.opened(socket));
        connection
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Over> {
        let mut turns = 0;
        loop {
            turns += 1;
            if let Err(over) = self.obey(context) {
                return Poll::Ready(over);
            }
            let has_frames = !self.writer.is_empty();
            match self.poll_write(context) {
                Poll::Ready(Err(over)) => return Poll::Ready(over),
                Poll::Ready(Ok(())) if matches!(self.phase, Phase::Finishing { .. }) => {
                    // Whether the peer learns of it is up to the network by now.
                    let _ = ready!(Pin::new(&mut self.io).poll_shutdown(context));
                    if self.phase == (Phase::Finishing { lingers: false }) {
                        return Poll::Ready(Over);
                    }
                    self.phase = Phase::Lingering;
                }
                // More may have been queued meanwhile.
                Poll::Ready(Ok(())) if has_frames && turns < MAX_TURNS => continue,
                Poll::Ready(Ok(())) if has_frames => context.waker().wake_by_ref(),
                _ => {}
            }
            match self.poll_read(context) {
                Poll::Ready(Err(over)) => return Poll::Ready(over),
                Poll::Ready(Ok(())) if turns < MAX_TURNS => continue,
                Poll::Ready(Ok(())) => context.waker().wake_by_ref(),
                Poll::Pending => {}
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if let Err(over) = self.expire() {
                return Poll::Ready(over);
            }
        }
    }

    /// Does what was asked of the handle.
    fn obey(&mut self, context: &mut Context<'_>) -> Result<(), Over> {
        let Connection { owner, writer, .. } = self;
        let socket = &owner.socket;
        let is_deflated = socket.is_deflated();
        let order = socket.take(context, writer.is_empty(), |waiting| match waiting {
            Waiting::Whole(frame) => writer.push(frame.bytes(is_deflated), frame.len()),
            Waiting::Begun(rest) => writer.push_begun(rest),
        });
        match order {
            Order::GoOn => Ok(()),
            Order::Terminate => Err(Over),
            Order::Close(closing) => {
                if self.phase == Phase::Open {
                    self.close(closing);
                }
                Ok(())
            }
        }
    }

    fn close(&mut self, closing: Closing) {
        let Closing {
            code,
            reason,
            discards_queue,
        } = closing;
        if discards_queue {
            self.writer.discard();
            // Should the peer not answer, this is how it ended.
            self.owner.ending.code = code;
            self.owner.ending.reason.clone_from(&reason);
        }
        self.writer
            .push(Frame::close(code, &reason).bytes(false), 0);
        self.phase = Phase::Closing;
        self.arm(self.options.close_timeout());
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Over>> {
        let polled = self.writer.poll_write(&mut self.io, context);
        let released = self.writer.take_released();
        if released > 0 && self.owner.socket.release(released) && self.phase == Phase::Open {
            self.tell(|listener, socket| listener.drained(socket));
        }
        polled.map_err(Over::from)
    }

    /// Reads once; ready when there may be more to read, or something to write.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Over>> {
        if self.is_paused() {
            return Poll::Pending;
        }
        if !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            self.receive(&mut unread);
            return Poll::Ready(Ok(()));
        }
        // Nobody else on this thread reads before it is put back; should a panic keep that from
        // happening, the next one makes another.
        let mut buffer = READ_BUFFER.take();
        buffer.resize(READ_SIZE, 0);
        let mut read = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.io).poll_read(context, &mut read);
        let count = read.filled().len();
        let result = match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            // The peer sends nothing more, so it can take part in no closing handshake.
            Poll::Ready(Ok(())) if count == 0 => Poll::Ready(Err(Over)),
            Poll::Ready(Ok(())) => {
                self.last_received = Instant::now();
                if std::mem::take(&mut self.is_pinged) && self.phase == Phase::Open {
                    self.arm(self.options.ping_interval());
                }
                self.receive(&mut buffer[..count]);
                Poll::Ready(Ok(()))
            }
        };
        READ_BUFFER.set(buffer);
        result
    }

    fn is_paused(&self) -> bool {
        match self.phase {
            Phase::Open => self.owner.socket.is_paused(),
            Phase::Closing | Phase::Lingering => false,
            Phase::Finishing { .. } => true,
        }
    }

    fn receive(&mut self, mut bytes: &mut [u8]) {
        while matches!(self.phase, Phase::Open | Phase::Closing) {
            match self.reader.read(&mut bytes) {
                Ok(None) => return,
                Ok(Some(incoming)) => self.take(incoming),
                Err(violation) => return self.fail(violation),
            }
            if self.is_paused() && !bytes.is_empty() {
                self.unread = bytes.to_vec();
                return;
            }
        }
    }

    fn take(&mut self, incoming: Incoming) {
        let is_open = self.phase == Phase::Open && self.owner.socket.is_open();
        match incoming {
            Incoming::Message(message) if is_open => {
                self.tell(|listener, socket| listener.message(socket, message));
            }
            Incoming::Pong(payload) if is_open => {
                self.tell(|listener, socket| listener.pong(socket, &payload));
            }
            Incoming::Ping(payload) if self.phase == Phase::Open => {
                self.owner.socket.pong(&payload);
            }
            Incoming::Close(code, reason) => {
                self.owner.ending = Closed {
                    code: code.unwrap_or(CloseCode::NO_STATUS),
                    reason,
                    is_clean: true,
                };
                if self.phase == Phase::Open {
                    // What is queued is for a peer that listens no more.
                    self.owner.socket.end();
                    self.writer.discard();
                    let echo = Frame::close(code.unwrap_or(CloseCode::NO_STATUS), "");
                    self.writer.push(echo.bytes(false), 0);
                }
                self.finish(false);
            }
            _ => {}
        }
    }

    /// The peer did what it may not, or the listener failed.
    fn fail(&mut self, Violation { code, reason }: Violation) {
        self.owner.ending = Closed {
            code,
            reason: reason.into(),
            is_clean: false,
        };
        self.owner.socket.end();
        if self.phase == Phase::Open {
            self.writer.discard();
            self.writer.push(Frame::close(code, reason).bytes(false), 0);
        }
        self.finish(true);
        self.owner.close();
    }

    fn finish(&mut self, lingers: bool) {
        self.phase = Phase::Finishing { lingers };
        self.arm(self.options.close_timeout());
    }

    /// The timer has gone off.
    fn expire(&mut self) -> Result<(), Over> {
        if self.phase != Phase::Open {
            return Err(Over);
        }
        if self.is_paused() {
            // It may have sent what has not been read.
            self.last_received = Instant::now();
            self.is_pinged = false;
        }
        if self.is_pinged {
            return Err(Over);
        }
        let interval = self.options.ping_interval();
        let silence = self.last_received.elapsed();
        if silence < interval {
            self.arm(interval - silence);
            return Ok(());
        }
        self.is_pinged = true;
        self.writer.push(Frame::ping(&[]).bytes(false), 0);
        self.arm(self.options.pong_timeout());
        Ok(())
    }

    fn arm(&mut self, after: Duration) {
        self.timer.as_mut().reset(Instant::now() + or_never(after));
    }

    fn tell(&mut self, tell: impl FnOnce(&mut dyn Listener, &SocketHandle)) {
        let Owner {
            socket, listener, ..
        } = &mut self.owner;
        let Some(listener) = listener else { return };
        if catch_unwind(AssertUnwindSafe(|| tell(&mut **listener, socket))).is_err() {
            self.fail(Violation {
                code: CloseCode::INTERNAL_ERROR,
                reason: "Internal error",
            });
        }
    }
}

impl Connection<GuardedIo> {
    /// On a connection of HTTP/1.1, of which the client may have sent `unread` already; whoever sends to many
    /// sockets writes to it itself, if it runs over no TLS.
    pub(super) fn direct(
        io: GuardedIo,
        unread: &[u8],
        owner: Owner,
        options: Arc<SocketOptions>,
        place: Place,
    ) -> Self {
        let socket = io.plain_socket();
        let mut connection = Connection::new(io, owner, options, place);
        connection.unread = unread.to_vec();
        if let Some(socket) = socket {
            // SAFETY: `Drop` withholds it, before `io` is dropped.
            unsafe { connection.owner.socket.lend(socket) };
        }
        connection
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.owner.socket.withhold();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connection<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.get_mut().poll_all(context).map(|Over| ())
    }
}

impl Owner {
    pub(super) fn new(socket: SocketHandle, listener: Box<dyn Listener>) -> Owner {
        Owner {
            socket,
            listener: Some(listener),
            ending: Closed::abnormally(),
        }
    }

    /// Tells the listener that the socket has ended, once.
    fn close(&mut self) {
        self.socket.end();
        let Some(mut listener) = self.listener.take() else {
            return;
        };
        let ending = std::mem::replace(&mut self.ending, Closed::abnormally());
        // There is nothing left that its panic could end.
        let _ = catch_unwind(AssertUnwindSafe(|| listener.closed(&self.socket, ending)));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
        self.socket.clear();
    }
}

/// 0 stands for no limit.
fn or_never(duration: Duration) -> Duration {
    if duration.is_zero() { NEVER } else { duration }
}
