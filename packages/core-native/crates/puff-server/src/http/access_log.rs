//! A line for each request, written to stdout by a thread of its own.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use ::http::request::Parts;
use ::http::{HeaderName, StatusCode, Version, header};
use serde_json::json;

use super::config::AccessLogFormat;
use super::exchange::Client;
use super::metrics::Tier;

/// Lines that wait for a slow stdout before some are given up.
const MAX_WAITING: usize = 16 * 1024;

/// Writes lines for as long as it lives.
pub(super) struct AccessLog {
    format: AccessLogFormat,
    lines: SyncSender<String>,
}

impl AccessLog {
    pub(super) fn new(format: AccessLogFormat) -> AccessLog {
        AccessLog::to(format, std::io::stdout())
    }

    fn to(format: AccessLogFormat, output: impl Write + Send + 'static) -> AccessLog {
        let (lines, waiting) = sync_channel(MAX_WAITING);
        // Without the thread, lines are given up, and counted as such.
        let _ = thread::Builder::new()
            .name("puff-access-log".to_owned())
            .spawn(move || write_lines(&waiting, output));
        AccessLog { format, lines }
    }

    /// Notes what is known of a request when it comes.
    pub(super) fn begin(&self, parts: &Parts, client: &Client, request_id: Option<&str>) -> Entry {
        let header = |name: HeaderName| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        // Without the host, which HTTP/2 has here, too.
        let target = parts.uri.path_and_query().map(ToString::to_string);
        Entry {
            // IPv4 as it is usually written.
            address: client.address.trim_start_matches("::ffff:").to_owned(),
            method: parts.method.to_string(),
            target: target.unwrap_or_else(|| parts.uri.to_string()),
            version: parts.version,
            referer: header(header::REFERER),
            user_agent: header(header::USER_AGENT),
            request_id: request_id.map(str::to_owned),
        }
    }

    /// Writes the line; false if it was given up.
    pub(super) fn end(&self, entry: &Entry, outcome: &Outcome) -> bool {
        let line = match self.format {
            AccessLogFormat::Combined => entry.combined(outcome),
            AccessLogFormat::Json => entry.json(outcome),
        };
        self.lines.try_send(line).is_ok()
    }
}

/// A request, as it is logged.
pub(super) struct Entry {
    address: String,
    method: String,
    target: String,
    version: Version,
    referer: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
}

/// What became of it.
pub(super) struct Outcome {
    pub(super) tier: Tier,
    pub(super) status: StatusCode,
    /// Of the body.
    pub(super) bytes: u64,
    pub(super) duration: Duration,
    /// Whether all of the answer was given to the connection.
    pub(super) is_complete: bool,
}

impl Entry {
    fn combined(&self, outcome: &Outcome) -> String {
        let address = if self.address.is_empty() {
            "-"
        } else {
            &self.address
        };
        let quoted = |text: Option<&String>| {
            let text = text.map_or("-", String::as_str);
            // A client must not be able to end a field, or a line.
            text.replace('\\', "\\\\").replace('"', "\\\"")
        };
        format!(
            "{address} - - [{}] \"{} {} {:?}\" {} {} \"{}\" \"{}\"\n",
            Timestamp::now().common(),
            self.method,
            quoted(Some(&self.target)),
            self.version,
            outcome.status.as_u16(),
            outcome.bytes,
            quoted(self.referer.as_ref()),
            quoted(self.user_agent.as_ref()),
        )
    }

    fn json(&self, outcome: &Outcome) -> String {
        let mut line = json!({
            "time": Timestamp::now().iso(),
            "address": self.address,
            "method": self.method,
            "url": self.target,
            "version": format!("{:?}", self.version),
            "status": outcome.status.as_u16(),
            "bytes": outcome.bytes,
            "durationMs": outcome.duration.as_micros() as f64 / 1000.0,
            "tier": outcome.tier.name(),
            "isComplete": outcome.is_complete,
            "referer": self.referer,
            "userAgent": self.user_agent,
            "requestId": self.request_id,
        })
        .to_string();
        line.push('\n');
        line
    }
}

