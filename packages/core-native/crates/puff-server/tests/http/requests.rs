//! Requests and answers that are as they should be.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{TestServer, Told};

#[tokio::test]
async fn requests_are_answered_one_after_the_other() {
    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    for path in ["/", "/a?b=c", "/%20"] {
        let answer = client.get(path, "").await;
        assert_eq!((answer.status, answer.text()), (200, format!("GET {path}")));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
        assert_eq!(answer.header("keep-alive"), Some("timeout=5"));
        assert!(answer.header("date").is_some());
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    let requests: String = (0..20)
        .map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    client.send(requests).await;
    for number in 0..20 {
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.text(), format!("GET /{number}"));
    }
}

#[tokio::test]
async fn clients_decide_whether_the_connection_lasts() {
    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    let answer = client.get("/", "Connection: close\r\n").await;
    assert!(answer.closes());
    assert_eq!(client.rest().await, b"");
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn bodies_arrive_in_full() {
    let server = TestServer::start(json!({}), |isolate, asked| {
        if !asked.has_more {
            isolate.respond(asked.id, &[], asked.body);
        }
    })
    .await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert_eq!(client.answer().await.unwrap().text(), "hello");
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.send("5\r\nhel").await;
    client.send("lo\r\n1\r\n!\r\n0\r\n\r\n").await;
    let mut body = Vec::new();
    let id = loop {
        match server.told().await {
            Told::Body(_, bytes) => body.extend(bytes),
            Told::End(id, is_cut_off) => {
                assert!(!is_cut_off);
                break id;
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(body, b"hello!");
    server.isolate.respond(id, &[], "done");
    assert_eq!(client.answer().await.unwrap().text(), "done");
    // The connection is as good as before.
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        .await;
    assert_eq!(client.answer().await.unwrap().text(), "x");
}

#[tokio::test]
async fn clients_that_wait_for_100_get_it() {
    let server = TestServer::start(json!({}), |_, _| {}).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        .await;
    let interim = client.take(25).await;
    assert_eq!(interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello").await;
    let Told::Body(id, bytes) = server.told().await else {
        panic!("no body");
    };
    server.isolate.respond(id, &[], bytes);
    assert_eq!(client.answer().await.unwrap().text(), "hello");
    let answer = client.get("/", "Expect: miracles\r\n").await;
    assert_eq!(answer.status, 417);
}

#[tokio::test]
async fn handlers_learn_that_a_client_has_gone() {
    let server = TestServer::start(json!({}), |isolate, asked| {
        if asked.url == "/stream" {
            isolate.respond_with(asked.id, 200, &[], Some("begun".into()), false);
        }
    })
    .await;
    // Before the answer, and in it; closed in order, and reset.
    for (id, path, is_reset) in [
        (1, "/", false),
        (2, "/stream", false),
        (3, "/", true),
        (4, "/stream", true),
    ] {
        let mut client = server.connect().await;
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        if path == "/stream" {
            let head = client.take(15).await;
            assert_eq!(head, b"HTTP/1.1 200 OK");
        } else {
            server.asked(id).await;
        }
        if is_reset {
            client.stream.set_zero_linger().unwrap();
        } else {
            client.stream.shutdown().await.unwrap();
        }
        drop(client);
        assert!(matches!(server.told().await, Told::Closed(_)), "{path}");
    }
    while server.server.requests() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_given_up_breaks_its_connection_alone() {
    let server = TestServer::start(json!({}), |isolate, asked| match asked.path() {
        "/abort" => isolate.answer(asked.id).unwrap().abort(),
        "/cut" => {
            let id = asked.id.to_string();
            isolate.respond_with(asked.id, 200, &[("id", &id)], Some("begun".into()), false);
        }
        _ => isolate.respond(asked.id, &[], "fine"),
    })
    .await;
    let mut other = server.connect().await;
    assert_eq!(other.get("/", "").await.text(), "fine");
    let mut client = server.connect().await;
    let answer = client.get("/abort", "").await;
    assert_eq!(answer.status, 500);
    assert_eq!(client.get("/", "").await.text(), "fine");
    client.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = client.head().await.unwrap();
    assert_eq!(client.chunk().await.unwrap(), b"begun");
    let id = answer.header("id").unwrap().parse().unwrap();
    server.isolate.answer(id).unwrap().abort();
    // The last chunk is missing, so nobody takes the answer for whole.
    assert_eq!(client.rest().await, b"");
    assert_eq!(other.get("/", "").await.text(), "fine");
}

#[tokio::test]
async fn bodies_that_nobody_reads_end_their_connection() {
    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    let whole = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    client.send(whole).await;
    assert!(!client.answer().await.unwrap().closes());
    // The answer comes before the body, of which the handler wants nothing.
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        .await;
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.closes()), (200, true));
    // It may still be sent, so that the answer is not lost to a reset.
    client.send(vec![b'a'; 500_000]).await;
}
