//! WebSockets over real connections.

mod channels;
mod closing;
mod compression;
mod handshakes;
mod http2;
mod isolates;
mod limits;
mod messages;
mod support;
mod violations;
