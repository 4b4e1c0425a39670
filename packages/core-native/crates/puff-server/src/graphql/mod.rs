//! GraphQL operations on a pool of PostgreSQL connections, with or without JavaScript.
//!
//! A [`PoolHost`] serves one operation: it runs the engine's statements, on any connections of the pool
//! or, where there is a transaction, on one; it passes the engine's questions to a [`Script`], and
//! keeps to the operation's bounds.

mod answers;
mod bounds;
mod caller;
mod client;
pub mod event_stream;
mod failure;
mod params;
mod pending_ask;
mod pool_host;
mod received;
pub mod routes;
mod rows_sink;
mod schema;
mod script;
pub mod subscriptions;
mod transaction;
pub mod transport_ws;

pub use caller::{Caller, Execution, OperationScript};
pub use client::{Client, Clients};
pub use failure::failure_of;
pub use params::StatementParams;
pub use pending_ask::PendingAsk;
pub use pool_host::{HostOptions, PoolHost};
pub use received::{HttpOperation, Received, Reply};
pub use schema::Schema;
pub use script::{Script, ScriptAsk};
