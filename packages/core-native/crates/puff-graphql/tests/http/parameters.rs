//! Parameters in bodies and in URLs.

use serde_json::json;

use crate::request::{TestRequest, default_endpoint};

fn message_for_body(body: &(impl AsRef<[u8]> + ?Sized)) -> String {
    let (status, code, message) = TestRequest::post(body).refused(&default_endpoint());
    assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{message}");
    message
}

fn message_for_url(query: &str) -> String {
    let (status, code, message) = TestRequest::get(query).refused(&default_endpoint());
    assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{message}");
    message
}

#[test]
fn a_whole_body() {
    let body = r#"{"query":"query A($x: Int) { a(x: $x) }","operationName":"A",
        "variables":{"x":12345678901,"y":[1.5e300,null,"é\u00e9"]},"extensions":{"e":{}},"id":7}"#;
    let (request, ..) = TestRequest::post(body).executed(&default_endpoint());
    assert_eq!(&*request.query, "query A($x: Int) { a(x: $x) }");
    assert_eq!(request.operation_name.as_deref(), Some("A"));
    assert_eq!(
        json!(request.variables),
        json!({ "x": 12_345_678_901_u64, "y": [1.5e300, null, "éé"] })
    );
}

#[test]
fn the_last_of_equal_members_counts() {
    let body = r#"{"query":"{ a }","query":"{ b }"}"#;
    let (request, ..) = TestRequest::post(body).executed(&default_endpoint());
    assert_eq!(&*request.query, "{ b }");
}

#[test]
fn bodies_that_are_no_requests() {
    assert!(message_for_body(" \n").contains("empty"));
    assert!(message_for_body("null").contains("must be a JSON object, not null"));
    assert!(message_for_body("\"{ a }\"").contains("not a string"));
    assert!(message_for_body(r#"{"query":"{ a }"} x"#).contains("not valid JSON"));
    assert!(message_for_body(r#"[{"query":"{ a }"}]"#).contains("Several operations"));
    assert!(message_for_body(r#"{"query":null}"#).contains("no `query`"));
    assert!(
        message_for_body(r#"{"query":{}}"#).contains("`query` must be a string, not an object")
    );
    assert!(
        message_for_body(r#"{"query":"{ a }","variables":"{}"}"#)
            .contains("`variables` must be a JSON object, not a string")
    );
    assert!(message_for_body(r#"{"query":"{ a }","documentId":1}"#).contains("`documentId`"));
}

#[test]
fn bytes_that_are_no_text() {
    let mut body = br#"{"query":"{ a }"}"#.to_vec();
    body[12] = 0xff;
    assert!(message_for_body(&body).contains("not valid UTF-8 at byte 12"));
    // Half a pair of surrogates is no character.
    assert!(message_for_body(r#"{"query":"\ud83c"}"#).contains("not valid JSON"));
    let utf16: Vec<u8> = r#"{"query":"{ a }"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    message_for_body(&utf16);
}

#[test]
fn truncated_bodies() {
    let body = r#"{"query":"{ é }","variables":{"a":[1,{"b":"c"}]}}"#.as_bytes();
    for length in 0..body.len() {
        message_for_body(&body[..length]);
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = format!(
        r#"{{"query":"{{ a }}","variables":{{"v":{}"#,
        "[".repeat(500_000)
    );
    assert!(message_for_body(&deep).contains("recursion limit"));
    let url = format!("query=%7Ba%7D&variables={}", "%5B".repeat(10_000));
    assert!(message_for_url(&url).contains("recursion limit"));
}

#[test]
fn a_whole_url() {
    let query = "?operationName=A&query=query+A%20%7B+a(x%3a%22%C3%A9%2B%22)+%7D\
                 &variables=%7B%22x%22%3A1%7D&extensions=%7B%22e%22%3A2%7D&other=%FF&&";
    let (request, ..) = TestRequest::get(query).executed(&default_endpoint());
    assert_eq!(&*request.query, r#"query A { a(x:"é+") }"#);
    assert_eq!(request.operation_name.as_deref(), Some("A"));
    assert_eq!(json!(request.variables), json!({ "x": 1 }));
}

#[test]
fn empty_parameters_are_none() {
    let query = "query=%7Ba%7D&operationName=&variables=&extensions=null&documentId";
    let (request, ..) = TestRequest::get(query).executed(&default_endpoint());
    assert_eq!(request.operation_name, None);
    assert!(request.variables.is_empty());
}

#[test]
fn urls_that_are_no_requests() {
    assert!(message_for_url("").contains("no `query`"));
    assert!(message_for_url("query=").contains("no `query`"));
    assert!(message_for_url("query=%ff").contains("`query` is not valid UTF-8"));
    assert!(message_for_url("query=%7Ba%7D&query=%7Bb%7D").contains("more than once"));
    assert!(
        message_for_url("query=%7Ba%7D&variables=%7B").contains("`variables` is not valid JSON")
    );
    assert!(message_for_url("query=%7Ba%7D&variables=[1]").contains("must be a JSON object"));
    assert!(message_for_url("query=%7Ba%7D&extensions=1").contains("must be a JSON object"));
    assert!(message_for_url("query=%7Ba%7D&extensions=%7B%7D&extensions=%7B%7D").contains("once"));
}

#[test]
fn head_is_a_get_without_a_body() {
    let (request, _) = TestRequest::head("query=%7Ba%7D").executed(&default_endpoint());
    assert!(!request.allows_mutation);
}
