//! The bodies of requests and responses.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::body_bounds::{BodyBounds, BodyFault};

/// Why a body ended before its end.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// The body of a request.
pub struct RequestBody(Source);

enum Source {
    /// Read already; none once it was given.
    Read(Option<Bytes>),
    /// From the client.
    Incoming(Incoming),
    /// From the client, who has to keep within bounds.
    Bounded(Incoming, Box<BodyBounds>),
}

impl RequestBody {
    /// A body as it comes from the client.
    pub fn new(incoming: Incoming) -> RequestBody {
        RequestBody(Source::Incoming(incoming))
    }

    /// A body that somebody has read, for whoever answers the request after all.
    pub fn read(bytes: impl Into<Bytes>) -> RequestBody {
        let bytes = bytes.into();
        RequestBody(Source::Read((!bytes.is_empty()).then_some(bytes)))
    }

    /// A body that has to keep within bounds.
    pub(super) fn bounded(incoming: Incoming, bounds: BodyBounds) -> RequestBody {
        RequestBody(Source::Bounded(incoming, Box::new(bounds)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let source = &mut self.get_mut().0;
        let (incoming, bounds) = match source {
            Source::Read(bytes) => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            Source::Incoming(incoming) => {
                return Pin::new(incoming)
                    .poll_frame(context)
                    .map_err(BodyError::from);
            }
            Source::Bounded(incoming, bounds) => (incoming, bounds),
        };
        let checked = match Pin::new(&mut *incoming).poll_frame(context) {
            Poll::Pending => bounds.poll_time(context).map(|late| Some(Err(late))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                Poll::Ready(Some(bounds.take(length).map(|()| frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyFault::Malformed))),
        };
        match &checked {
            Poll::Ready(Some(Err(fault))) => {
                bounds.fate.fail(*fault);
                // What is left of it is nobody's business any more.
                *source = Source::Read(None);
            }
            Poll::Ready(_) if incoming.is_end_stream() => bounds.fate.note_end(),
            Poll::Ready(None) => bounds.fate.note_end(),
            _ => {}
        }
        checked.map_err(BodyError::from)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Read(bytes) => bytes.is_none(),
            Source::Incoming(incoming) | Source::Bounded(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Read(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Source::Incoming(incoming) | Source::Bounded(incoming, _) => incoming.size_hint(),
        }
    }
}

/// The body of a response.
pub enum ResponseBody {
    /// All of it; none once it was sent.
    Full(Option<Bytes>),
    /// A stream.
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

impl ResponseBody {
    /// No body.
    pub fn empty() -> ResponseBody {
        ResponseBody::Full(None)
    }

    /// A body that is there already.
    pub fn full(bytes: impl Into<Bytes>) -> ResponseBody {
        let bytes = bytes.into();
        ResponseBody::Full((!bytes.is_empty()).then_some(bytes))
    }

    /// A body that comes by and by.
    pub fn stream(
        body: impl Body<Data = Bytes, Error = BodyError> + Send + 'static,
    ) -> ResponseBody {
        ResponseBody::Stream(body.boxed_unsync())
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            ResponseBody::Full(bytes) => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            ResponseBody::Stream(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ResponseBody::Full(bytes) => bytes.is_none(),
            ResponseBody::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ResponseBody::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            ResponseBody::Stream(body) => body.size_hint(),
        }
    }
}
