//! Records an answer on its way to the client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use puff_core::cache::{Entry, now_ms};

use super::super::prerender_key::PrerenderKey;
use super::Shared;
use super::recording::{RecordableHead, Recording};
use crate::http::{BodyError, Response, ResponseBody};

/// Records the answer to one request.
pub struct Recorder {
    shared: Arc<Shared>,
    key: PrerenderKey,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Shared>, key: PrerenderKey) -> Recorder {
        Recorder { shared, key }
    }

    /// Looks at what JavaScript has answered, and gives it back for the client: the same answer. A body that comes by and by is
    /// looked at while it passes.
    pub fn record(self, response: Response) -> Response {
        let Some((head, entry)) = self.recordable(&response) else {
            return response;
        };
        if let ResponseBody::Full(body) = response.body() {
            if let Some(body) = body {
                self.keep(head, body, &entry);
            }
            return response;
        }
        response.map(|body| {
            let taken = Taken {
                recorder: self,
                head,
                entry,
                bytes: BytesMut::new(),
            };
            ResponseBody::stream(RecordedBody {
                body,
                taken: Some(taken),
            })
        })
    }

    fn recordable(&self, response: &Response) -> Option<(RecordableHead, Arc<Entry>)> {
        let head = RecordableHead::of(response)?;
        let entry = self.shared.entry(&self.key.path)?;
        entry
            .is_fresh(self.shared.store.tags(), now_ms())
            .then_some((head, entry))
    }

    fn keep(self, head: RecordableHead, body: &Bytes, entry: &Arc<Entry>) {
        if let Some(recording) = Recording::new(head, body, entry) {
            self.shared.keep(self.key, recording, entry);
        }
    }
}

/// A body, and what has passed of it.
struct RecordedBody {
    body: ResponseBody,
    /// None once there is nothing to record.
    taken: Option<Taken>,
}

struct Taken {
    recorder: Recorder,
    head: RecordableHead,
    entry: Arc<Entry>,
    bytes: BytesMut,
}

impl Body for RecordedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => this.take(frame),
            Poll::Ready(Some(Err(_))) => this.taken = None,
            Poll::Ready(None) => this.finish(),
        }
        // Whoever sends it may not ask again.
        if this.body.is_end_stream() {
            this.finish();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl RecordedBody {
    fn take(&mut self, frame: &Frame<Bytes>) {
        let Some(taken) = &mut self.taken else {
            return;
        };
        match frame.data_ref() {
            // What is longer than the entry is no part of it.
            Some(data) if taken.bytes.len() + data.len() <= taken.entry.value.len() => {
                taken.bytes.extend_from_slice(data);
            }
            // Trailers are not recorded.
            _ => self.taken = None,
        }
    }

    fn finish(&mut self) {
        if let Some(Taken {
            recorder,
            head,
            entry,
            bytes,
        }) = self.taken.take()
        {
            recorder.keep(head, &bytes.freeze(), &entry);
        }
    }
}
