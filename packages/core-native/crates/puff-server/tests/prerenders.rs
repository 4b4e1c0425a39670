//! Answers of Next.js' cache are recorded, and sent again as long as Next.js would send the same.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode, request};
use http_body_util::BodyExt;
use puff_core::cache::{NewEntry, Store, now_ms};
use puff_server::http::{Response, ResponseBody};
use puff_server::site::{PrerenderKey, PrerenderVariant, Prerenders};

const HTML: &str = "<p>about</p>";
const RSC: &str = "0:{\"rsc\":1}";

/// What the parts of an entry look like; see `puff_core::cache::parts`.
fn pack(parts: &[&str]) -> Bytes {
    let mut value = BytesMut::new();
    for number in std::iter::once(parts.len()).chain(parts.iter().map(|part| part.len())) {
        value.extend_from_slice(&(number as u32).to_le_bytes());
    }
    value.extend(parts.concat().bytes());
    value.freeze()
}

fn page(path: &str) -> NewEntry {
    NewEntry {
        key: format!("key of {path}").into(),
        path: Some(path.into()),
        value: pack(&["{}", HTML, RSC]),
        tags: [Arc::from("tag"), Arc::from("other")].into(),
        created_ms: now_ms(),
        expires_ms: None,
        tags_seen: None,
        is_seed: false,
    }
}

struct Site {
    store: &'static Store,
    prerenders: Prerenders,
}

fn site(base_path: &str) -> Site {
    let store: &'static Store = Box::leak(Box::new(Store::new(1024 * 1024)));
    let prerenders = Prerenders::new(store, base_path);
    Site { store, prerenders }
}

fn key(path: &str, variant: PrerenderVariant) -> PrerenderKey {
    PrerenderKey {
        path: path.into(),
        variant,
    }
}

fn about() -> PrerenderKey {
    key("/about", PrerenderVariant::Document)
}

