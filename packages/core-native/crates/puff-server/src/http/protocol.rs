//! Which version of HTTP a connection speaks, and hyper speaking it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::config::Limits;
use super::guarded_io::GuardedIo;
use super::sent_body::SentBody;

/// Answers the requests of a connection.
pub(super) trait Answering:
    Service<
        Request<Incoming>,
        Response = Response<SentBody>,
        Error = Infallible,
        Future: Send + 'static,
    >
{
}

impl<S> Answering for S where
    S: Service<
            Request<Incoming>,
            Response = Response<SentBody>,
            Error = Infallible,
            Future: Send + 'static,
        >
{
}

/// A connection that is being served.
pub(super) struct Protocol<S: Answering> {
    stage: Stage<S>,
    limits: Limits,
}

enum Stage<S: Answering> {
    /// The first bytes will tell.
    Unknown(Option<Box<(GuardedIo, S)>>),
    Http1(Pin<Box<http1::UpgradeableConnection<TokioIo<GuardedIo>, S>>>),
    Http2(Pin<Box<http2::Connection<TokioIo<GuardedIo>, S, TokioExecutor>>>),
}

impl<S: Answering> Protocol<S> {
    pub(super) fn new(io: GuardedIo, service: S, limits: Limits) -> Protocol<S> {
        Protocol {
            stage: Stage::Unknown(Some(Box::new((io, service)))),
            limits,
        }
    }

    /// Serves; ready when the connection has ended, or was handed over.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.stage {
                // How a connection ends is its client's business.
                Stage::Http1(connection) => return connection.as_mut().poll(context).map(drop),
                Stage::Http2(connection) => return connection.as_mut().poll(context).map(drop),
                Stage::Unknown(unknown) => {
                    let Some((io, _)) = unknown.as_deref_mut() else {
                        return Poll::Ready(());
                    };
                    let is_http2 = ready!(io.poll_protocol(context));
                    let (Some(parts), Some(is_http2)) = (unknown.take(), is_http2) else {
                        return Poll::Ready(());
                    };
                    let (io, service) = *parts;
                    self.begin(TokioIo::new(io), service, is_http2);
                }
            }
        }
    }

    /// Tells a client of HTTP/2 to begin no more requests.
    pub(super) fn say_goodbye(&mut self) {
        if let Stage::Http2(connection) = &mut self.stage {
            connection.as_mut().graceful_shutdown();
        }
    }

    fn begin(&mut self, io: TokioIo<GuardedIo>, service: S, is_http2: bool) {
        let limits = &self.limits;
        self.stage = if is_http2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
                .max_concurrent_streams(limits.streams)
                // WebSockets (RFC 8441).
                .enable_connect_protocol();
            Stage::Http2(Box::pin(builder.serve_connection(io, service)))
        } else {
            let mut builder = http1::Builder::new();
            // Not with `pipeline_flush`: answers would then wait until requests that came with
            // theirs have come in full.
            builder.max_header_size(limits.header_bytes);
            if limits.header_count != Limits::default().header_count {
                builder.max_headers(limits.header_count);
            }
            let connection = builder.serve_connection(io, service);
            Stage::Http1(Box::pin(connection.with_upgrades()))
        };
    }
}
