//! What the services of the process count, among the numbers of a server.

use puff_core::redis::{latency_bounds, server_numbers};
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

/// The servers that the process has been connected to.
pub(crate) struct RedisMetrics;

impl MetricsSource for RedisMetrics {
    fn write(&self, text: &mut MetricsText) {
        let servers = server_numbers();
        let mut connections = text.gauge("puff_redis_connections", "Connections to Redis.");
        for of_server in &servers {
            connections.sample(&[("server", &of_server.server)], of_server.connections);
        }
        let mut in_flight = text.gauge("puff_redis_in_flight", "Commands without an answer.");
        for of_server in &servers {
            in_flight.sample(&[("server", &of_server.server)], of_server.in_flight);
        }
        let mut commands = text.counter("puff_redis_commands_total", "Commands that were taken.");
        for of_server in &servers {
            commands.sample(&[("server", &of_server.server)], of_server.commands);
        }
        let mut errors = text.counter("puff_redis_errors_total", "Commands without a result.");
        for of_server in &servers {
            for (code, count) in &of_server.errors {
                errors.sample(&[("server", &of_server.server), ("code", code)], count);
            }
        }
        let mut reconnections = text.counter(
            "puff_redis_reconnections_total",
            "Connections that were made again after a loss.",
        );
        for of_server in &servers {
            reconnections.sample(&[("server", &of_server.server)], of_server.reconnections);
        }
        let mut latencies = text.histogram(
            "puff_redis_command_seconds",
            "From handing commands over to the last reply of those that went out together, without commands that block.",
        );
        let bounds: Vec<_> = latency_bounds()
            .iter()
            .map(|bound| bound.as_secs_f64().to_string())
            .collect();
        for of_server in &servers {
            latencies.histogram(
                &[("server", &of_server.server)],
                bounds.iter().map(String::as_str),
                &of_server.latencies,
                of_server.seconds,
            );
        }
    }
}
