//! What can go wrong between a command and its reply.

use std::time::Duration;

/// A failure of a connection or a command.
///
/// Errors are data: a lost connection gives the same one to every command that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL or an option makes no sense.
    #[error("{0}")]
    Config(String),
    /// The server cannot be reached.
    #[error("could not connect to Redis at {address}: {reason}")]
    Connect {
        /// Host and port, or the socket path.
        address: String,
        /// What the operating system or the server said.
        reason: String,
        /// The operating system's name for the reason, for example `ECONNREFUSED`.
        system_code: Option<&'static str>,
    },
    /// User or password are wrong, missing, or may not do this.
    #[error("Redis refused: {0}")]
    Auth(String),
    /// The server reads its data from disk.
    #[error("Redis is not ready: {0}")]
    Loading(String),
    /// The server is a replica, or may not write.
    #[error("Redis takes no writes: {0}")]
    ReadOnly(String),
    /// The server's memory limit is reached.
    #[error("Redis is out of memory: {0}")]
    OutOfMemory(String),
    /// No reply came in time; whether the command took effect is unknown.
    #[error("Redis did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection ended while the command was under way; whether it took effect is unknown.
    #[error("the connection to Redis was lost before the reply: {0}")]
    Closed(String),
    /// The connection or client was used after its end.
    #[error("the connection to Redis is closed")]
    Ended,
    /// The key belongs to another node of a cluster.
    #[error("the key is on another node of the Redis cluster: {0}")]
    Moved(String),
    /// The cluster cannot do this now, or never can with these keys.
    #[error("the Redis cluster refused: {0}")]
    Cluster(String),
    /// The server sent something that the protocol does not allow.
    #[error("unexpected answer from Redis: {0}")]
    Protocol(String),
    /// Too many commands wait for the server.
    #[error("{0} commands wait for Redis already")]
    TooManyWaiting(usize),
    /// The server refused the command.
    #[error("{0}")]
    Server(String),
}

impl Error {
    /// What an error reply means; its first word tells.
    pub fn of_reply(text: &str) -> Error {
        let text = text.to_string();
        match text.split(' ').next().unwrap_or_default() {
            "NOAUTH" | "WRONGPASS" | "NOPERM" => Error::Auth(text),
            "ERR" if text.contains("invalid password") || text.contains("AUTH <password>") => {
                Error::Auth(text)
            }
            "LOADING" | "MASTERDOWN" | "BUSY" => Error::Loading(text),
            "READONLY" => Error::ReadOnly(text),
            "OOM" => Error::OutOfMemory(text),
            "MOVED" | "ASK" => Error::Moved(text),
            "CROSSSLOT" | "CLUSTERDOWN" | "TRYAGAIN" => Error::Cluster(text),
            _ => Error::Server(text),
        }
    }

    /// The stable code that programs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Config(_) => "PUFF_REDIS_CONFIG",
            Error::Connect { .. } => "PUFF_REDIS_CONNECT",
            Error::Auth(_) => "PUFF_REDIS_AUTH",
            Error::Loading(_) => "PUFF_REDIS_LOADING",
            Error::ReadOnly(_) => "PUFF_REDIS_READONLY",
            Error::OutOfMemory(_) => "PUFF_REDIS_OOM",
            Error::Timeout(_) => "PUFF_REDIS_TIMEOUT",
            Error::Closed(_) | Error::Ended => "PUFF_REDIS_CLOSED",
            Error::Moved(_) => "PUFF_REDIS_MOVED",
            Error::Cluster(_) => "PUFF_REDIS_CLUSTER",
            Error::Protocol(_) => "PUFF_REDIS_PROTOCOL",
            Error::TooManyWaiting(_) => "PUFF_REDIS_TOO_MANY_WAITING",
            Error::Server(_) => "PUFF_REDIS_REPLY",
        }
    }

    /// What the reader can do about it, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Error::Connect { .. } => {
                "Check that the server runs and that REDIS_URL names its host and port."
            }
            Error::Auth(_) => "Check user and password in REDIS_URL, and the user's ACL rules.",
            Error::ReadOnly(_) => {
                "Point REDIS_URL at the master, or at the sentinels that know it."
            }
            Error::OutOfMemory(_) => {
                "Raise maxmemory, or choose a maxmemory-policy that evicts keys."
            }
            Error::Moved(_) => {
                "next-puff does not follow the redirects of Redis Cluster: use one node, or a proxy that hides the cluster."
            }
            Error::Closed(_) | Error::Timeout(_) => {
                "Whether the command took effect is unknown, so it was not repeated."
            }
            _ => return None,
        })
    }

    /// Whether the server may accept the same command a moment later.
    pub fn passes(&self) -> bool {
        match self {
            Error::Loading(_) => true,
            Error::Cluster(text) => !text.starts_with("CROSSSLOT"),
            _ => false,
        }
    }
}
