use bytes::Bytes;
use puff_core::pubsub::{Kind, Payload, hub};
use puff_server::websocket::{OnGap, SocketOptions, TooManyChannels};

use super::support::{RawClient, Server, close};

fn publish(channel: &str, kind: Kind, text: &str) -> usize {
    hub()
        .publish(
            channel,
            Payload {
                kind,
                bytes: Bytes::copy_from_slice(text.as_bytes()),
                sender: None,
            },
        )
        .unwrap()
}

#[tokio::test]
async fn subscribed_sockets_get_what_is_published() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(server.raw().await);
        let socket = events.opened().await;
        assert_eq!(
            server.sockets.subscribe(&socket, "news", OnGap::Close),
            Ok(true)
        );
        assert_eq!(
            server.sockets.subscribe(&socket, "news", OnGap::Close),
            Ok(true)
        );
    }
    // All sockets are one subscriber.
    assert_eq!(publish("news", Kind::Text, "hello"), 1);
    publish("news", Kind::Binary, "bytes");
    publish("news", Kind::Json, "{}");
    for client in &mut clients {
        assert_eq!(client.receive().await, (0x81, b"hello".to_vec()));
        assert_eq!(client.receive().await, (0x82, b"bytes".to_vec()));
        assert_eq!(client.receive().await, (0x81, b"{}".to_vec()));
    }
}

#[tokio::test]
async fn many_sockets_get_all_messages_in_their_order() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(server.raw().await);
        let socket = events.opened().await;
        server
            .sockets
            .subscribe(&socket, "many", OnGap::Close)
            .unwrap();
    }
    for number in 0..50 {
        publish("many", Kind::Text, &number.to_string());
    }
    for client in &mut clients {
        for number in 0..50 {
            let expected = number.to_string().into_bytes();
            assert_eq!(client.receive().await, (0x81, expected));
        }
    }
}

/// Sockets of a channel, so many that messages are written past their connections' tasks.
async fn crowd(options: SocketOptions, channel: &str) -> (Server, Vec<RawClient>) {
    let (server, mut events) = Server::recorded(options).await;
    let mut clients = Vec::new();
    for _ in 0..33 {
        clients.push(server.raw().await);
        let socket = events.opened().await;
        server
            .sockets
            .subscribe(&socket, channel, OnGap::Close)
            .unwrap();
    }
    (server, clients)
}

fn megabyte(number: u8) -> String {
    String::from_utf8(vec![b'a' + number; 1024 * 1024]).unwrap()
}

#[tokio::test]
async fn what_a_client_takes_late_is_whole_and_in_order() {
    let options = SocketOptions {
        max_buffered_bytes: 64 * 1024 * 1024,
        ..SocketOptions::default()
    };
    let (_server, mut clients) = crowd(options, "late").await;
    for number in 0..20 {
        publish("late", Kind::Text, &megabyte(number));
        publish("late", Kind::Text, &number.to_string());
    }
    let client = &mut clients[0];
    // It has to be answered in its place.
    client.send(0x89, b"ping").await;
    let mut texts = Vec::new();
    while texts.len() < 40 {
        match client.receive().await {
            (0x81, text) => texts.push(String::from_utf8(text).unwrap()),
            other => assert_eq!(other, (0x8a, b"ping".to_vec())),
        }
    }
    for number in 0..20 {
        assert!(texts[2 * usize::from(number)] == megabyte(number));
        assert_eq!(texts[2 * usize::from(number) + 1], number.to_string());
    }
}

#[tokio::test]
async fn a_client_that_is_cut_off_gets_the_message_that_has_begun() {
    let options = SocketOptions {
        max_buffered_bytes: 1024,
        ..SocketOptions::default()
    };
    let (_server, mut clients) = crowd(options, "cut off").await;
    // Their tasks have nothing to do from here on.
    publish("cut off", Kind::Text, "hello");
    assert_eq!(clients[0].receive().await.1, b"hello");
    for number in 0..20 {
        publish("cut off", Kind::Text, &megabyte(number));
    }
    let mut count = 0;
    loop {
        let (first, payload) = clients[0].receive().await;
        if first == 0x88 {
            assert_eq!(payload[..2], 1008_u16.to_be_bytes());
            break;
        }
        assert!(payload == megabyte(count).into_bytes());
        count += 1;
    }
    assert!(count < 20, "all messages came");
}

#[tokio::test]
async fn a_subscription_ends_with_its_socket_or_before() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let (mut one, first) = (server.raw().await, events.opened().await);
    let (mut two, second) = (server.raw().await, events.opened().await);
    server
        .sockets
        .subscribe(&first, "ending", OnGap::Close)
        .unwrap();
    server
        .sockets
        .subscribe(&second, "ending", OnGap::Close)
        .unwrap();
    server.sockets.unsubscribe(&first, "ending");
    publish("ending", Kind::Text, "for the second");
    assert_eq!(two.receive().await.1, b"for the second");
    one.send(0x88, &close(1000, b"")).await;
    // Nothing came before the close frame.
    assert_eq!(one.receive_close().await.0, 1000);
    drop(two);
    while hub().subscribers("ending") > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        server.sockets.subscribe(&second, "ending", OnGap::Close),
        Ok(false)
    );
    assert_eq!(publish("ending", Kind::Text, "for nobody"), 0);
}

#[tokio::test]
async fn a_socket_subscribes_to_so_many_channels_at_most() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let _client = server.raw().await;
    let socket = events.opened().await;
    for number in 0..1000 {
        assert_eq!(
            server
                .sockets
                .subscribe(&socket, &format!("bounded {number}"), OnGap::Close),
            Ok(true)
        );
    }
    assert_eq!(
        server.sockets.subscribe(&socket, "one more", OnGap::Close),
        Err(TooManyChannels)
    );
    assert_eq!(
        server.sockets.subscribe(&socket, "bounded 7", OnGap::Close),
        Ok(true)
    );
}

#[tokio::test]
async fn after_a_gap_sockets_that_mind_are_closed() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let (mut careful, first) = (server.raw().await, events.opened().await);
    let (mut careless, second) = (server.raw().await, events.opened().await);
    for (socket, on_gap) in [(first, OnGap::Close), (second, OnGap::Ignore)] {
        server
            .sockets
            .subscribe(&socket, "with a gap", on_gap)
            .unwrap();
    }
    hub().tell_gap_to("with another gap", None);
    hub().tell_gap_to("with a gap", None);
    publish("with a gap", Kind::Text, "after it");
    assert_eq!(careful.receive_close().await.0, 1013);
    assert_eq!(careless.receive().await, (0x81, b"after it".to_vec()));
}
