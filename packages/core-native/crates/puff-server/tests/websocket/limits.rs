use puff_core::pubsub::{Kind, Payload, hub};
use puff_server::websocket::{Frame, OnGap, Sent, SocketOptions};

use super::support::{Event, Server};

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_closed_and_its_queue_discarded() {
    let options = SocketOptions {
        max_buffered_bytes: 256 * 1024,
        close_timeout_ms: 100,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let _client = server.raw().await;
    let socket = events.opened().await;
    let frame = Frame::binary(&[7; 64 * 1024]);
    let mut sent = 0;
    while socket.send(&frame) != Sent::Closed {
        sent += 1;
        // The queue, and what the operating system takes.
        assert!(sent < 1000, "no end");
        assert!(socket.buffered() <= 256 * 1024 + frame.len());
        tokio::task::yield_now().await;
    }
    let reason = "The client reads too slowly".to_owned();
    assert_eq!(next_closed(&mut events).await, (1008, reason, false));
    assert_eq!(socket.buffered(), 0);
}

#[tokio::test]
async fn a_subscribed_client_that_never_reads_is_closed_and_holds_up_nobody() {
    let options = SocketOptions {
        max_buffered_bytes: 256 * 1024,
        close_timeout_ms: 100,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let _silent = server.raw().await;
    let socket = events.opened().await;
    server
        .sockets
        .subscribe(&socket, "never read", OnGap::Close)
        .unwrap();
    let payload = Payload {
        kind: Kind::Binary,
        bytes: vec![7; 64 * 1024].into(),
        sender: None,
    };
    let mut sent = 0;
    while hub().subscribers("never read") > 0 {
        hub().publish("never read", payload.clone()).unwrap();
        sent += 1;
        assert!(sent < 100_000, "no end");
        assert!(socket.buffered() <= 256 * 1024 + 65 * 1024);
        tokio::task::yield_now().await;
    }
    let reason = "The client reads too slowly".to_owned();
    assert_eq!(next_closed(&mut events).await, (1008, reason, false));
}

async fn next_closed(events: &mut super::support::Events) -> (u16, String, bool) {
    loop {
        match events.next().await {
            Event::Closed(closed) => return (closed.code.0, closed.reason, closed.is_clean),
            Event::Drained => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_sender_learns_when_to_wait_and_when_to_go_on() {
    let options = SocketOptions {
        max_buffered_bytes: 64 * 1024 * 1024,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let mut client = server.raw().await;
    let socket = events.opened().await;
    assert_eq!(socket.send(&Frame::text("short")), Sent::Taken);
    assert_eq!(client.receive().await.1, b"short");
    let frame = Frame::binary(&vec![7; 8 * 1024 * 1024]);
    assert_eq!(socket.send(&frame), Sent::Full);
    assert!(events.is_empty());
    assert_eq!(client.receive().await.1.len(), 8 * 1024 * 1024);
    assert!(matches!(events.next().await, Event::Drained));
    assert_eq!(socket.buffered(), 0);
}

#[tokio::test]
async fn silent_clients_are_pinged_as_long_as_they_answer() {
    let options = SocketOptions {
        ping_interval_ms: 20,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let mut client = server.raw().await;
    let socket = events.opened().await;
    for _ in 0..3 {
        assert_eq!(client.receive().await, (0x89, Vec::new()));
        client.send(0x8a, b"").await;
        assert!(matches!(events.next().await, Event::Pong(_)));
    }
    assert!(socket.is_open());
}

#[tokio::test]
async fn clients_that_answer_no_ping_are_dropped() {
    let options = SocketOptions {
        ping_interval_ms: 20,
        pong_timeout_ms: 20,
        ..SocketOptions::default()
    };
    let (server, mut events) = Server::recorded(options).await;
    let mut client = server.raw().await;
    events.opened().await;
    assert_eq!(client.receive().await, (0x89, Vec::new()));
    assert_eq!(events.closed().await, (1006, String::new(), false));
    assert!(client.is_at_end().await);
}

#[tokio::test]
async fn a_flood_of_pings_costs_no_memory() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let mut client = server.raw().await;
    let socket = events.opened().await;
    let ping = super::support::frame(0x89, &[7; 125]);
    let pings = ping.repeat(500);
    for _ in 0..100 {
        client.write(&pings).await;
    }
    client.send(0x81, b"end").await;
    assert_eq!(events.text().await, "end");
    assert!(socket.buffered() <= 2 * 127, "{}", socket.buffered());
    // The latest is answered, and not every one has to be (RFC 6455, section 5.5.3).
    assert_eq!(client.receive().await, (0x8a, vec![7; 125]));
}
