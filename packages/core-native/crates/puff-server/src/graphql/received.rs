//! Requests over HTTP, and what becomes of them.

use std::borrow::Cow;
use std::sync::Arc;

use puff_graphql::host::OperationKind;
use puff_graphql::http::{
    Accepted, HttpRequest, HttpResponse, ResponseFormat, STREAM_TOKEN, Streaming,
    accepts_event_stream, respond,
};
use puff_graphql::{Prepared, Request, Response};

use super::caller::Caller;
use super::event_stream::{EventStream, StreamRefusal};
use super::pool_host::PoolHost;
use super::schema::Schema;

/// What to do with a request over HTTP.
pub enum Received {
    /// It is answered already.
    Reply(Reply),
    /// It is to be executed.
    Execute(Box<HttpOperation>),
}

/// An answer.
pub enum Reply {
    /// All of it.
    Whole(HttpResponse),
    /// A stream of events.
    Stream(EventStream),
}

/// An operation that came over HTTP.
pub struct HttpOperation {
    schema: Arc<Schema>,
    request: Request,
    prepared: Result<Prepared, Response>,
    format: ResponseFormat,
    streaming: Streaming,
    /// The stream that its responses go to, and its name there.
    shared: Option<(String, Option<String>)>,
}

impl Schema {
    /// Reads a request over HTTP.
    pub fn receive(self: &Arc<Self>, request: &HttpRequest<'_>) -> Received {
        if !self.engine().has_subscriptions() {
            return self.accept(request, None);
        }
        let token = token_of(request);
        let reply = match (request.method, token) {
            ("PUT", _) => self
                .streams()
                .reserve(self)
                .map(|token| Reply::Whole(text(201, token))),
            ("DELETE", token) => {
                let id = parameter(request.query, "operationId");
                let stopped = self
                    .streams()
                    .stop(token.as_deref().unwrap_or_default(), id.as_deref());
                stopped.map(|()| Reply::Whole(text(200, String::new())))
            }
            ("GET" | "POST", Some(token)) if accepts_event_stream((request.header)("accept")) => {
                self.streams().open(self, &token).map(Reply::Stream)
            }
            (_, token) => return self.accept(request, token),
        };
        Received::Reply(reply.unwrap_or_else(refused))
    }

    fn accept(self: &Arc<Self>, request: &HttpRequest<'_>, token: Option<String>) -> Received {
        match self.endpoint().accept(request) {
            Accepted::Respond(answer) => Received::Reply(Reply::Whole(answer)),
            Accepted::Execute {
                request,
                format,
                streaming,
                operation_id,
            } => Received::Execute(Box::new(HttpOperation {
                schema: self.clone(),
                prepared: self.engine().prepare(&request),
                request,
                format,
                streaming,
                shared: token.map(|token| (token, operation_id)),
            })),
        }
    }
}

impl HttpOperation {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Whether answering it may ask JavaScript for anything.
    pub fn needs_script(&self) -> bool {
        let engine = self.schema.engine();
        self.prepared
            .as_ref()
            .is_ok_and(|prepared| engine.needs_script(prepared))
    }

    /// Whether it goes on after its request was answered, or while it is.
    pub fn is_streamed(&self) -> bool {
        self.shared.is_some()
            || match self.streaming {
                Streaming::Never => false,
                Streaming::Always => true,
                Streaming::Subscriptions => self
                    .prepared
                    .as_ref()
                    .is_ok_and(|prepared| prepared.kind() == OperationKind::Subscription),
            }
    }

    /// Answers it with one response; dropping the future cancels what runs.
    pub async fn answer(self, host: &PoolHost) -> HttpResponse {
        let response = match &self.prepared {
            Ok(prepared) => self.schema.run(prepared, host).await,
            Err(response) => response.clone(),
        };
        respond(self.format, response)
    }

    /// Begins it; its responses go to a stream.
    pub fn begin(self, caller: Arc<dyn Caller>) -> Reply {
        let Some((token, id)) = self.shared else {
            let stream = EventStream::of_operation(&self.schema, caller, self.request);
            return Reply::Stream(stream);
        };
        if let Err(response) = self.prepared {
            return Reply::Whole(respond(self.format, response));
        }
        let streams = self.schema.streams();
        let started = streams.start(&token, id.as_deref(), &self.schema, caller, self.request);
        match started {
            Ok(()) => Reply::Whole(text(202, String::new())),
            Err(refusal) => refused(refusal),
        }
    }
}

fn token_of(request: &HttpRequest<'_>) -> Option<String> {
    match (request.header)(STREAM_TOKEN) {
        Some(token) => Some(token.to_owned()),
        None => parameter(request.query, "token"),
    }
}

/// A parameter of a URL's query. Tokens and ids that need more than percent-encoding are none of ours.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let query = query?.trim_start_matches('?');
    let value = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))?;
    Some(percent_decoded(value))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match (
            first,
            hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text(status: u16, body: String) -> HttpResponse {
    let content_type = Cow::Borrowed("text/plain; charset=utf-8");
    HttpResponse {
        status,
        headers: vec![("content-type", content_type)],
        body: body.into_bytes(),
    }
}

fn refused(refusal: StreamRefusal) -> Reply {
    let (status, message) = refusal.describe();
    Reply::Whole(text(status, message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_decoded() {
        let find = |query: &str| parameter(Some(query), "operationId");
        assert_eq!(find("operationId=a%20b%2"), Some("a b%2".into()));
        assert_eq!(find("?x=1&operationId="), Some(String::new()));
        assert_eq!(find("operationIds=1"), None);
    }
}
