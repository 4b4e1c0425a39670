//! What can go wrong between a statement and its rows.

use std::time::Duration;

use super::config::ConfigError;
use super::message::ErrorFields;

/// A failure of a pool, a connection or a statement.
///
/// Errors are data: they are cloned to every caller that a broken connection or an unreachable server
/// concerns, and cross the native boundary as code, message and fields.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The URL or an option of the pool makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server cannot be reached, or says that it cannot take connections now.
    #[error("could not connect to PostgreSQL at {address}: {reason}")]
    Unavailable {
        /// Host and port, or the socket path.
        address: String,
        /// What the operating system or the server said.
        reason: String,
        /// When trying again makes sense.
        retry_after: Duration,
        /// The operating system's name for the reason, for example `ECONNREFUSED`.
        system_code: Option<&'static str>,
        /// The server's whole report, where it sent one.
        server: Option<Box<ServerError>>,
    },
    /// The server was reached and turned this configuration down.
    #[error("PostgreSQL at {address} refused the connection: {reason}")]
    Refused {
        /// Host and port, or the socket path.
        address: String,
        /// What the server or the TLS handshake said.
        reason: String,
        /// The SQLSTATE, where the server sent one.
        sqlstate: Option<String>,
        /// The server's whole report, where it sent one.
        server: Option<Box<ServerError>>,
    },
    /// No connection became free in time.
    #[error(
        "no connection of the pool became free within {} ms: all {max} are in use, {waiting} callers wait",
        waited.as_millis()
    )]
    PoolTimeout {
        /// How long the caller waited.
        waited: Duration,
        /// The pool's limit.
        max: usize,
        /// Callers still in the queue.
        waiting: usize,
    },
    /// PostgreSQL refused or broke off the statement.
    #[error("{}", .0.message)]
    Server(Box<ServerError>),
    /// A value does not fit the type of its parameter.
    #[error("parameter ${index} expects {expected}, got {got}")]
    Parameter {
        /// Position, counted from 1 as in the SQL text.
        index: usize,
        /// The PostgreSQL type.
        expected: String,
        /// The value's type, or what is wrong with it.
        got: String,
    },
    /// There are more or fewer values than parameters.
    #[error("the statement has {expected} parameters, but {got} values were given")]
    ParameterCount {
        /// The parameters in the SQL text.
        expected: usize,
        /// The values.
        got: usize,
    },
    /// The connection broke while the statement was running.
    #[error("the connection to PostgreSQL was lost while the statement was running: {reason}")]
    ConnectionLost {
        /// What the operating system or the server said.
        reason: String,
        /// The server's last words, where it had any.
        server: Option<Box<ServerError>>,
    },
    /// The caller cancelled.
    #[error("the statement was cancelled by its caller")]
    Cancelled,
    /// The pool, session or cursor was used after its end.
    #[error("{what} is closed")]
    Closed {
        /// What was used.
        what: &'static str,
    },
    /// The statement wants something that this interface does not do.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The server sent something that the protocol does not allow.
    #[error("unexpected answer from PostgreSQL: {0}")]
    Protocol(String),
}

