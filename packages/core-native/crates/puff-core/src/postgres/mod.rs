//! PostgreSQL: pools of connections that speak the wire protocol without a driver in between.
//!
//! The way of a statement: [`Pool::run`] hands a [`Request`] to an idle connection or queues it; the
//! connection's task prepares, binds and executes; every row goes to the request's [`Sink`] as the
//! bytes that PostgreSQL sent. [`packed`] is the sink that lays rows out for JavaScript.

mod call;
mod cell_array;
mod config;
mod connect;
mod connection;
mod error;
mod frontend;
mod message;
mod pace;
pub mod packed;
mod params;
mod pool;
mod query;
mod request;
mod session;
mod statement;
mod tls;
mod types;

pub use call::Call;
pub use config::{ConfigError, Int8Mode, PoolConfig, PoolOptions, TlsPems};
pub(crate) use config::{Pem, SslMode, TlsOptions};
pub use error::{Error, ServerError};
pub use message::RowRef;
pub use params::Params;
pub use pool::{Pool, Status};
pub use query::Rows;
pub use request::{Operation, Outcome, Request, Sink};
pub use session::{Event, Listener, Session};
pub use statement::{Column, Statement};
pub(crate) use tls::client_config;
pub use types::{Kind, Profile};
