//! What the server counts, in the text format of Prometheus (version 0.0.4).
//!
//! Counting takes no locks: relaxed additions to numbers that are read one by one.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::StatusCode;

use super::service::Service;
use crate::script::Isolates;

/// Upper bounds of the latencies that are counted together, in microseconds; and their names, in
/// seconds.
const BUCKETS: [(u64, &str); 14] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Who answered a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Tier {
    /// The server itself: health, numbers, refusals.
    Server,
    /// Files, prerenders and redirects.
    Site,
    /// The GraphQL engine.
    Graphql,
    /// A connection that became a WebSocket.
    Websocket,
    /// JavaScript.
    Script,
}

impl Tier {
    const ALL: [Tier; 5] = [
        Tier::Server,
        Tier::Site,
        Tier::Graphql,
        Tier::Websocket,
        Tier::Script,
    ];

    /// Its name in numbers and logs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Tier::Server => "server",
            Tier::Site => "site",
            Tier::Graphql => "graphql",
            Tier::Websocket => "websocket",
            Tier::Script => "script",
        }
    }
}

/// A number that only grows.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Default)]
pub(super) struct Gauge(AtomicI64);

impl Gauge {
    pub(super) fn add(&self, amount: i64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, amount: i64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a tier has done.
#[derive(Default)]
struct TierNumbers {
    by_class: [Counter; CLASSES.len()],
    /// Requests of each bucket alone; the last one has those that took longer.
    latencies: [Counter; BUCKETS.len() + 1],
    microseconds: Counter,
}

/// What a server has counted.
#[derive(Default)]
pub(super) struct Metrics {
    tiers: [TierNumbers; Tier::ALL.len()],
    /// Requests that are being answered.
    pub(super) in_flight: Gauge,
    /// Open connections.
    pub(super) connections: Gauge,
    /// Connections that were accepted.
    pub(super) accepted: Counter,
    /// Bytes from clients, after TLS.
    pub(super) received: Counter,
    /// Bytes to clients, before TLS.
    pub(super) sent: Counter,
    /// Requests that no isolate had room for.
    pub(super) busy: Counter,
    /// Lines of the access log that were given up, because stdout was too slow.
    pub(super) lost_log_lines: Counter,
    sources: Mutex<Vec<Arc<dyn MetricsSource>>>,
}

/// Somebody else who counts.
pub trait MetricsSource: Send + Sync {
    /// Writes all numbers.
    fn write(&self, text: &mut MetricsText);
}

impl Metrics {
    /// A request was answered.
    pub(super) fn note(&self, tier: Tier, status: StatusCode, duration: Duration) {
        let numbers = &self.tiers[tier as usize];
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        numbers.by_class[class - 1].add(1);
        let microseconds = duration.as_micros() as u64;
        let bucket = BUCKETS.iter().position(|(bound, _)| microseconds <= *bound);
        numbers.latencies[bucket.unwrap_or(BUCKETS.len())].add(1);
        numbers.microseconds.add(microseconds);
    }

    /// Writes the numbers of somebody else, too.
    pub(super) fn add_source(&self, source: Arc<dyn MetricsSource>) {
        self.sources
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .push(source);
    }

    /// Everything, as text; with what only the service knows.
    pub(super) fn text(&self, service: &Service) -> String {
        let mut text = MetricsText::default();
        self.write_requests(&mut text);
        let gauges = [
            (
                "puff_http_requests_in_flight",
                "Requests that are being answered.",
                &self.in_flight,
            ),
            (
                "puff_http_connections",
                "Open connections.",
                &self.connections,
            ),
        ];
        for (name, help, gauge) in gauges {
            text.gauge(name, help).sample(&[], gauge.get());
        }
        let counters = [
            (
                "puff_http_connections_total",
                "Connections that were accepted.",
                &self.accepted,
            ),
            (
                "puff_http_received_bytes_total",
                "Bytes from clients.",
                &self.received,
            ),
            (
                "puff_http_sent_bytes_total",
                "Bytes to clients.",
                &self.sent,
            ),
            (
                "puff_http_busy_total",
                "Requests that were refused because JavaScript was behind.",
                &self.busy,
            ),
            (
                "puff_access_log_lost_lines_total",
                "Lines of the access log that were given up, because stdout was too slow.",
                &self.lost_log_lines,
            ),
        ];
        for (name, help, counter) in counters {
            text.counter(name, help).sample(&[], counter.get());
        }
        write_script(&mut text, &service.isolates);
        text.gauge("puff_websockets", "WebSockets that are open.")
            .sample(&[], service.sockets.len());
        text.counter("puff_websockets_total", "WebSockets that were opened.")
            .sample(&[], service.sockets.opened());
        let sources = self
            .sources
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .clone();
        for source in sources {
            source.write(&mut text);
        }
        text.0
    }

    fn write_requests(&self, text: &mut MetricsText) {
        let mut requests = text.counter(
            "puff_http_requests_total",
            "Requests, by who answered and by class of status.",
        );
        for tier in Tier::ALL {
            for (class, counter) in CLASSES.iter().zip(&self.tiers[tier as usize].by_class) {
                requests.sample(&[("tier", tier.name()), ("status", class)], counter.get());
            }
        }
        let mut latencies = text.histogram(
            "puff_http_request_duration_seconds",
            "From a request's head to the last byte of its answer.",
        );
        for tier in Tier::ALL {
            let numbers = &self.tiers[tier as usize];
            let counts = numbers.latencies.each_ref().map(Counter::get);
            let bounds = BUCKETS.iter().map(|(_, name)| *name);
            let seconds = numbers.microseconds.get() as f64 / 1e6;
            latencies.histogram(&[("tier", tier.name())], bounds, &counts, seconds);
        }
    }
}

/// How far JavaScript is behind.
fn write_script(text: &mut MetricsText, isolates: &Isolates) {
    text.gauge(
        "puff_script_queued_requests",
        "Requests that wait for an isolate.",
    )
    .sample(&[], isolates.queued());
    let members = isolates.members();
    let mut in_flight = text.gauge(
        "puff_script_requests_in_flight",
        "Requests that an isolate is answering.",
    );
    for (index, member) in members.iter().enumerate() {
        in_flight.sample(&[("isolate", &index.to_string())], member.in_flight());
    }
    let mut delays = text.gauge(
        "puff_script_event_loop_delay_seconds",
        "How long an isolate's event loop took to turn, or has not turned by now.",
    );
    for (index, member) in members.iter().enumerate() {
        let seconds = member.event_loop_delay().as_secs_f64();
        delays.sample(&[("isolate", &index.to_string())], seconds);
    }
}

/// Numbers in the text format of Prometheus.
#[derive(Default)]
pub struct MetricsText(String);

impl MetricsText {
    /// Begins a metric that only grows; its name ends in `_total`.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.begin(name, help, "counter")
    }

    /// Begins a metric that goes up and down.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.begin(name, help, "gauge")
    }

