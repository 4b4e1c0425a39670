//! How the server is configured; JavaScript writes it as JSON.
//!
//! Durations are milliseconds, sizes are bytes; 0 takes a bound away where that makes sense. What
//! is not given is as `next start` has it, and where that has no bound, as the fields say.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::compression::CompressionConfig;
use super::forwarded::TrustProxy;
use crate::script::IsolateLimits;
use crate::websocket::SocketOptions;

/// What the server is started with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens; at least one.
    pub listen: Vec<Address>,
    /// Speaks TLS on its TCP addresses.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// What it takes at most.
    #[serde(default)]
    pub limits: Limits,
    /// How long it waits.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Whose `X-Forwarded-*` headers are believed.
    #[serde(default)]
    pub trust_proxy: TrustProxy,
    /// How answers are compressed.
    #[serde(default)]
    pub compression: CompressionConfig,
    /// Where it tells how it is.
    #[serde(default)]
    pub health: HealthPaths,
    /// Where it gives its numbers.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// Writes a line to stdout for each request.
    #[serde(default)]
    pub access_log: Option<AccessLogFormat>,
    /// How requests are named.
    #[serde(default)]
    pub tracing: TracingConfig,
    /// How much its isolates are given.
    #[serde(default)]
    pub isolates: IsolateConfig,
    /// What WebSockets may do.
    #[serde(default)]
    pub websockets: SocketOptions,
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, rename_all = "camelCase", deny_unknown_fields)]
pub enum Address {
    /// A Unix socket.
    Unix {
        /// Its file.
        path: PathBuf,
        /// Who may connect, as `chmod` has it; none for what the process' umask gives.
        mode: Option<u32>,
    },
    /// A TCP port.
    Tcp {
        /// A name or an address; none for all addresses of the machine.
        host: Option<String>,
        /// 0 for any free one.
        port: u16,
    },
}

/// The files of a server's certificate; they are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate and those between it and a root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// What the server takes at most.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// A request's line and headers: 16 KB, as Node.js. More is answered 431.
    pub header_bytes: usize,
    /// How many headers: 100. More are answered 431.
    pub header_count: usize,
    /// A request's path and query: 16 KB, which are those of the head. More is answered 414.
    pub url_bytes: usize,
    /// A request's body. More is answered 413. None, as `next start`: handlers have limits of their
    /// own.
    #[serde(deserialize_with = "size_or_none")]
    pub body_bytes: Option<u64>,
    /// Connections at a time; more wait in the queue of the operating system. None.
    #[serde(deserialize_with = "count_or_none")]
    pub connections: Option<usize>,
    /// Requests at a time on one connection of HTTP/2: 128.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_bytes: 16 * 1024,
            header_count: 100,
            url_bytes: 16 * 1024,
            body_bytes: None,
            connections: None,
            streams: 128,
        }
    }
}

/// How long the server waits for what.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// The next request on a connection of HTTP/1: 5 s, as Node.js.
    #[serde(deserialize_with = "milliseconds", rename = "keepAliveMs")]
    pub keep_alive: Option<Duration>,
    /// The next request on a connection of HTTP/2: 60 s.
    #[serde(deserialize_with = "milliseconds", rename = "http2IdleMs")]
    pub http2_idle: Option<Duration>,
    /// A request's line and headers, from their first byte on, and the TLS handshake: 60 s, as
    /// Node.js. Answered 408.
    #[serde(deserialize_with = "milliseconds", rename = "headersMs")]
    pub headers: Option<Duration>,
    /// The next bytes of a request's body: 60 s. Answered 408.
    #[serde(deserialize_with = "milliseconds", rename = "bodyProgressMs")]
    pub body_progress: Option<Duration>,
    /// The whole of a request's body: 300 s, as Node.js. Answered 408.
    #[serde(deserialize_with = "milliseconds", rename = "requestMs")]
    pub request: Option<Duration>,
    /// A client that takes nothing of its answer: 60 s; then its connection is closed.
    #[serde(deserialize_with = "milliseconds", rename = "writeProgressMs")]
    pub write_progress: Option<Duration>,
    /// The head of a handler's answer: 300 s. Answered 504.
    #[serde(deserialize_with = "milliseconds", rename = "answerMs")]
    pub answer: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        Timeouts {
            keep_alive: seconds(5),
            http2_idle: seconds(60),
            headers: seconds(60),
            body_progress: seconds(60),
            request: seconds(300),
            write_progress: seconds(60),
            answer: seconds(300),
        }
    }
}

