//! Requests that a page of another site can make a browser send.

use serde_json::json;

use crate::request::{TestRequest, default_endpoint, endpoint};

const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/142.0.0.0 Safari/537.36";

fn get() -> TestRequest<'static> {
    TestRequest::get("query=%7Ba%7D")
}

fn is_blocked(request: &TestRequest<'_>) {
    let (status, code, message) = request.refused(&default_endpoint());
    assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"));
    assert!(message.contains("cross-site"), "{message}");
    request.executed(&endpoint(json!({ "csrfPrevention": false })));
}

#[test]
fn pages_of_other_sites_are_blocked() {
    is_blocked(&get().header("sec-fetch-site", "cross-site"));
    is_blocked(&get().header("sec-fetch-site", "same-site"));
    is_blocked(&get().header("sec-fetch-site", "something new"));
    // Old browsers, and all on plain http.
    is_blocked(&get().header("user-agent", CHROME));
    is_blocked(&get().header("origin", "https://evil.example"));
    is_blocked(&get().header("origin", "null"));
    is_blocked(&get().header("referer", "https://evil.example/"));
    let simple = [
        "text/plain",
        "text/plain; application/json",
        "Multipart/Form-Data; boundary=x",
        "application/x-www-form-urlencoded",
    ];
    for content_type in simple {
        is_blocked(
            &get()
                .header("user-agent", CHROME)
                .header("content-type", content_type),
        );
    }
    is_blocked(
        &get()
            .header("user-agent", CHROME)
            .header("x-apollo-operation-name", ""),
    );
}

#[test]
fn requests_that_need_a_preflight_pass() {
    for header in [
        "x-apollo-operation-name",
        "apollo-require-preflight",
        "graphql-preflight",
    ] {
        let request = get()
            .header("sec-fetch-site", "cross-site")
            .header(header, "1");
        request.executed(&default_endpoint());
    }
    for content_type in ["application/json", "application/graphql", "no media type"] {
        let request = get()
            .header("user-agent", CHROME)
            .header("content-type", content_type);
        request.executed(&default_endpoint());
    }
    let post = TestRequest::post(r#"{"query":"{ a }"}"#).header("sec-fetch-site", "cross-site");
    post.executed(&default_endpoint());
}

#[test]
fn the_site_itself_and_programs_pass() {
    for site in ["same-origin", "none"] {
        let request = get()
            .header("user-agent", CHROME)
            .header("sec-fetch-site", site);
        request.executed(&default_endpoint());
    }
    for agent in ["node", "curl/8.5.0", "okhttp/4.12"] {
        get()
            .header("user-agent", agent)
            .executed(&default_endpoint());
    }
    get().executed(&default_endpoint());
}

#[test]
fn forms_of_other_sites_are_blocked_whatever_the_options() {
    let endpoint = endpoint(json!({ "csrfPrevention": false }));
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let body = r#"{"query":"mutation { a }"}"#;
        let form = TestRequest::post(body).header("content-type", content_type);
        assert_eq!(form.refused(&endpoint).0, 415);
    }
}
