//! Static files.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::support::{App, NEXT, and, answer, decide, get, request, rule, set_modified};

const TEN_SECONDS: u64 = 1_700_000_010;

#[tokio::test]
async fn a_public_file_has_the_headers_of_send() {
    let app = App::new();
    let path = app.write("public/plain.txt", "plain text\n");
    set_modified(&path, TEN_SECONDS);
    let answer = answer(&app.open(), &get("/plain.txt?query")).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"plain text\n".as_slice())
    );
    let headers = answer.headers.iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
        .collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            ("accept-ranges", "bytes"),
            ("cache-control", "public, max-age=0"),
            ("content-length", "11"),
            ("content-type", "text/plain; charset=UTF-8"),
            ("etag", "W/\"b-18bcfe58f10\""),
            ("last-modified", "Tue, 14 Nov 2023 22:13:30 GMT"),
        ]
    );
}

#[tokio::test]
async fn what_the_build_made_may_be_kept_for_good() {
    let app = App::new().with("basePath", json!("/base"));
    app.write(".next/static/chunks/a.js", "a");
    app.write(".next/static/service-worker/sw.js", "sw");
    let site = app.open();
    let chunk = answer(&site, &get("/base/_next/static/chunks/a.js")).await;
    assert_eq!(
        chunk.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let worker = answer(&site, &get("/base/_next/static/service-worker/sw.js")).await;
    assert_eq!(
        worker.header("cache-control"),
        Some("public, max-age=0, must-revalidate")
    );
    assert_eq!(worker.header("service-worker-allowed"), Some("/base"));
    assert_eq!(decide(&site, &get("/_next/static/chunks/a.js")), NEXT);
    assert_eq!(decide(&site, &get("/base/_next/static/chunks/b.js")), NEXT);
}

#[tokio::test]
async fn head_has_the_headers_alone() {
    let app = App::new();
    app.write("public/plain.txt", "plain text\n");
    let answer = answer(&app.open(), &request("HEAD", "/plain.txt", &[])).await;
    assert_eq!(
        (answer.status, answer.header("content-length")),
        (200, Some("11"))
    );
    assert!(answer.body.is_empty());
}

#[test]
fn other_methods_are_for_next() {
    let app = App::new();
    app.write("public/plain.txt", "plain text\n");
    let site = app.open();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        assert_eq!(
            decide(&site, &request(method, "/plain.txt", &[])),
            NEXT,
            "{method}"
        );
    }
}

#[test]
fn files_that_next_does_not_show_are_for_next() {
    let app = App::new();
    app.write("public/.hidden", "hidden");
    app.write("public/folder/file.txt", "file");
    app.write(
        "public/image.unknown",
        "of a type that the build did not see",
    );
    let site = app.open();
    for path in [
        "/.hidden",
        "/folder",
        "/folder/",
        "/image.unknown",
        "/missing.txt",
    ] {
        assert_eq!(decide(&site, &get(path)), NEXT, "{path}");
    }
}

