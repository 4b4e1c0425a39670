//! GraphQL schemas and operations for JavaScript.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use lru::LruCache;
use napi::{Error, JsString, Result};
use napi_derive::napi;
use puff_core::postgres::Error as PostgresError;
use puff_core::runtime::go_on_here;
use puff_graphql::http::{HttpOptions, HttpRequest, HttpResponse, REQUEST_HEADERS};
use puff_graphql::schema::SchemaSpec;
use puff_graphql::{Outcome, Request};
use puff_server::graphql::routes::{RouteMember, RouteOptions};
use puff_server::graphql::subscriptions::ResponseQueue;
use puff_server::graphql::transport_ws::Connection;
use puff_server::graphql::{Client, PoolHost, Received, Reply, Schema};
use serde_json::{Map, Value, json};

use crate::boundary::{
    Answer, Boundary, HostedCaller, Isolate, Response, ResponseStream, RouteClients, Running,
    ScriptOperation,
};
use crate::postgres::pool;
use crate::server::{read_headers, server};

/// Schemas that are kept. Hot reloading makes a new one with each change; who still uses an old one
/// registers it again.
const MAX_SCHEMAS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// An answer of so many bytes is read by the thread of JavaScript, which sends the statement it may have; a larger one by the runtime.
const MAX_ANSWER_HERE: usize = 4 * 1024;

/// The schemas of the process: every isolate that registers the same gets the same.
struct Schemas {
    by_text: LruCache<SchemaKey, u32>,
    by_id: HashMap<u32, Arc<Schema>>,
    last_id: u32,
}

#[derive(PartialEq, Eq, Hash)]
struct SchemaKey {
    spec: String,
    pool: u32,
    http: String,
}

static SCHEMAS: LazyLock<Mutex<Schemas>> = LazyLock::new(|| {
    Mutex::new(Schemas {
        by_text: LruCache::new(MAX_SCHEMAS),
        by_id: HashMap::new(),
        last_id: 0,
    })
});

fn schemas() -> MutexGuard<'static, Schemas> {
    SCHEMAS.lock().unwrap_or_else(|poison| poison.into_inner())
}

fn schema(id: u32) -> Result<Arc<Schema>> {
    let schema = schemas().by_id.get(&id).cloned();
    schema
        .filter(|schema| !schema.is_closed())
        .ok_or_else(|| Error::from_reason("PUFF_GRAPHQL_FORGOTTEN: the schema or its pool is gone"))
}

/// Finds or makes a schema and returns its id; the spec and the options of HTTP are JSON. Its
/// statements run on the pool with that id, 0 for none.
///
/// Throws a message that begins with `PUFF_GRAPHQL_SCHEMA: ` when the schema cannot be.
#[napi(catch_unwind)]
pub fn graphql_schema(spec: String, pool_id: u32, http: String) -> Result<u32> {
    let key = SchemaKey {
        spec,
        pool: pool_id,
        http,
    };
    if let Some(id) = schemas().by_text.get(&key) {
        return Ok(*id);
    }
    let refuse =
        |error: &dyn std::fmt::Display| Error::from_reason(format!("PUFF_GRAPHQL_SCHEMA: {error}"));
    let spec: SchemaSpec = serde_json::from_str(&key.spec).map_err(|error| refuse(&error))?;
    let http: HttpOptions = serde_json::from_str(&key.http).map_err(|error| refuse(&error))?;
    let pool = match pool_id {
        0 => None,
        _ => Some(pool(pool_id)?),
    };
    let schema = Schema::new(&spec, pool, http).map_err(|error| refuse(&error))?;
    let mut schemas = schemas();
    schemas.last_id += 1;
    let id = schemas.last_id;
    schemas.by_id.insert(id, Arc::new(schema));
    if let Some((_, replaced)) = schemas.by_text.push(key, id) {
        schemas.by_id.remove(&replaced);
    }
    Ok(id)
}

/// The names of the headers that a request over HTTP is read by, in lower case.
#[napi(catch_unwind)]
pub fn graphql_request_headers() -> Vec<&'static str> {
    REQUEST_HEADERS.to_vec()
}

