//! Pages and route handlers.

use puff_server::site::PrerenderVariant::{Document, Prefetch, Rsc, Segment};
use puff_server::site::{Decision, Site};
use serde_json::{Value, json};

use crate::support::{App, Decided, NEXT, and, decide, get, request, rule};

fn route(number: u32, page: &str, kind: &str) -> Value {
    json!({
        "number": number, "page": page, "kind": kind, "entry": "",
        "isDirect": true, "isOnDemand": false,
    })
}

fn dynamic(number: u32, regex: &str, param: &str) -> Value {
    json!({ "number": number, "regex": regex, "params": [param], "isClosed": false })
}

fn app() -> App {
    App::new()
        .with(
            "routes",
            json!([
                route(1, "/", "appPage"),
                route(2, "/about", "appPage"),
                route(3, "/api/hello", "appRoute"),
                route(4, "/api/items/[id]", "appRoute"),
                and(
                    route(5, "/blog/[slug]", "appPage"),
                    json!({ "isOnDemand": true })
                ),
                route(6, "/closed/[name]", "appPage"),
                route(7, "/docs/[[...path]]", "appPage"),
                route(8, "/legacy", "page"),
                and(route(9, "/edge", "appRoute"), json!({ "isDirect": false })),
            ]),
        )
        .with(
            "dynamicRoutes",
            json!([
                dynamic(4, r"^\/api\/items\/([^/]+?)(?:\/)?$", "id"),
                dynamic(5, r"^\/blog\/([^/]+?)(?:\/)?$", "slug"),
                and(
                    dynamic(6, r"^\/closed\/([^/]+?)(?:\/)?$", "name"),
                    json!({ "isClosed": true })
                ),
                dynamic(7, r"^\/docs(?:\/(.+?))?(?:\/)?$", "path"),
            ]),
        )
        .with(
            "prerenders",
            json!([
                { "path": "/", "number": 1, "segments": ["/_tree"] },
                { "path": "/blog/first", "number": 5, "segments": [] },
                { "path": "/blog/café", "number": 5, "segments": [] },
                { "path": "/closed/known", "number": 6, "segments": [] },
            ]),
        )
        .with(
            "redirects",
            json!([and(
                rule("^(?:/((?:[^/]+?)(?:/(?:[^/]+?))*))/$"),
                json!({ "status": 308 })
            )]),
        )
}

fn script(number: u32, params: &[(&str, &str)]) -> Decided {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Decided::Script(number, params.iter().map(own).collect())
}

fn document(path: &str, number: u32) -> Decided {
    Decided::Prerender(path.to_owned(), Document, number)
}

#[test]
fn routes_are_found_with_their_parameters() {
    let site = app().open();
    for (path, expected) in [
        ("/", document("/", 1)),
        ("/about", script(2, &[])),
        ("/about?x=1", script(2, &[])),
        ("/api/hello", script(3, &[])),
        ("/api/items/42", script(4, &[("id", "42")])),
        ("/blog/first", document("/blog/first", 5)),
        ("/blog/other", document("/blog/other", 5)),
        ("/closed/known", document("/closed/known", 6)),
        ("/docs", script(7, &[])),
        ("/docs/a/b", script(7, &[("path", "a/b")])),
        ("/legacy", script(8, &[])),
    ] {
        assert_eq!(decide(&site, &get(path)), expected, "{path}");
    }
}

#[test]
fn everything_else_is_for_next() {
    let site = app().open();
    for path in [
        "/about/",
        "/ABOUT",
        "/missing",
        "/edge",
        "/closed/unknown",
        "/blog/caf%C3%A9",
        "/blog/a%2fb",
        "/blog/@b",
        "/docs//a",
        "/docs/a/../b",
        "/docs/a.rsc",
        "/_next/data/build-1/legacy.json",
        "/_next/image?url=a",
        "*",
    ] {
        assert_eq!(decide(&site, &get(path)), NEXT, "{path}");
    }
}

#[test]
fn below_a_base_path_everything_else_is_for_next() {
    let site = app().with("basePath", json!("/base")).open();
    assert_eq!(site.base_path(), "/base");
    assert_eq!(decide(&site, &get("/base")), document("/base", 1));
    assert_eq!(decide(&site, &get("/base/about")), script(2, &[]));
    assert_eq!(
        decide(&site, &get("/base/docs/a")),
        script(7, &[("path", "a")])
    );
    for path in ["/", "/about", "/docs/a", "/basement", "/base/"] {
        assert_eq!(decide(&site, &get(path)), NEXT, "{path}");
    }
}

#[test]
fn with_trailing_slashes_the_other_form_is_redirected() {
    let redirect = and(
        rule("^(?:/((?:[^/]+/)*[^/\\.]+))$"),
        json!({ "status": 308 }),
    );
    let site = app().with("redirects", json!([redirect])).open();
    assert_eq!(decide(&site, &get("/about/")), script(2, &[]));
    assert_eq!(
        decide(&site, &get("/blog/first/")),
        document("/blog/first/", 5)
    );
    assert_eq!(decide(&site, &get("/docs/a/")), script(7, &[("path", "a")]));
    for path in ["/about", "/blog/first", "/docs/a"] {
        assert_eq!(decide(&site, &get(path)), NEXT, "{path}");
    }
}

