//! Handshakes that are refused.

use http::header::{CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_VERSION};
use http::{HeaderValue, StatusCode};
use thiserror::Error;

use crate::http::{Response, ResponseBody};

/// Why a handshake was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It is no handshake that RFC 6455 or RFC 8441 allows.
    #[error("This is no WebSocket handshake: {0}")]
    Malformed(&'static str),
    /// It speaks another version of the protocol.
    #[error("Only version 13 of the WebSocket protocol is spoken here")]
    Version,
    /// The page is of an origin that may not connect.
    #[error(
        "Pages of this origin may not connect here; allow it in server.websockets.allowedOrigins"
    )]
    Origin,
    /// There is nobody who would talk.
    #[error("Nothing accepts WebSockets here")]
    NoHandler,
    /// As many sockets are open as may be.
    #[error("Too many WebSockets are open; try again")]
    TooMany,
    /// The server goes down.
    #[error("The server is shutting down; try again")]
    ShuttingDown,
    /// Whoever has to accept the socket is too busy.
    #[error("The server is busy; try again")]
    Busy,
    /// Whoever had to accept the socket failed.
    #[error("Internal Server Error")]
    Failed,
    /// Whoever had to accept the socket did not answer in time.
    #[error("The handler neither accepted nor refused the socket in time")]
    TimedOut,
}

impl Refusal {
    /// The status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
            Refusal::Version => StatusCode::UPGRADE_REQUIRED,
            Refusal::Origin => StatusCode::FORBIDDEN,
            Refusal::NoHandler => StatusCode::NOT_FOUND,
            Refusal::TooMany | Refusal::ShuttingDown | Refusal::Busy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The response to the client.
    pub fn response(self) -> Response {
        let mut response = Response::new(ResponseBody::full(format!("{self}\n")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(CONTENT_TYPE, text);
        match self.status() {
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