#[napi]
impl Boundary {
    /// Executes a request on a schema: `variables` and `operationName` are JSON or empty. Answers with
    /// a response, whose status is 0 if it was not executed, 1 if it was, 2 if it has errors.
    #[napi(catch_unwind)]
    pub fn graphql_execute(
        &self,
        call: u32,
        schema_id: u32,
        query: String,
        operation_name: Option<String>,
        variables: Option<String>,
        is_explained: bool,
    ) -> Result<()> {
        let schema = schema(schema_id)?;
        let isolate = self.isolate.clone();
        let running = Running::new(isolate.clone(), call);
        self.isolate.spawn(call, async move {
            let variables = match read_variables(variables.as_deref()) {
                Ok(variables) => variables,
                Err(error) => {
                    let message = format!("the variables are no object: {error}");
                    let fault = json!({ "code": "PUFF_GRAPHQL_REQUEST", "message": message });
                    return running.finish(Answer::Fault(fault.to_string()));
                }
            };
            let request = Request {
                query: query.into(),
                operation_name,
                variables,
                is_explained,
                allows_mutation: true,
            };
            let host = host(&schema, &request, &isolate, call, &running);
            let response = schema.execute(&request, &host).await;
            let answer = Response {
                status: match response.outcome {
                    Outcome::RequestError | Outcome::MutationNotAllowed => 0,
                    Outcome::Executed { has_errors: false } => 1,
                    Outcome::Executed { has_errors: true } => 2,
                },
                headers: None,
                body: response.body,
                statements: host.statements() as u32,
                stream: 0,
            };
            drop(host);
            running.finish(Answer::Response(Box::new(answer)));
        });
        Ok(())
    }

