//! Headers on their way to handlers and back.

use serde_json::{Value, json};

use crate::support::TestServer;

/// Answers with what the handler has got: its headers, and who sent the request.
async fn mirror(config: Value) -> TestServer {
    TestServer::start(config, |isolate, asked| {
        let mut seen = json!({ "address": asked.address, "scheme": asked.scheme });
        for (name, _) in &asked.headers {
            seen[name] = asked.header(name).into();
        }
        isolate.respond(asked.id, &[], seen.to_string());
    })
    .await
}

async fn seen(server: &TestServer, headers: &str) -> Value {
    let answer = server.connect().await.get("/", headers).await;
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn what_only_next_may_send_is_removed() {
    let server = mirror(json!({})).await;
    let internal = [
        "x-middleware-rewrite",
        "x-middleware-redirect",
        "x-middleware-set-cookie",
        "x-middleware-skip",
        "x-middleware-override-headers",
        "x-middleware-next",
        "x-now-route-matches",
        "x-matched-path",
        "x-nextjs-data",
        "x-next-resume-state-length",
        "next-resume",
    ];
    // In any case, and as often as one likes.
    let mut headers = String::from("RSC: 1\r\nNext-Router-Prefetch: 1\r\nX-Mine: yes\r\n");
    for name in internal {
        headers += &format!("{name}: 1\r\n{}: 2\r\n", name.to_uppercase());
    }
    let seen = seen(&server, &headers).await;
    for name in internal {
        assert_eq!(seen.get(name), None, "{name}");
    }
    assert_eq!(seen["rsc"], "1");
    assert_eq!(seen["next-router-prefetch"], "1");
    assert_eq!(seen["x-mine"], "yes");
}

#[tokio::test]
async fn forwarded_headers_are_believed_as_configured() {
    let headers = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n";
    let server = mirror(json!({})).await;
    let as_sent = seen(&server, headers).await;
    assert_eq!(as_sent["address"], "127.0.0.1");
    assert_eq!(as_sent["scheme"], "http");
    assert_eq!(as_sent["x-forwarded-for"], "1.2.3.4");
    for trust in [json!(1), json!(["127.0.0.0/8"])] {
        let server = mirror(json!({ "trustProxy": trust })).await;
        let believed = seen(&server, headers).await;
        assert_eq!(believed["address"], "1.2.3.4");
        assert_eq!(believed["scheme"], "https");
        assert_eq!(believed["x-forwarded-host"], "b");
    }
    for trust in [json!(0), json!(["10.0.0.0/8"])] {
        let server = mirror(json!({ "trustProxy": trust })).await;
        let doubted = seen(&server, headers).await;
        assert_eq!(doubted["address"], "127.0.0.1");
        assert_eq!(doubted["scheme"], "http");
        for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] {
            assert_eq!(doubted.get(name), None, "{name}");
        }
    }
}

#[tokio::test]
async fn requests_are_named_if_that_is_wanted() {
    let plain = mirror(json!({})).await;
    let untouched = seen(&plain, "X-Request-Id: mine\r\n").await;
    assert_eq!(untouched["x-request-id"], "mine");
    assert_eq!(untouched.get("traceparent"), None);

    let tracing = json!({ "requestIds": true, "returnRequestIds": true, "startTraces": true });
    let server = mirror(json!({ "tracing": tracing, "trustProxy": 0 })).await;
    let mut client = server.connect().await;
    let answer = client.get("/", "X-Request-Id: mine\r\n").await;
    let seen: Value = serde_json::from_slice(&answer.body).unwrap();
    let id = answer.header("x-request-id").unwrap();
    assert_eq!(seen["x-request-id"], id);
    assert_ne!(id, "mine");
    assert!(seen["traceparent"].as_str().unwrap().starts_with("00-"));
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = client.get("/", &format!("Traceparent: {parent}\r\n")).await;
    let seen: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(seen["traceparent"], parent);

    let trusting = mirror(json!({ "tracing": tracing, "trustProxy": 1 })).await;
    let answer = trusting
        .connect()
        .await
        .get("/", "X-Request-Id: mine\r\n")
        .await;
    assert_eq!(answer.header("x-request-id"), Some("mine"));
}
