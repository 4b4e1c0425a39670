//! A file that is served as it is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::conditional::{Wanted, wanted};
use super::file_state::FileState;
use super::file_stream::FileStream;
use super::memory::Memory;
use crate::http::{Encodings, Response, ResponseBody};

/// For so long a file in `public` is taken to be what it was.
const CHECK_AFTER_MS: u64 = 1000;
/// A larger file is read from the disk for every request.
const LARGEST_IN_MEMORY: u64 = 1024 * 1024;

/// A file of `_next/static` or `public`.
pub(super) struct StaticFile {
    path: PathBuf,
    /// Whether nobody writes to it while the site is open.
    is_immutable: bool,
    has_etag: bool,
    /// What every response has in addition to what the file's state says.
    headers: HeaderMap,
    memory: Arc<Memory>,
    /// When it was last compared with the disk, on the site's clock.
    checked_ms: AtomicU64,
    /// None before the first request.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
}

/// A file at a moment.
struct Snapshot {
    state: FileState,
    etag: Option<HeaderValue>,
    /// Of a response with all of it.
    headers: HeaderMap,
    /// None for a file that is too large to be kept; what is here is counted in [`Memory`].
    content: Option<Bytes>,
    /// The compressed forms of the content.
    encodings: Encodings,
}

impl StaticFile {
    /// `headers` are those that do not depend on the file's content: its type, caching, and what
    /// the config adds.
    pub(super) fn new(
        path: PathBuf,
        is_immutable: bool,
        has_etag: bool,
        headers: HeaderMap,
        memory: Arc<Memory>,
    ) -> StaticFile {
        StaticFile {
            path,
            is_immutable,
            has_etag,
            headers,
            memory,
            checked_ms: AtomicU64::new(0),
            snapshot: RwLock::new(None),
        }
    }

    /// The answer to a request for it; none if only Next.js can say.
    pub(super) fn answer(&self, parts: &Parts, now_ms: u64) -> Option<Response> {
        let has_body = match parts.method {
            Method::GET => true,
            Method::HEAD => false,
            _ => return None,
        };
        let mut snapshot = self.snapshot(now_ms).ok()?;
        let mut file = None;
        if snapshot.content.is_none() {
            let opened = File::open(&self.path).ok()?;
            let state = FileState::new(&opened.metadata().ok()?);
            if state != snapshot.state {
                snapshot = self.keep(Snapshot::new(self, state, None));
            }
            file = Some(opened);
        }
        let etag = snapshot.etag.as_ref();
        let (first, last, status) = match wanted(parts, &snapshot.state, etag) {
            Wanted::All => (0, snapshot.state.size.checked_sub(1), StatusCode::OK),
            Wanted::Part(first, last) => (first, Some(last), StatusCode::PARTIAL_CONTENT),
            Wanted::NotModified => return Some(snapshot.not_modified()),
            Wanted::Unclear => return None,
        };
        let length = last.map_or(0, |last| last + 1 - first);
        let body = match (&snapshot.content, file) {
            _ if !has_body => ResponseBody::empty(),
            (Some(content), _) => {
                let (first, length) = (usize::try_from(first).ok()?, usize::try_from(length).ok()?);
                ResponseBody::full(content.slice(first..first + length))
            }
            (None, Some(file)) => ResponseBody::stream(FileStream::new(file, first, length)),
            (None, None) => return None,
        };
        let mut response = Response::new(body);
        *response.headers_mut() = snapshot.headers.clone();
        if has_body && parts.headers.contains_key(header::ACCEPT_ENCODING) {
            response.extensions_mut().insert(snapshot.encodings.clone());
        }
        if status == StatusCode::PARTIAL_CONTENT {
            *response.status_mut() = status;
            let range = format!(
                "bytes {first}-{}/{}",
                first + length - 1,
                snapshot.state.size
            );
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_RANGE, range.try_into().ok()?);
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        Some(response)
    }

    /// What it is now, or was a moment ago.
    fn snapshot(&self, now_ms: u64) -> io::Result<Arc<Snapshot>> {
        let kept = self
            .snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(kept) = kept else {
            return self.load(now_ms);
        };
        // One thread looks; the others go on with what there is.
        let checked_ms = self.checked_ms.load(Ordering::Relaxed);
        let is_due = !self.is_immutable && now_ms.saturating_sub(checked_ms) >= CHECK_AFTER_MS;
        let exchange = |now| {
            let relaxed = Ordering::Relaxed;
            self.checked_ms
                .compare_exchange(checked_ms, now, relaxed, relaxed)
                .is_ok()
        };
        if is_due && exchange(now_ms) && FileState::new(&fs::metadata(&self.path)?) != kept.state {
            return self.load(now_ms);
        }
        Ok(kept)
    }

    /// Reads it, on the calling thread: it happens once per file and change, and not for large
    /// ones.
    fn load(&self, now_ms: u64) -> io::Result<Arc<Snapshot>> {
        self.checked_ms.store(now_ms, Ordering::Relaxed);
        let mut file = File::open(&self.path)?;
        let state = FileState::new(&file.metadata()?);
        let mut content = None;
        if state.size <= LARGEST_IN_MEMORY && self.memory.take(state.size) {
            let mut bytes = Vec::new();
            let read = file.read_to_end(&mut bytes);
            // Otherwise somebody is just writing to it.
            let is_whole = read.is_ok() && bytes.len() as u64 == state.size;
            if is_whole {
                content = Some(bytes.into());
            } else {
                self.memory.give_back(state.size);
            }
        }
        Ok(self.keep(Snapshot::new(self, state, content)))
    }

    fn keep(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let snapshot = Arc::new(snapshot);
        let mut kept = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = kept.replace(snapshot.clone())
            && let Some(content) = &former.content
        {
            self.memory.give_back(content.len() as u64);
        }
        snapshot
    }
}

impl Snapshot {
    fn new(file: &StaticFile, state: FileState, content: Option<Bytes>) -> Snapshot {
        let etag = file.has_etag.then(|| state.etag());
        let mut headers = file.headers.clone();
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::LAST_MODIFIED, state.last_modified());
        headers.insert(header::CONTENT_LENGTH, state.size.into());
        if let Some(etag) = &etag {
            headers.insert(header::ETAG, etag.clone());
        }
        Snapshot {
            state,
            etag,
            headers,
            content,
            encodings: Encodings::new(),
        }
    }

    fn not_modified(&self) -> Response {
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        *headers = self.headers.clone();
        headers.remove(header::CONTENT_LANGUAGE);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_TYPE);
        response
    }
}
