//! The Node-API binding of next-puff's core.
//!
//! It converts and delegates; what to do is decided in `puff-core`. See [`boundary`] for how calls and
//! answers cross.

pub mod boundary;
pub mod cache;
pub mod graphql;
mod metrics;
pub mod postgres;
pub mod pubsub;
pub mod rate_limit;
pub mod redis;
pub mod server;
pub mod signals;
pub mod task_numbers;
pub mod tasks;
pub mod websocket;
