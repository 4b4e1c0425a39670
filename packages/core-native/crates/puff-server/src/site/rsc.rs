//! Which of a page's answers a request is for.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

const RSC: HeaderName = HeaderName::from_static("rsc");
const PREFETCH: HeaderName = HeaderName::from_static("next-router-prefetch");
const SEGMENT: HeaderName = HeaderName::from_static("next-router-segment-prefetch");
const STATE_TREE: HeaderName = HeaderName::from_static("next-router-state-tree");
const NEXT_URL: HeaderName = HeaderName::from_static("next-url");
const HMR_REFRESH: HeaderName = HeaderName::from_static("next-hmr-refresh");

const DIGEST_BYTES: usize = 12;

/// What the router in the browser, or a browser without one, asks of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'r> {
    Document,
    /// The payload for a navigation.
    Rsc,
    /// The payload ahead of one.
    Prefetch,
    /// A part of it.
    Segment(&'r str),
    /// What is made for this request alone.
    Other,
    /// Next.js redirects, or something was sent that no router sends.
    Unclear,
}

/// What a request asks of a page. With `validate`, its `_rsc` must fit.
pub(super) fn asked(parts: &Parts, validate: bool) -> Asked<'_> {
    let headers = &parts.headers;
    let of_router = [RSC, PREFETCH, SEGMENT, STATE_TREE, NEXT_URL, HMR_REFRESH];
    if !of_router.iter().any(|name| headers.contains_key(name)) {
        return Asked::Document;
    }
    flight(parts, validate).unwrap_or(Asked::Unclear)
}

/// None where it is unclear.
fn flight(parts: &Parts, validate: bool) -> Option<Asked<'_>> {
    let headers = &parts.headers;
    if single(headers, &RSC)? != Some("1") || headers.contains_key(&HMR_REFRESH) {
        return None;
    }
    let prefetch = single(headers, &PREFETCH)?;
    let segment = single(headers, &SEGMENT)?;
    if validate {
        let parts_of_hash = [
            segment,
            single(headers, &STATE_TREE)?,
            single(headers, &NEXT_URL)?,
        ];
        let expected = cache_busting(prefetch, parts_of_hash);
        if rsc_param(parts.uri.query().unwrap_or(""))? != expected {
            return None;
        }
    }
    Some(match (prefetch, segment) {
        (None, None) => Asked::Rsc,
        (Some("1"), None) => Asked::Prefetch,
        (Some("1"), Some(segment)) => Asked::Segment(segment),
        (Some("2" | "3"), _) => Asked::Other,
        _ => return None,
    })
}

/// The value that `_rsc` must have. Caches that ignore `Vary` keep answers apart by it.
fn cache_busting(prefetch: Option<&str>, others: [Option<&str>; 3]) -> String {
    let prefetch = prefetch.filter(|value| matches!(*value, "1" | "2" | "3"));
    if prefetch.is_none() && others.iter().all(Option::is_none) {
        return String::new();
    }
    let mut input = prefetch.unwrap_or("0").to_owned();
    for value in others {
        write!(input, ",{}", value.unwrap_or("0")).expect("a string takes everything");
    }
    URL_SAFE_NO_PAD.encode(&Sha256::digest(input)[..DIGEST_BYTES])
}

/// The parameter `_rsc`, if there is exactly one and no name in the query is encoded.
fn rsc_param(query: &str) -> Option<&str> {
    let mut value = None;
    for pair in query.split('&') {
        let (name, of_name) = pair.split_once('=').unwrap_or((pair, ""));
        if name.contains('%') || (name == "_rsc" && value.replace(of_name).is_some()) {
            return None;
        }
    }
    value
}

/// The value of a header: none if there are several or it is not ASCII.
fn single<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<Option<&'r str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => Some(Some(value.to_str().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_plain_request_is_for_the_document() {
        assert_eq!(
            asked(&parts("/?_rsc=x", &[("accept", "*/*")]), true),
            Asked::Document
        );
    }

    #[test]
    fn the_router_of_next_is_understood() {
        // Computed with Next.js' computeCacheBustingSearchParam().
        let navigation = [
            ("rsc", "1"),
            ("next-router-state-tree", "tree"),
            ("next-url", "/"),
        ];
        assert_eq!(
            asked(&parts("/a?_rsc=Y9VOxtxzeu43HYFs", &navigation), true),
            Asked::Rsc
        );
        let segment = [
            ("rsc", "1"),
            ("next-router-prefetch", "1"),
            ("next-router-segment-prefetch", "/_tree"),
        ];
        assert_eq!(
            asked(&parts("/a?q=1&_rsc=_i_aeImnuN6u1u1r", &segment), true),
            Asked::Segment("/_tree")
        );
        assert_eq!(asked(&parts("/a?_rsc=", &[("rsc", "1")]), true), Asked::Rsc);
    }

    #[test]
    fn a_wrong_or_missing_hash_is_unclear_where_it_matters() {
        let rsc = [("rsc", "1")];
        for uri in ["/a", "/a?_rsc=x", "/a?_rsc=&_rsc=", "/a?%5Frsc=x&_rsc="] {
            assert_eq!(asked(&parts(uri, &rsc), true), Asked::Unclear, "{uri}");
            assert_eq!(asked(&parts(uri, &rsc), false), Asked::Rsc, "{uri}");
        }
    }

    #[test]
    fn what_no_router_sends_is_unclear() {
        for headers in [
            vec![("rsc", "0")],
            vec![("rsc", "1"), ("rsc", "1")],
            vec![("next-router-prefetch", "1")],
            vec![("next-url", "/")],
            vec![("rsc", "1"), ("next-router-segment-prefetch", "/_tree")],
            vec![("rsc", "1"), ("next-router-prefetch", "9")],
            vec![("rsc", "1"), ("next-hmr-refresh", "1")],
        ] {
            assert_eq!(
                asked(&parts("/a", &headers), false),
                Asked::Unclear,
                "{headers:?}"
            );
        }
    }
}
