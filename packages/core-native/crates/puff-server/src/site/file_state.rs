//! What a file is at a moment, as far as responses tell it.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

/// Size and time of a file; equal if nothing was written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileState {
    pub(super) size: u64,
    /// Since 1970, as `Stats.mtime` of Node.js rounds it.
    modified_ms: u64,
}

impl FileState {
    pub(super) fn new(metadata: &Metadata) -> FileState {
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        FileState {
            size: metadata.len(),
            modified_ms: rounded_ms(modified),
        }
    }

    /// As the packages `etag` and `send` make it of `Stats`.
    pub(super) fn etag(&self) -> HeaderValue {
        let etag = format!("W/\"{:x}-{:x}\"", self.size, self.modified_ms);
        HeaderValue::try_from(etag).expect("hexadecimal digits are visible")
    }

    /// For `Last-Modified`, in seconds since 1970.
    pub(super) fn modified_seconds(&self) -> u64 {
        self.modified_ms / 1000
    }

    pub(super) fn last_modified(&self) -> HeaderValue {
        let date = UNIX_EPOCH + Duration::from_secs(self.modified_seconds());
        HeaderValue::try_from(httpdate::fmt_http_date(date)).expect("a date is ASCII")
    }
}

/// Node.js computes in floating point: seconds times 1000 plus nanoseconds by a million, then
/// rounded.
fn rounded_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let ms = since.as_secs() as f64 * 1000.0 + f64::from(since.subsec_nanos()) / 1e6;
    (ms + 0.5).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_as_node_does() {
        let at = |seconds, nanos| rounded_ms(UNIX_EPOCH + Duration::new(seconds, nanos));
        assert_eq!(at(1_700_000_000, 0), 1_700_000_000_000);
        assert_eq!(at(1_700_000_000, 499_000), 1_700_000_000_000);
        // Too close for a double of this size.
        assert_eq!(at(1_700_000_000, 499_999), 1_700_000_000_001);
        assert_eq!(at(1_700_000_000, 999_999_999), 1_700_000_001_000);
    }

    #[test]
    fn headers_look_like_those_of_send() {
        let state = FileState {
            size: 11,
            modified_ms: 0x1a2_0534_c370,
        };
        assert_eq!(state.etag(), "W/\"b-1a20534c370\"");
        assert_eq!(state.last_modified(), "Sun, 22 Nov 2026 21:41:13 GMT");
    }
}
