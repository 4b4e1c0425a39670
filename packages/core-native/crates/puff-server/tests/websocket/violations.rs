//! What clients may not send: each costs its sender the connection, with the code that says why.

use puff_server::websocket::SocketOptions;

use super::support::{RawClient, Server, close, frame};

/// Sends bytes on a connection of their own; the code that it is closed with, or what comes instead.
async fn answer_to(server: &Server, bytes: &[u8]) -> u16 {
    let mut client = server.raw().await;
    client.write(bytes).await;
    client.receive_close().await.0
}

#[tokio::test]
async fn frames_that_the_protocol_does_not_allow_close_with_1002() {
    let server = Server::echo(SocketOptions::default()).await;
    let long_ping = frame(0x89, &[0; 126]);
    for (what, bytes) in [
        ("no mask", vec![0x81, 0x02, b'h', b'i']),
        ("reserved bit 1 without compression", frame(0xc1, b"hi")),
        ("reserved bit 2", frame(0xa1, b"hi")),
        ("reserved bit 3", frame(0x91, b"hi")),
        ("reserved bit on a control frame", frame(0xc9, b"hi")),
        ("opcode 3", frame(0x83, b"hi")),
        ("opcode 7", frame(0x87, b"hi")),
        ("opcode 11", frame(0x8b, b"hi")),
        ("opcode 15", frame(0x8f, b"hi")),
        ("a fragmented ping", frame(0x09, b"hi")),
        ("a fragmented close", frame(0x08, &close(1000, b""))),
        ("a long ping", long_ping),
        ("a continuation of nothing", frame(0x80, b"hi")),
        ("an unfinished continuation of nothing", frame(0x00, b"hi")),
        (
            "a text within a message",
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        ),
        (
            "bytes within a message",
            [frame(0x01, b"a"), frame(0x02, b"b")].concat(),
        ),
        ("half a close code", frame(0x88, &[3])),
        (
            "length with its highest bit",
            [&[0x82, 0xff, 0x80][..], &[0; 11]].concat(),
        ),
    ] {
        assert_eq!(answer_to(&server, &bytes).await, 1002, "{what}");
    }
}

#[tokio::test]
async fn close_codes_that_may_not_be_sent_close_with_1002() {
    let server = Server::echo(SocketOptions::default()).await;
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ] {
        let bytes = frame(0x88, &close(code, b""));
        assert_eq!(answer_to(&server, &bytes).await, 1002, "{code}");
    }
}

#[tokio::test]
async fn texts_that_are_no_utf_8_close_with_1007() {
    let server = Server::echo(SocketOptions::default()).await;
    let texts: [&[u8]; 8] = [
        &[0xff],
        &[0xc0, 0xaf],
        // Surrogates.
        &[0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80],
        // Beyond U+10FFFF.
        &[0xf4, 0x90, 0x80, 0x80],
        &[0x80],
        b"cut off \xe2\x82",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        &[0xfe],
    ];
    for text in texts {
        assert_eq!(
            answer_to(&server, &frame(0x81, text)).await,
            1007,
            "{text:x?}"
        );
        // In fragments too, even if the character ends in the next one.
        let (begin, end) = text.split_at(text.len() / 2);
        let fragments = [frame(0x01, begin), frame(0x80, end)].concat();
        assert_eq!(
            answer_to(&server, &fragments).await,
            1007,
            "{text:x?} in fragments"
        );
    }
    let reason = frame(0x88, &close(1000, &[0xff]));
    assert_eq!(answer_to(&server, &reason).await, 1007);
}

#[tokio::test]
async fn a_text_that_is_no_utf_8_is_found_out_before_its_end() {
    let server = Server::echo(SocketOptions::default()).await;
    assert_eq!(answer_to(&server, &frame(0x01, b"no\xff")).await, 1007);
}

#[tokio::test]
async fn messages_above_the_limit_close_with_1009_before_they_are_there() {
    let options = SocketOptions {
        max_message_bytes: 1000,
        ..SocketOptions::default()
    };
    let server = Server::echo(options).await;
    let mut client = server.raw().await;
    client.send(0x82, &[7; 1000]).await;
    assert_eq!(client.receive().await.1.len(), 1000);

    assert_eq!(answer_to(&server, &frame(0x82, &[7; 1001])).await, 1009);
    let fragments = [frame(0x02, &[7; 600]), frame(0x80, &[7; 401])].concat();
    assert_eq!(answer_to(&server, &fragments).await, 1009);
    // Only the header of what would be 1 GB, and of what would be more than there can be.
    let mut header = vec![0x82, 0xff];
    header.extend((1_u64 << 30).to_be_bytes());
    header.extend([0; 4]);
    assert_eq!(answer_to(&server, &header).await, 1009);
    let mut header = vec![0x82, 0xff];
    header.extend((u64::MAX >> 1).to_be_bytes());
    header.extend([0; 4]);
    assert_eq!(answer_to(&server, &header).await, 1009);
}

#[tokio::test]
async fn the_close_code_arrives_although_its_peer_goes_on_sending() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut client = server.raw().await;
    client.send(0x83, b"hi").await;
    let noise = vec![0xaa; 64 * 1024];
    for _ in 0..20 {
        client.write(&noise).await;
    }
    assert_eq!(close_code(&mut client).await, 1002);
}

async fn close_code(client: &mut RawClient) -> u16 {
    let (first, payload) = client.receive().await;
    assert_eq!(first, 0x88);
    u16::from_be_bytes([payload[0], payload[1]])
}

#[tokio::test]
async fn other_sockets_do_not_notice() {
    let server = Server::echo(SocketOptions::default()).await;
    let mut other = server.raw().await;
    for _ in 0..50 {
        assert_eq!(answer_to(&server, &frame(0x83, b"hi")).await, 1002);
    }
    other.send(0x81, b"still here").await;
    assert_eq!(other.receive().await, (0x81, b"still here".to_vec()));
}
