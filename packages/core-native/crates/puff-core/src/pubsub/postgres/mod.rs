//! Messages between processes by PostgreSQL's LISTEN and NOTIFY.
//!
//! Each process listens to one channel of PostgreSQL, on one connection, however many channels of ours
//! it has; messages are sent in batches by another. What is longer than a notification may be (8,000
//! bytes) waits in a table, and the notification says where.
//!
//! A message reaches every process that is connected when PostgreSQL takes it, at most once, and those
//! of one process in their order. A process that loses its connection connects again by itself; its
//! subscribers are told of the gap. LISTEN does not work through PgBouncer in transaction mode.

mod envelope;
mod inbox;
mod outbox;
mod store;

use std::sync::Arc;

use crate::postgres::{ConfigError, Pool};
use crate::runtime;

use self::outbox::Outbox;
use super::hub::Hub;
use super::interest::Interest;
use super::node::new_node;
use super::payload::Message;
use super::transport::{Overflow, Transport, Wait};

/// The channel of PostgreSQL.
const CHANNEL: &str = "next_puff";

/// A [`Transport`] on a PostgreSQL database.
pub struct PostgresTransport {
    outbox: Outbox,
    inbox: inbox::Inbox,
}

impl PostgresTransport {
    /// Connects a hub with those of other processes on the database of a pool; opens no connection before
    /// something is published or listened to.
    ///
    /// # Errors
    /// Certificate files of the pool that cannot be used any more.
    pub fn new(hub: &'static Hub, pool: &Pool) -> Result<Arc<PostgresTransport>, ConfigError> {
        let node = new_node();
        Ok(Arc::new(PostgresTransport {
            outbox: Outbox::new(node.clone(), pool.companion("publisher", 1)?),
            inbox: inbox::Inbox::new(hub, node, pool.companion("listener", 2)?),
        }))
    }
}

impl Transport for PostgresTransport {
    fn send(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow> {
        self.outbox.push(channel, message)
    }

    /// All messages of all channels come anyway.
    fn listen(&self, _interest: &Interest) {
        self.inbox.start();
    }

    fn unlisten(&self, _interest: &Interest) {}

    fn ready(&self) -> Wait<'_> {
        self.inbox.start();
        Box::pin(self.inbox.listening())
    }

    fn flushed(&self) -> Wait<'_> {
        Box::pin(self.outbox.flushed())
    }
}

/// Runs something for as long as the process lives.
fn run(future: impl Future<Output = ()> + Send + 'static) {
    drop(runtime::spawn(future));
}
