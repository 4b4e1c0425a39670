//! What the server says of itself.

use std::sync::Arc;

use puff_server::http::{MetricsSource, MetricsText, Server, ServerConfig};
use serde_json::json;

use crate::support::{Client, TestServer};

#[tokio::test]
async fn it_lives_before_it_is_ready() {
    let config = json!({ "listen": [{ "host": "127.0.0.1", "port": 0 }] });
    let config: ServerConfig = serde_json::from_value(config).unwrap();
    let server = Server::start(config).await.unwrap();
    let mut client = Client::connect(server.addresses()[0]).await;
    assert_eq!(client.get("/healthz", "").await.status, 200);
    let answer = client.get("/readyz", "").await;
    assert_eq!(
        (answer.status, answer.text()),
        (503, "starting\n".to_owned())
    );

    let server = TestServer::echo(json!({})).await;
    let mut client = server.connect().await;
    let answer = client.get("/readyz?a", "").await;
    assert_eq!((answer.status, answer.text()), (200, "ready\n".to_owned()));
    client
        .send("HEAD /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.answer_to("HEAD").await.unwrap().status, 200);
    client
        .send("POST /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.unwrap().status, 405);
}

#[tokio::test]
async fn its_paths_are_the_apps_if_that_is_wanted() {
    let health = json!({ "live": null, "ready": "/up" });
    let server = TestServer::echo(json!({ "health": health })).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/healthz", "").await.text(), "GET /healthz");
    assert_eq!(client.get("/readyz", "").await.text(), "GET /readyz");
    assert_eq!(client.get("/up", "").await.text(), "ready\n");
    // Nobody has asked for numbers.
    assert_eq!(client.get("/metrics", "").await.text(), "GET /metrics");
}

struct Weather;

impl MetricsSource for Weather {
    fn write(&self, text: &mut MetricsText) {
        text.gauge("weather", "How it is.")
            .sample(&[("sky", "blue")], 1);
    }
}

#[tokio::test]
async fn administrators_have_addresses_of_their_own() {
    let metrics = json!({ "listen": [{ "host": "127.0.0.1", "port": 0 }] });
    let server = TestServer::echo(json!({ "metrics": metrics })).await;
    server.server.add_metrics(Arc::new(Weather));
    let mut client = server.connect().await;
    client.get("/", "").await;
    client.get("/healthz", "").await;
    assert_eq!(client.get("/metrics", "").await.text(), "GET /metrics");
    let mut admin = Client::connect(server.server.admin_addresses()[0]).await;
    let answer = admin.get("/metrics", "").await;
    let content_type = answer.header("content-type").unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    for line in [
        "puff_http_requests_total{tier=\"script\",status=\"2xx\"} 2",
        "puff_http_requests_total{tier=\"server\",status=\"2xx\"} 1",
        "puff_http_request_duration_seconds_count{tier=\"script\"} 2",
        // The question for the numbers is one.
        "puff_http_requests_in_flight 1",
        "puff_http_connections 2",
        "puff_script_requests_in_flight{isolate=\"0\"} 0",
        "puff_websockets 0",
        "weather{sky=\"blue\"} 1",
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "{line}\n{text}"
        );
    }
    assert_eq!(admin.get("/healthz", "").await.status, 200);
    assert_eq!(admin.get("/", "").await.status, 404);
}

#[tokio::test]
async fn numbers_can_be_among_the_apps_paths() {
    let server = TestServer::echo(json!({ "metrics": { "path": "/numbers" } })).await;
    let answer = server.connect().await.get("/numbers", "").await;
    assert!(
        answer
            .text()
            .starts_with("# HELP puff_http_requests_total ")
    );
}
