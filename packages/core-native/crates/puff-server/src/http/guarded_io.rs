//! A connection's socket as hyper sees it: what passes is checked, counted and timed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::connections::Registration;
use super::framing::Framing;
use super::plain_socket::PlainSocket;
use super::transport::Transport;

/// Tells a client that sends a head too slowly; hyper has no such answer.
const LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// Bytes that are read at first: most first requests.
const FIRST_READ: usize = 2 * 1024;
/// Bytes that are read and dropped from a client that does not cease to send.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

/// The socket of a connection.
pub(crate) struct GuardedIo {
    transport: Transport,
    framing: Framing,
    /// What was read to learn the protocol, and hyper has not taken.
    first: Bytes,
    /// What is left to write of [`LATE`].
    farewell: Option<&'static [u8]>,
    /// Bytes that were read and dropped.
    drained: usize,
    is_shut_down: bool,
    /// Counts the connection as open, whoever owns it after an upgrade.
    registration: Registration,
}

impl GuardedIo {
    pub(super) fn new(
        transport: Transport,
        registration: Registration,
        max_head: usize,
    ) -> GuardedIo {
        GuardedIo {
            transport,
            framing: Framing::new(max_head),
            first: Bytes::new(),
            farewell: None,
            drained: 0,
            is_shut_down: false,
            registration,
        }
    }

    /// The socket below, if what is written to it goes out as it is.
    pub(crate) fn plain_socket(&self) -> Option<PlainSocket> {
        let metrics = self.registration.metrics().clone();
        let descriptor = self.transport.plain_descriptor()?;
        Some(PlainSocket::new(descriptor, metrics))
    }

    fn connection(&self) -> &Connection {
        self.registration.connection()
    }

    /// Reads until it is clear whether the client speaks HTTP/2; none if the connection ends
    /// before.
    pub(super) fn poll_protocol(&mut self, context: &mut Context<'_>) -> Poll<Option<bool>> {
        if self.transport.is_http2() {
            self.framing.let_pass();
            self.connection().note_http2();
            return Poll::Ready(Some(true));
        }
        let mut space = [0; FIRST_READ];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut *self).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(None);
            }
            self.first = match self.first.is_empty() {
                true => Bytes::copy_from_slice(buffer.filled()),
                false => Bytes::from([&self.first, buffer.filled()].concat()),
            };
            if self.framing.is_http1_or_2() {
                return Poll::Ready(Some(self.framing.is_http2()));
            }
        }
    }

    /// Writes the farewell; then the connection is over.
    fn poll_farewell(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.farewell.filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.transport).poll_write(context, rest))?;
            self.farewell = rest.get(written..);
        }
        ready!(Pin::new(&mut self.transport).poll_flush(context))?;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads what the client still sends: closing a socket that has unread bytes resets the
    /// connection, and the client may then lose its answer (RFC 9112, 9.6).
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 8 * 1024];
        while self.drained < MAX_DRAINED {
            let mut buffer = ReadBuf::new(&mut space);
            let read = Pin::new(&mut self.transport).poll_read(context, &mut buffer);
            match read {
                Poll::Pending => {
                    self.connection().note_lingering();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.drained += buffer.filled().len();
                }
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn note_written(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.connection().note_write(None),
            Poll::Ready(Ok(bytes)) => {
                self.connection().note_write(Some(*bytes));
                self.registration.metrics().sent.add(*bytes as u64);
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl AsyncRead for GuardedIo {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.first.is_empty() && this.framing.is_http1_or_2() {
            let length = this.first.len().min(buffer.remaining());
            buffer.put_slice(&this.first.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if this.farewell.is_some() {
            return this.poll_farewell(context);
        }
        if this.framing.is_broken() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.transport).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = &mut buffer.filled_mut()[before..];
                this.registration.metrics().received.add(bytes.len() as u64);
                this.framing.advance(bytes);
                if this.framing.is_http2() {
                    this.connection().note_http2();
                }
                this.connection().note_head(this.framing.is_in_head());
                Poll::Ready(Ok(()))
            }
            Poll::Pending
                if this.framing.is_between()
                    && this.connection().is_to_end()
                    && !this.transport.has_unread() =>
            {
                // The end of the stream, as hyper sees it.
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.framing.is_in_head() && this.connection().is_late() => {
                this.farewell = Some(LATE);
                this.poll_farewell(context)
            }
            other => other,
        }
    }
}

impl AsyncWrite for GuardedIo {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.transport).poll_write(context, bytes);
        this.note_written(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.transport).poll_write_vectored(context, slices);
        this.note_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.is_shut_down {
            ready!(Pin::new(&mut this.transport).poll_shutdown(context))?;
            this.is_shut_down = true;
        }
        if this.framing.is_between() || this.framing.is_opaque() {
            return Poll::Ready(Ok(()));
        }
        this.poll_linger(context)
    }
}
