//! Requests that are refused before anybody looks at them, and what HTTP/2 writes differently.

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use hyper::body::{Body, Incoming};

use super::Response;
use super::config::Limits;
use super::framing::names_websocket;
use super::refusal::{closing, plain};
use crate::websocket;

/// Refuses what breaks the server's limits, or leaves doubt about what is asked.
pub(super) fn refuse(limits: &Limits, parts: &Parts, body: &Incoming) -> Option<Response> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    if target.len() > limits.url_bytes {
        return Some(closing(StatusCode::URI_TOO_LONG, "The URL is too long.\n"));
    }
    if parts.method == Method::CONNECT && !websocket::asks_for_websocket(parts) {
        // Only proxies connect clients to others.
        let text = "The server is no proxy.\n";
        return Some(closing(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let hosts = parts.headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
        // RFC 9112, 3.2.
        let text = "A request has one Host header.\n";
        return Some(closing(StatusCode::BAD_REQUEST, text));
    }
    if parts.headers.len() > limits.header_count {
        let text = "The request has too many headers.\n";
        return Some(closing(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text));
    }
    if let Some(expectation) = parts.headers.get(header::EXPECT)
        && !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        let text = "Only 100-continue can be expected.\n";
        return Some(plain(StatusCode::EXPECTATION_FAILED, text));
    }
    let length = body.size_hint().lower();
    if limits.body_bytes.is_some_and(|limit| length > limit) {
        let text = "The body is larger than the server allows.\n";
        return Some(closing(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    None
}

/// Writes what HTTP/2 writes differently as HTTP/1 does: the host, and cookies (RFC 9113, 8.3.1 and
/// 8.2.3).
pub(super) fn as_http1(parts: &mut Parts) {
    if parts.version != Version::HTTP_2 {
        return;
    }
    if let Some(authority) = parts.uri.authority()
        && !parts.headers.contains_key(header::HOST)
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    if parts.headers.get_all(header::COOKIE).iter().count() > 1 {
        let cookies = parts.headers.get_all(header::COOKIE).iter();
        let cookies: Vec<_> = cookies.map(HeaderValue::as_bytes).collect();
        if let Ok(cookies) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
            parts.headers.insert(header::COOKIE, cookies);
        }
    }
}

/// Whether a request asks for a WebSocket; the guard of its connection then lets everything pass
/// that follows.
pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(header::UPGRADE).iter();
    protocols.any(|protocols| names_websocket(protocols.as_bytes()))
}

/// Whether a request of HTTP/1 asks for its connection to be closed.
pub(super) fn asks_to_close(headers: &HeaderMap) -> bool {
    let options = headers.get_all(header::CONNECTION).iter();
    options
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}
