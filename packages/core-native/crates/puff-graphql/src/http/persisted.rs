//! Documents that a request names instead of bringing: trusted ones, and those that clients registered
//! before (Apollo's automatic persisted queries).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::options::PersistedOptions;
use super::refusal::Refusal;

/// The prefix of an id that is a hash (GraphQL over HTTP, appendix "Persisted Documents").
const SHA256_PREFIX: &str = "sha256:";

/// The documents that an endpoint knows.
pub(super) struct Documents {
    /// By id, where the id is a hash: without the prefix, in lower case.
    trusted: HashMap<String, Arc<str>>,
    only_trusted: bool,
    /// Nothing when clients may not register documents.
    registered: Option<Mutex<Registered>>,
}

impl Documents {
    pub(super) fn new(
        trusted: HashMap<String, String>,
        only_trusted: bool,
        persisted: &PersistedOptions,
    ) -> Documents {
        let trusted = trusted
            .into_iter()
            .map(|(id, text)| (normalize(&id), Arc::from(text)))
            .collect();
        let registers = persisted.automatic && !only_trusted;
        Documents {
            trusted,
            only_trusted,
            registered: registers.then(|| Mutex::new(Registered::new(persisted))),
        }
    }

    /// The text of the document that a request is about.
    pub(super) fn find(
        &self,
        query: Option<String>,
        document_id: Option<String>,
        extensions: &Map<String, Json>,
    ) -> Result<Arc<str>, Refusal> {
        let apollo_hash = match extensions.get("persistedQuery") {
            None | Some(Json::Null) => None,
            Some(persisted) => Some(apollo_hash(persisted)?),
        };
        let is_hash = document_id.is_none()
            || document_id
                .as_ref()
                .is_some_and(|id| id.starts_with(SHA256_PREFIX));
        let Some(id) = document_id.as_deref().or(apollo_hash) else {
            return match query {
                None => Err(Refusal::NoQuery),
                Some(_) if self.only_trusted => Err(Refusal::DocumentIdRequired),
                Some(text) => Ok(Arc::from(text)),
            };
        };

        if let Some(text) = self.trusted.get(&normalize(id)) {
            let differs = query.is_some_and(|query| *query != **text);
            return if differs {
                Err(Refusal::TrustedDocumentMismatch)
            } else {
                Ok(Arc::clone(text))
            };
        }
        if self.only_trusted {
            return Err(Refusal::UntrustedDocument);
        }
        if !is_hash {
            return Err(Refusal::UnknownDocument);
        }
        let Some(registered) = &self.registered else {
            return Err(Refusal::PersistedQueryNotSupported);
        };
        let hash = parse_hash(id.strip_prefix(SHA256_PREFIX).unwrap_or(id))?;
        let lock = || registered.lock().unwrap_or_else(PoisonError::into_inner);
        match query {
            None => lock().get(&hash).ok_or(Refusal::PersistedQueryNotFound),
            Some(text) => {
                if Hash::from(Sha256::digest(&text)) != hash {
                    return Err(Refusal::PersistedQueryMismatch);
                }
                let text: Arc<str> = Arc::from(text);
                lock().insert(hash, Arc::clone(&text));
                Ok(text)
            }
        }
    }
}

type Hash = [u8; 32];

/// The registered documents: least recently used ones go when they become too many or too long.
struct Registered {
    texts: LruCache<Hash, Arc<str>>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

impl Registered {
    fn new(options: &PersistedOptions) -> Registered {
        Registered {
            texts: LruCache::unbounded(),
            bytes: 0,
            max_entries: options.max_entries,
            max_bytes: options.max_bytes,
        }
    }

    fn get(&mut self, hash: &Hash) -> Option<Arc<str>> {
        self.texts.get(hash).cloned()
    }

    fn insert(&mut self, hash: Hash, text: Arc<str>) {
        self.bytes += text.len();
        if let Some(former) = self.texts.put(hash, text) {
            self.bytes -= former.len();
        }
        while self.texts.len() > self.max_entries || self.bytes > self.max_bytes {
            let Some((_, oldest)) = self.texts.pop_lru() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }
}

/// The hash in `extensions.persistedQuery`.
fn apollo_hash(persisted: &Json) -> Result<&str, Refusal> {
    if persisted.get("version").and_then(Json::as_f64) != Some(1.0) {
        return Err(Refusal::PersistedQueryVersion);
    }
    let hash = persisted.get("sha256Hash").and_then(Json::as_str);
    hash.ok_or(Refusal::MalformedHash)
}

/// The form in which ids are compared.
fn normalize(id: &str) -> String {
    let bare = id.strip_prefix(SHA256_PREFIX).unwrap_or(id);
    match parse_hash(bare) {
        Ok(_) => bare.to_ascii_lowercase(),
        Err(_) => id.to_owned(),
    }
}

fn parse_hash(text: &str) -> Result<Hash, Refusal> {
    let mut hash = Hash::default();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return Err(Refusal::MalformedHash);
    }
    let digit = |byte: u8| (byte as char).to_digit(16).ok_or(Refusal::MalformedHash);
    for (byte, &[high, low]) in hash.iter_mut().zip(pairs) {
        *byte = (digit(high)? << 4 | digit(low)?) as u8;
    }
    Ok(hash)
}
