//! The body of an answer on its way to hyper, and the end of a request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::StatusCode;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::access_log::{Entry, Outcome};
use super::body::{BodyError, ResponseBody};
use super::connection::Connection;
use super::metrics::Tier;
use super::service::Service;

/// A request from its head to the last byte of its answer; when it is dropped, it is counted and
/// logged.
pub(super) struct Journey {
    service: Arc<Service>,
    connection: Arc<Connection>,
    begun: Instant,
    pub(super) tier: Tier,
    /// None until there is an answer.
    pub(super) status: Option<StatusCode>,
    pub(super) entry: Option<Box<Entry>>,
    bytes: u64,
    is_complete: bool,
}

impl Journey {
    pub(super) fn begin(service: Arc<Service>, connection: Arc<Connection>) -> Journey {
        connection.begin_request();
        service.metrics.in_flight.add(1);
        Journey {
            service,
            connection,
            begun: Instant::now(),
            tier: Tier::Server,
            status: None,
            entry: None,
            bytes: 0,
            is_complete: false,
        }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        let now = Instant::now();
        let duration: Duration = now - self.begun;
        self.connection.end_request(now);
        let metrics = &self.service.metrics;
        metrics.in_flight.subtract(1);
        // 499 is what nginx writes for a client that went away before its answer.
        let gone = || StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        let status = self.status.unwrap_or_else(gone);
        metrics.note(self.tier, status, duration);
        if let (Some(log), Some(entry)) = (&self.service.access_log, &self.entry) {
            let outcome = Outcome {
                tier: self.tier,
                status,
                bytes: self.bytes,
                duration,
                is_complete: self.is_complete,
            };
            if !log.end(entry, &outcome) {
                metrics.lost_log_lines.add(1);
            }
        }
    }
}

/// The body of an answer.
pub(super) struct SentBody {
    body: ResponseBody,
    journey: Journey,
}

impl SentBody {
    pub(super) fn new(body: ResponseBody, mut journey: Journey) -> SentBody {
        journey.is_complete = body.is_end_stream();
        SentBody { body, journey }
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                this.journey.bytes += bytes as u64;
                this.journey.connection.note_taken(bytes);
                this.journey.is_complete = this.body.is_end_stream();
            }
            Poll::Ready(None) => this.journey.is_complete = true,
            Poll::Pending | Poll::Ready(Some(Err(_))) => {}
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
