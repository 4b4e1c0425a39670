//! What the services of the process count, among the numbers of a server.

use puff_server::http::{MetricsSource, MetricsText};

use crate::postgres::named_pools;

/// The pools of PostgreSQL connections.
pub(crate) struct PoolMetrics;

impl MetricsSource for PoolMetrics {
    fn write(&self, text: &mut MetricsText) {
        let pools: Vec<_> = named_pools()
            .into_iter()
            .map(|(id, name, pool)| (id.to_string(), name, pool.status()))
            .collect();
        let mut connections = text.gauge("puff_postgres_connections", "Connections to PostgreSQL.");
        for (id, name, status) in &pools {
            let busy = status.open.saturating_sub(status.idle);
            for (state, count) in [
                ("idle", status.idle),
                ("busy", busy),
                ("opening", status.opening),
            ] {
                connections.sample(&[("pool", name), ("id", id), ("state", state)], count);
            }
        }
        let mut limits = text.gauge(
            "puff_postgres_max_connections",
            "Connections that a pool may open.",
        );
        for (id, name, status) in &pools {
            limits.sample(&[("pool", name), ("id", id)], status.max_connections);
        }
        let mut waiting = text.gauge(
            "puff_postgres_waiting",
            "Callers that wait for a connection.",
        );
        for (id, name, status) in &pools {
            waiting.sample(&[("pool", name), ("id", id)], status.waiting);
        }
    }
}
