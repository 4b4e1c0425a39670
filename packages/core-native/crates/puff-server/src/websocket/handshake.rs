//! Opening handshakes: RFC 6455, section 4.2, and over HTTP/2 RFC 8441.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;
use puff_core::runtime;
use sha1::{Digest, Sha1};
use tokio::time::timeout;

use super::connection::{Connection, Owner};
use super::extension;
use super::handle::SocketHandle;
use super::listener::Listener;
use super::refusal::Refusal;
use super::sockets::{Place, Sockets};
use crate::http::{GuardedIo, Response, ResponseBody};

/// What a server appends to a client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How long a connection may take to become a socket's after its response.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(30);

/// Headers of the handshake itself, which no handler sets.
const RESERVED: [HeaderName; 8] = [
    CONNECTION,
    UPGRADE,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
];

/// Whether a request is meant as a handshake.
pub fn asks_for_websocket(parts: &Parts) -> bool {
    if parts.method == Method::CONNECT {
        let protocol = parts.extensions.get::<Protocol>();
        return protocol.is_some_and(|protocol| protocol.as_str() == "websocket");
    }
    parts.version <= Version::HTTP_11 && has_token(&parts.headers, &UPGRADE, "websocket")
}

/// A handshake that can be accepted. It counts as a socket from now on.
pub struct Handshake {
    /// Over HTTP/1.1, the answer to the client's key.
    accept: Option<HeaderValue>,
    protocols: Vec<String>,
    is_deflated: bool,
    place: Place,
}

/// What a handshake is accepted with.
#[derive(Clone, Debug, Default)]
pub struct Acceptance {
    /// The subprotocol that will be spoken: one that the client offers.
    pub protocol: Option<String>,
    /// Further headers of the response; those of the handshake itself are left out.
    pub headers: HeaderMap,
}

impl Handshake {
    pub(super) fn read(parts: &Parts, sockets: &Arc<Sockets>) -> Result<Handshake, Refusal> {
        let headers = &parts.headers;
        let accept = match parts.version {
            Version::HTTP_2 => None,
            Version::HTTP_11 => {
                if parts.method != Method::GET {
                    return Err(Refusal::Malformed("its method must be GET"));
                }
                if !has_token(headers, &CONNECTION, "upgrade") {
                    return Err(Refusal::Malformed("Connection must name Upgrade"));
                }
                Some(accept(headers)?)
            }
            _ => return Err(Refusal::Malformed("it needs HTTP/1.1 or HTTP/2")),
        };
        if headers
            .get(SEC_WEBSOCKET_VERSION)
            .is_none_or(|version| version != "13")
        {
            return Err(Refusal::Version);
        }
        let place = sockets.admit(parts)?;
        Ok(Handshake {
            accept,
            protocols: protocols(headers)?,
            is_deflated: sockets.options().compression && extension::offers_deflate(headers),
            place,
        })
    }

    /// The sockets that it would belong to.
    pub(super) fn sockets(&self) -> &Arc<Sockets> {
        self.place.sockets()
    }

    /// The subprotocols that the client offers, in its order.
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// The first subprotocol of the client's that is supported.
    pub fn choose(&self, supported: &[&str]) -> Option<String> {
        let is_supported = |offered: &&String| supported.contains(&offered.as_str());
        self.protocols.iter().find(is_supported).cloned()
    }

    /// Accepts it. The connection belongs to the socket once the client has got the response; what is
    /// sent before waits.
    pub fn accept(
        self,
        upgrade: OnUpgrade,
        acceptance: Acceptance,
        listener: Box<dyn Listener>,
    ) -> (Response, SocketHandle) {
        let response = self.response(&acceptance);
        let sockets = self.place.sockets().clone();
        let options = sockets.options().clone();
        let mut place = self.place;
        let protocol = acceptance.protocol.as_deref();
        let socket = place.register(|id| {
            SocketHandle::new(id, protocol, self.is_deflated, options.max_buffered_bytes)
        });
        let owner = Owner::new(socket.clone(), listener);
        runtime::spawn(async move {
            // A client that does not take the response is gone, and its socket ends with `owner`.
            let Ok(Ok(upgraded)) = timeout(UPGRADE_TIMEOUT, upgrade).await else {
                return;
            };
            match upgraded.downcast::<TokioIo<GuardedIo>>() {
                Ok(upgrade::Parts { io, read_buf, .. }) => {
                    let io = io.into_inner();
                    let connection = Connection::direct(io, &read_buf, owner, options, place);
                    // The buffer of the connection's time with HTTP, even if there is nothing in it.
                    drop(read_buf);
                    connection.await;
                }
                // A stream of HTTP/2.
                Err(upgraded) => {
                    Connection::new(TokioIo::new(upgraded), owner, options, place).await;
                }
            }
        });
        (response, socket)
    }

    fn response(&self, acceptance: &Acceptance) -> Response {
        let mut response = Response::new(ResponseBody::empty());
        let headers = response.headers_mut();
        *headers = acceptance.headers.clone();
        for name in RESERVED {
            headers.remove(name);
        }
        if let Some(protocol) = &acceptance.protocol
            && let Ok(protocol) = HeaderValue::from_str(protocol)
        {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        if self.is_deflated {
            let extension = HeaderValue::from_static(extension::RESPONSE);
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, extension);
        }
        if let Some(accept) = &self.accept {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        }
        response
    }
}

/// The answer to the client's key.
fn accept(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Refusal::Malformed("it needs one Sec-WebSocket-Key"));
    };
    if BASE64_STANDARD
        .decode(key)
        .is_ok_and(|nonce| nonce.len() == 16)
    {
        let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
        let accept = HeaderValue::try_from(BASE64_STANDARD.encode(digest));
        return accept.map_err(|_| Refusal::Malformed("its key cannot be answered"));
    }
    Err(Refusal::Malformed(
        "Sec-WebSocket-Key must be 16 bytes in Base64",
    ))
}

fn protocols(headers: &HeaderMap) -> Result<Vec<String>, Refusal> {
    let mut protocols: Vec<String> = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let value = value.to_str().unwrap_or_default();
        for protocol in value.split(',').map(str::trim) {
            let is_token = !protocol.is_empty() && protocol.bytes().all(is_token_byte);
            if !is_token || protocols.iter().any(|known| known == protocol) {
                return Err(Refusal::Malformed(
                    "Sec-WebSocket-Protocol must name different subprotocols",
                ));
            }
            protocols.push(protocol.into());
        }
    }
    Ok(protocols)
}

/// A byte of a token (RFC 9110, section 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_specification_gets_its_answer() {
        let mut headers = HeaderMap::new();
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        headers.insert(SEC_WEBSOCKET_KEY, key);
        assert_eq!(accept(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