#[tokio::test]
async fn names_are_found_as_they_are_encoded() {
    let app = App::new();
    app.write("public/with space/é(1).txt", "found");
    app.write("public/LICENSE", "license");
    let site = app.open();
    let found = answer(&site, &get("/with%20space/%C3%A9(1).txt")).await;
    assert_eq!(found.body, b"found");
    let license = answer(&site, &get("/LICENSE")).await;
    assert_eq!(
        license.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(decide(&site, &get("/with%20space/%c3%a9(1).txt")), NEXT);
}

#[test]
fn no_path_leads_out_of_the_folders() {
    let app = App::new();
    app.write("secret.txt", "secret");
    app.write("public/plain.txt", "plain");
    let site = app.open();
    for path in [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/plain.txt/../../secret.txt",
        "/..;/secret.txt",
        "//secret.txt",
        "/_next/static/../../secret.txt",
        "/_next/static/..%2f..%2fsecret.txt",
        "/./plain.txt",
        "/x/../plain.txt",
        "/plain.txt%00",
        "/plain.txt/",
    ] {
        assert_eq!(decide(&site, &get(path)), NEXT, "{path}");
    }
}

#[tokio::test]
async fn links_are_followed_and_those_that_lead_nowhere_left_out() {
    let app = App::new();
    let target = app.write("elsewhere/target.txt", "target");
    app.write("public/plain.txt", "plain");
    symlink(&target, app.path("public/link.txt")).expect("a link");
    symlink(app.path("elsewhere"), app.path("public/folder")).expect("a link");
    symlink(app.path("nowhere"), app.path("public/broken.txt")).expect("a link");
    let site = app.open();
    assert_eq!(answer(&site, &get("/link.txt")).await.body, b"target");
    assert_eq!(
        answer(&site, &get("/folder/target.txt")).await.body,
        b"target"
    );
    assert_eq!(decide(&site, &get("/broken.txt")), NEXT);
}

#[tokio::test]
async fn a_file_that_is_not_kept_in_memory_is_streamed_as_it_is_now() {
    let content: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let app = App::new().with_memory(1000);
    let path = app.write("public/large.bin", &content);
    let site = app.open();
    let first = answer(&site, &get("/large.bin")).await;
    assert_eq!(first.header("content-length"), Some("300000"));
    assert!(first.body == content);
    let part = answer(
        &site,
        &request("GET", "/large.bin", &[("range", "bytes=65530-65545")]),
    )
    .await;
    assert_eq!(part.status, 206);
    assert_eq!(
        part.header("content-range"),
        Some("bytes 65530-65545/300000")
    );
    assert_eq!(part.body, &content[65530..65546]);
    fs::write(&path, "short").expect("a file");
    let second = answer(&site, &get("/large.bin")).await;
    assert_eq!(
        (second.header("content-length"), second.body.as_slice()),
        (Some("5"), &b"short"[..])
    );
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[tokio::test]
async fn a_stream_of_a_file_that_becomes_shorter_fails() {
    use http_body_util::BodyExt;
    use puff_server::site::Decision;

    let app = App::new().with_memory(0);
    let path = app.write("public/large.bin", vec![1; 200_000]);
    let Decision::Answer(response) = app.open().decide(&get("/large.bin")) else {
        panic!("no answer");
    };
    fs::write(&path, "short").expect("a file");
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_public_file_is_read_again_a_second_after_it_has_changed() {
    let app = App::new();
    let path = app.write("public/plain.txt", "one");
    set_modified(&path, TEN_SECONDS);
    let site = app.open();
    assert_eq!(answer(&site, &get("/plain.txt")).await.body, b"one");
    fs::write(&path, "two").expect("a file");
    let changed = async {
        while answer(&site, &get("/plain.txt")).await.body != b"two" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), changed)
        .await
        .expect("a change");
}

#[test]
fn a_file_that_is_gone_is_for_next() {
    let app = App::new();
    let path = app.write("public/plain.txt", "plain");
    let site = app.open();
    fs::remove_file(path).expect("no file");
    assert_eq!(decide(&site, &get("/plain.txt")), NEXT);
}

#[tokio::test]
async fn the_older_folder_static_comes_before_public() {
    let app = App::new();
    app.write("public/static/a.txt", "public");
    assert_eq!(
        answer(&app.open(), &get("/static/a.txt")).await.body,
        b"public"
    );
    app.write("static/a.txt", "static");
    assert_eq!(decide(&app.open(), &get("/static/a.txt")), NEXT);
}

#[tokio::test]
async fn with_locales_only_what_the_build_made_is_served() {
    let app = App::new().with("hasLocales", json!(true));
    app.write("public/plain.txt", "plain");
    app.write(".next/static/a.js", "a");
    let site = app.open();
    assert_eq!(answer(&site, &get("/_next/static/a.js")).await.status, 200);
    assert_eq!(decide(&site, &get("/plain.txt")), NEXT);
}

#[tokio::test]
async fn etags_can_be_switched_off() {
    let app = App::new().with("generateEtags", json!(false));
    app.write("public/plain.txt", "plain");
    let answer = answer(&app.open(), &get("/plain.txt")).await;
    assert_eq!((answer.status, answer.header("etag")), (200, None));
}

#[tokio::test]
async fn headers_of_the_config_come_first() {
    let headers = json!([
        and(
            rule("^(?:/(.*))(?:/)?$"),
            json!({
                "headers": [
                    { "key": "X-Frame-Options", "value": "DENY" },
                    { "key": "Set-Cookie", "value": "a=1" },
                    { "key": "Cache-Control", "value": "no-store" },
                ],
                "hasParams": false,
            })
        ),
        and(
            rule("^/PLAIN\\.txt$"),
            json!({
                "headers": [
                    { "key": "X-Frame-Options", "value": "SAMEORIGIN" },
                    { "key": "Set-Cookie", "value": "b=2" },
                ],
                "hasParams": false,
            })
        ),
    ]);
    let app = App::new().with("headers", headers);
    app.write("public/plain.txt", "plain");
    let answer = answer(&app.open(), &get("/plain.txt")).await;
    assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}
