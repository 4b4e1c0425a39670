//! The name of a prerendered answer.

use std::sync::Arc;

/// Names an answer that Next.js makes ahead of requests, and that is the same for every request of
/// this key.
///
/// A key says nothing of the method (GET or HEAD), of conditions (`If-None-Match`) and of content
/// encodings; a request with anything else that may change the answer (draft mode, revalidation, a
/// wrong `_rsc`) has no key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrerenderKey {
    /// The path as it stands in the URL, with the base path, without the query.
    pub path: Arc<str>,
    /// Which of the answers of that path.
    pub variant: PrerenderVariant,
}

/// The answers that one path has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PrerenderVariant {
    /// The document: HTML of a page, or whatever a route handler gave.
    Document,
    /// `rsc: 1`: the payload of a page.
    Rsc,
    /// `rsc: 1` and `next-router-prefetch: 1`.
    Prefetch,
    /// The same, and `next-router-segment-prefetch`: one segment of a page.
    Segment(Arc<str>),
}