#[test]
fn what_the_router_asks_for_has_keys_of_its_own() {
    let site = app().open();
    let rsc = |uri: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> = [("rsc", "1")].iter().chain(more).copied().collect();
        decide(&site, &request("GET", uri, &headers))
    };
    let root = |variant| Decided::Prerender("/".into(), variant, 1);
    let prefetch = ("next-router-prefetch", "1");
    let tree = [prefetch, ("next-router-segment-prefetch", "/_tree")];
    assert_eq!(rsc("/?_rsc=", &[]), root(Rsc));
    assert_eq!(rsc("/?_rsc=HEAvJdHAQJrUAe2K", &[prefetch]), root(Prefetch));
    assert_eq!(
        rsc("/?_rsc=_i_aeImnuN6u1u1r", &tree),
        root(Segment("/_tree".into()))
    );
    // Segments that the build does not know could be without end.
    assert_eq!(
        rsc("/blog/first?_rsc=_i_aeImnuN6u1u1r", &tree),
        script(5, &[("slug", "first")])
    );
    assert_eq!(rsc("/about?_rsc=", &[]), script(2, &[]));
    // Next.js redirects these to the right `_rsc`.
    assert_eq!(rsc("/", &[]), NEXT);
    assert_eq!(rsc("/about?_rsc=wrong", &[]), NEXT);
    assert_eq!(rsc("/api/hello?_rsc=", &[]), NEXT);
}

#[test]
fn drafts_actions_and_revalidations_are_not_from_the_store() {
    let site = app().open();
    for headers in [
        ("cookie", "a=b; __prerender_bypass=x"),
        ("cookie", "__next_preview_data=x"),
        ("x-prerender-revalidate", "token"),
        ("content-type", "multipart/form-data; boundary=x"),
    ] {
        assert_eq!(
            decide(&site, &request("GET", "/", &[headers])),
            script(1, &[]),
            "{headers:?}"
        );
    }
    assert_eq!(
        decide(&site, &request("GET", "/", &[("cookie", "a=%20b")])),
        document("/", 1)
    );
    assert_eq!(decide(&site, &request("HEAD", "/", &[])), document("/", 1));
    for query in ["nxtPslug=x", "a=1&__nextLocale=x", "n%78tPslug=x"] {
        assert_eq!(
            decide(&site, &get(&format!("/?{query}"))),
            script(1, &[]),
            "{query}"
        );
    }
}

#[test]
fn pages_take_few_methods_and_route_handlers_all() {
    let site = app().open();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(
            decide(&site, &request(method, "/api/hello", &[])),
            script(3, &[]),
            "{method}"
        );
    }
    let action = request("POST", "/", &[("next-action", "id")]);
    assert_eq!(decide(&site, &action), script(1, &[]));
    for method in ["POST", "PUT", "OPTIONS", "DELETE"] {
        assert_eq!(decide(&site, &request(method, "/", &[])), NEXT, "{method}");
        assert_eq!(
            decide(&site, &request(method, "/legacy", &[])),
            NEXT,
            "{method}"
        );
    }
}

#[test]
fn partial_pages_are_whole_for_some_bots_and_for_navigations() {
    let site = app().with("hasPartialPages", json!(true)).open();
    let by = |agent: &str| decide(&site, &request("GET", "/", &[("user-agent", agent)]));
    assert_eq!(by("Mozilla/5.0"), document("/", 1));
    assert_eq!(by("slackbot"), script(1, &[]));
    assert_eq!(by("Read-Google"), script(1, &[]));
    let rsc = request("GET", "/?_rsc=", &[("rsc", "1")]);
    assert_eq!(decide(&site, &rsc), script(1, &[]));
}

#[test]
fn rewrites_after_files_come_before_routes_with_parameters() {
    let site = app()
        .with("afterFiles", json!([rule("^/(docs|blog|about)(/.*)?$")]))
        .open();
    assert_eq!(decide(&site, &get("/docs/a")), NEXT);
    assert_eq!(decide(&site, &get("/blog/first")), NEXT);
    assert_eq!(decide(&site, &get("/about")), script(2, &[]));
}

#[test]
fn files_come_before_pages_and_pages_before_parameters() {
    let app = app();
    app.write("public/blog/file.txt", "file");
    let site = app.open();
    assert_eq!(
        decide(&site, &get("/blog/file.txt")),
        Decided::Answered(200)
    );
    assert_eq!(
        decide(&site, &get("/blog/other.txt")),
        document("/blog/other.txt", 5)
    );
}

#[test]
fn headers_of_the_config_go_with_the_route() {
    let headers = |value: &str, has_params: bool| {
        and(
            rule("^/docs(?:/.*)?(?:/)?$"),
            json!({
                "headers": [{ "key": "X-Docs", "value": value }],
                "hasParams": has_params,
            }),
        )
    };
    let route_of = |site: &Site, uri: &str| match site.decide(&get(uri)) {
        Decision::Script(route) => route,
        _ => panic!("{uri} is answered"),
    };
    let site = app().with("headers", json!([headers("yes", false)])).open();
    let with = route_of(&site, "/docs/a");
    let added = with.headers.expect("headers");
    assert_eq!(
        (with.number, &added["x-docs"]),
        (7, &"yes".parse().unwrap())
    );
    assert_eq!(route_of(&site, "/api/items/42").headers, None);
    // What has parameters of the path in it, only Next.js can say.
    let site = app()
        .with("headers", json!([headers(":path", true)]))
        .open();
    assert_eq!(route_of(&site, "/docs/a").number, 0);
}
