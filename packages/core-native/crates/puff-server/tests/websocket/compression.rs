use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use puff_server::websocket::{Frame, SocketOptions};

use super::support::{Server, frame};

/// A message as a client compresses it.
fn deflate(payload: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(payload).unwrap();
    encoder.flush().unwrap();
    let mut bytes = encoder.get_ref().clone();
    assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
    bytes.truncate(bytes.len() - 4);
    bytes
}

fn inflate(payload: &[u8]) -> Vec<u8> {
    let stream = [payload, &[0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff]].concat();
    let mut bytes = Vec::new();
    DeflateDecoder::new(&stream[..])
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn messages_are_compressed_for_who_offers_it() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw_deflated().await;
    assert!(client.head.contains(
        "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; \
         client_no_context_takeover\r\n"
    ));
    let text = r#"{"id":1,"text":"hello"},"#.repeat(400);
    // Twice: nothing of the first is needed to read the second.
    for _ in 0..2 {
        client.send(0xc1, &deflate(text.as_bytes())).await;
        let (first, payload) = client.receive().await;
        assert_eq!(first, 0xc1);
        assert!(payload.len() < text.len() / 10);
        assert_eq!(inflate(&payload), text.as_bytes());
    }
    client.send(0xc2, &deflate(b"short")).await;
    assert_eq!(client.receive().await, (0x82, b"short".to_vec()));
    client.send(0x81, b"plain").await;
    assert_eq!(client.receive().await, (0x81, b"plain".to_vec()));
}

#[tokio::test]
async fn a_compressed_message_may_be_fragmented() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw_deflated().await;
    let bytes = deflate(b"in three pieces");
    client.send(0x41, &bytes[..5]).await;
    client.send(0x89, b"ping").await;
    client.send(0x00, &bytes[5..9]).await;
    client.send(0x80, &bytes[9..]).await;
    assert_eq!(client.receive().await, (0x8a, b"ping".to_vec()));
    assert_eq!(client.receive().await, (0x81, b"in three pieces".to_vec()));
}

#[tokio::test]
async fn a_shared_frame_is_compressed_only_where_that_was_agreed() {
    let (server, mut events) = Server::recorded(SocketOptions::default()).await;
    let (mut plain, mut deflated) = (server.raw().await, server.raw_deflated().await);
    let (one, two) = (events.opened().await, events.opened().await);
    let text = "the same again, ".repeat(1000);
    let frame = Frame::text(&text);
    one.send(&frame);
    two.send(&frame);
    assert_eq!(plain.receive().await, (0x81, text.clone().into_bytes()));
    let (first, payload) = deflated.receive().await;
    assert_eq!((first, inflate(&payload)), (0xc1, text.into_bytes()));
}

#[tokio::test]
async fn a_bomb_is_stopped_at_the_limit() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw_deflated().await;
    let bomb = deflate(&vec![0; 20 * 1024 * 1024]);
    assert!(bomb.len() < 64 * 1024);
    client.send(0xc2, &bomb).await;
    assert_eq!(client.receive_close().await.0, 1009);
}

#[tokio::test]
async fn what_cannot_be_inflated_closes_with_1007() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw_deflated().await;
    client.send(0xc1, &[0xff; 30]).await;
    assert_eq!(client.receive_close().await.0, 1007);
    // Text that is no UTF-8 once it is inflated.
    let mut client = server.raw_deflated().await;
    client.send(0xc1, &deflate(b"no\xff")).await;
    assert_eq!(client.receive_close().await.0, 1007);
}

#[tokio::test]
async fn the_bit_of_compression_is_for_the_first_frame_of_a_message() {
    let server = Server::echo(SocketOptions::default()).await;
    let bytes = deflate(b"two pieces");
    for hostile in [
        [frame(0x41, &bytes[..4]), frame(0xc0, &bytes[4..])].concat(),
        frame(0xc9, b"ping"),
    ] {
        let mut client = server.raw_deflated().await;
        client.write(&hostile).await;
        assert_eq!(client.receive_close().await.0, 1002);
    }
}

#[tokio::test]
async fn compression_can_be_switched_off() {
    let options = SocketOptions {
        compression: false,
        ..SocketOptions::default()
    };
    let server = Server::echo(options).await;
    let client = server.raw_deflated().await;
    assert!(!client.head.contains("sec-websocket-extensions"));
}
