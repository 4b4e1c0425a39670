//! Redis: connections that speak RESP without a driver in between.
//!
//! A [`Connection`] is one socket that reconnects by itself: batches of commands go out from the thread that
//! sends them, and replies come back to the batch's [`Replies`] or to the connection's [`Listener`], in order.
//! [`Client`] is the connection that many tasks share, [`Feed`] the one that subscribes to channels.
//! `packed` lays replies out for JavaScript.

mod client;
mod command;
mod config;
mod connect;
mod connection;
mod error;
mod feed;
mod feed_events;
mod feed_session;
mod frame;
mod numbers;
pub mod packed;
mod read_buffer;
mod reply;
mod script;

pub use client::Client;
pub(crate) use command::put_length;
pub use command::{encode, encode_into};
pub use config::{Config, Options, Retry, TlsFields};
pub use connection::{Answers, Batch, Connection, Expects, Listener, Replies, State, StateChange};
pub use error::Error;
pub use feed::{Feed, FeedListener};
pub(crate) use frame::{Item, next_item};
pub use numbers::{ServerNumbers, latency_bounds, server_numbers};
pub use reply::Reply;
pub use script::Script;
