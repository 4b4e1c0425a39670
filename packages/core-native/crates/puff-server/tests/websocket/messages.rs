use futures_util::{SinkExt, StreamExt};
use puff_server::websocket::{Frame, SocketOptions};
use tokio_tungstenite::tungstenite::Message;

use super::support::{Event, Server, frame, within};

#[tokio::test]
async fn messages_of_all_lengths_come_back() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.connect().await;
    for length in [
        0,
        1,
        125,
        126,
        127,
        128,
        65_535,
        65_536,
        70_000,
        300_000,
        1024 * 1024,
    ] {
        let text = Message::text("*".repeat(length));
        client.send(text.clone()).await.unwrap();
        assert!(
            within(client.next()).await.unwrap().unwrap() == text,
            "text of {length}"
        );
        let bytes = Message::binary(vec![0xfe; length]);
        client.send(bytes.clone()).await.unwrap();
        assert!(
            within(client.next()).await.unwrap().unwrap() == bytes,
            "{length} bytes"
        );
    }
}

#[tokio::test]
async fn messages_keep_their_order() {
    let server = Server::echo(SocketOptions::default()).await;
    let (mut sink, mut stream) = server.connect().await.split();
    let sender = tokio::spawn(async move {
        for number in 0..20_000 {
            sink.feed(Message::text(number.to_string())).await.unwrap();
        }
        sink.flush().await.unwrap();
        sink
    });
    for number in 0..20_000 {
        let message = within(stream.next()).await.unwrap().unwrap();
        assert_eq!(message.into_text().unwrap(), number.to_string().as_str());
    }
    drop(sender.await.unwrap());
}

#[tokio::test]
async fn frames_arrive_in_any_pieces() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw().await;
    let text = "κόσμε".repeat(50);
    let bytes = [frame(0x81, text.as_bytes()), frame(0x89, b"ping")].concat();
    for piece in bytes.chunks(1) {
        client.write(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await, (0x81, text.into_bytes()));
    assert_eq!(client.receive().await, (0x8a, b"ping".to_vec()));
}

#[tokio::test]
async fn fragments_are_put_together_with_control_frames_between_them() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw().await;
    client.send(0x01, b"frag").await;
    client.send(0x89, b"first").await;
    client.send(0x00, b"").await;
    client.send(0x00, b"ment").await;
    assert_eq!(client.receive().await, (0x8a, b"first".to_vec()));
    client.send(0x8a, b"never asked for").await;
    client.send(0x80, b"ed").await;
    assert_eq!(client.receive().await, (0x81, b"fragmented".to_vec()));
    client.send(0x02, &[1, 2]).await;
    client.send(0x80, b"").await;
    assert_eq!(client.receive().await, (0x82, vec![1, 2]));
}

#[tokio::test]
async fn a_character_may_be_divided_between_fragments() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw().await;
    let text = "a€😀z";
    for fragment in text.as_bytes().chunks(1).enumerate() {
        client.send(u8::from(fragment.0 == 0), fragment.1).await;
    }
    client.send(0x80, b"").await;
    assert_eq!(client.receive().await, (0x81, text.as_bytes().to_vec()));
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw().await;
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        client.send(0x89, payload).await;
        assert_eq!(client.receive().await, (0x8a, payload.to_vec()));
    }
}

#[tokio::test]
async fn what_is_sent_before_the_connection_is_there_is_kept() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    // Nothing was read yet of what follows the handshake.
    client.send(0x81, b"early").await;
    let socket = events.opened().await;
    socket.send(&Frame::text("hello"));
    assert_eq!(client.receive().await, (0x81, b"hello".to_vec()));
    assert_eq!(events.text().await, "early");
}

#[tokio::test]
async fn a_ping_and_its_pong_go_through_the_handle() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    events.opened().await.send(&Frame::ping(b"there?"));
    assert_eq!(client.receive().await, (0x89, b"there?".to_vec()));
    client.send(0x8a, b"there?").await;
    assert!(matches!(events.next().await, Event::Pong(payload) if payload == b"there?"));
}

#[tokio::test]
async fn a_paused_socket_is_given_no_messages_until_it_goes_on() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    let socket = events.opened().await;
    client.send(0x81, b"first").await;
    assert_eq!(events.text().await, "first");
    socket.pause();
    client.send(0x81, b"second").await;
    // Sending still works, and shows that the socket's task has run.
    socket.send(&Frame::text("hello"));
    assert_eq!(client.receive().await, (0x81, b"hello".to_vec()));
    client.send(0x81, b"third").await;
    assert!(events.is_empty());
    socket.resume();
    assert_eq!(events.text().await, "second");
    assert_eq!(events.text().await, "third");
}
