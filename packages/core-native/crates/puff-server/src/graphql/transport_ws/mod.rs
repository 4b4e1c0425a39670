//! GraphQL over WebSocket: the subprotocol `graphql-transport-ws`, as
//! <https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md> has it.
//!
//! A [`Connection`] is the listener of one socket. A client that reads too slowly is closed with 1008
//! (`websocket`), a source of events that JavaScript pulls waits for it before.

mod connection;
mod messages;
mod operations;

pub use connection::Connection;

/// The name of the subprotocol.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// The codes that a socket is closed with.
pub(super) mod code {
    use crate::websocket::CloseCode;

    pub(in crate::graphql) const BAD_REQUEST: CloseCode = CloseCode(4400);
    pub(in crate::graphql) const UNAUTHORIZED: CloseCode = CloseCode(4401);
    pub(in crate::graphql) const FORBIDDEN: CloseCode = CloseCode(4403);
    pub(in crate::graphql) const NOT_INITIALISED: CloseCode = CloseCode(4408);
    pub(in crate::graphql) const ALREADY_EXISTS: CloseCode = CloseCode(4409);
    pub(in crate::graphql) const TOO_MANY_INITIALISATIONS: CloseCode = CloseCode(4429);
}
