//! What the connections of the process have done, by server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::reply::Reply;

/// Upper bounds of the latencies that are counted together.
const BOUNDS: [Duration; 10] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// Servers with numbers of their own: a further one takes the place of one that has no connection any more, or is counted
/// with others.
const MAX_SERVERS: usize = 100;
const OTHERS: &str = "others";

static SERVERS: Mutex<BTreeMap<String, Arc<Counters>>> = Mutex::new(BTreeMap::new());

/// What the connections to one server count, also after they have ended, so that sums only grow.
#[derive(Default)]
pub(super) struct Counters {
    connections: AtomicI64,
    in_flight: AtomicI64,
    commands: AtomicU64,
    reconnections: AtomicU64,
    errors: Mutex<BTreeMap<&'static str, u64>>,
    /// Batches of each bucket alone; the last one has those that took longer.
    latencies: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// The numbers of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerNumbers {
    /// Its address and database, or the name that sentinels know it by.
    pub server: String,
    /// Connections that take commands now.
    pub connections: i64,
    /// Commands that were taken and have no answer yet.
    pub in_flight: i64,
    /// Commands that were taken.
    pub commands: u64,
    /// Connections that were made again after a loss.
    pub reconnections: u64,
    /// Commands without a result, by the code of their error.
    pub errors: BTreeMap<&'static str, u64>,
    /// Batches that took up to each of [`latency_bounds`], each bucket alone; the last one has those that took longer.
    pub latencies: Vec<u64>,
    /// Seconds that all these batches took.
    pub seconds: f64,
}

/// The numbers of all servers that the process has known.
pub fn server_numbers() -> Vec<ServerNumbers> {
    let servers = lock(&SERVERS);
    servers
        .iter()
        .map(|(server, counters)| counters.read(server))
        .collect()
}

/// Upper bounds of the buckets of [`ServerNumbers::latencies`].
pub fn latency_bounds() -> &'static [Duration] {
    &BOUNDS
}

/// The counters of a server.
pub(super) fn counters_of(server: &str) -> Arc<Counters> {
    let mut servers = lock(&SERVERS);
    let mut has_place = servers.contains_key(server) || servers.len() < MAX_SERVERS;
    if !has_place && let Some(unused) = unused_of(&servers) {
        servers.remove(&unused);
        has_place = true;
    }
    let server = if has_place { server } else { OTHERS };
    servers.entry(server.to_string()).or_default().clone()
}

/// A server whose counters no connection holds.
fn unused_of(servers: &BTreeMap<String, Arc<Counters>>) -> Option<String> {
    let mut unused = servers
        .iter()
        .filter(|(server, counters)| Arc::strong_count(counters) == 1 && *server != OTHERS);
    unused.next().map(|(server, _)| server.clone())
}

impl Counters {
    pub(super) fn taken(&self, commands: usize) {
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.in_flight.fetch_add(commands as i64, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, commands: usize) {
        self.in_flight.fetch_sub(commands as i64, Ordering::Relaxed);
    }

    pub(super) fn connected(&self, is_again: bool) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.reconnections
            .fetch_add(u64::from(is_again), Ordering::Relaxed);
    }

    pub(super) fn lost(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, commands: u32, error: &Error) {
        *lock(&self.errors).entry(error.code()).or_default() += u64::from(commands);
    }

    /// Counts a reply if it is an error.
    pub(super) fn replied(&self, frame: &[u8]) {
        if matches!(frame.first(), Some(b'-' | b'!'))
            && let Ok(Reply::Error(error)) = Reply::parse(frame)
        {
            self.failed(1, &error);
        }
    }

    pub(super) fn took(&self, latency: Duration) {
        let bucket = BOUNDS.iter().position(|bound| latency <= *bound);
        self.latencies[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        self.microseconds
            .fetch_add(latency.as_micros() as u64, Ordering::Relaxed);
    }

    fn read(&self, server: &str) -> ServerNumbers {
        ServerNumbers {
            server: server.to_string(),
            connections: self.connections.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            reconnections: self.reconnections.load(Ordering::Relaxed),
            errors: lock(&self.errors).clone(),
            latencies: self
                .latencies
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            seconds: self.microseconds.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_without_connections_make_room_for_others() {
        let is_counted = |server: &str| server_numbers().iter().any(|of| of.server == server);
        let mut held: Vec<_> = (0..MAX_SERVERS)
            .map(|index| counters_of(&format!("numbers {index}")))
            .collect();
        let _alone = counters_of("one too many");
        assert!(!is_counted("one too many") && is_counted(OTHERS));
        held.pop();
        let _next = counters_of("next");
        assert!(is_counted("next") && is_counted("numbers 0"));
        assert!(!is_counted(&format!("numbers {}", MAX_SERVERS - 1)));
    }
}
