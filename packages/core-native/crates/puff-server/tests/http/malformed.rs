//! Requests that are wrong, too large or ambiguous: a clean refusal, and nothing to anybody else.

use serde_json::json;

use crate::support::{TestServer, Told};

/// Sends a request to a server; the status of its answer, after which the connection is closed.
async fn refusal(server: &TestServer, request: &str) -> u16 {
    let mut client = server.connect().await;
    client.send(request).await;
    let answer = client.answer().await.expect(request);
    assert!(answer.closes(), "{request:?}: {answer:?}");
    assert_eq!(client.rest().await, b"", "{request:?}");
    answer.status
}

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let server = TestServer::echo(json!({})).await;
    for request in [
        // Lengths that contradict each other, or themselves.
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        // Codings that somebody might not know.
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        // Lines that some end elsewhere.
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        // Hosts.
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        // No HTTP at all.
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET  /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(refusal(&server, request).await, 400, "{request:?}");
    }
    assert_eq!(server.connect().await.get("/", "").await.status, 200);
}

#[tokio::test]
async fn what_follows_an_ambiguous_request_is_not_answered() {
    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    client
        .send(format!(
            "GET /first HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
            5 + smuggled.len(),
        ))
        .await;
    assert_eq!(client.answer().await.unwrap().text(), "GET /first");
    assert_eq!(client.answer().await.unwrap().status, 400);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn bad_chunks_are_refused() {
    // A handler that waits for the whole body.
    let server = TestServer::start(json!({}), |isolate, asked| {
        if !asked.has_more {
            isolate.respond(asked.id, &[], "whole");
        }
    })
    .await;
    for body in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhellohello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5;a=\nb\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        client.send(body).await;
        let answer = client.answer().await.expect(body);
        assert_eq!((answer.status, answer.closes()), (400, true), "{body:?}");
        assert_eq!(client.rest().await, b"", "{body:?}");
    }
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n")
        .await;
    assert_eq!(client.answer().await.unwrap().status, 400);
}

#[tokio::test]
async fn a_handler_is_told_that_a_body_is_cut_off() {
    let server = TestServer::start(json!({}), |_, _| {}).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        .await;
    while server.server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    let told = server.told().await;
    assert!(
        matches!(told, Told::End(_, true) | Told::Closed(_)),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let limits = json!({ "limits": {
        "headerBytes": 2000, "headerCount": 50, "urlBytes": 1000, "bodyBytes": 100,
    } });
    let server = TestServer::start(limits, |isolate, asked| {
        if !asked.has_more {
            isolate.respond(asked.id, &[], asked.body);
        }
    })
    .await;
    let get =
        |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    let long = |count| "a".repeat(count);
    let many: String = (0..50).map(|number| format!("X{number}: y\r\n")).collect();
    for (request, status) in [
        (get("/", &format!("X: {}\r\n", long(2000))), 431),
        (get("/", &format!("X: {}", long(2000))), 431),
        (get("/", &many), 431),
        (get(&format!("/{}", long(1000)), ""), 414),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n".to_owned(),
            413,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n".to_owned()
                + &long(100)
                + "\r\n1\r\na\r\n",
            413,
        ),
    ] {
        assert_eq!(refusal(&server, &request).await, status, "{request}");
    }
    let mut client = server.connect().await;
    assert_eq!(client.get(&format!("/{}", long(999)), "").await.status, 200);
    let body = long(100);
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{body}"
        ))
        .await;
    assert_eq!(client.answer().await.unwrap().text(), body);
}

#[tokio::test]
async fn a_client_gets_its_refusal_even_while_it_sends() {
    let server = TestServer::echo(json!({ "limits": { "bodyBytes": 100 } })).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        .await;
    // More than the buffers of a socket take: without a reader it would be reset.
    client.send(vec![b'a'; 1_000_000]).await;
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn the_server_is_no_proxy() {
    let server = TestServer::echo(json!({})).await;
    let status = refusal(&server, "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status, 405);
}
