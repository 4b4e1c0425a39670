//! The clients whose operations begin here and not in JavaScript.

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::caller::Caller;

/// Who sent a request, as `context` sees it.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The request's method.
    pub method: String,
    /// Its target: path and query.
    pub target: String,
    /// Its headers.
    pub headers: Arc<HeaderMap>,
    /// The payload of `connection_init`.
    pub connection_params: Option<Arc<Map<String, Json>>>,
}

impl Client {
    /// Whoever sent a request that is answered soon.
    pub(super) fn of(parts: &Parts) -> Client {
        Client::with_headers(parts, parts.headers.clone())
    }

    /// Whoever sent a request and stays connected. The headers of a request are slices of what was read from the
    /// connection, a buffer of many kilobytes that one of them would keep.
    pub(super) fn lasting(parts: &Parts) -> Client {
        Client::with_headers(parts, detached(&parts.headers))
    }

    fn with_headers(parts: &Parts, headers: HeaderMap) -> Client {
        Client {
            method: parts.method.as_str().into(),
            target: parts
                .uri
                .path_and_query()
                .map_or_else(String::new, |target| target.as_str().into()),
            headers: Arc::new(headers),
            connection_params: None,
        }
    }
}

/// The same headers in memory of their own, all values in one piece.
fn detached(headers: &HeaderMap) -> HeaderMap {
    let values: Vec<&[u8]> = headers.values().map(HeaderValue::as_bytes).collect();
    let mut values = Bytes::from(values.concat().into_boxed_slice());
    let mut detached = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        // It was a value before.
        if let Ok(value) = HeaderValue::from_maybe_shared(values.split_to(value.len())) {
            detached.append(name.clone(), value);
        }
    }
    detached
}

/// An isolate that knows a schema's resolvers and context.
pub trait Clients: Send + Sync {
    /// A client, of whom the isolate is told with the first question.
    fn caller(&self, client: Client) -> Arc<dyn Caller>;
}

#[cfg(test)]
mod tests {
    use ::http::Request;

    use super::*;

    #[test]
    fn a_lasting_client_has_the_same_headers_elsewhere() {
        let read = Bytes::from_static(b"a=1text/plainb=2");
        let mut request = Request::new(());
        for (name, range) in [("cookie", 0..3), ("accept", 3..13), ("cookie", 13..16)] {
            let value = HeaderValue::from_maybe_shared(read.slice(range)).unwrap();
            request.headers_mut().append(name, value);
        }
        let (parts, ()) = request.into_parts();
        let client = Client::lasting(&parts);
        assert_eq!(*client.headers, parts.headers);
        let begin = |headers: &HeaderMap| headers["accept"].as_bytes().as_ptr();
        assert_ne!(begin(&client.headers), begin(&parts.headers));
        assert_eq!(begin(&Client::of(&parts).headers), begin(&parts.headers));
    }
}
