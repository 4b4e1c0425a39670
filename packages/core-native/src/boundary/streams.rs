//! Streams of responses that an isolate reads, chunk by chunk.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use puff_server::graphql::event_stream::EventStream;
use puff_server::graphql::subscriptions::ResponseQueue;

use super::isolate::lock;

/// What a stream has.
pub(crate) enum ResponseStream {
    /// The bytes of an event stream.
    Events(EventStream),
    /// The responses of an operation, one by one.
    Responses(ResponseQueue),
}

/// Streams by the numbers that the isolate knows them by.
#[derive(Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// Without the streams that somebody is reading.
    by_id: HashMap<u32, Option<ResponseStream>>,
    last_id: u32,
}

impl Streams {
    /// Keeps a stream and returns its number.
    pub(crate) fn add(&self, stream: ResponseStream) -> u32 {
        let mut open = lock(&self.0);
        loop {
            open.last_id = open.last_id.wrapping_add(1).max(1);
            if !open.by_id.contains_key(&open.last_id) {
                break;
            }
        }
        let id = open.last_id;
        open.by_id.insert(id, Some(stream));
        id
    }

    /// The next chunk of a stream; none when it has ended or was removed. A stream that is being read has
    /// no other reader, and ends when this future is dropped.
    ///
    /// # Errors
    /// Why it was cut off.
    pub(crate) async fn next(&self, id: u32) -> Result<Option<Bytes>, String> {
        let stream = lock(&self.0).by_id.get_mut(&id).and_then(Option::take);
        let Some(mut stream) = stream else {
            return Ok(None);
        };
        let mut reading = Reading {
            streams: self,
            id,
            is_over: true,
        };
        let next = match &mut stream {
            ResponseStream::Events(events) => events.next().await.transpose(),
            ResponseStream::Responses(responses) => Ok(responses.next().await),
        };
        reading.is_over = !matches!(next, Ok(Some(_)));
        if !reading.is_over
            && let Some(place) = lock(&self.0).by_id.get_mut(&id)
        {
            *place = Some(stream);
        }
        next.map_err(|error| error.to_string())
    }

    /// Ends a stream; if somebody reads it, when that call ends.
    pub(crate) fn remove(&self, id: u32) {
        let stream = lock(&self.0).by_id.remove(&id);
        drop(stream);
    }

    /// Ends all.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut lock(&self.0).by_id);
        drop(all);
    }
}

/// Somebody who reads a stream.
struct Reading<'s> {
    streams: &'s Streams,
    id: u32,
    /// Nothing more will be read.
    is_over: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if self.is_over {
            self.streams.remove(self.id);
        }
    }
}
