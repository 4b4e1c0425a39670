//! The open connections of a server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::connection::Connection;
use super::metrics::Metrics;

/// The open connections of a server; locked only when one begins or ends.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    /// Told when one has ended.
    ended: Notify,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Arc<Connection>>,
    last_id: u64,
}

impl Connections {
    /// Counts a connection as open as long as the registration lives.
    pub(super) fn register(
        self: &Arc<Self>,
        connection: Connection,
        metrics: Arc<Metrics>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Registration {
        let connection = Arc::new(connection);
        let mut open = self.lock();
        open.last_id += 1;
        let id = open.last_id;
        open.connections.insert(id, connection.clone());
        drop(open);
        metrics.connections.add(1);
        Registration {
            id,
            connection,
            connections: self.clone(),
            metrics,
            _place: place,
        }
    }

    /// Those that serve the site by HTTP: neither upgraded, nor an administrator's.
    pub(super) fn serving(&self) -> Vec<Arc<Connection>> {
        let open = self.lock();
        let connections = open.connections.values();
        connections
            .filter(|connection| !connection.is_admin && !connection.is_upgraded())
            .cloned()
            .collect()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().connections.values().cloned().collect()
    }

    /// A connection serves the site no longer, though it may be open.
    pub(super) fn note_ended(&self) {
        self.ended.notify_waiters();
    }

    /// Resolves when none serves the site any more.
    pub(super) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.serving().is_empty() {
                return;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Counts a connection as open until it is dropped.
pub(super) struct Registration {
    id: u64,
    connection: Arc<Connection>,
    connections: Arc<Connections>,
    metrics: Arc<Metrics>,
    /// Among the connections that the server takes at a time.
    _place: Option<OwnedSemaphorePermit>,
}

impl Registration {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Dropped after the lock.
        let connection = self.connections.lock().connections.remove(&self.id);
        drop(connection);
        self.metrics.connections.subtract(1);
        self.connections.note_ended();
    }
}
