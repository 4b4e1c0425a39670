//! What a socket's owner is told.

use bytes::Bytes;

use super::close::Closed;
use super::handle::SocketHandle;

/// A message of the peer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes what happens on one socket.
///
/// The socket's task calls it, one call after the other, and reads on when a call returns: it must not
/// block, and [`SocketHandle::pause`] is how it slows the peer down. A panic closes the socket with
/// 1011.
pub trait Listener: Send {
    /// The connection is there. What was sent to the handle before has been kept.
    fn opened(&mut self, socket: &SocketHandle) {
        let _ = socket;
    }

    /// A message came. None comes after the socket was closed from here.
    fn message(&mut self, socket: &SocketHandle, message: Message);

    /// A pong came, asked for or not.
    fn pong(&mut self, socket: &SocketHandle, payload: &[u8]) {
        let _ = (socket, payload);
    }

    /// What was sent has gone out, after a send had returned [`Sent::Full`](super::Sent::Full).
    fn drained(&mut self, socket: &SocketHandle) {
        let _ = socket;
    }

    /// The socket has ended; the last call, and always made.
    fn closed(&mut self, socket: &SocketHandle, closed: Closed);
}
