//! Options of an endpoint.

use puff_graphql::http::HttpOptions;
use serde_json::json;

use crate::request::{TestRequest, endpoint, header};

const BODY: &str = r#"{"query":"{ a }"}"#;

#[test]
fn what_is_no_option_is_refused() {
    for options in [
        json!({ "maxBodyByte": 1 }),
        json!({ "methods": ["PUT"] }),
        json!({ "playground": true }),
        json!({ "playground": "altair" }),
        json!({ "persisted": { "automatic": true, "ttl": 1 } }),
    ] {
        assert!(
            serde_json::from_value::<HttpOptions>(options.clone()).is_err(),
            "{options}"
        );
    }
}

#[test]
fn only_get() {
    let endpoint = endpoint(json!({ "methods": ["GET"] }));
    TestRequest::get("query=%7Ba%7D").executed(&endpoint);
    let response = TestRequest::post(BODY).answered(&endpoint);
    assert_eq!(response.status, 405);
    assert_eq!(header(&response, "allow"), Some("GET, HEAD, OPTIONS"));
}

#[test]
fn only_post() {
    let only_post = endpoint(json!({ "methods": ["POST"] }));
    TestRequest::post(BODY).executed(&only_post);
    let response = TestRequest::get("query=%7Ba%7D").answered(&only_post);
    assert_eq!(response.status, 405);
    assert_eq!(header(&response, "allow"), Some("POST, OPTIONS"));

    let with_page = endpoint(json!({ "methods": ["POST"], "playground": "graphiql" }));
    let page = TestRequest::get("").header("accept", "text/html");
    assert_eq!(page.answered(&with_page).status, 200);
    assert_eq!(TestRequest::get("query=%7Ba%7D").refused(&with_page).0, 405);
}

#[test]
fn body_limit() {
    let exact = endpoint(json!({ "maxBodyBytes": BODY.len() }));
    TestRequest::post(BODY).executed(&exact);
    let smaller = endpoint(json!({ "maxBodyBytes": BODY.len() - 1 }));
    let (status, code, message) = TestRequest::post(BODY).refused(&smaller);
    assert_eq!((status, code.as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert!(
        message.contains(&format!("{} bytes", BODY.len() - 1)),
        "{message}"
    );

    // A transport need not read what is known to be too much.
    let unread = TestRequest::post("").header("content-length", "1048577");
    assert_eq!(unread.refused(&endpoint(json!({}))).0, 413);
}

#[test]
fn explain() {
    let body = r#"{"query":"{ a }","extensions":{"explain":true}}"#;
    let asked = |options| {
        TestRequest::post(body)
            .executed(&endpoint(options))
            .0
            .is_explained
    };
    assert!(!asked(json!({})));
    assert!(asked(json!({ "explain": true })));
    let (unasked, ..) = TestRequest::post(BODY).executed(&endpoint(json!({ "explain": true })));
    assert!(!unasked.is_explained);
}
