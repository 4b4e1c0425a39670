//! Which media type a response has, and which ones of a body are taken.

use puff_graphql::http::ResponseFormat::{GraphqlResponse, Json};

use crate::request::{TestRequest, default_endpoint, header};

const BODY: &str = r#"{"query":"{ a }"}"#;

#[test]
fn accept() {
    let cases = [
        ("", Json),
        ("application/*", Json),
        ("APPLICATION/JSON", Json),
        ("application/json;charset=UTF-8", Json),
        (r#"application/json; charset="utf-8""#, Json),
        // What Apollo Client, Relay and urql send.
        (
            "application/graphql-response+json,application/json;q=0.9",
            GraphqlResponse,
        ),
        (
            "application/graphql-response+json, application/json",
            GraphqlResponse,
        ),
        (
            "application/graphql-response+json, application/graphql+json, application/json, \
             text/event-stream, multipart/mixed",
            GraphqlResponse,
        ),
        ("multipart/mixed;deferSpec=20220824,application/json", Json),
        ("application/json, application/graphql-response+json", Json),
        (
            "application/json;q=0.5, application/graphql-response+json;q=0.4",
            Json,
        ),
        (
            "application/json;q=0.4, application/graphql-response+json;q=0.5",
            GraphqlResponse,
        ),
        ("application/json;q=0, */*", GraphqlResponse),
        ("application/json;q=0.1, */*;q=0.5", GraphqlResponse),
        (
            "*/*;q=0.1, application/graphql-response+json",
            GraphqlResponse,
        ),
        ("*/*, application/graphql-response+json", GraphqlResponse),
        (
            "application/*;q=0.3, application/graphql-response+json;q=0.2",
            Json,
        ),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            Json,
        ),
        (
            r#"text/plain;note="a, application/graphql-response+json", application/json"#,
            Json,
        ),
        (
            "application/graphql-response+json;charset=utf-16, application/json;q=0.1",
            Json,
        ),
        (
            "application/graphql-response+json;q=2, application/json",
            Json,
        ),
        ("nonsense, application/json", Json),
    ];
    for (accept, expected) in cases {
        let request = TestRequest::post(BODY).header("accept", accept);
        assert_eq!(
            request.executed(&default_endpoint()).1,
            expected,
            "{accept}"
        );
    }
}

#[test]
fn not_acceptable() {
    let cases = [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;charset=iso-8859-1",
        "application/jsonp",
        "nonsense",
        "*/json",
    ];
    for accept in cases {
        let request = TestRequest::post(BODY).header("accept", accept);
        let (status, code, _) = request.refused(&default_endpoint());
        assert_eq!((status, code.as_str()), (406, "NOT_ACCEPTABLE"), "{accept}");
    }
}

#[test]
fn content_type() {
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json ; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json;charset=utf8;boundary=x",
    ] {
        TestRequest::post(BODY)
            .header("content-type", content_type)
            .executed(&default_endpoint());
    }
    for content_type in [
        "application/json; charset=iso-8859-1",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain; application/json",
        "json",
        "",
    ] {
        let request = TestRequest::post(BODY).header("content-type", content_type);
        let (status, code, message) = request.refused(&default_endpoint());
        assert_eq!((status, code.as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
        assert!(message.contains(content_type), "{message}");
    }
}

#[test]
fn content_encoding() {
    let endpoint = default_endpoint();
    let identity = TestRequest::post(BODY).header("content-encoding", "identity");
    identity.executed(&endpoint);
    for encoding in ["gzip", "br", "gzip, identity"] {
        let response = TestRequest::post(BODY)
            .header("content-encoding", encoding)
            .answered(&endpoint);
        assert_eq!(response.status, 415);
        assert_eq!(header(&response, "accept-encoding"), Some("identity"));
    }
}

#[test]
fn methods() {
    let endpoint = default_endpoint();
    let described = TestRequest::new("OPTIONS").answered(&endpoint);
    assert_eq!(described.status, 204);
    assert_eq!(
        header(&described, "allow"),
        Some("GET, HEAD, POST, OPTIONS")
    );
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "post", ""] {
        let response = TestRequest::new(method).answered(&endpoint);
        assert_eq!(response.status, 405);
        assert_eq!(header(&response, "allow"), Some("GET, HEAD, POST, OPTIONS"));
    }
}
