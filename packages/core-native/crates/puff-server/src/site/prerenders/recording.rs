//! An answer that was recorded.

use std::ops::Range;
use std::sync::{Arc, Weak};

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use puff_core::cache::{Entry, Tags, parts as parts_of};

use super::conditions::is_not_modified;
use crate::http::{Encodings, Response, ResponseBody};

const CACHE_STATE: HeaderName = HeaderName::from_static("x-nextjs-cache");

/// Headers that belong to one transmission.
const OF_THE_TRANSMISSION: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
    header::TRAILER,
];

/// What a recording takes beside its headers.
const OVERHEAD: usize = 512;

/// An answer of Next.js from an entry of the cache.
pub(super) struct Recording {
    /// Gone when the entry was evicted or replaced and nobody reads it any more.
    entry: Weak<Entry>,
    /// Where the body is in the entry's bytes.
    body: Range<usize>,
    status: StatusCode,
    headers: HeaderMap,
    /// Those of `304 Not Modified`, and the entity tag, if there is one.
    not_modified: Option<(Box<str>, HeaderMap)>,
    /// From then on Next.js would answer that it is stale, in milliseconds since 1970.
    fresh_until_ms: f64,
    /// The compressed forms of the body.
    encodings: Encodings,
}

/// The head of an answer that Next.js gave from its cache and that every client may get.
pub(super) struct RecordableHead {
    status: StatusCode,
    headers: HeaderMap,
    max_age_ms: f64,
}

impl RecordableHead {
    /// None if this answer must not be sent again.
    pub(super) fn of(response: &Response) -> Option<RecordableHead> {
        let headers = response.headers();
        let is_hit = headers.get(CACHE_STATE).is_some_and(|state| state == "HIT");
        let is_for_one = headers.contains_key(header::SET_COOKIE)
            || headers.get(header::VARY).is_some_and(|vary| vary == "*");
        if !is_hit || is_for_one || headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let mut values = headers.get_all(header::CACHE_CONTROL).iter();
        let cache_control = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        let mut headers = headers.clone();
        for name in OF_THE_TRANSMISSION {
            headers.remove(name);
        }
        Some(RecordableHead {
            status: response.status(),
            max_age_ms: shared_max_age(cache_control)? * 1000.0,
            headers,
        })
    }
}

/// The seconds of `s-maxage`, in an answer that shared caches may keep.
fn shared_max_age(cache_control: &str) -> Option<f64> {
    let mut seconds = None;
    for directive in cache_control.split(',').map(str::trim) {
        match directive.split_once('=') {
            Some(("s-maxage", value)) => seconds = Some(f64::from(value.parse::<u32>().ok()?)),
            _ if matches!(directive, "private" | "no-store" | "no-cache") => return None,
            _ => {}
        }
    }
    seconds
}

impl Recording {
    /// None if the body is not a part of the entry: then the answer was not made of it.
    pub(super) fn new(head: RecordableHead, body: &Bytes, entry: &Arc<Entry>) -> Option<Recording> {
        let part = parts_of(&entry.value).find(|part| !part.is_empty() && part == body)?;
        let begin = part.as_ptr().addr() - entry.value.as_ptr().addr();
        let RecordableHead {
            status,
            mut headers,
            max_age_ms,
        } = head;
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let not_modified = headers.get(header::ETAG).and_then(|etag| {
            let etag = etag.to_str().ok()?.into();
            let mut headers = headers.clone();
            headers.remove(header::CONTENT_LENGTH);
            headers.remove(header::CONTENT_TYPE);
            Some((etag, headers))
        });
        Some(Recording {
            entry: Arc::downgrade(entry),
            body: begin..begin + part.len(),
            status,
            headers,
            not_modified,
            fresh_until_ms: entry.created_ms + max_age_ms,
            encodings: Encodings::new(),
        })
    }

    /// Answers a request; none if Next.js has to, because this is not fresh any more or the request is unusual.
    pub(super) fn replay(&self, parts: &Parts, tags: &Tags, now_ms: f64) -> Option<Response> {
        let entry = self.entry.upgrade()?;
        if self.fresh_until_ms < now_ms || !entry.is_fresh(tags, now_ms) {
            return None;
        }
        if let Some((etag, headers)) = &self.not_modified
            && parts.headers.contains_key(header::IF_NONE_MATCH)
            && is_not_modified(&parts.headers, etag)?
        {
            return Some(response(
                StatusCode::NOT_MODIFIED,
                headers,
                ResponseBody::empty(),
            ));
        }
        let body = match parts.method {
            Method::GET => ResponseBody::Full(Some(entry.value.slice(self.body.clone()))),
            Method::HEAD => ResponseBody::empty(),
            _ => return None,
        };
        let mut response = response(self.status, &self.headers, body);
        if parts.headers.contains_key(header::ACCEPT_ENCODING) {
            response.extensions_mut().insert(self.encodings.clone());
        }
        Some(response)
    }

    /// Bytes that it takes beside the entry.
    pub(super) fn size(&self) -> usize {
        let sizes = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 64);
        // Twice, for the answer that nothing was modified.
        OVERHEAD + 2 * sizes.sum::<usize>()
    }

    pub(super) fn is_of(&self, entry: &Arc<Entry>) -> bool {
        std::ptr::eq(self.entry.as_ptr(), Arc::as_ptr(entry))
    }

    pub(super) fn is_alive(&self) -> bool {
        self.entry.upgrade().is_some_and(|entry| entry.is_current())
    }
}

fn response(status: StatusCode, headers: &HeaderMap, body: ResponseBody) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}
