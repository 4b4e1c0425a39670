//! The documents that were seen lately.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::parsed::Document;
use super::type_system::TypeSystem;
use crate::error::GraphqlError;
use crate::schema::LimitsSpec;

/// How many documents are kept.
const MAX_COUNT: usize = 1_000;
/// How many bytes of text they have together. A parsed document takes some 20 times its text.
const MAX_BYTES: usize = 4 << 20;

/// A cache of valid documents by their text; those not used for longest go first.
///
/// Documents with errors are not kept: they cost their sender's time only once more, and would push
/// out good ones.
pub struct Documents {
    max_count: usize,
    max_bytes: usize,
    kept: Mutex<Kept>,
}

struct Kept {
    documents: LruCache<Arc<str>, Arc<Document>>,
    bytes: usize,
}

impl Default for Documents {
    fn default() -> Documents {
        Documents::new(MAX_COUNT, MAX_BYTES)
    }
}

impl Documents {
    /// An empty cache for so many documents with so many bytes of text.
    pub fn new(max_count: usize, max_bytes: usize) -> Documents {
        Documents {
            max_count,
            max_bytes,
            kept: Mutex::new(Kept {
                documents: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// The document with a text: the one that is kept, or else it is parsed and validated.
    ///
    /// All calls must come with the same type system and limits.
    pub fn get(
        &self,
        types: &TypeSystem,
        text: &Arc<str>,
        limits: &LimitsSpec,
    ) -> Result<Arc<Document>, Vec<GraphqlError>> {
        if let Some(document) = self.lock().documents.get(text.as_ref()) {
            return Ok(document.clone());
        }
        // Without the lock: others need not wait for this one.
        let document = Arc::new(Document::parse(types, text, limits)?);
        Ok(self.keep(document))
    }

    /// Keeps a document, or returns the one that was kept for the same text meanwhile.
    fn keep(&self, document: Arc<Document>) -> Arc<Document> {
        let size = document.text.len();
        if size > self.max_bytes || self.max_count == 0 {
            return document;
        }
        let mut kept = self.lock();
        if let Some(earlier) = kept.documents.get(document.text.as_ref()) {
            return earlier.clone();
        }
        while kept.documents.len() >= self.max_count || kept.bytes + size > self.max_bytes {
            let Some((text, _)) = kept.documents.pop_lru() else {
                break;
            };
            kept.bytes -= text.len();
        }
        kept.bytes += size;
        kept.documents.put(document.text.clone(), document.clone());
        document
    }

    /// How many documents are kept now.
    pub fn len(&self) -> usize {
        self.lock().documents.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Nothing that happens under the lock leaves it half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents_after(cache: &Documents, texts: &[&str]) -> usize {
        let types = TypeSystem::parse("type Query { a: Int b: Int }").unwrap();
        for text in texts {
            let _ = cache.get(&types, &Arc::from(*text), &LimitsSpec::default());
        }
        cache.len()
    }

    #[test]
    fn the_same_text_is_parsed_once() {
        let types = TypeSystem::parse("type Query { a: Int }").unwrap();
        let cache = Documents::default();
        let get = || {
            let text = Arc::from("{ a }");
            cache.get(&types, &text, &LimitsSpec::default()).unwrap()
        };
        assert_eq!(get().id, get().id);
    }

    #[test]
    fn failures_are_not_kept() {
        assert_eq!(documents_after(&Documents::default(), &["{", "{ c }"]), 0);
    }

    #[test]
    fn old_documents_make_room() {
        let texts = ["{ a }", "{ b }", "{ a b }"];
        assert_eq!(documents_after(&Documents::new(2, 1_000), &texts), 2);
        assert_eq!(documents_after(&Documents::new(10, 8), &texts), 1);
        assert_eq!(documents_after(&Documents::new(10, 4), &texts), 0);
    }
}
