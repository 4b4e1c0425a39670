//! Clients that send or read slowly, or not at all: they get an answer where one can be given, and
//! their connection ends.

use bytes::Bytes;
use serde_json::json;

use crate::support::{TestServer, Told};

#[tokio::test]
async fn a_head_that_does_not_end_is_answered_408() {
    let server = TestServer::echo(json!({ "timeouts": { "headersMs": 100 } })).await;
    for beginning in ["GET / HT", "P", "GET / HTTP/1.1\r\nHost: a\r\nX:"] {
        let mut client = server.connect().await;
        client.send(beginning).await;
        let answer = client.answer().await.expect(beginning);
        assert_eq!(
            (answer.status, answer.closes()),
            (408, true),
            "{beginning:?}"
        );
        assert_eq!(client.rest().await, b"");
    }
    // The second request of a connection as well.
    let mut client = server.connect().await;
    assert_eq!(client.get("/", "").await.status, 200);
    client.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(client.answer().await.unwrap().status, 408);
}

#[tokio::test]
async fn a_head_in_drops_is_no_excuse() {
    let server = TestServer::echo(json!({ "timeouts": { "headersMs": 300 } })).await;
    let mut client = server.connect().await;
    let (mut reader, mut writer) = client.stream.split();
    let drops = async {
        use tokio::io::AsyncWriteExt;
        // Each drop is progress, yet the head is late. It ends when the server has closed the
        // connection.
        while writer.write_all(b"X").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let answer = async {
        use tokio::io::AsyncReadExt;
        let mut answer = Vec::new();
        // What is sent after the end may reset the connection.
        let _ = reader.read_to_end(&mut answer).await;
        answer
    };
    let answer = tokio::select! {
        answer = answer => answer,
        () = drops => panic!("reset before the answer"),
    };
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
}

#[tokio::test]
async fn connections_without_requests_are_closed() {
    let server = TestServer::echo(json!({
        "timeouts": { "headersMs": 100, "keepAliveMs": 100 }
    }))
    .await;
    let mut client = server.connect().await;
    assert_eq!(client.rest().await, b"");
    let mut client = server.connect().await;
    let answer = client.get("/", "").await;
    assert_eq!(answer.header("keep-alive"), Some("timeout=0"));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn bodies_that_do_not_come_are_answered_408() {
    for timeouts in [
        json!({ "bodyProgressMs": 100 }),
        json!({ "requestMs": 100 }),
    ] {
        let server = TestServer::start(json!({ "timeouts": timeouts }), |_, _| {}).await;
        let mut client = server.connect().await;
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            .await;
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.closes()), (408, true));
        assert_eq!(client.rest().await, b"");
        let told = server.told().await;
        assert!(
            matches!(told, Told::End(_, true) | Told::Closed(_)),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn handlers_that_hang_are_answered_504() {
    let server = TestServer::start(
        json!({ "timeouts": { "answerMs": 100 } }),
        |isolate, asked| {
            if asked.url != "/hang" {
                isolate.respond(asked.id, &[], "fine");
            }
        },
    )
    .await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/hang", "").await.status, 504);
    assert!(matches!(server.told().await, Told::Closed(_)));
    assert_eq!(client.get("/", "").await.text(), "fine");
}

#[tokio::test]
async fn clients_that_do_not_read_are_cut_off() {
    let server = TestServer::start(
        json!({ "timeouts": { "writeProgressMs": 200 } }),
        |isolate, asked| match asked.url.as_str() {
            // More than the buffers of two sockets take.
            "/large" => isolate.respond(asked.id, &[], Bytes::from(vec![b'a'; 64 << 20])),
            "/endless" => {
                let body = Some(Bytes::from(vec![b'a'; 64 << 20]));
                isolate.respond_with(asked.id, 200, &[], body, false);
            }
            _ => isolate.respond(asked.id, &[], "fine"),
        },
    )
    .await;
    for path in ["/large", "/endless"] {
        let mut client = server.connect().await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let head = client.head().await.unwrap();
        assert_eq!(head.status, 200);
        while server.server.requests() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let mut other = server.connect().await;
        assert_eq!(other.get("/", "").await.text(), "fine");
    }
}