    /// Answers a request over HTTP with a response, which may have a stream for a body. `search` is what
    /// comes after the `?` of the URL; `headers` is JSON, an object. `listener` is asked about operations
    /// that go on when the request was answered; it is released in any case.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "one crossing per request, without objects"
    )]
    pub fn graphql_http(
        &self,
        call: u32,
        schema_id: u32,
        method: String,
        search: Option<String>,
        headers: String,
        body: &[u8],
        listener: Option<u32>,
    ) -> Result<()> {
        let schema = schema(schema_id)?;
        let isolate = self.isolate.clone();
        let caller = HostedCaller::of_listener(isolate.clone(), listener.unwrap_or(0));
        let body = body.to_vec();
        let running = Running::new(isolate.clone(), call);
        self.isolate.spawn(call, async move {
            let received = receive(&schema, &method, search.as_deref(), &headers, &body);
            drop(body);
            let (reply, statements) = match received {
                Received::Reply(reply) => (reply, 0),
                Received::Execute(operation) if operation.is_streamed() => {
                    (operation.begin(Arc::new(caller)), 0)
                }
                Received::Execute(operation) => {
                    drop(caller);
                    let host = host(&schema, operation.request(), &isolate, call, &running);
                    let response = operation.answer(&host).await;
                    (Reply::Whole(response), host.statements())
                }
            };
            let answer = match reply {
                Reply::Whole(HttpResponse {
                    status,
                    headers,
                    body,
                }) => Response {
                    status: status.into(),
                    headers: Some(json!(headers).to_string()),
                    body,
                    statements: statements as u32,
                    stream: 0,
                },
                Reply::Stream(stream) => Response {
                    status: 200,
                    headers: Some(json!(stream.headers()).to_string()),
                    body: Vec::new(),
                    statements: 0,
                    stream: isolate.streams.add(ResponseStream::Events(stream)),
                },
            };
            running.finish(Answer::Response(Box::new(answer)));
        });
        Ok(())
    }

    /// Begins an operation whose responses are read with `graphqlPull`, and returns the number of its
    /// stream; `listener` is asked about it, and released with it.
    #[napi(catch_unwind)]
    pub fn graphql_subscribe(
        &self,
        schema_id: u32,
        query: String,
        operation_name: Option<String>,
        variables: Option<String>,
        listener: u32,
    ) -> Result<u32> {
        let schema = schema(schema_id)?;
        let variables = read_variables(variables.as_deref()).map_err(|error| {
            Error::from_reason(format!(
                "PUFF_GRAPHQL_REQUEST: the variables are no object: {error}"
            ))
        })?;
        let request = Request {
            query: query.into(),
            operation_name,
            variables,
            is_explained: false,
            allows_mutation: true,
        };
        let caller = HostedCaller::of_listener(self.isolate.clone(), listener);
        let responses = ResponseQueue::start(schema, Arc::new(caller), request);
        let stream = ResponseStream::Responses(responses);
        Ok(self.isolate.streams.add(stream))
    }

    /// Answers with the next chunk of a stream: a response with status 1, or 0 without one at its end.
    #[napi(catch_unwind)]
    pub fn graphql_pull(&self, call: u32, stream: u32) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            let answer = match isolate.streams.next(stream).await {
                Ok(chunk) => Answer::Response(Box::new(Response {
                    status: chunk.is_some().into(),
                    headers: None,
                    body: chunk.unwrap_or_default().into(),
                    statements: 0,
                    stream: 0,
                })),
                Err(message) => {
                    let fault = json!({ "code": "PUFF_GRAPHQL_TOO_SLOW", "message": message });
                    Answer::Fault(fault.to_string())
                }
            };
            isolate.complete(call, answer);
        });
    }

    /// Ends a stream, and what it is of.
    #[napi(catch_unwind)]
    pub fn graphql_close_stream(&self, stream: u32) {
        self.isolate.streams.remove(stream);
    }

    /// Lets a server answer the requests for a path that need no JavaScript, and the WebSockets to it; the
    /// options are JSON. This isolate's listener is asked about the others.
    #[napi(catch_unwind)]
    pub fn server_graphql_route(
        &self,
        server_id: u32,
        path: String,
        schema_id: u32,
        listener: u32,
        options: String,
    ) -> Result<()> {
        let options: RouteOptions = serde_json::from_str(&options)
            .map_err(|error| Error::from_reason(format!("PUFF_GRAPHQL_ROUTE: {error}")))?;
        let member = RouteMember {
            isolate: self.isolate.exchanges.clone(),
            clients: Arc::new(RouteClients {
                isolate: self.isolate.clone(),
                listener,
            }),
        };
        let server = server(server_id)?;
        server
            .graphql()
            .add(&path, schema(schema_id)?, options, member);
        Ok(())
    }

    /// Lets the core speak GraphQL on a socket that this isolate was asked about and will accept; `target`
    /// and `headers` are those of the handshake, the headers' names and values divided by NUL. False when
    /// its client has gone.
    #[napi(catch_unwind)]
    pub fn socket_speak_graphql(
        &self,
        socket: u32,
        schema_id: u32,
        listener: u32,
        target: String,
        headers: JsString,
    ) -> Result<bool> {
        let client = Client {
            method: "GET".into(),
            target,
            headers: Arc::new(read_headers(headers.into_latin1()?.as_slice())?),
            connection_params: None,
        };
        let clients = RouteClients {
            isolate: self.isolate.clone(),
            listener,
        };
        let connection = Connection::new(schema(schema_id)?, Arc::new(clients), client);
        Ok(self
            .isolate
            .sockets
            .substitute(socket, Box::new(connection)))
    }

    /// Answers a question of an operation; `json` may have the answers to some of its fields only.
    #[napi(catch_unwind)]
    pub fn graphql_answer(&self, ask: u32, json: String) {
        let is_small = json.len() <= MAX_ANSWER_HERE;
        let answer = || self.isolate.operations.answer(ask, json);
        match is_small {
            true => go_on_here(answer),
            false => answer(),
        }
    }

    /// Answers with the session of an operation's transaction, which is begun if that has not
    /// happened. It is the operation's: nobody else ends or releases it.
    #[napi(catch_unwind)]
    pub fn graphql_session(&self, call: u32, operation: u32) -> Result<()> {
        let isolate = self.isolate.clone();
        let Some(host) = isolate.operations.host(operation) else {
            let what = "the transaction";
            let error = PostgresError::Closed { what };
            isolate.complete(call, Answer::Failure(Box::new(error)));
            return Ok(());
        };
        let running = Running::new(isolate.clone(), call);
        self.isolate.spawn(call, async move {
            let answer = match host.session().await {
                Ok(session) => {
                    let process_id = session.process_id();
                    match isolate.share_session(operation, session) {
                        Some(id) => Answer::Session { id, process_id },
                        None => Answer::Failure(Box::new(PostgresError::Closed {
                            what: "the transaction",
                        })),
                    }
                }
                Err(failure) => Answer::Fault(
                    json!({ "code": failure.code, "message": failure.message }).to_string(),
                ),
            };
            running.finish(answer);
        });
        Ok(())
    }
}

/// The host of an operation, whose questions go to the isolate.
fn host(
    schema: &Schema,
    request: &Request,
    isolate: &Arc<Isolate>,
    call: u32,
    running: &Running,
) -> PoolHost {
    let script = ScriptOperation::new(isolate.clone(), call, request);
    let host = schema.host(Some(Arc::new(script)));
    running.host(host.clone());
    host
}

fn read_variables(json: Option<&str>) -> serde_json::Result<Map<String, Value>> {
    json.map_or(Ok(Map::new()), serde_json::from_str)
}

fn receive(
    schema: &Arc<Schema>,
    method: &str,
    search: Option<&str>,
    headers: &str,
    body: &[u8],
) -> Received {
    // JavaScript writes the object itself.
    let headers: HashMap<String, String> = serde_json::from_str(headers).unwrap_or_default();
    schema.receive(&HttpRequest {
        method,
        query: search,
        header: &|name| headers.get(name).map(String::as_str),
        body,
    })
}
