//! WebSockets (RFC 6455) on the server's port.
//!
//! [`Sockets`] answers handshakes, and holds what all sockets share: limits, their number, closing
//! them together. An accepted socket is a task that owns the connection and a [`Listener`]; everybody
//! else has a [`SocketHandle`], which sends without waiting. A [`Frame`] is encoded (and compressed)
//! once, however many sockets it is sent to.
//!
//! A socket that has nothing to do holds no buffers: reads go to a buffer of the thread, messages are
//! compressed and inflated by state of the thread, because no context is carried from one message to
//! the next (RFC 7692, section 7.1.1).

mod channels;
mod close;
mod connection;
mod deflate;
mod extension;
mod frame;
mod handle;
mod handshake;
mod isolate_sockets;
mod listener;
mod mask;
mod options;
mod origin;
mod reader;
mod refusal;
mod sockets;
mod writer;

pub use channels::OnGap;
pub use close::{CloseCode, Closed};
pub use frame::Frame;
pub use handle::{Sent, SocketHandle};
pub use handshake::{Acceptance, Handshake, asks_for_websocket};
pub use isolate_sockets::{IsolateSockets, NotOffered};
pub use listener::{Listener, Message};
pub use options::SocketOptions;
pub use refusal::Refusal;
pub use sockets::{Sockets, TooManyChannels};
