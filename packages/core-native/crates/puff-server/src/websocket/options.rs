//! The limits of sockets.

use std::time::Duration;

use serde::Deserialize;

/// What sockets may do; all have a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SocketOptions {
    /// Sockets that may be open at a time.
    pub max_sockets: usize,
    /// Bytes of the longest message, inflated.
    pub max_message_bytes: usize,
    /// Bytes that may wait for one client; who reads more slowly is closed with 1008.
    pub max_buffered_bytes: usize,
    /// A client that was silent so long is sent a ping.
    pub ping_interval_ms: u64,
    /// A client that is still silent so long after the ping is gone.
    pub pong_timeout_ms: u64,
    /// How long a client may take to answer a close frame.
    pub close_timeout_ms: u64,
    /// Whether messages are compressed for clients that offer it (RFC 7692).
    pub compression: bool,
    /// Origins whose pages may connect, besides the server's own: `https://example.com`, `example.com`,
    /// `*.example.com`, or `*` for all.
    pub allowed_origins: Vec<String>,
}

impl Default for SocketOptions {
    fn default() -> SocketOptions {
        SocketOptions {
            max_sockets: 100_000,
            max_message_bytes: 1024 * 1024,
            max_buffered_bytes: 1024 * 1024,
            ping_interval_ms: 30_000,
            pong_timeout_ms: 20_000,
            close_timeout_ms: 5_000,
            compression: true,
            allowed_origins: Vec::new(),
        }
    }
}

impl SocketOptions {
    pub(super) fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.ping_interval_ms)
    }

    pub(super) fn pong_timeout(&self) -> Duration {
        Duration::from_millis(self.pong_timeout_ms)
    }

    pub(super) fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout_ms)
    }
}
