use std::time::Duration;

use futures_util::StreamExt;
use puff_server::websocket::{
    CloseCode, Closed, Frame, Listener, Message, Sent, SocketHandle, SocketOptions,
};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite;

use super::support::{Event, Server, close, within};

#[tokio::test]
async fn a_client_that_closes_gets_its_code_back() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    for (payload, code, reason) in [
        (close(1000, b""), 1000, ""),
        (close(1001, b"leaving"), 1001, "leaving"),
        (close(3000, b"library"), 3000, "library"),
        (close(4999, "größer".as_bytes()), 4999, "größer"),
        (Vec::new(), 1005, ""),
    ] {
        let mut client = server.raw().await;
        let socket = events.opened().await;
        client.send(0x88, &payload).await;
        assert_eq!(client.receive_close().await.0, code);
        assert_eq!(events.closed().await, (code, reason.to_owned(), true));
        assert_eq!(socket.send(&Frame::text("too late")), Sent::Closed);
    }
}

#[tokio::test]
async fn closing_from_here_comes_after_what_was_sent() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    let socket = events.opened().await;
    socket.send(&Frame::text("last words"));
    socket.close(CloseCode(4000), "enough");
    assert!(!socket.is_open());
    assert_eq!(client.receive().await, (0x81, b"last words".to_vec()));
    let (first, payload) = client.receive().await;
    assert_eq!((first, payload), (0x88, close(4000, b"enough")));
    // What comes after that is nobody's.
    client.send(0x81, b"but").await;
    client.send(0x88, &close(4000, b"")).await;
    assert!(client.is_at_end().await);
    assert_eq!(events.closed().await, (4000, String::new(), true));
}

#[tokio::test]
async fn a_client_that_does_not_answer_a_close_frame_is_dropped() {
    let options = SocketOptions {
        close_timeout_ms: 50,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let mut client = server.raw().await;
    events.opened().await.close(CloseCode::NORMAL, "");
    assert_eq!(client.receive().await, (0x88, close(1000, b"")));
    assert_eq!(events.closed().await, (1006, String::new(), false));
    assert!(client.is_at_end().await);
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_is_1006() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let client = server.raw().await;
    events.opened().await;
    drop(client);
    assert_eq!(events.closed().await, (1006, String::new(), false));

    // Half-closed, in the middle of a frame.
    let mut client = server.raw().await;
    events.opened().await;
    client.write(&[0x81, 0xfe]).await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(events.closed().await, (1006, String::new(), false));
    assert!(client.is_at_end().await);

    // Reset.
    let client = server.raw().await;
    events.opened().await;
    client.stream.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(events.closed().await, (1006, String::new(), false));
}

#[tokio::test]
async fn a_terminated_connection_ends_at_once() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    events.opened().await.terminate();
    assert_eq!(events.closed().await, (1006, String::new(), false));
    assert!(client.is_at_end().await);
}

#[tokio::test]
async fn a_listener_that_fails_closes_with_1011() {
    struct Failing;
    impl Listener for Failing {
        fn message(&mut self, _socket: &SocketHandle, _message: Message) {
            panic!("on purpose");
        }
        fn closed(&mut self, _socket: &SocketHandle, _closed: Closed) {}
    }
    let server = Server::start(SocketOptions::default(), || Box::new(Failing)).await;
    let mut client = server.raw().await;
    client.send(0x81, b"hi").await;
    assert_eq!(
        client.receive_close().await,
        (1011, "Internal error".into())
    );
}

#[tokio::test]
async fn all_sockets_close_together() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(server.connect().await);
    }
    server.sockets.close_all(CloseCode::RESTART, "reloaded");
    for mut client in clients {
        let message = within(client.next()).await.unwrap().unwrap();
        let tungstenite::Message::Close(Some(frame)) = message else {
            panic!("{message:?}");
        };
        assert_eq!(u16::from(frame.code), 1012);
        assert_eq!(frame.reason.as_str(), "reloaded");
    }
}

#[tokio::test]
async fn shutting_down_says_1001_and_drops_who_does_not_answer() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut polite = server.raw().await;
    let mut silent = server.raw().await;
    events.opened().await;
    events.opened().await;
    let sockets = server.sockets.clone();
    let shutting_down = tokio::spawn(async move {
        let patience = Duration::from_millis(300);
        sockets.shut_down(patience).await
    });
    let reason = b"The server is shutting down";
    assert_eq!(polite.receive().await, (0x88, close(1001, reason)));
    polite.send(0x88, &close(1001, b"")).await;
    assert!(polite.is_at_end().await);
    assert_eq!(silent.receive().await, (0x88, close(1001, reason)));
    assert_eq!(within(shutting_down).await.unwrap(), 1);
    assert!(silent.is_at_end().await);
    assert_eq!(events.closed().await, (1001, String::new(), true));
    assert_eq!(events.closed().await, (1006, String::new(), false));
    let refused = tokio_tungstenite::connect_async(server.url()).await;
    let Err(tungstenite::Error::Http(response)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(response.status(), 503);
}

#[tokio::test]
async fn the_listener_hears_of_the_end_even_if_the_client_takes_no_response() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let request = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.set_zero_linger().unwrap();
    drop(stream);
    // It may have been opened before the reset was noticed.
    let mut event = events.next().await;
    if matches!(event, Event::Opened(_)) {
        event = events.next().await;
    }
    assert!(matches!(event, Event::Closed(closed) if closed.code == CloseCode::ABNORMAL));
}
