//! Cross-site request forgery: a page of another site that makes its visitor's browser send a request
//! with the visitor's cookies.
//!
//! A browser asks first (a CORS preflight, which this endpoint never allows by itself) unless the
//! request is "simple": without unusual headers, and with one of three content types. As in Apollo
//! Server, a request that is not simple is safe. Beyond it, the browser's own word about where a
//! request comes from counts (`Sec-Fetch-Site`), and requests of programs that are no browsers pass:
//! they act in nobody's name.

use super::media_type::{essence, is_media_type};

/// Content types that pages may send without a preflight (Fetch standard, "CORS-safelisted request
/// header").
const SIMPLE_CONTENT_TYPES: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
];

/// Headers that pages may not send without a preflight.
const PREFLIGHTED_HEADERS: [&str; 3] = [
    "x-apollo-operation-name",
    "apollo-require-preflight",
    "graphql-preflight",
];

/// Whether a page of another site may have caused this request without a preflight.
pub(super) fn may_be_cross_site<'a>(header: &dyn Fn(&str) -> Option<&'a str>) -> bool {
    if header("content-type").is_some_and(needs_preflight) {
        return false;
    }
    let is_set = |name: &&str| header(name).is_some_and(|value| !value.is_empty());
    if PREFLIGHTED_HEADERS.iter().any(is_set) {
        return false;
    }
    match header("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        // Browsers say nothing to plain-http sites, old ones never do. All of them call themselves
        // Mozilla, and a page cannot change that without a preflight.
        None => {
            header("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"))
                || is_set(&"origin")
                || is_set(&"referer")
        }
    }
}

/// A value that is no media type at all needs a preflight too.
fn needs_preflight(content_type: &str) -> bool {
    let essence = essence(content_type);
    !is_media_type(essence)
        || !SIMPLE_CONTENT_TYPES
            .iter()
            .any(|simple| essence.eq_ignore_ascii_case(simple))
}