fn write_lines(lines: &Receiver<String>, output: impl Write) {
    let mut output = BufWriter::with_capacity(64 * 1024, output);
    while let Ok(line) = lines.recv() {
        // Nobody can be told that stdout is closed.
        let _ = output.write_all(line.as_bytes());
        for line in lines.try_iter().take(1_000) {
            let _ = output.write_all(line.as_bytes());
        }
        let _ = output.flush();
    }
}

/// A time in UTC.
struct Timestamp {
    year: i64,
    month: usize,
    day: i64,
    seconds: u64,
    milliseconds: u32,
}

impl Timestamp {
    fn now() -> Timestamp {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp::at(now.unwrap_or_default())
    }

    fn at(since_epoch: Duration) -> Timestamp {
        let seconds = since_epoch.as_secs();
        // Days since 0000-03-01, in eras of 400 years (Howard Hinnant, "chrono-Compatible Low-Level
        // Date Algorithms").
        let days = (seconds / 86_400) as i64 + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12;
        Timestamp {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month: month as usize,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            seconds: seconds % 86_400,
            milliseconds: since_epoch.subsec_millis(),
        }
    }

    fn clock(&self) -> String {
        let (hours, rest) = (self.seconds / 3_600, self.seconds % 3_600);
        format!("{hours:02}:{:02}:{:02}", rest / 60, rest % 60)
    }

    /// As the common log format has it.
    fn common(&self) -> String {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let (day, month, year) = (self.day, MONTHS[self.month], self.year);
        format!("{day:02}/{month}/{year}:{} +0000", self.clock())
    }

    /// As ISO 8601 has it.
    fn iso(&self) -> String {
        let mut text = String::new();
        let (year, month, day) = (self.year, self.month + 1, self.day);
        let _ = write!(text, "{year}-{month:02}-{day:02}T{}", self.clock());
        let _ = write!(text, ".{:03}Z", self.milliseconds);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use ::http::Request;

    use super::*;

    struct Output(Sender<String>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn line(format: AccessLogFormat) -> String {
        let (output, lines) = channel();
        let log = AccessLog::to(format, Output(output));
        let request = Request::get("/a?b=c")
            .header("referer", "\"c")
            .header("user-agent", "a \"b\" \\")
            .body(())
            .unwrap();
        let client = Client {
            address: "::1".into(),
            port: 1,
            is_encrypted: false,
        };
        let entry = log.begin(&request.into_parts().0, &client, Some("id"));
        let outcome = Outcome {
            tier: Tier::Site,
            status: StatusCode::OK,
            bytes: 12,
            duration: Duration::from_micros(1_500),
            is_complete: true,
        };
        assert!(log.end(&entry, &outcome));
        lines.recv().unwrap()
    }

    #[test]
    fn combined_lines_cannot_be_forged() {
        let line = line(AccessLogFormat::Combined);
        assert!(line.starts_with("::1 - - ["), "{line}");
        let expected = "] \"GET /a?b=c HTTP/1.1\" 200 12 \"\\\"c\" \"a \\\"b\\\" \\\\\"\n";
        assert!(line.ends_with(expected), "{line}");
    }

    #[test]
    fn json_lines_are_objects() {
        let line: serde_json::Value = serde_json::from_str(&line(AccessLogFormat::Json)).unwrap();
        assert_eq!(line["url"], "/a?b=c");
        assert_eq!(line["durationMs"], 1.5);
        assert_eq!(line["requestId"], "id");
        assert_eq!(line["tier"], "site");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::at(Duration::from_secs(seconds)).iso(), expected);
        }
        let time = Timestamp::at(Duration::from_millis(1_709_164_800_123));
        assert_eq!(time.common(), "29/Feb/2024:00:00:00 +0000");
    }
}
