use bytes::Bytes;
use puff_core::pubsub::{Kind, Payload, hub};
use puff_server::websocket::{OnGap, SocketOptions, TooManyChannels};

use super::support::{Server, close};

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

#[tokio::test]
async fn a_subscription_ends_with_its_socket_or_before() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let (mut one, mut two) = (server.raw().await, server.raw().await);
    let (first, second) = (events.opened().await, events.opened().await);
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
    let (mut careful, mut careless) = (server.raw().await, server.raw().await);
    for on_gap in [OnGap::Close, OnGap::Ignore] {
        let socket = events.opened().await;
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
