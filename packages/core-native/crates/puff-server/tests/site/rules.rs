//! Redirects, the proxy and rewrites.

use puff_server::site::Site;
use serde_json::{Value, json};

use crate::support::{App, Decided, NEXT, and, answer, decide, get, request, rule};

/// A site with two files and one kind of rules. It lives as long as its folder, the app.
fn open_with(field: &str, rules: Value) -> (App, Site) {
    let app = App::new().with(field, rules);
    app.write("public/a.txt", "a");
    app.write("public/b.txt", "b");
    let site = app.open();
    (app, site)
}

#[tokio::test]
async fn a_redirect_to_one_place_is_answered() {
    let redirect = |regex: &str, status: u16, location: &str| {
        and(
            rule(regex),
            json!({ "status": status, "location": location }),
        )
    };
    let (_app, site) = open_with(
        "redirects",
        json!([
            redirect("^(?!/_next)/old(?:/)?$", 308, "/new"),
            redirect("^(?!/_next)/away(?:/)?$", 307, "https://example.com/there"),
        ]),
    );
    let old = answer(&site, &get("/OLD")).await;
    assert_eq!(
        (old.status, old.header("location"), old.body.as_slice()),
        (308, Some("/new"), &b"/new"[..])
    );
    assert_eq!(old.header("refresh"), Some("0;url=/new"));
    let away = answer(&site, &request("POST", "/away", &[])).await;
    assert_eq!((away.status, away.header("refresh")), (307, None));
    assert_eq!(away.header("location"), Some("https://example.com/there"));
    assert!(
        answer(&site, &request("HEAD", "/old", &[]))
            .await
            .body
            .is_empty()
    );
    assert_eq!(decide(&site, &get("/old?query")), NEXT);
    assert_eq!(decide(&site, &get("/_next/old")), NEXT);
}

#[test]
fn redirects_come_before_files() {
    let (_app, site) = open_with(
        "redirects",
        json!([and(rule("^/a\\.txt$"), json!({ "status": 307 }))]),
    );
    assert_eq!(decide(&site, &get("/a.txt")), NEXT);
    assert_eq!(decide(&site, &get("/b.txt")), Decided::Answered(200));
}

#[test]
fn the_proxy_and_rewrites_come_before_files_where_they_match() {
    for field in ["proxy", "beforeFiles"] {
        let (_app, site) = open_with(field, json!([rule("^/a\\.txt$")]));
        assert_eq!(decide(&site, &get("/a.txt")), NEXT, "{field}");
        assert_eq!(
            decide(&site, &get("/b.txt")),
            Decided::Answered(200),
            "{field}"
        );
    }
    let (_app, site) = open_with("afterFiles", json!([rule("^/a\\.txt$")]));
    assert_eq!(decide(&site, &get("/a.txt")), Decided::Answered(200));
}

#[test]
fn a_regex_that_only_javascript_knows_may_match_anything() {
    let (_app, site) = open_with("proxy", json!([rule("^[^]$")]));
    assert_eq!(decide(&site, &get("/a.txt")), NEXT);
}

#[test]
fn conditions_are_for_next_where_they_may_hold() {
    let conditional = |has: Value, missing: Value| {
        json!([and(
            rule("^/a\\.txt$"),
            json!({ "has": has, "missing": missing, "status": 307 })
        )])
    };
    let header = json!([{ "type": "header", "key": "X-Preview" }]);
    let (_app, site) = open_with("redirects", conditional(header.clone(), json!([])));
    assert_eq!(decide(&site, &get("/a.txt")), Decided::Answered(200));
    assert_eq!(
        decide(&site, &request("GET", "/a.txt", &[("x-preview", "1")])),
        NEXT
    );
    let cookie = json!([{ "type": "cookie", "key": "session" }]);
    let (_app, site) = open_with("redirects", conditional(cookie, json!([])));
    assert_eq!(decide(&site, &get("/a.txt")), Decided::Answered(200));
    assert_eq!(
        decide(&site, &request("GET", "/a.txt", &[("cookie", "a=b")])),
        NEXT
    );
    let query = json!([{ "type": "query", "key": "page" }]);
    let (_app, site) = open_with("redirects", conditional(query, json!([])));
    assert_eq!(decide(&site, &get("/a.txt")), Decided::Answered(200));
    assert_eq!(decide(&site, &get("/a.txt?x")), NEXT);
    let host = json!([{ "type": "host" }]);
    let (_app, site) = open_with("redirects", conditional(host, json!([])));
    assert_eq!(decide(&site, &get("/a.txt")), NEXT);
    let (_app, site) = open_with("redirects", conditional(json!([]), header));
    assert_eq!(decide(&site, &get("/a.txt")), NEXT);
}

#[test]
fn headers_that_only_next_can_write_are_for_next() {
    let header = |key: &str, value: &str, has_params: bool| {
        json!([and(
            rule("^/a\\.txt$"),
            json!({
                "headers": [{ "key": key, "value": value }],
                "hasParams": has_params,
            })
        )])
    };
    for rules in [
        header("X-Path", ":path*", true),
        header("Content-Type", "text/html", false),
        header("ETag", "\"mine\"", false),
        header("X-Name", "é", false),
        header("bad name", "value", false),
    ] {
        let (_app, site) = open_with("headers", rules.clone());
        assert_eq!(decide(&site, &get("/a.txt")), NEXT, "{rules}");
        assert_eq!(
            decide(&site, &get("/b.txt")),
            Decided::Answered(200),
            "{rules}"
        );
    }
}

#[test]
fn headers_on_match_wait_for_their_condition() {
    let (_app, site) = open_with(
        "onMatchHeaders",
        json!([and(
            rule("^(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))?(?:/)?$"),
            json!({
                "has": [{ "type": "header", "key": "rsc" }],
                "headers": [{ "key": "x-nextjs-deployment-id", "value": "1" }],
                "hasParams": false,
            })
        )]),
    );
    assert_eq!(decide(&site, &get("/a.txt")), Decided::Answered(200));
    assert_eq!(
        decide(&site, &request("GET", "/a.txt", &[("rsc", "1")])),
        NEXT
    );
}
