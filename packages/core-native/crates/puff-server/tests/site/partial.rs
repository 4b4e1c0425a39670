//! Conditional and partial requests, as the package `send` answers them.

use puff_server::site::Site;

use crate::support::{App, Decided, NEXT, answer, decide, request, set_modified};

const MODIFIED: &str = "Tue, 14 Nov 2023 22:13:30 GMT";
const EARLIER: &str = "Tue, 14 Nov 2023 22:13:29 GMT";
const LATER: &str = "Tue, 14 Nov 2023 22:13:31 GMT";

async fn with_file(check: impl AsyncFn(&Site, &str)) {
    for memory in [1024, 0] {
        let app = App::new().with_memory(memory);
        set_modified(&app.write("public/a.txt", "0123456789"), 1_700_000_010);
        let site = app.open();
        let etag = answer(&site, &request("GET", "/a.txt", &[])).await;
        let etag = etag.header("etag").expect("an ETag").to_owned();
        check(&site, &etag).await;
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    with_file(async |site, etag| {
        let strong = &etag[2..];
        let list = format!("\"x\", {etag}");
        for headers in [
            vec![("if-none-match", etag)],
            vec![("if-none-match", strong)],
            vec![("if-none-match", &list)],
            vec![("if-none-match", "*")],
            vec![("if-modified-since", MODIFIED)],
            vec![("if-modified-since", LATER)],
            vec![("if-none-match", etag), ("if-modified-since", MODIFIED)],
            vec![("if-none-match", etag), ("range", "bytes=0-1")],
        ] {
            let answer = answer(site, &request("GET", "/a.txt", &headers)).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{headers:?}");
            assert_eq!(answer.header("etag"), Some(etag));
            assert_eq!(answer.header("last-modified"), Some(MODIFIED));
            assert_eq!(
                (
                    answer.header("content-type"),
                    answer.header("content-length")
                ),
                (None, None)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_client_has_not_is_sent() {
    with_file(async |site, etag| {
        for headers in [
            vec![("if-none-match", "\"x\"")],
            vec![("if-modified-since", EARLIER)],
            vec![("if-none-match", etag), ("if-modified-since", EARLIER)],
            vec![("if-none-match", "\"x\""), ("if-modified-since", MODIFIED)],
            vec![("if-match", etag)],
            vec![("if-match", "*")],
            vec![("if-unmodified-since", MODIFIED)],
            vec![("range", "bytes=0-1"), ("if-range", "\"x\"")],
            vec![("range", "bytes=0-1"), ("if-range", EARLIER)],
        ] {
            let answer = answer(site, &request("GET", "/a.txt", &headers)).await;
            assert_eq!((answer.status, answer.body.len()), (200, 10), "{headers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_range_is_sent_alone() {
    with_file(async |site, etag| {
        for (range, expected, body) in [
            ("bytes=0-0", "bytes 0-0/10", "0"),
            ("bytes=2-4", "bytes 2-4/10", "234"),
            ("bytes=7-", "bytes 7-9/10", "789"),
            ("bytes=-3", "bytes 7-9/10", "789"),
            ("bytes=-10", "bytes 0-9/10", "0123456789"),
            ("bytes=5-999", "bytes 5-9/10", "56789"),
        ] {
            for extra in [None, Some(("if-range", etag)), Some(("if-range", MODIFIED))] {
                let headers: Vec<_> = [("range", range)].into_iter().chain(extra).collect();
                let got = answer(site, &request("GET", "/a.txt", &headers)).await;
                assert_eq!(
                    (got.status, got.header("content-range")),
                    (206, Some(expected))
                );
                assert_eq!(got.body, body.as_bytes(), "{range}");
                assert_eq!(
                    got.header("content-length"),
                    Some(body.len().to_string().as_str())
                );
                let head = answer(site, &request("HEAD", "/a.txt", &headers)).await;
                assert_eq!(
                    (head.status, head.headers, head.body.len()),
                    (206, got.headers, 0)
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn errors_and_what_is_read_in_several_ways_are_for_next() {
    with_file(async |site, etag| {
        for headers in [
            vec![("if-match", "\"x\"")],
            vec![("if-unmodified-since", EARLIER)],
            vec![("if-unmodified-since", "Tuesday, 14-Nov-23 22:13:30 GMT")],
            vec![("if-modified-since", "yesterday")],
            vec![("if-modified-since", "Tue Nov 14 22:13:30 2023")],
            vec![("if-none-match", etag), ("if-none-match", "\"x\"")],
            vec![("if-none-match", "")],
            vec![
                ("if-none-match", etag),
                ("cache-control", "max-age=0, no-cache"),
            ],
            vec![("range", "bytes=10-")],
            vec![("range", "bytes=-11")],
            vec![("range", "bytes=-0")],
            vec![("range", "bytes=4-2")],
            vec![("range", "bytes=0-1,4-5")],
            vec![("range", "bytes=a-b")],
            vec![("range", "bytes=-")],
            vec![("range", "bytes=99999999999999999999-")],
            vec![("range", "lines=0-1")],
        ] {
            assert_eq!(
                decide(site, &request("GET", "/a.txt", &headers)),
                NEXT,
                "{headers:?}"
            );
        }
    })
    .await;
}

#[test]
fn an_empty_file_has_no_ranges() {
    let app = App::new();
    app.write("public/empty.txt", "");
    let site = app.open();
    assert_eq!(
        decide(&site, &request("GET", "/empty.txt", &[])),
        Decided::Answered(200)
    );
    assert_eq!(
        decide(
            &site,
            &request("GET", "/empty.txt", &[("range", "bytes=0-")])
        ),
        NEXT
    );
}