    /// Begins a metric of durations, counted in buckets.
    pub fn histogram<'a>(&'a mut self, name: &'a str, help: &str) -> Metric<'a> {
        self.begin(name, help, "histogram")
    }

    fn begin<'a>(&'a mut self, name: &'a str, help: &str, kind: &str) -> Metric<'a> {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Metric {
            text: &mut self.0,
            name,
        }
    }
}

impl From<MetricsText> for String {
    fn from(text: MetricsText) -> String {
        text.0
    }
}

/// A metric that is being written.
pub struct Metric<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Metric<'_> {
    /// Writes one of its numbers.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// Writes a histogram: `counts` has each bucket's own, and those beyond the last bound at its end.
    pub fn histogram<'b>(
        &mut self,
        labels: &[(&str, &str)],
        bounds: impl Iterator<Item = &'b str>,
        counts: &[u64],
        sum: f64,
    ) {
        let mut total = 0;
        for (bound, count) in bounds.chain(["+Inf"]).zip(counts) {
            total += count;
            self.line("_bucket", labels, Some(bound), total);
        }
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, total);
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        bound: Option<&str>,
        value: impl Display,
    ) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        let mut divider = '{';
        for (name, value) in labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)))
        {
            self.text.push(divider);
            divider = ',';
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.text, "{name}=\"{value}\"");
        }
        if divider == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_written() {
        let metrics = Metrics::default();
        metrics.note(Tier::Script, StatusCode::OK, Duration::from_micros(300));
        metrics.note(Tier::Script, StatusCode::OK, Duration::from_secs(60));
        metrics.note(Tier::Site, StatusCode::NOT_FOUND, Duration::ZERO);
        let config = serde_json::from_str(r#"{ "listen": [] }"#).unwrap();
        let text = metrics.text(&Service::new(config));
        for line in [
            "puff_http_requests_total{tier=\"script\",status=\"2xx\"} 2",
            "puff_http_requests_total{tier=\"site\",status=\"4xx\"} 1",
            "puff_http_request_duration_seconds_bucket{tier=\"script\",le=\"0.00025\"} 0",
            "puff_http_request_duration_seconds_bucket{tier=\"script\",le=\"0.0005\"} 1",
            "puff_http_request_duration_seconds_bucket{tier=\"script\",le=\"10\"} 1",
            "puff_http_request_duration_seconds_bucket{tier=\"script\",le=\"+Inf\"} 2",
            "puff_http_request_duration_seconds_sum{tier=\"script\"} 60.0003",
            "puff_http_connections 0",
            "# TYPE puff_http_busy_total counter",
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line}\n{text}"
            );
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut text = MetricsText::default();
        text.gauge("a", "b").sample(&[("pool", "x\"\\\ny")], 1.5);
        assert!(text.0.ends_with("a{pool=\"x\\\"\\\\\\ny\"} 1.5\n"));
    }
}
