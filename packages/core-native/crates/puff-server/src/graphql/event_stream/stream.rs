//! A stream of events on its way to a client.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use puff_graphql::Request;
use tokio::time::{Instant, Sleep, sleep};

use super::events;
use super::shared::Opened;
use crate::graphql::caller::Caller;
use crate::graphql::schema::Schema;
use crate::graphql::subscriptions::{End, Operation, Outbox, Responses};
use crate::http::BodyError;

/// The headers of a stream's response.
const HEADERS: [(&str, &str); 3] = [
    ("content-type", "text/event-stream; charset=utf-8"),
    // Not compressed either: whoever compresses waits for more.
    ("cache-control", "no-cache, no-transform"),
    // For nginx, which would wait for the end.
    ("x-accel-buffering", "no"),
];

/// A stream of events; what it is of ends when it is dropped.
pub struct EventStream {
    outbox: Arc<Outbox>,
    keep_alive: Duration,
    /// Until the next comment; none without comments.
    comment: Option<Pin<Box<Sleep>>>,
    is_over: bool,
    _owner: Owner,
}

/// What a stream keeps going.
pub(super) enum Owner {
    /// One operation.
    Operation { _operation: Operation },
    /// All of a client's.
    Shared { _opened: Opened },
}

/// The client was too slow; its connection is closed, so that it knows.
#[derive(Debug)]
struct CutOff;

impl EventStream {
    /// The stream of one operation.
    pub fn of_operation(
        schema: &Arc<Schema>,
        caller: Arc<dyn Caller>,
        request: Request,
    ) -> EventStream {
        let outbox = Arc::new(Outbox::new(
            schema.endpoint().options().subscriptions.max_buffered_bytes,
        ));
        let responses = Arc::new(OneOperation(outbox.clone()));
        let operation = Operation::start(schema.clone(), caller, request, responses);
        outbox.on_overflow(operation.stopper());
        let owner = Owner::Operation {
            _operation: operation,
        };
        EventStream::new(schema, outbox, owner)
    }

    pub(super) fn new(schema: &Schema, outbox: Arc<Outbox>, owner: Owner) -> EventStream {
        let options = &schema.endpoint().options().subscriptions;
        let keep_alive = Duration::from_millis(options.keep_alive_ms);
        EventStream {
            outbox,
            keep_alive,
            comment: None,
            is_over: false,
            _owner: owner,
        }
    }

    /// What waits for its client; ending it ends the stream.
    pub(in crate::graphql) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The headers of its response.
    pub fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &HEADERS
    }

    /// The next bytes; none after the last.
    ///
    /// # Errors
    /// The client was too slow, and some is lost.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match self.outbox.poll_read(context) {
            Poll::Ready(Ok(bytes)) => {
                if let Some(comment) = &mut self.comment {
                    comment.as_mut().reset(Instant::now() + self.keep_alive);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(Err(end)) => {
                self.is_over = true;
                Poll::Ready(match end {
                    End::Whole => None,
                    End::TooSlow => Some(Err(Box::new(CutOff))),
                })
            }
            Poll::Pending => self.poll_comment(context),
        }
    }

    fn poll_comment(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.keep_alive.is_zero() {
            return Poll::Pending;
        }
        // Made by the first reader: the timer belongs to its runtime.
        let keep_alive = self.keep_alive;
        let comment = self
            .comment
            .get_or_insert_with(|| Box::pin(sleep(keep_alive)));
        if comment.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        comment.as_mut().reset(Instant::now() + keep_alive);
        // Registered again with the next poll, which comes after the comment was taken.
        Poll::Ready(Some(Ok(Bytes::from_static(events::COMMENT))))
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = self.get_mut().poll_next(context);
        next.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the client reads too slowly")
    }
}

impl std::error::Error for CutOff {}

/// Writes the responses of the only operation of a stream.
struct OneOperation(Arc<Outbox>);

impl Responses for OneOperation {
    fn next(&self, response: &Bytes) {
        self.0.write(events::next(response));
    }

    fn fail(&self, response: &Bytes) {
        self.0.write(events::next(response));
        self.complete();
    }

    fn complete(&self) {
        self.0.write(events::complete());
        self.0.end();
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.room()
    }
}