fn request(method: Method, headers: &[(&str, &str)]) -> request::Parts {
    let mut request = Request::builder().method(method).uri("/about");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn get() -> request::Parts {
    request(Method::GET, &[])
}

fn answer(body: &'static str, headers: &[(&str, &str)]) -> Response {
    let mut response = http::Response::builder()
        .header("vary", "rsc, next-router-state-tree")
        .header("etag", "\"abc\"")
        .header("date", "Thu, 01 Jan 1970 00:00:00 GMT")
        .header("connection", "keep-alive");
    let usual = [
        ("x-nextjs-cache", "HIT"),
        (
            "cache-control",
            "s-maxage=60, stale-while-revalidate=31535940",
        ),
        ("content-type", "text/html; charset=utf-8"),
    ];
    for (name, value) in usual {
        if !headers.iter().any(|(other, _)| *other == name) {
            response = response.header(name, value);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        response = response.header(*name, *value);
    }
    response.body(ResponseBody::full(body)).expect("a response")
}

impl Site {
    async fn record(&self, key: &PrerenderKey, response: Response) -> Bytes {
        let recorder = self.prerenders.recorder(&get(), key).expect("a recorder");
        let response = recorder.record(response);
        response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes()
    }

    async fn replay(
        &self,
        parts: &request::Parts,
        key: &PrerenderKey,
    ) -> Option<(StatusCode, HeaderMap, Bytes)> {
        let (head, body) = self.prerenders.find(parts, key)?.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Some((head.status, head.headers, body))
    }

    async fn has(&self, key: &PrerenderKey) -> bool {
        self.replay(&get(), key).await.is_some()
    }
}

#[tokio::test]
async fn an_answer_of_the_cache_is_sent_again() {
    let site = site("");
    site.store.put(page("/about"));
    assert!(!site.has(&about()).await);
    assert_eq!(site.record(&about(), answer(HTML, &[])).await, HTML);
    let (status, headers, body) = site.replay(&get(), &about()).await.expect("the recording");
    assert_eq!((status, body.as_ref()), (StatusCode::OK, HTML.as_bytes()));
    assert_eq!(headers["x-nextjs-cache"], "HIT");
    assert_eq!(headers["etag"], "\"abc\"");
    assert_eq!(headers["content-length"], "12");
    assert!(
        !headers.contains_key("date"),
        "that of the recording is none of this answer"
    );
    assert!(!headers.contains_key("connection"));
    // Without a body.
    let head = request(Method::HEAD, &[]);
    let (status, headers, body) = site.replay(&head, &about()).await.expect("the recording");
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(headers["content-length"], "12");
    assert!(
        site.replay(&request(Method::POST, &[]), &about())
            .await
            .is_none()
    );
}

#[tokio::test]
async fn variants_of_a_page_are_answers_of_their_own() {
    let site = site("");
    site.store.put(page("/about"));
    let rsc = key("/about", PrerenderVariant::Rsc);
    site.record(&rsc, answer(RSC, &[("content-type", "text/x-component")]))
        .await;
    assert!(!site.has(&about()).await);
    let (_, headers, body) = site.replay(&get(), &rsc).await.expect("the recording");
    assert_eq!(body, RSC);
    assert_eq!(headers["content-type"], "text/x-component");
    assert!(
        !site
            .has(&key("/about", PrerenderVariant::Segment("/_tree".into())))
            .await
    );
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_recorded_at_its_end() {
    let site = site("");
    site.store.put(page("/about"));
    let pieces = |text: &'static str| {
        let frames = text.as_bytes().chunks(5).map(|piece| {
            let piece = Bytes::from_static(piece);
            Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(piece))
        });
        let stream = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
        answer(HTML, &[]).map(|_| ResponseBody::stream(stream.map_err(|never| match never {})))
    };
    assert_eq!(
        site.record(&about(), pieces("<p>not about</p>")).await,
        "<p>not about</p>"
    );
    assert!(!site.has(&about()).await);
    let longer: &'static str = Box::leak("long ".repeat(100).into_boxed_str());
    assert_eq!(site.record(&about(), pieces(longer)).await, longer);
    assert!(!site.has(&about()).await);
    assert_eq!(site.record(&about(), pieces(HTML)).await, HTML);
    assert!(site.has(&about()).await);
}

#[tokio::test]
async fn what_is_not_from_the_cache_is_not_recorded() {
    let site = site("");
    site.store.put(page("/about"));
    let refused: [&[(&str, &str)]; 9] = [
        &[("x-nextjs-cache", "STALE")],
        &[("x-nextjs-cache", "MISS")],
        &[("x-nextjs-cache", "")],
        &[("set-cookie", "a=1")],
        &[(
            "cache-control",
            "private, no-cache, no-store, max-age=0, must-revalidate",
        )],
        &[("cache-control", "private, s-maxage=60")],
        &[("cache-control", "public, max-age=60")],
        &[("cache-control", "")],
        &[("content-encoding", "gzip")],
    ];
    for headers in refused {
        site.record(&about(), answer(HTML, headers)).await;
        assert!(!site.has(&about()).await, "{headers:?}");
    }
    site.record(&about(), answer("<p>something else</p>", &[]))
        .await;
    assert!(!site.has(&about()).await, "not of the entry");
    site.record(&about(), answer("", &[])).await;
    assert!(!site.has(&about()).await, "no body");
    site.record(
        &key("/other", PrerenderVariant::Document),
        answer(HTML, &[]),
    )
    .await;
    assert!(
        !site.has(&key("/other", PrerenderVariant::Document)).await,
        "no entry"
    );
    assert!(
        site.prerenders
            .recorder(&request(Method::HEAD, &[]), &about())
            .is_none()
    );
}

#[tokio::test]
async fn a_recording_ends_with_its_entry() {
    let site = site("");
    site.store.put(page("/about"));
    site.record(&about(), answer(HTML, &[])).await;
    assert!(site.has(&about()).await);
    // The same page again: made anew, it may have other headers.
    site.store.put(page("/about"));
    assert!(!site.has(&about()).await);
    site.record(&about(), answer(HTML, &[("x-other", "header")]))
        .await;
    let (_, headers, _) = site.replay(&get(), &about()).await.expect("the recording");
    assert_eq!(headers["x-other"], "header");
    site.store.remove("key of /about");
    assert!(!site.has(&about()).await);
}

#[tokio::test]
async fn a_revalidated_tag_ends_it() {
    for is_expired in [true, false] {
        let site = site("");
        let created_ms = now_ms() - 10.0;
        site.store.put(NewEntry {
            created_ms,
            ..page("/about")
        });
        site.record(&about(), answer(HTML, &[])).await;
        site.store.tags().expire(["another"], now_ms());
        assert!(site.has(&about()).await);
        match is_expired {
            true => site.store.tags().expire(["other"], now_ms()),
            false => site.store.tags().make_stale(["other"], Some(1e6), now_ms()),
        }
        assert!(!site.has(&about()).await, "expired: {is_expired}");
        site.record(&about(), answer(HTML, &[])).await;
        assert!(!site.has(&about()).await, "the entry is the old one");
        site.store.put(NewEntry {
            created_ms: now_ms() + 1.0,
            ..page("/about")
        });
        site.record(&about(), answer(HTML, &[])).await;
        assert!(site.has(&about()).await);
    }
}

#[tokio::test]
async fn it_ends_when_the_entry_is_due_for_revalidation() {
    let site = site("");
    let aged = |seconds: f64| NewEntry {
        created_ms: now_ms() - seconds * 1000.0,
        ..page("/about")
    };
    site.store.put(aged(61.0));
    site.record(&about(), answer(HTML, &[])).await;
    assert!(!site.has(&about()).await);
    site.store.put(aged(50.0));
    site.record(&about(), answer(HTML, &[])).await;
    assert!(site.has(&about()).await);
}

#[tokio::test]
async fn conditions_are_weighed_as_next_does() {
    let site = site("");
    site.store.put(page("/about"));
    site.record(&about(), answer(HTML, &[])).await;
    let not_modified: [&[(&str, &str)]; 5] = [
        &[("if-none-match", "\"abc\"")],
        &[("if-none-match", "W/\"abc\"")],
        &[("if-none-match", "\"x\",  \"abc\" , \"y\"")],
        &[("if-none-match", "*")],
        &[("if-none-match", "\"abc\""), ("cache-control", "max-age=0")],
    ];
    for headers in not_modified {
        let parts = request(Method::GET, headers);
        let (status, headers, body) = site.replay(&parts, &about()).await.expect("the recording");
        assert_eq!(
            (status, body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{headers:?}"
        );
        assert_eq!(headers["etag"], "\"abc\"");
        assert!(headers.contains_key("cache-control") && headers.contains_key("vary"));
        assert!(!headers.contains_key("content-length") && !headers.contains_key("content-type"));
    }
    let modified: [&[(&str, &str)]; 5] = [
        &[("if-none-match", "\"x\"")],
        &[("if-none-match", "")],
        &[
            ("if-none-match", "\"abc\""),
            ("cache-control", "a=b, no-cache"),
        ],
        &[
            ("if-none-match", "\"abc\""),
            ("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ],
        &[("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")],
    ];
    for headers in modified {
        let parts = request(Method::GET, headers);
        let (status, _, body) = site.replay(&parts, &about()).await.expect("the recording");
        assert_eq!(
            (status, body.len()),
            (StatusCode::OK, HTML.len()),
            "{headers:?}"
        );
    }
    let twice = request(
        Method::GET,
        &[("if-none-match", "\"a\""), ("if-none-match", "\"abc\"")],
    );
    assert!(site.replay(&twice, &about()).await.is_none());
}

#[tokio::test]
async fn without_an_entity_tag_everything_is_modified() {
    let site = site("");
    site.store.put(page("/about"));
    let mut untagged = answer(HTML, &[]);
    untagged.headers_mut().remove("etag");
    site.record(&about(), untagged).await;
    let parts = request(Method::GET, &[("if-none-match", "*")]);
    let (status, _, _) = site.replay(&parts, &about()).await.expect("the recording");
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn paths_of_urls_lead_to_the_pages_of_next() {
    let site = site("/base");
    for path in ["/", "/about", "/blog/ü b", "/raw%20path"] {
        site.store.put(page(path));
    }
    let found = [
        "/base",
        "/base/",
        "/base/about",
        "/base/about/",
        "/base/blog/%C3%BC%20b",
        "/base/raw%20path",
    ];
    for path in found {
        let key = key(path, PrerenderVariant::Document);
        site.record(&key, answer(HTML, &[])).await;
        assert!(site.has(&key).await, "{path}");
    }
    for path in ["/about", "/based/about", "/base/about/us", "/base/%FF"] {
        let key = key(path, PrerenderVariant::Document);
        site.record(&key, answer(HTML, &[])).await;
        assert!(!site.has(&key).await, "{path}");
    }
}

#[tokio::test]
async fn recordings_count_for_the_store_and_go_with_it() {
    let site = site("");
    site.store.put(page("/about"));
    let bytes = site.store.stats().bytes;
    site.record(&about(), answer(HTML, &[])).await;
    let grown = site.store.stats().bytes;
    assert!(grown > bytes + 500);
    // It is recorded once.
    site.record(&about(), answer(HTML, &[])).await;
    assert_eq!(site.store.stats().bytes, grown);
    for number in 0..3000 {
        let path = format!("/{number}");
        site.store.put(page(&path));
        site.record(&key(&path, PrerenderVariant::Document), answer(HTML, &[]))
            .await;
        assert!(site.store.stats().bytes <= 1024 * 1024);
    }
    assert!(!site.has(&about()).await, "evicted");
    site.store.set_capacity(0);
    assert_eq!(site.store.stats().bytes, 0);
}
