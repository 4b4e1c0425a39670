//! Who gets a stream of events.

use puff_graphql::http::{Accepted, Endpoint, HttpOptions, Streaming};
use serde_json::json;

use crate::request::TestRequest;

fn streaming(accept: &str) -> Streaming {
    let endpoint = Endpoint::new(HttpOptions::default());
    let body = json!({ "query": "{ a }" }).to_string();
    match TestRequest::post(&body)
        .header("accept", accept)
        .to(&endpoint)
    {
        Accepted::Execute { streaming, .. } => streaming,
        Accepted::Respond(response) => panic!("answered with {}", response.status),
    }
}

#[test]
fn clients_that_name_it_get_one() {
    assert_eq!(streaming("text/event-stream"), Streaming::Always);
    assert_eq!(
        streaming("text/event-stream, text/plain"),
        Streaming::Always
    );
    assert_eq!(
        streaming("application/json, text/event-stream;q=0.5"),
        Streaming::Subscriptions
    );
    assert_eq!(
        streaming(
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
        ),
        Streaming::Subscriptions
    );
}

#[test]
fn clients_that_take_anything_get_none() {
    for accept in [
        "*/*",
        "application/json",
        "application/json, text/event-stream;q=0",
        "",
    ] {
        assert_eq!(streaming(accept), Streaming::Never, "{accept}");
    }
}

#[test]
fn an_operation_on_a_shared_stream_has_a_name() {
    let endpoint = Endpoint::new(HttpOptions::default());
    let body = json!({ "query": "{ a }", "extensions": { "operationId": "7" } }).to_string();
    let Accepted::Execute { operation_id, .. } = TestRequest::post(&body).to(&endpoint) else {
        panic!("not executed");
    };
    assert_eq!(operation_id.as_deref(), Some("7"));
}

#[test]
fn messages_are_read_as_bodies_are() {
    let endpoint = Endpoint::new(HttpOptions::default());
    let read =
        |message: serde_json::Value| endpoint.read_message(message.as_object().unwrap().clone());
    let request = read(json!({ "query": "{ a }", "variables": { "b": 1 }, "operationName": null }));
    let request = request.unwrap();
    assert_eq!(&*request.query, "{ a }");
    assert_eq!(request.variables["b"], 1);
    assert!(request.allows_mutation);
    assert!(read(json!({ "query": 5 })).is_err());

    let options = json!({ "trustedDocuments": { "a": "{ a }" }, "onlyTrusted": true });
    let endpoint = Endpoint::new(serde_json::from_value(options).unwrap());
    let message = json!({ "query": "{ b }" });
    let refused = endpoint.read_message(message.as_object().unwrap().clone());
    let refused: serde_json::Value = serde_json::from_slice(&refused.unwrap_err()).unwrap();
    assert_eq!(
        refused["errors"][0]["extensions"]["code"],
        "PERSISTED_QUERY_ID_REQUIRED"
    );
}
