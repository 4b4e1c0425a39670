//! Conditional and partial requests for files, as the package `send` treats them.

use std::time::UNIX_EPOCH;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::file_state::FileState;

/// What a request wants of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// From the first byte to the last, both included.
    Part(u64, u64),
    /// Nothing: what the client has is fresh.
    NotModified,
    /// An error page, or something that can be read in several ways.
    Unclear,
}

const CONDITIONS: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::IF_RANGE,
];

/// What a request wants of a file in this state. `etag` is none where the site has none.
pub(super) fn wanted(parts: &Parts, state: &FileState, etag: Option<&HeaderValue>) -> Wanted {
    let headers = &parts.headers;
    if !CONDITIONS.iter().any(|name| headers.contains_key(name)) {
        return Wanted::All;
    }
    weigh(headers, state, etag).unwrap_or(Wanted::Unclear)
}

/// None where only `send` itself can say.
fn weigh(headers: &HeaderMap, state: &FileState, etag: Option<&HeaderValue>) -> Option<Wanted> {
    let etag = match etag {
        Some(etag) => Some(etag.to_str().ok()?),
        None => None,
    };
    if is_precondition_failed(headers, state, etag)? {
        return None;
    }
    if is_fresh(headers, state, etag)? {
        return Some(Wanted::NotModified);
    }
    let Some(range) = single(headers, header::RANGE)? else {
        return Some(Wanted::All);
    };
    let (first, last) = parse_range(range, state.size)?;
    Some(if is_range_fresh(headers, state, etag)? {
        Wanted::Part(first, last)
    } else {
        Wanted::All
    })
}

fn is_precondition_failed(
    headers: &HeaderMap,
    state: &FileState,
    etag: Option<&str>,
) -> Option<bool> {
    if let Some(tags) = single(headers, header::IF_MATCH)? {
        return Some(!etag.is_some_and(|etag| tags == "*" || has_tag(tags, etag)));
    }
    match single(headers, header::IF_UNMODIFIED_SINCE)? {
        Some(date) => Some(state.modified_seconds() > seconds(date)?),
        None => Some(false),
    }
}

fn is_fresh(headers: &HeaderMap, state: &FileState, etag: Option<&str>) -> Option<bool> {
    let tags = single(headers, header::IF_NONE_MATCH)?;
    let since = single(headers, header::IF_MODIFIED_SINCE)?;
    if tags.is_none() && since.is_none() {
        return Some(false);
    }
    // A reload that is to go past every cache. What else stands there does not matter.
    let mut directives = headers.get_all(header::CACHE_CONTROL).iter();
    if directives.any(|value| value.as_bytes().windows(8).any(|part| part == b"no-cache")) {
        return None;
    }
    if let Some(tags) = tags
        && tags != "*"
        && !etag.is_some_and(|etag| has_tag(tags, etag))
    {
        return Some(false);
    }
    match since {
        Some(date) => Some(state.modified_seconds() <= seconds(date)?),
        None => Some(true),
    }
}

fn is_range_fresh(headers: &HeaderMap, state: &FileState, etag: Option<&str>) -> Option<bool> {
    match single(headers, header::IF_RANGE)? {
        None => Some(true),
        Some(tag) if tag.contains('"') => Some(etag.is_some_and(|etag| tag.contains(etag))),
        Some(date) => Some(state.modified_seconds() <= seconds(date)?),
    }
}

/// Weak comparison, in a list.
fn has_tag(list: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    list.split(',')
        .any(|tag| opaque(tag.trim_matches(' ')) == opaque(etag))
}

/// One range of which at least one byte is there.
fn parse_range(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |digits: &str| -> Option<u64> {
        let is_number = digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse().ok() } else { None }
    };
    let end = size.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", last) => (size.checked_sub(number(last)?)?, end),
        (first, "") => (number(first)?, end),
        (first, last) => (number(first)?, number(last)?.min(end)),
    };
    (first <= last).then_some((first, last))
}

/// The value of a header: nothing in the option if there is none, none if there are several or it
/// is not ASCII.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<Option<&str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        // An empty header is none to JavaScript.
        (Some(value), None) if !value.is_empty() => Some(Some(value.to_str().ok()?)),
        _ => None,
    }
}

/// Of a date in the one format that `Date.parse` and everybody else read alike.
fn seconds(date: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(date).ok()?;
    if httpdate::fmt_http_date(time) != date {
        return None;
    }
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
