//! Automatic persisted queries and trusted documents.

use puff_graphql::http::ResponseFormat;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::request::{TestRequest, default_endpoint, endpoint, header};

fn hash(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn apollo(hash: &str, query: Option<&str>) -> String {
    let mut body =
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    body.to_string()
}

fn by_id(id: &str) -> String {
    json!({ "documentId": id }).to_string()
}

#[test]
fn a_client_registers_a_document() {
    let endpoint = default_endpoint();
    let (text, id) = ("{ a }", hash("{ a }"));
    let unknown = apollo(&id, None);
    for (accept, status) in [
        ("application/json", 200),
        ("application/graphql-response+json", 400),
    ] {
        let request = TestRequest::post(&unknown).header("accept", accept);
        let (found, code, message) = request.refused(&endpoint);
        assert_eq!(found, status);
        assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(message, "PersistedQueryNotFound");
        let cache = header(&request.answered(&endpoint), "cache-control").map(str::to_owned);
        assert_eq!(cache.as_deref(), Some("private, no-cache, must-revalidate"));
    }

    let registered = apollo(&id, Some(text));
    let (request, ..) = TestRequest::post(&registered).executed(&endpoint);
    assert_eq!(&*request.query, text);

    let (request, format) = TestRequest::post(&unknown).executed(&endpoint);
    assert_eq!((&*request.query, format), (text, ResponseFormat::Json));
    let url = format!(
        "variables=%7B%22x%22%3A1%7D&extensions={}",
        json!({ "persistedQuery": { "version": 1, "sha256Hash": id.to_uppercase() } })
    );
    let (request, ..) = TestRequest::get(&url).executed(&endpoint);
    assert_eq!(
        (&*request.query, &request.variables["x"]),
        (text, &json!(1))
    );
    let document_id = by_id(&format!("sha256:{id}"));
    assert_eq!(
        &*TestRequest::post(&document_id).executed(&endpoint).0.query,
        text
    );
}

#[test]
fn a_document_must_have_the_hash_it_is_registered_under() {
    let endpoint = default_endpoint();
    let forged = apollo(&hash("{ a }"), Some("{ b }"));
    let (status, code, message) = TestRequest::post(&forged).refused(&endpoint);
    assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"));
    assert_eq!(message, "provided sha does not match query");
    let body = apollo(&hash("{ a }"), None);
    let (_, code, _) = TestRequest::post(&body).refused(&endpoint);
    assert_eq!(code, "PERSISTED_QUERY_NOT_FOUND");
}

#[test]
fn malformed_extensions() {
    let refusal = |persisted: Json| {
        let body = json!({ "query": "{ a }", "extensions": { "persistedQuery": persisted } });
        let (status, _, message) =
            TestRequest::post(&body.to_string()).refused(&default_endpoint());
        (status, message)
    };
    let version = (400, "Unsupported persisted query version".to_owned());
    assert_eq!(
        refusal(json!({ "version": 2, "sha256Hash": hash("{ a }") })),
        version
    );
    assert_eq!(refusal(json!({ "sha256Hash": hash("{ a }") })), version);
    assert_eq!(refusal(json!("text")), version);
    for malformed in [
        json!(null),
        json!(1),
        json!("abc"),
        json!("é".repeat(32)),
        json!("g".repeat(64)),
    ] {
        let (status, message) = refusal(json!({ "version": 1, "sha256Hash": malformed }));
        assert_eq!(status, 400);
        assert!(message.contains("64 hexadecimal digits"), "{message}");
    }
    let none = json!({ "query": "{ a }", "extensions": { "persistedQuery": null } }).to_string();
    TestRequest::post(&none).executed(&default_endpoint());
}

#[test]
fn registered_documents_are_bounded_in_number() {
    let endpoint = endpoint(json!({ "persisted": { "maxEntries": 2 } }));
    let register = |text: &str| {
        TestRequest::post(&apollo(&hash(text), Some(text))).executed(&endpoint);
    };
    let is_known = |text: &str| {
        let body = apollo(&hash(text), None);
        matches!(
            TestRequest::post(&body).to(&endpoint),
            puff_graphql::http::Accepted::Execute { .. }
        )
    };
    register("{ a }");
    register("{ b }");
    assert!(is_known("{ a }"));
    register("{ c }");
    assert!(is_known("{ a }") && is_known("{ c }") && !is_known("{ b }"));
}

#[test]
fn registered_documents_are_bounded_in_size() {
    let endpoint = endpoint(json!({ "persisted": { "maxBytes": 20 } }));
    let register = |text: &str| {
        TestRequest::post(&apollo(&hash(text), Some(text))).executed(&endpoint);
    };
    let code = |text: &str| {
        let body = apollo(&hash(text), None);
        match TestRequest::post(&body).to(&endpoint) {
            puff_graphql::http::Accepted::Execute { .. } => 0,
            puff_graphql::http::Accepted::Respond(response) => response.status,
        }
    };
    let (short, other, long) = ("{ aaaaaa }", "{ bbbbbb }", "{ cccccccccccccccccccc }");
    // The same again takes no more room.
    for text in [short, short, short, other] {
        register(text);
    }
    assert_eq!((code(short), code(other)), (0, 0));
    register(long);
    assert_eq!((code(short), code(other), code(long)), (200, 200, 200));
    register(short);
    assert_eq!(code(short), 0);
}

#[test]
fn automatic_persisted_queries_can_be_off() {
    let endpoint = endpoint(json!({ "persisted": { "automatic": false } }));
    for query in [None, Some("{ a }")] {
        let body = apollo(&hash("{ a }"), query);
        let (status, code, message) = TestRequest::post(&body).refused(&endpoint);
        assert_eq!(
            (status, code.as_str()),
            (200, "PERSISTED_QUERY_NOT_SUPPORTED")
        );
        assert_eq!(message, "PersistedQueryNotSupported");
    }
}

#[test]
fn trusted_documents() {
    let id = hash("{ byHash }");
    let trusted = json!({
        id.as_str(): "{ byHash }",
        format!("sha256:{}", hash("{ byPrefix }")): "{ byPrefix }",
        "md5orName": "query A { byName }",
    });
    let open = endpoint(json!({ "trustedDocuments": trusted }));
    let closed = endpoint(json!({ "trustedDocuments": trusted, "onlyTrusted": true }));
    for endpoint in [&open, &closed] {
        let text = |body: &str| TestRequest::post(body).executed(endpoint).0.query;
        assert_eq!(&*text(&by_id(&id)), "{ byHash }");
        assert_eq!(&*text(&by_id(&format!("sha256:{id}"))), "{ byHash }");
        assert_eq!(&*text(&apollo(&id, None)), "{ byHash }");
        assert_eq!(&*text(&apollo(&id, Some("{ byHash }"))), "{ byHash }");
        assert_eq!(&*text(&by_id(&hash("{ byPrefix }"))), "{ byPrefix }");
        assert_eq!(&*text(&by_id("md5orName")), "query A { byName }");
        let (request, ..) = TestRequest::get("documentId=md5orName").executed(endpoint);
        assert_eq!(&*request.query, "query A { byName }");

        let other = json!({ "documentId": "md5orName", "query": "{ other }" }).to_string();
        assert_eq!(TestRequest::post(&other).refused(endpoint).0, 400);
        let (status, code, _) = TestRequest::post(&by_id("unknown")).refused(endpoint);
        assert_eq!(
            (status, code.as_str()),
            (400, "PERSISTED_QUERY_NOT_IN_LIST")
        );
    }

    let free = r#"{"query":"{ a }"}"#;
    TestRequest::post(free).executed(&open);
    let (status, code, _) = TestRequest::post(free).refused(&closed);
    assert_eq!(
        (status, code.as_str()),
        (400, "PERSISTED_QUERY_ID_REQUIRED")
    );
    let registered = apollo(&hash("{ a }"), Some("{ a }"));
    TestRequest::post(&registered).executed(&open);
    let (status, code, _) = TestRequest::post(&registered).refused(&closed);
    assert_eq!(
        (status, code.as_str()),
        (400, "PERSISTED_QUERY_NOT_IN_LIST")
    );
}
