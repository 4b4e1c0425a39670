//! Whether and how an answer is compressed.

use ::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, VARY,
};
use ::http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper::body::Body;
use serde::Deserialize;

use super::body::CompressedBody;
use super::encoder::{Effort, Encoder, Encoding, compress};
use super::encodings::Encodings;
use super::media_type::is_compressible;
use super::negotiation::choose;
use crate::http::{Response, ResponseBody};

/// Bodies above this size are compressed as streams are: in parts, between which others get their
/// turn.
const MAX_AT_ONCE: usize = 64 * 1024;

/// How answers are compressed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CompressionConfig {
    /// Off for apps that say `compress: false`.
    pub enabled: bool,
    /// What is offered; the first is taken where the client does not mind. zstd, br, gzip, deflate.
    pub encodings: Vec<Encoding>,
    /// Bodies of which less than this is known to come are left alone: 1 KB, as `next start`.
    pub min_bytes: u64,
}

impl Default for CompressionConfig {
    fn default() -> CompressionConfig {
        CompressionConfig {
            enabled: true,
            encodings: vec![
                Encoding::Zstd,
                Encoding::Brotli,
                Encoding::Gzip,
                Encoding::Deflate,
            ],
            min_bytes: 1024,
        }
    }
}

/// Compresses answers.
pub(in crate::http) struct Compression {
    config: CompressionConfig,
    /// The same, the smallest first: for what is compressed once.
    smallest_first: Vec<Encoding>,
}

/// What has to be known of a request for its answer.
pub(in crate::http) struct Acceptance {
    /// For an answer that is compressed for this request.
    each: Option<Encoding>,
    /// For one that is kept.
    kept: Option<Encoding>,
}

impl Compression {
    pub(in crate::http) fn new(config: CompressionConfig) -> Compression {
        let mut smallest_first = config.encodings.clone();
        smallest_first.sort_by_key(|encoding| *encoding != Encoding::Brotli);
        Compression {
            config,
            smallest_first,
        }
    }

    /// Notes what the client of a request takes; none where its answer is not touched at all.
    pub(in crate::http) fn acceptance(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<Acceptance> {
        if !self.config.enabled {
            return None;
        }
        let is_plain = method == Method::HEAD || !headers.contains_key(ACCEPT_ENCODING);
        Some(match is_plain {
            true => Acceptance {
                each: None,
                kept: None,
            },
            false => Acceptance {
                each: choose(headers, &self.config.encodings),
                kept: choose(headers, &self.smallest_first),
            },
        })
    }

    /// Compresses an answer, if it may and should be.
    pub(in crate::http) async fn apply(
        &self,
        acceptance: &Acceptance,
        mut response: Response,
    ) -> Response {
        if !may_vary(response.headers()) {
            return response;
        }
        vary(response.headers_mut());
        let encodings = response.extensions_mut().remove::<Encodings>();
        let encoding = match &encodings {
            Some(_) => acceptance.kept,
            None => acceptance.each,
        };
        let Some(encoding) = encoding.filter(|_| self.is_worth_it(&response)) else {
            return response;
        };
        let (mut parts, body) = response.into_parts();
        let body = match (body, encodings) {
            (ResponseBody::Full(Some(bytes)), Some(encodings)) => {
                match encodings.get(encoding, &bytes).await {
                    Some(compressed) => ResponseBody::full(compressed),
                    None => return Response::from_parts(parts, ResponseBody::full(bytes)),
                }
            }
            (ResponseBody::Full(Some(bytes)), None) if bytes.len() <= MAX_AT_ONCE => {
                match compress(encoding, Effort::Each, &bytes) {
                    Ok(compressed) => ResponseBody::full(compressed),
                    Err(_) => return Response::from_parts(parts, ResponseBody::full(bytes)),
                }
            }
            (body, _) => match Encoder::new(encoding, Effort::Each) {
                Ok(encoder) => ResponseBody::stream(CompressedBody::new(body, encoder)),
                Err(_) => return Response::from_parts(parts, body),
            },
        };
        let headers = &mut parts.headers;
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        headers.remove(CONTENT_LENGTH);
        weaken_etag(headers);
        Response::from_parts(parts, body)
    }

    fn is_worth_it(&self, response: &Response) -> bool {
        let headers = response.headers();
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok())
            .or(response.body().size_hint().exact());
        let is_event_stream = headers
            .get(CONTENT_TYPE)
            .is_some_and(|content_type| content_type.as_bytes().starts_with(b"text/event-stream"));
        length.is_none_or(|length| length >= self.config.min_bytes.max(1))
            && headers
                .get(CONTENT_ENCODING)
                .is_none_or(|encoding| encoding == "identity")
            && response.status() != StatusCode::PARTIAL_CONTENT
            && !headers.contains_key(CONTENT_RANGE)
            // Events are small and must not wait for each other.
            && !is_event_stream
    }
}

/// Whether another client might get the answer in another encoding.
fn may_vary(headers: &HeaderMap) -> bool {
    let is_compressible = headers
        .get(CONTENT_TYPE)
        .and_then(|content_type| content_type.to_str().ok())
        .is_some_and(is_compressible);
    is_compressible
        && !headers.get_all(CACHE_CONTROL).iter().any(|value| {
            let mut directives = value.as_bytes().split(|byte| *byte == b',');
            directives.any(|directive| directive.trim_ascii() == b"no-transform")
        })
}

/// Adds `Accept-Encoding` to `Vary`, into one line as the package `vary` does.
fn vary(headers: &mut HeaderMap) {
    let value = match headers.get(VARY) {
        None => HeaderValue::from_static("Accept-Encoding"),
        Some(_) => {
            let lines: Vec<_> = headers.get_all(VARY).iter().collect();
            let mut fields = lines
                .iter()
                .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
            let is_there = fields.any(|field| {
                let field = field.trim_ascii();
                field == b"*" || field.eq_ignore_ascii_case(b"accept-encoding")
            });
            if is_there {
                return;
            }
            let mut joined = Vec::with_capacity(128);
            for line in lines {
                joined.extend_from_slice(line.as_bytes());
                joined.extend_from_slice(b", ");
            }
            joined.extend_from_slice(b"Accept-Encoding");
            match HeaderValue::from_maybe_shared(bytes::Bytes::from(joined)) {
                Ok(value) => value,
                Err(_) => return,
            }
        }
    };
    headers.insert(VARY, value);
}

/// What has other bytes has no strong validator in common (RFC 9110, 8.8.3.3).
fn weaken_etag(headers: &mut HeaderMap) {
    let weak = headers
        .get(ETAG)
        .filter(|etag| etag.as_bytes().starts_with(b"\""))
        .and_then(|etag| HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}
