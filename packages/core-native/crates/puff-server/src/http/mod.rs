//! The HTTP server.
//!
//! `server` starts and ends it, `listener` accepts connections, `connection` looks after each, over
//! `guarded_io`, which checks with `framing` what the client sends. `service` says what happens to
//! a request.

mod access_log;
mod body;
mod body_bounds;
mod compression;
mod config;
mod connection;
mod connections;
mod drain;
mod exchange;
mod forwarded;
mod framing;
mod guarded_io;
mod health;
mod internal_headers;
mod listener;
mod metrics;
mod plain_socket;
mod protocol;
mod refusal;
mod request_check;
mod sent_body;
mod server;
mod service;
mod tls;
mod tracing;
mod transport;

pub(crate) use guarded_io::GuardedIo;
pub(crate) use plain_socket::PlainSocket;

pub use body::{BodyError, RequestBody, ResponseBody};
pub use body_bounds::BodyFault;
pub use compression::{CompressionConfig, Encoding, Encodings};
pub use config::{
    AccessLogFormat, Address, HealthPaths, IsolateConfig, Limits, MetricsConfig, ServerConfig,
    Timeouts, TlsFiles, TracingConfig,
};
pub use drain::{DrainOptions, DrainProgress, DrainReport};
pub use exchange::{Client, Exchange};
pub use forwarded::{Network, TrustProxy};
pub use metrics::{Metric, MetricsSource, MetricsText};
pub use server::{Server, ServerError};

/// An answer on its way to the client.
pub type Response = ::http::Response<ResponseBody>;
