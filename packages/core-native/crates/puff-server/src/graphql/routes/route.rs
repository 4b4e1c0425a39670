//! One GraphQL route.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use puff_graphql::http::HttpResponse;
use serde::Deserialize;
use tokio::time::timeout;

use super::members::{Members, Place};
use super::request::ReadBody;
use crate::graphql::caller::{Caller, Reporter};
use crate::graphql::client::Client;
use crate::graphql::received::{HttpOperation, Received, Reply};
use crate::graphql::schema::Schema;
use crate::graphql::transport_ws::{Connection, PROTOCOL};
use crate::http::{Exchange, RequestBody, Response, ResponseBody};
use crate::websocket::{Acceptance, Sockets};

/// What a missed deadline is answered with, as `error-response.ts` has it.
const DEADLINE_EXCEEDED: &str =
    r#"{"error":{"code":"PUFF_DEADLINE_EXCEEDED","message":"The answer took too long."}}"#;

/// How a route is answered; JavaScript writes it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteOptions {
    /// The methods that the route file leaves to `graphqlRoute()`, with their deadlines in milliseconds;
    /// 0 for none.
    pub methods: Vec<(String, u64)>,
    /// Whether all that the route file answers is `graphqlRoute()`'s: a handler with something around it,
    /// which may ask who is there, would be passed by on a WebSocket.
    pub takes_sockets: bool,
    /// Whether the route file has a handler for WebSockets of its own: it gets those with another
    /// subprotocol.
    pub has_upgrade: bool,
    /// Headers that Next.js adds to answers of route handlers: names, in lower case, and values.
    pub headers: Vec<(String, String)>,
}

/// A path of the app whose handlers `graphqlRoute()` made.
pub struct GraphqlRoute {
    schema: Arc<Schema>,
    options: RouteOptions,
    members: Members,
}

impl GraphqlRoute {
    pub(super) fn new(schema: Arc<Schema>, options: RouteOptions) -> GraphqlRoute {
        GraphqlRoute {
            schema,
            options,
            members: Members::default(),
        }
    }

