//! Handlers that are behind: requests wait for a while, or are refused at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn requests_wait_for_their_turn() {
    let isolates = json!({ "maxRequests": 1, "maxQueued": 1 });
    let server = TestServer::start(json!({ "isolates": isolates }), |_, _| {}).await;
    let mut clients = Vec::new();
    for in_flight in 1..=2 {
        let mut client = server.connect().await;
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        while server.server.requests() < in_flight {
            tokio::task::yield_now().await;
        }
        clients.push(client);
    }
    while server.server.isolates().queued() < 1 {
        tokio::task::yield_now().await;
    }
    let refused = server.connect().await.get("/", "").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    for (index, client) in clients.iter_mut().enumerate() {
        let id = index as u32 + 1;
        server.asked(id).await;
        server.isolate.respond(id, &[], "done");
        assert_eq!(client.answer().await.unwrap().text(), "done");
    }
}

#[tokio::test]
async fn waiting_is_bounded() {
    let isolates = json!({ "maxRequests": 1, "maxQueued": 10, "queueMs": 50 });
    let server = TestServer::start(json!({ "isolates": isolates }), |_, _| {}).await;
    let mut first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.asked(1).await;
    assert_eq!(server.connect().await.get("/", "").await.status, 503);
    server.isolate.respond(1, &[], "done");
    assert_eq!(first.answer().await.unwrap().text(), "done");
}

#[tokio::test]
async fn an_isolate_that_is_stuck_gets_no_more() {
    let isolates = json!({ "maxEventLoopDelayMs": 1_000 });
    let server = Arc::new(
        TestServer::start(json!({ "isolates": isolates }), |isolate, asked| {
            isolate.respond(asked.id, &[], "fine");
        })
        .await,
    );
    let mut client = server.connect().await;
    assert_eq!(client.get("/", "").await.status, 200);
    server.isolate.stick_for(Duration::from_millis(1_001));
    let refused = client.get("/", "").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    server.isolate.stick_for(Duration::ZERO);
    assert_eq!(client.get("/", "").await.status, 200);
}
