//! Where a server listens.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use puff_server::http::{Server, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::support::TestServer;

async fn start(config: Value) -> Result<Server, (&'static str, String)> {
    let config: ServerConfig = serde_json::from_value(config).unwrap();
    let started = Server::start(config).await;
    started.map_err(|error| (error.code(), error.to_string()))
}

#[tokio::test]
async fn without_a_host_it_listens_everywhere() {
    let server = start(json!({ "listen": [{ "port": 0 }] })).await.unwrap();
    let port = server.addresses()[0].port();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    if server.addresses()[0].is_ipv6() {
        TcpStream::connect(("::1", port)).await.unwrap();
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_had_are_refused() {
    let first = start(json!({ "listen": [{ "host": "127.0.0.1", "port": 0 }] }))
        .await
        .unwrap();
    let port = first.addresses()[0].port();
    let (code, text) = start(json!({ "listen": [{ "host": "127.0.0.1", "port": port }] }))
        .await
        .err()
        .unwrap();
    assert_eq!(code, "PUFF_PORT_IN_USE");
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    let (code, _) = start(json!({ "listen": [] })).await.err().unwrap();
    assert_eq!(code, "PUFF_SERVER_CONFIG");
    let (code, _) = start(json!({ "listen": [{ "host": "no.such.host.invalid", "port": 0 }] }))
        .await
        .err()
        .unwrap();
    assert_eq!(code, "PUFF_SERVER_LISTEN");
    let tls = json!({ "certificate": "/nowhere/a.pem", "key": "/nowhere/b.pem" });
    let (code, text) = start(json!({ "listen": [{ "port": 0 }], "tls": tls }))
        .await
        .err()
        .unwrap();
    assert_eq!(code, "PUFF_SERVER_CERTIFICATE");
    assert!(text.contains("/nowhere/a.pem"), "{text}");
}

#[tokio::test]
async fn unix_sockets_are_files_that_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    // What a server has left that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listen = json!([{ "path": path, "mode": 0o600 }]);
    let server = TestServer::echo(json!({ "listen": listen })).await;
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("GET /"), "{answer}");
    // One that lives keeps its place.
    let (code, _) = start(json!({ "listen": listen })).await.err().unwrap();
    assert_eq!(code, "PUFF_PORT_IN_USE");
    server.server.drain(Default::default(), |_| {}).await;
    assert!(!path.exists());
    // Files that are something else are nobody's to remove.
    fs::write(&path, "mine").unwrap();
    let (code, text) = start(json!({ "listen": listen })).await.err().unwrap();
    assert_eq!(code, "PUFF_SERVER_LISTEN");
    assert!(text.contains("no socket"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn connections_above_the_limit_wait() {
    let server = TestServer::echo(json!({ "limits": { "connections": 2 } })).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    first.get("/1", "").await;
    second.get("/2", "").await;
    let mut third = server.connect().await;
    third.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(second.get("/2", "").await.status, 200);
    drop(first);
    assert_eq!(third.answer().await.unwrap().text(), "GET /3");
}