    pub(super) fn is_for(&self, schema: &Arc<Schema>, options: &RouteOptions) -> bool {
        Arc::ptr_eq(&self.schema, schema) && self.options == *options
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// Answers a request, if that needs no JavaScript; dropping the future cancels what runs.
    ///
    /// # Errors
    /// The request itself, with its body, for an isolate to answer.
    pub async fn answer(&self, exchange: Exchange) -> Result<Response, Exchange> {
        let method = &exchange.parts.method;
        let known = self.options.methods.iter();
        let known = known.into_iter().find(|(name, _)| name == method.as_str());
        // Next.js answers OPTIONS, and HEAD by GET.
        let (Some((_, deadline)), false) = (known, *method == Method::HEAD) else {
            return Err(exchange);
        };
        let deadline = *deadline;
        let name = format!("{method} {}", exchange.parts.uri.path());
        let answering = self.try_answer(exchange);
        if deadline == 0 {
            return answering.await;
        }
        match timeout(Duration::from_millis(deadline), answering).await {
            Ok(answered) => answered,
            Err(_) => {
                eprintln!(
                    "next-puff: {name} answered 504: it did not finish within {deadline} ms."
                );
                Ok(self.deadline_exceeded())
            }
        }
    }

    /// Answers a handshake, if the client wants to speak GraphQL.
    ///
    /// # Errors
    /// The request itself, for somebody else to answer.
    #[expect(
        clippy::result_large_err,
        reason = "it is no error, and goes on at once"
    )]
    pub fn upgrade(
        &self,
        mut exchange: Exchange,
        sockets: &Arc<Sockets>,
    ) -> Result<Response, Exchange> {
        if !self.options.takes_sockets {
            return Err(exchange);
        }
        let offers = exchange
            .parts
            .headers
            .get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let is_ours = offers
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|protocol| protocol.trim() == PROTOCOL);
        if !is_ours && !self.options.has_upgrade {
            return Ok(other_protocol());
        }
        let (true, Some(member)) = (is_ours, self.members.pick()) else {
            return Err(exchange);
        };
        let handshake = match sockets.handshake(&exchange.parts) {
            Ok(handshake) => handshake,
            Err(refusal) => return Ok(refusal.response()),
        };
        let Some(upgrade) = exchange.upgrade.take() else {
            return Err(exchange);
        };
        let client = Client::lasting(&exchange.parts);
        let clients = member.clients.clone();
        let place = Place::new(member);
        let connection = Connection::new(self.schema.clone(), clients, client).at(place);
        let acceptance = Acceptance {
            protocol: Some(PROTOCOL.into()),
            ..Acceptance::default()
        };
        let (response, _socket) = handshake.accept(upgrade, acceptance, Box::new(connection));
        Ok(response)
    }

    async fn try_answer(&self, mut exchange: Exchange) -> Result<Response, Exchange> {
        let max_bytes = self.schema.endpoint().options().max_body_bytes;
        let read = ReadBody::read(&exchange.parts, &mut exchange.body, max_bytes).await;
        let Ok(body) = read else {
            // Its client has gone, or the server tells it what is wrong.
            return Ok(status(StatusCode::BAD_REQUEST));
        };
        let received = body.with_request(&exchange.parts, |request| self.schema.receive(request));
        match received {
            Received::Reply(reply) => Ok(self.respond(reply)),
            Received::Execute(operation) if operation.needs_script() => {
                exchange.body = RequestBody::read(body.bytes);
                Err(exchange)
            }
            Received::Execute(operation) => match self.caller(&exchange, &operation) {
                Some(caller) => Ok(self.execute(*operation, caller).await),
                None => {
                    exchange.body = RequestBody::read(body.bytes);
                    Err(exchange)
                }
            },
        }
    }

    fn deadline_exceeded(&self) -> Response {
        let mut response = Response::new(ResponseBody::full(DEADLINE_EXCEEDED));
        *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        append(&mut response, "cache-control", "no-store");
        append(&mut response, "content-type", "application/json");
        for (name, value) in &self.options.headers {
            append(&mut response, name, value);
        }
        response
    }

    async fn execute(&self, operation: HttpOperation, caller: Arc<dyn Caller>) -> Response {
        if operation.is_streamed() {
            return self.respond(operation.begin(caller));
        }
        let host = self.schema.host(Some(Arc::new(Reporter(caller))));
        self.respond(Reply::Whole(operation.answer(&host).await))
    }

    fn caller(&self, exchange: &Exchange, operation: &HttpOperation) -> Option<Arc<dyn Caller>> {
        let member = self.members.pick()?;
        let client = match operation.is_streamed() {
            true => Client::lasting(&exchange.parts),
            false => Client::of(&exchange.parts),
        };
        Some(member.clients.caller(client))
    }

    fn respond(&self, reply: Reply) -> Response {
        let mut response = match reply {
            Reply::Whole(HttpResponse {
                status,
                headers,
                body,
            }) => {
                let mut response = Response::new(ResponseBody::full(body));
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
                for (name, value) in &headers {
                    append(&mut response, name, value);
                }
                response
            }
            Reply::Stream(stream) => {
                self.members.watch(&stream);
                let headers = stream.headers();
                let mut response = Response::new(ResponseBody::stream(stream));
                for (name, value) in headers {
                    append(&mut response, name, value);
                }
                response
            }
        };
        for (name, value) in &self.options.headers {
            append(&mut response, name, value);
        }
        response
    }
}

/// Adds a header; one that cannot be is left out.
fn append(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        response.headers_mut().append(name, value);
    }
}

fn other_protocol() -> Response {
    let text = format!("This is a GraphQL endpoint: connect with the subprotocol {PROTOCOL}.\n");
    let mut response = Response::new(ResponseBody::full(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn status(code: StatusCode) -> Response {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = code;
    response
}
