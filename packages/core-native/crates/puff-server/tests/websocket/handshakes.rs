use puff_server::websocket::SocketOptions;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::support::{Server, request};

const VALID: [(&str, &str); 5] = [
    ("Host", "a.example"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The head of the response to a valid handshake with other values for some headers; an empty one
/// leaves the header out.
async fn shake(server: &Server, line: &str, changes: &[(&str, &str)]) -> String {
    let mut text = format!("{line}\r\n");
    let unchanged = VALID
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    for (name, value) in unchanged.chain(changes) {
        if !value.is_empty() {
            text += &format!("{name}: {value}\r\n");
        }
    }
    request(server.address, &(text + "\r\n")).await.0
}

const LINE: &str = "GET /socket HTTP/1.1";

#[tokio::test]
async fn the_key_is_answered() {
    let server = Server::echo(SocketOptions::default()).await;
    let head = shake(&server, LINE, &[]).await;
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{head}"
    );
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert!(head.contains("set-cookie: session=1\r\n"));
    assert!(!head.contains("sec-websocket-protocol"));
    assert!(!head.contains("sec-websocket-extensions"));
}

#[tokio::test]
async fn header_values_are_read_as_lists_without_case() {
    let server = Server::echo(SocketOptions::default()).await;
    let head = shake(
        &server,
        LINE,
        &[
            ("Connection", "keep-alive, UPGRADE"),
            ("Upgrade", "h2c, WebSocket"),
        ],
    )
    .await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    let server = Server::echo(SocketOptions::default()).await;
    for (line, change, status) in [
        ("POST /socket HTTP/1.1", ("Content-Length", "0"), 400),
        ("GET /socket HTTP/1.0", ("Host", "a.example"), 400),
        (LINE, ("Connection", "keep-alive"), 400),
        (LINE, ("Sec-WebSocket-Key", ""), 400),
        (LINE, ("Sec-WebSocket-Key", "c2hvcnQ="), 400),
        (
            LINE,
            ("Sec-WebSocket-Key", "no base64 at all, but long"),
            400,
        ),
        (LINE, ("Sec-WebSocket-Version", ""), 426),
        (LINE, ("Sec-WebSocket-Version", "8"), 426),
        (LINE, ("Sec-WebSocket-Protocol", "a,,b"), 400),
        (LINE, ("Sec-WebSocket-Protocol", "a, a"), 400),
        (LINE, ("Sec-WebSocket-Protocol", "a b"), 400),
        (LINE, ("Origin", "https://evil.example"), 403),
    ] {
        let head = shake(&server, line, &[change]).await;
        let answered = head.split(' ').nth(1).unwrap();
        assert_eq!(answered, status.to_string(), "{line} {change:?}");
        assert_eq!(head.contains("sec-websocket-version: 13"), status == 426);
    }
    assert_eq!(server.sockets.opened(), 0);
}

#[tokio::test]
async fn a_handshake_has_one_key() {
    let server = Server::echo(SocketOptions::default()).await;
    let second = ("Sec-WebSocket-Key", "c2Vjb25kIHNlY29uZCBzIQ==");
    let head = shake(&server, LINE, &[VALID[4], second]).await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[tokio::test]
async fn pages_of_the_server_and_of_allowed_origins_connect() {
    let options = SocketOptions {
        allowed_origins: vec!["*.b.example".into()],
        ..SocketOptions::default()
    };
    let server = Server::echo(options).await;
    for origin in ["https://a.example", "https://x.b.example"] {
        let head = shake(&server, LINE, &[("Origin", origin)]).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{origin}: {head}");
    }
}

#[tokio::test]
async fn a_subprotocol_is_agreed_on() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut request = server.url().into_client_request().unwrap();
    let offer = "other, chat".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", offer);
    let (_client, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
}

#[tokio::test]
async fn more_sockets_than_allowed_are_refused_until_one_ends() {
    let options = SocketOptions {
        max_sockets: 1,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let client = server.connect().await;
    events.opened().await;
    let head = shake(&server, LINE, &[]).await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(head.contains("retry-after: 1\r\n"));
    drop(client);
    events.closed().await;
    // The place is given up right after the listener was told.
    while !server.sockets.is_empty() {
        tokio::task::yield_now().await;
    }
    let head = shake(&server, LINE, &[]).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}
