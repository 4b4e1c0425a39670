//! The page for people.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use puff_graphql::http::Endpoint;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::request::{TestRequest, default_endpoint, endpoint, header, text};

/// What Chrome sends when it opens a URL.
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
                          image/webp,image/apng,*/*;q=0.8";

fn page(endpoint: &Endpoint) -> (String, String) {
    let response = TestRequest::get("")
        .header("accept", NAVIGATION)
        .answered(endpoint);
    assert_eq!(response.status, 200);
    assert_eq!(
        header(&response, "content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = header(&response, "content-security-policy").expect("a policy");
    (text(&response).to_owned(), policy.to_owned())
}

#[test]
fn there_is_none_by_default() {
    let request = TestRequest::get("").header("accept", NAVIGATION);
    assert_eq!(request.refused(&default_endpoint()).0, 400);
    let strict = TestRequest::get("").header("accept", "text/html");
    assert_eq!(strict.refused(&default_endpoint()).0, 406);
}

#[test]
fn the_policy_admits_the_page_and_nothing_else() {
    for playground in ["graphiql", "sandbox"] {
        let (html, policy) = page(&endpoint(json!({ "playground": playground })));
        let (_, rest) = html
            .split_once(r#"<script type="module">"#)
            .expect("a script");
        let (script, _) = rest.split_once("</script>").expect("its end");
        let hash = format!("'sha256-{}'", BASE64.encode(Sha256::digest(script)));
        let scripts = policy.split("script-src").nth(1).expect("a directive");
        assert!(scripts.contains(&hash), "{policy}");
        assert!(!scripts.contains("unsafe"), "{policy}");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        for part in html.split("<script src=\"").skip(1) {
            let (url, _) = part.split_once('"').expect("a URL");
            assert!(scripts.contains(url), "{url}");
        }
    }
}

#[test]
fn what_graphiql_loads_is_pinned() {
    let (html, _) = page(&endpoint(json!({ "playground": "graphiql" })));
    let tags: Vec<&str> = html
        .split('<')
        .filter(|tag| tag.contains("https://"))
        .collect();
    assert_eq!(tags.len(), 4);
    for tag in tags {
        assert!(tag.contains("integrity=\"sha384-"), "{tag}");
        let (_, version) = tag.split_once('@').expect("a version");
        assert!(
            version.starts_with(|digit: char| digit.is_ascii_digit()),
            "{tag}"
        );
    }
}

#[test]
fn explanations_are_offered_where_they_are_allowed() {
    let offers = |explain: bool| {
        let options = json!({ "playground": "graphiql", "explain": explain });
        page(&endpoint(options))
            .0
            .contains(r#"data-explain="true""#)
    };
    assert!(offers(true) && !offers(false));
}

#[test]
fn programs_get_json() {
    let endpoint = endpoint(json!({ "playground": "graphiql" }));
    for accept in [
        "*/*",
        "application/json",
        "application/json, text/html",
        "application/graphql-response+json, text/html;q=0.9",
        "text/html;q=0.1, */*",
    ] {
        let request = TestRequest::get("query=%7Ba%7D").header("accept", accept);
        request.executed(&endpoint);
    }
    TestRequest::get("query=%7Ba%7D").executed(&endpoint);
    let post = TestRequest::post(r#"{"query":"{ a }"}"#).header("accept", "text/html, */*");
    post.executed(&endpoint);
}
