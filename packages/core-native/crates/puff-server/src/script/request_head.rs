//! How a request is told to an isolate.
//!
//! Message [`Topic::REQUEST`]: the first number is the route (0: none, the isolate finds it itself), the second has the flags
//! below. The first attachment is one string, its parts divided by NUL, which no part can hold: method,
//! URL as the client sent it, version of HTTP, address and port of the client, `http` or `https`, number of
//! parameters, number of headers that the answer of the route has in addition; then a name and a value for each of
//! these parameters, of these headers, and of the request's headers. A body
//! that has arrived whole, or in part, is the second attachment.

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderMap, Uri, Version};

use super::message::{Attachment, Message, Topic};
use crate::http::Client;

/// What follows the head of a request; the numbers are flags of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Following {
    /// Nothing but what came with it.
    Nothing = 0,
    /// More of its body.
    Body = 1,
    /// Whatever the client says once its connection is handed over; see `tunnel.rs`.
    Tunnel = 2,
}

/// A request's route, where the server knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptRoute {
    /// Its number in the site's table, from 1 on; 0 for none.
    pub number: u32,
    /// The values of the parameters in its path, as they stand in the URL.
    pub params: Vec<(String, String)>,
    /// What its answer has in addition, by the app's config.
    pub headers: Option<Arc<HeaderMap>>,
}

/// Makes the message; the beginning of the body may come with it.
pub(super) fn message(
    id: u32,
    parts: &Parts,
    client: &Client,
    route: &ScriptRoute,
    body: Option<bytes::Bytes>,
    following: Following,
) -> Message {
    let mut head = Vec::with_capacity(1024);
    let mut part = |bytes: &[u8]| {
        head.extend_from_slice(bytes);
        head.push(0);
    };
    part(parts.method.as_str().as_bytes());
    part(target(&parts.uri).as_bytes());
    part(version(parts.version));
    part(client.address.as_bytes());
    part(itoa::Buffer::new().format(client.port).as_bytes());
    part(if client.is_encrypted {
        b"https"
    } else {
        b"http"
    });
    part(itoa::Buffer::new().format(route.params.len()).as_bytes());
    let added = route.headers.as_deref();
    let added_count = added.map_or(0, HeaderMap::len);
    part(itoa::Buffer::new().format(added_count).as_bytes());
    for (name, value) in &route.params {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    for (name, value) in added.into_iter().flatten().chain(&parts.headers) {
        part(name.as_str().as_bytes());
        part(value.as_bytes());
    }
    head.pop();
    let mut attachments = vec![Attachment::Latin1(head)];
    attachments.extend(body.map(Attachment::Bytes));
    Message {
        topic: Topic::REQUEST,
        id,
        numbers: [route.number.cast_signed(), following as i32],
        attachments,
    }
}

/// Makes the message that asks for a WebSocket; the same, for another listener.
pub(crate) fn socket_head(id: u32, parts: &Parts, client: &Client, route: &ScriptRoute) -> Message {
    Message {
        topic: Topic::SOCKET_REQUEST,
        ..message(id, parts, client, route, None, Following::Nothing)
    }
}

fn target(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

fn version(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_09 => b"0.9",
        Version::HTTP_10 => b"1.0",
        Version::HTTP_2 => b"2.0",
        Version::HTTP_3 => b"3.0",
        _ => b"1.1",
    }
}