impl Error {
    /// The stable code that programs match on.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Config(_) => "PUFF_POSTGRES_CONFIG",
            Error::Unavailable { .. } => "PUFF_POSTGRES_UNAVAILABLE",
            Error::Refused { .. } => "PUFF_POSTGRES_REFUSED",
            Error::PoolTimeout { .. } => "PUFF_POSTGRES_POOL_TIMEOUT",
            Error::Server(_) => "PUFF_POSTGRES_QUERY",
            Error::Parameter { .. } | Error::ParameterCount { .. } => "PUFF_POSTGRES_PARAMETER",
            Error::ConnectionLost { .. } => "PUFF_POSTGRES_CONNECTION_LOST",
            Error::Cancelled => "PUFF_POSTGRES_CANCELLED",
            Error::Closed { .. } => "PUFF_POSTGRES_CLOSED",
            Error::Unsupported(_) => "PUFF_POSTGRES_UNSUPPORTED",
            Error::Protocol(_) => "PUFF_POSTGRES_PROTOCOL",
        }
    }

    /// What the reader can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Unavailable { .. } => Some(
                "Check that the server runs and that DATABASE_URL names its host and port; without \
                 DATABASE_URL, `npx next-puff dev` starts an embedded PostgreSQL."
                    .into(),
            ),
            Error::Refused { sqlstate, .. } => Some(refused_hint(sqlstate.as_deref()).into()),
            Error::PoolTimeout { .. } => Some(
                "Look for transactions that stay open or slow statements, raise maxConnections, or \
                 give acquireTimeoutMs more time."
                    .into(),
            ),
            Error::ConnectionLost { .. } => Some(
                "Whether it took effect is unknown, so it was not repeated. The pool reconnects by \
                 itself."
                    .into(),
            ),
            Error::Server(error) => error.hint.clone(),
            _ => None,
        }
    }

    /// How long a caller should wait before trying again, for failures that pass.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Unavailable { retry_after, .. } => Some(*retry_after),
            Error::PoolTimeout { .. } => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

fn refused_hint(sqlstate: Option<&str>) -> &'static str {
    match sqlstate {
        Some("28P01") => "Check user and password in DATABASE_URL.",
        Some("28000") => {
            "Check the user in DATABASE_URL and the server's pg_hba.conf; it may ask for TLS (sslmode=require)."
        }
        Some("3D000") => "Create the database, or correct the name at the end of DATABASE_URL.",
        _ => "Check DATABASE_URL: user, password, database name and sslmode.",
    }
}

/// The fields of an ErrorResponse, PostgreSQL manual section "Error and Notice Message Fields".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// ERROR, FATAL or PANIC, never localized.
    pub severity: String,
    /// Five characters, appendix A of the PostgreSQL manual.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// More about the problem.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Position in the SQL text, in characters from 1.
    pub position: Option<u32>,
    /// The context: a stack of calls.
    pub context: Option<String>,
    /// Schema of the object concerned.
    pub schema: Option<String>,
    /// Table concerned.
    pub table: Option<String>,
    /// Column concerned.
    pub column: Option<String>,
    /// Data type concerned.
    pub data_type: Option<String>,
    /// Constraint violated.
    pub constraint: Option<String>,
    /// Position in `internal_query`, in characters from 1.
    pub internal_position: Option<String>,
    /// The text of a statement that the server made itself, for example in a function.
    pub internal_query: Option<String>,
    /// The server's source file that reported it.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<String>,
    /// The server function that reported it.
    pub routine: Option<String>,
}

impl ServerError {
    /// Reads the body of an ErrorResponse.
    pub(crate) fn parse(body: &[u8]) -> ServerError {
        let mut error = ServerError::default();
        for (field, value) in ErrorFields::new(body) {
            let value = String::from_utf8_lossy(value).into_owned();
            match field {
                b'V' => error.severity = value,
                b'S' if error.severity.is_empty() => error.severity = value,
                b'C' => error.sqlstate = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'P' => error.position = value.parse().ok(),
                b'W' => error.context = Some(value),
                b's' => error.schema = Some(value),
                b't' => error.table = Some(value),
                b'c' => error.column = Some(value),
                b'd' => error.data_type = Some(value),
                b'n' => error.constraint = Some(value),
                b'p' => error.internal_position = Some(value),
                b'q' => error.internal_query = Some(value),
                b'F' => error.file = Some(value),
                b'L' => error.line = Some(value),
                b'R' => error.routine = Some(value),
                _ => {}
            }
        }
        error
    }

    /// Whether the server closes the connection after it.
    pub(crate) fn is_fatal(&self) -> bool {
        self.severity == "FATAL" || self.severity == "PANIC"
    }

    /// Whether the server restarts because the process of another session has crashed.
    pub(crate) fn is_crash_of_another(&self) -> bool {
        self.sqlstate == "57P02"
    }

    /// Whether the server ended the session on purpose and nothing of the statement was committed:
    /// an orderly shutdown or `pg_terminate_backend`.
    pub(crate) fn is_orderly_termination(&self) -> bool {
        self.sqlstate == "57P01"
    }
}
