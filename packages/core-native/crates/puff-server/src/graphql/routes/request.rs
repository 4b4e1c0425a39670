//! A request as the endpoint reads it.

use ::http::header::CONTENT_LENGTH;
use ::http::request::Parts;
use ::http::{HeaderMap, Method};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use puff_graphql::http::{HttpRequest, REQUEST_HEADERS};

use crate::http::{BodyError, RequestBody};

/// What was read of a body.
pub(super) struct ReadBody {
    /// The body; empty if it is too large.
    pub(super) bytes: Bytes,
    /// How long it is at least, if it is too large.
    too_large: Option<usize>,
}

impl ReadBody {
    /// Reads a body, but never more than is allowed and what came with the last of that.
    pub(super) async fn read(
        parts: &Parts,
        body: &mut RequestBody,
        max_bytes: usize,
    ) -> Result<ReadBody, BodyError> {
        let none = |too_large| {
            Ok(ReadBody {
                bytes: Bytes::new(),
                too_large,
            })
        };
        if parts.method != Method::POST {
            return none(None);
        }
        let declared = header(&parts.headers, CONTENT_LENGTH.as_str());
        let declared = declared.and_then(|text| text.parse().ok()).unwrap_or(0);
        if declared > max_bytes {
            return none(Some(declared));
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame?.into_data() else {
                continue;
            };
            if first.len() + all.len() + bytes.len() > max_bytes {
                return none(Some(first.len() + all.len() + bytes.len()));
            }
            // Most bodies come in one piece.
            match (first.is_empty(), all.is_empty()) {
                (true, true) => first = bytes,
                (_, true) => {
                    all.reserve(declared.max(first.len() + bytes.len()));
                    all.extend_from_slice(&std::mem::take(&mut first));
                    all.extend_from_slice(&bytes);
                }
                _ => all.extend_from_slice(&bytes),
            }
        }
        Ok(ReadBody {
            bytes: match all.is_empty() {
                true => first,
                false => all.freeze(),
            },
            too_large: None,
        })
    }

    /// Lets the endpoint read the request.
    pub(super) fn with_request<T>(
        &self,
        parts: &Parts,
        read: impl FnOnce(&HttpRequest<'_>) -> T,
    ) -> T {
        let mut headers: Vec<(&str, String)> = REQUEST_HEADERS
            .into_iter()
            .filter_map(|name| Some((name, header(&parts.headers, name)?)))
            .collect();
        if let Some(length) = self.too_large {
            headers.retain(|(name, _)| *name != CONTENT_LENGTH.as_str());
            headers.push((CONTENT_LENGTH.as_str(), length.to_string()));
        }
        read(&HttpRequest {
            method: parts.method.as_str(),
            query: parts.uri.query(),
            header: &|name| {
                let found = headers.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.as_str())
            },
            body: &self.bytes,
        })
    }
}

/// The values of a header as one text, as JavaScript has it: a character per byte.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.extend(value.as_bytes().iter().map(|byte| char::from(*byte)));
    }
    Some(text)
}
