//! Conditional requests for pages, as Next.js answers them (the package `fresh`, with an entity tag and no date).

use ::http::{HeaderMap, HeaderName, header};

/// Whether the client's copy is fresh; none if only Next.js can say.
pub(super) fn is_not_modified(headers: &HeaderMap, etag: &str) -> Option<bool> {
    let Some(tags) = single(headers, &header::IF_NONE_MATCH)? else {
        return Some(false);
    };
    // Pages have no date to compare one with.
    if single(headers, &header::IF_MODIFIED_SINCE)?.is_some() {
        return Some(false);
    }
    if let Some(directives) = single(headers, &header::CACHE_CONTROL)?
        && directives
            .split(',')
            .any(|directive| directive.trim() == "no-cache")
    {
        return Some(false);
    }
    Some(
        tags == "*"
            || tags
                .split(',')
                .any(|tag| is_same(tag.trim_matches(' '), etag)),
    )
}

/// The weak comparison of RFC 9110, except that two weak tags have to be written alike.
fn is_same(tag: &str, etag: &str) -> bool {
    tag == etag || tag.strip_prefix("W/") == Some(etag) || etag.strip_prefix("W/") == Some(tag)
}

/// The value of a header: nothing in the option if there is none, none if there are several or it is not ASCII.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        // An empty header is none to JavaScript.
        (Some(value), None) if value.is_empty() => Some(None),
        (Some(value), None) => Some(Some(value.to_str().ok()?)),
        _ => None,
    }
}