/// Where the server tells how it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HealthPaths {
    /// 200 while the process runs: `/healthz`.
    pub live: Option<String>,
    /// 200 while requests are answered, 503 before that and while the server is drained: `/readyz`.
    pub ready: Option<String>,
}

impl Default for HealthPaths {
    fn default() -> HealthPaths {
        HealthPaths {
            live: Some("/healthz".to_owned()),
            ready: Some("/readyz".to_owned()),
        }
    }
}

/// Where the server gives its numbers, in the text format of Prometheus: nowhere unless told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// On the addresses that the site has, for whoever asks.
    pub path: Option<String>,
    /// On addresses of their own: `/metrics`, `/healthz` and `/readyz`, without TLS.
    pub listen: Vec<Address>,
}

/// What the access log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccessLogFormat {
    /// As Apache's `combined`.
    Combined,
    /// An object a line.
    Json,
}

/// How requests are named; `next start` does nothing of the kind.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TracingConfig {
    /// Gives every request an `x-request-id`: a trusted proxy's, or one of its own.
    pub request_ids: bool,
    /// Sends it back.
    pub return_request_ids: bool,
    /// Begins a W3C `traceparent` where a request has none. One that it has is passed on in any
    /// case.
    pub start_traces: bool,
}

/// How much isolates are given at a time; what is more is answered 503 with `Retry-After`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IsolateConfig {
    /// Requests that one isolate works on at a time: 1,000.
    pub max_requests: usize,
    /// Requests that wait for an isolate: 1,000.
    pub max_queued: usize,
    /// How long one waits: 10 s.
    #[serde(deserialize_with = "required_milliseconds", rename = "queueMs")]
    pub queue_timeout: Duration,
    /// An isolate whose event loop has not turned for so long gets no more requests until it does:
    /// 10 s.
    #[serde(deserialize_with = "milliseconds", rename = "maxEventLoopDelayMs")]
    pub max_event_loop_delay: Option<Duration>,
}

impl Default for IsolateConfig {
    fn default() -> IsolateConfig {
        IsolateConfig {
            max_requests: 1_000,
            max_queued: 1_000,
            queue_timeout: Duration::from_secs(10),
            max_event_loop_delay: Some(Duration::from_secs(10)),
        }
    }
}

impl From<IsolateConfig> for IsolateLimits {
    fn from(config: IsolateConfig) -> IsolateLimits {
        IsolateLimits {
            max_requests: config.max_requests,
            max_queued: config.max_queued,
            queue_timeout: config.queue_timeout,
            max_event_loop_delay: config.max_event_loop_delay,
        }
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let milliseconds = Option::<u64>::deserialize(deserializer)?;
    Ok(milliseconds
        .filter(|milliseconds| *milliseconds > 0)
        .map(Duration::from_millis))
}

fn required_milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn size_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.filter(|size| *size > 0))
}

fn count_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(Option::<usize>::deserialize(deserializer)?.filter(|count| *count > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_a_default() {
        let config: ServerConfig = serde_json::from_str(
            r#"{ "listen": [{ "port": 0 }, { "path": "/run/app.sock", "mode": 432 }],
                 "timeouts": { "keepAliveMs": 0, "headersMs": 10 } }"#,
        )
        .unwrap();
        assert!(matches!(config.listen[0], Address::Tcp { port: 0, .. }));
        assert!(matches!(
            config.listen[1],
            Address::Unix {
                mode: Some(0o660),
                ..
            }
        ));
        assert_eq!(config.timeouts.keep_alive, None);
        assert_eq!(config.timeouts.headers, Some(Duration::from_millis(10)));
        assert_eq!(config.timeouts.request, Some(Duration::from_secs(300)));
        assert_eq!(config.limits.header_bytes, 16 * 1024);
    }

    #[test]
    fn unknown_options_are_refused() {
        let refused = serde_json::from_str::<ServerConfig>(r#"{ "listen": [], "limit": {} }"#);
        assert!(refused.unwrap_err().to_string().contains("`limit`"));
    }
}
