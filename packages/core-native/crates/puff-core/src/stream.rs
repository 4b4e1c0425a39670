//! The socket of a connection.

use std::io::{self, Read, Write};
use std::net;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use crate::runtime;

/// The socket of a connection.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Apart from the runtime: an event loop watches it.
    Lent(LentStream),
    /// It could not be moved between the runtime and an event loop.
    Lost,
}

/// A socket that does not block and that the runtime does not know.
pub(crate) enum LentStream {
    Tcp(net::TcpStream),
    Unix(unix::net::UnixStream),
}

impl LentStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            LentStream::Tcp(stream) => (&mut &*stream).read(buffer),
            LentStream::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            LentStream::Tcp(stream) => (&mut &*stream).write(bytes),
            LentStream::Unix(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn into_stream(self) -> io::Result<Stream> {
        let _context = runtime::enter();
        match self {
            LentStream::Tcp(stream) => TcpStream::from_std(stream).map(Stream::Tcp),
            LentStream::Unix(stream) => UnixStream::from_std(stream).map(Stream::Unix),
        }
    }
}

impl Stream {
    /// Writes what the socket takes at once. A TLS session is left to the task that drives it.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_write(bytes),
            Stream::Unix(stream) => stream.try_write(bytes),
            Stream::Tls(_) => Err(io::ErrorKind::WouldBlock.into()),
            Stream::Lent(stream) => stream.write(bytes),
            Stream::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Reads what a lent socket has at once.
    ///
    /// # Errors
    /// `WouldBlock` also where the runtime has the socket.
    pub(crate) fn try_read_lent(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Lent(stream) => stream.read(buffer),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Takes the socket from the runtime; false if it cannot be lent: a TLS session may have bytes that
    /// its socket no longer has.
    ///
    /// # Errors
    /// The socket is lost.
    pub(crate) fn lend(&mut self) -> io::Result<bool> {
        let lent = match std::mem::replace(self, Stream::Lost) {
            Stream::Tcp(stream) => stream.into_std().map(LentStream::Tcp),
            Stream::Unix(stream) => stream.into_std().map(LentStream::Unix),
            other => {
                *self = other;
                return Ok(false);
            }
        };
        *self = Stream::Lent(lent?);
        Ok(true)
    }

    /// The descriptor of a lent socket.
    pub(crate) fn lent(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Stream::Lent(LentStream::Tcp(stream)) => Some(stream.as_fd()),
            Stream::Lent(LentStream::Unix(stream)) => Some(stream.as_fd()),
            _ => None,
        }
    }

    /// Gives a lent socket back to the runtime.
    ///
    /// # Errors
    /// The socket is lost.
    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Stream::Lost) {
            Stream::Lent(stream) => *self = stream.into_stream()?,
            other => *self = other,
        }
        Ok(())
    }
}

// A lent socket is pending: whoever has it reads and writes without waiting.
impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Lent(_) => Poll::Pending,
            Stream::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Lent(_) => Poll::Pending,
            Stream::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::Lent(_) | Stream::Lost => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Lent(_) | Stream::Lost => Poll::Ready(Ok(())),
        }
    }
}
