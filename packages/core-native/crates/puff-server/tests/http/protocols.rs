//! HTTP/2 and TLS.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::TestServer;

type Http2 = http2::SendRequest<Full<Bytes>>;

async fn http2_over(io: impl Read + Write + Unpin + Send + 'static) -> Http2 {
    let builder = http2::Builder::new(TokioExecutor::new());
    let (client, connection) = builder.handshake(io).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn http2(server: &TestServer) -> Http2 {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    http2_over(TokioIo::new(stream)).await
}

pub(crate) fn request(path: &str) -> Request<Full<Bytes>> {
    let uri = format!("http://example.com{path}");
    Request::get(uri).body(Full::default()).unwrap()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn http2_is_known_by_its_preface() {
    let server = TestServer::start(json!({}), |isolate, asked| {
        let seen = json!({
            "url": asked.url, "version": asked.version,
            "host": asked.header("host"), "cookie": asked.header("cookie"),
        });
        isolate.respond(asked.id, &[], seen.to_string());
    })
    .await;
    let mut client = http2(&server).await;
    let mut with_cookies = request("/a?b");
    for cookie in ["a=1", "b=2"] {
        with_cookies
            .headers_mut()
            .append("cookie", cookie.parse().unwrap());
    }
    let response = client.send_request(with_cookies).await.unwrap();
    assert!(!response.headers().contains_key("connection"));
    let seen: Value = serde_json::from_str(&text(response).await).unwrap();
    let expected = json!({
        "url": "/a?b", "version": "2.0", "host": "example.com", "cookie": "a=1; b=2",
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn http2_has_the_same_limits() {
    let limits = json!({ "headerBytes": 4000, "urlBytes": 1000, "bodyBytes": 100 });
    let server = TestServer::start(json!({ "limits": limits }), |isolate, asked| {
        if !asked.has_more {
            isolate.respond(asked.id, &[], asked.body);
        }
    })
    .await;
    let mut client = http2(&server).await;
    let long = "a".repeat(5000);
    let response = client
        .send_request(request(&format!("/{}", &long[..1001])))
        .await;
    assert_eq!(response.unwrap().status(), StatusCode::URI_TOO_LONG);
    let mut large = request("/");
    *large.method_mut() = http::Method::POST;
    *large.body_mut() = Full::from(long.clone());
    let response = client.send_request(large).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let mut heavy = request("/");
    heavy.headers_mut().insert("x", long.parse().unwrap());
    let response = client.send_request(heavy).await;
    // Either side may refuse it, depending on whether the client knows the server's limit by now.
    if let Ok(response) = response {
        assert_eq!(
            response.status(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        );
    }
    let response = client.send_request(request("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn idle_connections_of_http2_are_ended_in_order() {
    let timeouts = json!({ "http2IdleMs": 100 });
    let server = TestServer::echo(json!({ "timeouts": timeouts })).await;
    let mut client = http2(&server).await;
    assert_eq!(
        text(client.send_request(request("/")).await.unwrap()).await,
        "GET /"
    );
    while client.ready().await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn clients_of_http2_that_take_nothing_are_cut_off() {
    let timeouts = json!({ "http2IdleMs": 200, "writeProgressMs": 200 });
    let server = TestServer::start(json!({ "timeouts": timeouts }), |isolate, asked| {
        // More than a client asks for ahead; at once, and by and by.
        let body = Some(Bytes::from(vec![b'a'; 64 << 20]));
        isolate.respond_with(asked.id, 200, &[], body, asked.path() == "/large");
    })
    .await;
    for path in ["/large", "/endless"] {
        let mut client = http2(&server).await;
        let response = client.send_request(request(path)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        // Nothing of its body is read.
        while client.ready().await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(server.server.requests(), 0, "{path}");
    }
}

struct Tls {
    server: TestServer,
    certificate: CertificateDer<'static>,
    _folder: tempfile::TempDir,
}

impl Tls {
    async fn start() -> Tls {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let paths = [
            folder.path().join("certificate.pem"),
            folder.path().join("key.pem"),
        ];
        std::fs::write(&paths[0], certificate.pem()).unwrap();
        std::fs::write(&paths[1], key.serialize_pem()).unwrap();
        let tls = json!({ "certificate": paths[0], "key": paths[1] });
        let timeouts = json!({ "headersMs": 200 });
        let server = TestServer::start(
            json!({ "tls": tls, "timeouts": timeouts }),
            |isolate, asked| {
                let seen = format!("{} {}", asked.scheme, asked.version);
                isolate.respond(asked.id, &[], seen);
            },
        )
        .await;
        Tls {
            server,
            certificate: certificate.der().clone(),
            _folder: folder,
        }
    }

    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(self.server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.unwrap()
    }
}

#[tokio::test]
async fn clients_of_tls_choose_their_protocol() {
    let tls = Tls::start().await;
    let stream = tls.connect(&[b"h2", b"http/1.1"]).await;
    let mut client = http2_over(TokioIo::new(stream)).await;
    let response = client.send_request(request("/")).await.unwrap();
    assert_eq!(text(response).await, "https 2.0");
    for protocols in [&[b"http/1.1".as_slice()][..], &[]] {
        let stream = tls.connect(protocols).await;
        let handshake = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await;
        let (mut client, connection) = handshake.unwrap();
        tokio::spawn(connection);
        let mut request = request("/");
        request
            .headers_mut()
            .insert("host", "localhost".parse().unwrap());
        let response = client.send_request(request).await.unwrap();
        assert_eq!(text(response).await, "https 1.1");
    }
}

#[tokio::test]
async fn who_speaks_no_tls_is_not_waited_for() {
    let tls = Tls::start().await;
    let mut silent = tls.server.connect().await;
    assert_eq!(silent.rest().await, b"");
    let mut plain = tls.server.connect().await;
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    // An alert, which is no HTTP.
    assert!(!plain.rest().await.starts_with(b"HTTP"));
}
