//! The compressed forms of a body that is sent many times.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::encoder::{Effort, Encoding, compress};

/// Bodies below this size are compressed at once, larger ones on a thread of their own.
const INLINE: usize = 16 * 1024;

/// The compressed forms of one body, made when they are first asked for.
///
/// Whoever keeps a body, and sends it as the answer to many requests, keeps this beside it and
/// gives it with every answer, as an extension of the response: then the body is compressed once.
/// Cloning gives another handle to the same forms.
#[derive(Clone, Default)]
pub struct Encodings(Arc<[OnceCell<Option<Bytes>>; Encoding::COUNT]>);

impl Encodings {
    /// Nothing is compressed yet.
    pub fn new() -> Encodings {
        Encodings::default()
    }

    /// Adds a form that is there already: a file that was compressed ahead.
    pub fn with(self, encoding: Encoding, bytes: Bytes) -> Encodings {
        // One that is there stays.
        let _ = self.0[encoding as usize].set(Some(bytes));
        self
    }

    /// The compressed form; none where it would be no smaller.
    pub(super) async fn get(&self, encoding: Encoding, body: &Bytes) -> Option<Bytes> {
        let form = &self.0[encoding as usize];
        if let Some(made) = form.get() {
            return made.clone();
        }
        form.get_or_init(|| make(encoding, body.clone()))
            .await
            .clone()
    }
}

async fn make(encoding: Encoding, body: Bytes) -> Option<Bytes> {
    let length = body.len();
    let compressed = if length <= INLINE {
        compress(encoding, Effort::Once, &body)
    } else {
        spawn_blocking(move || compress(encoding, Effort::Once, &body))
            .await
            .ok()?
    };
    compressed
        .ok()
        .filter(|compressed| compressed.len() < length)
}
