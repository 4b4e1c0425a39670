//! A body that is compressed on its way.

use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::HeaderMap;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::encoder::Encoder;
use crate::http::{BodyError, ResponseBody};

/// Bytes that are taken from a stream before others get their turn.
const MAX_INPUT: usize = 64 * 1024;

/// Compresses a stream. Whenever the stream has nothing more for the moment, what it gave goes out:
/// a page that is rendered by and by is not held up.
pub(super) struct CompressedBody {
    source: ResponseBody,
    encoder: Option<Encoder>,
    /// Something was written that has not been flushed.
    is_dirty: bool,
    trailers: Option<HeaderMap>,
}

impl CompressedBody {
    pub(super) fn new(source: ResponseBody, encoder: Encoder) -> CompressedBody {
        CompressedBody {
            source,
            encoder: Some(encoder),
            is_dirty: false,
            trailers: None,
        }
    }

    /// Takes what the source has; the bytes that are to go out, if there are any.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some(mut encoder) = self.encoder.take() else {
            return Poll::Ready(None);
        };
        let mut taken = 0;
        loop {
            let frame = match Pin::new(&mut self.source).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => {
                    let rest = encoder.finish().map_err(BodyError::from);
                    return Poll::Ready(Some(rest));
                }
                Poll::Pending => {
                    if std::mem::take(&mut self.is_dirty) {
                        encoder.flush()?;
                    }
                    let bytes = encoder.take();
                    self.encoder = Some(encoder);
                    return match bytes.is_empty() {
                        true => Poll::Pending,
                        false => Poll::Ready(Some(Ok(bytes))),
                    };
                }
            };
            match frame.into_data() {
                Ok(bytes) => {
                    encoder.write(&bytes)?;
                    self.is_dirty = true;
                    taken += bytes.len();
                }
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
            if taken >= MAX_INPUT {
                let bytes = encoder.take();
                if !bytes.is_empty() {
                    self.encoder = Some(encoder);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                taken = 0;
            }
        }
    }
}

impl Body for CompressedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match std::task::ready!(this.poll_bytes(context)) {
            Some(result) => Poll::Ready(Some(result.map(Frame::data))),
            None => {
                let trailers = this.trailers.take();
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
