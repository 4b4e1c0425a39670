//! A request on its way through the server.

use std::sync::Arc;

use ::http::request::Parts;
use hyper::upgrade::OnUpgrade;

use super::body::RequestBody;

/// A request, and who sent it.
pub struct Exchange {
    /// Method, target, version and headers; what only Next.js itself may send has been removed.
    pub parts: Parts,
    /// The body, within the server's limits.
    pub body: RequestBody,
    /// Who sent it.
    pub client: Client,
    /// The connection itself, for a request that asks for another protocol.
    pub upgrade: Option<OnUpgrade>,
}

/// The other end of a connection; behind a trusted proxy, whoever that speaks for.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its IP address, as Node.js writes it: `::ffff:1.2.3.4` for IPv4 on a socket of both
    /// versions. Empty on a Unix socket.
    pub address: Arc<str>,
    /// Its port, 0 where there is none.
    pub port: u16,
    /// Whether it speaks TLS.
    pub is_encrypted: bool,
}
