//! HTTP servers for JavaScript, and the answers that it gives to their requests.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use hyper::ext::ReasonPhrase;
use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Error, JsString, Result};
use napi_derive::napi;
use puff_core::cache::store;
use puff_server::http::{DrainOptions, DrainProgress, Server, ServerConfig};
use puff_server::script::{Attachment, Isolate as _, Message, OutgoingHead, Topic, Written};
use puff_server::site::SiteConfig;
use serde_json::json;

use crate::boundary::{Answer, Boundary, Isolate};
use crate::metrics::{PoolMetrics, RedisMetrics};
use crate::task_numbers::TaskMetrics;

/// The servers of the process, which all isolates may answer for.
#[derive(Default)]
struct Servers {
    by_id: HashMap<u32, Arc<Server>>,
    last_id: u32,
}

static SERVERS: LazyLock<Mutex<Servers>> = LazyLock::new(Mutex::default);

fn servers() -> MutexGuard<'static, Servers> {
    SERVERS.lock().unwrap_or_else(|poison| poison.into_inner())
}

pub(crate) fn server(id: u32) -> Result<Arc<Server>> {
    servers()
        .by_id
        .get(&id)
        .cloned()
        .ok_or_else(|| Error::from_reason("PUFF_SERVER_CLOSED: the server is closed"))
}

/// An isolate has ended: no server gives it anything more.
pub(crate) fn forget_isolate(isolate: &Isolate) {
    let servers: Vec<_> = servers().by_id.values().cloned().collect();
    for server in servers {
        server.isolates().detach(&isolate.exchanges);
        server.graphql().remove_isolate(&isolate.exchanges);
    }
}

#[napi]
impl Boundary {
    /// Starts a server with a configuration (JSON) and answers with an event, its id and addresses;
    /// the call ends when the server was closed.
    #[napi(catch_unwind)]
    pub fn server_start(&self, call: u32, config: String) -> Result<()> {
        let config: ServerConfig = serde_json::from_str(&config)
            .map_err(|error| Error::from_reason(format!("PUFF_SERVER_CONFIG: {error}")))?;
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            let answer = match Server::start(config).await {
                Ok(server) => {
                    let addresses = server.addresses().to_vec();
                    server.add_metrics(Arc::new(PoolMetrics));
                    server.add_metrics(Arc::new(RedisMetrics));
                    server.add_metrics(Arc::new(TaskMetrics));
                    let mut servers = servers();
                    servers.last_id += 1;
                    let id = servers.last_id;
                    servers.by_id.insert(id, Arc::new(server));
                    drop(servers);
                    Answer::Response(Box::new(crate::boundary::Response {
                        status: id,
                        headers: None,
                        body: json!(addresses).to_string().into_bytes(),
                        statements: 0,
                        stream: 0,
                    }))
                }
                Err(error) => {
                    let fault = json!({ "code": error.code(), "message": error.to_string() });
                    Answer::Fault(fault.to_string())
                }
            };
            isolate.complete(call, answer);
        });
        Ok(())
    }

    /// Lets this isolate answer a server's requests.
    #[napi(catch_unwind)]
    pub fn server_attach(&self, server_id: u32) -> Result<()> {
        let exchanges = self.isolate.exchanges.clone();
        let sockets = self.isolate.sockets.clone();
        server(server_id)?
            .isolates()
            .attach(self.isolate.clone(), exchanges, sockets);
        Ok(())
    }

    /// Gives this isolate no more of a server's requests.
    #[napi(catch_unwind)]
    pub fn server_detach(&self, server_id: u32) -> Result<()> {
        let server = server(server_id)?;
        server.isolates().detach(&self.isolate.exchanges);
        server.graphql().remove_isolate(&self.isolate.exchanges);
        Ok(())
    }

    /// Gives the head of an answer and the whole of its body, or its beginning: `head` is names and
    /// values of headers, divided by NUL. Returns 0 when nobody waits for it, 1 when more may
    /// follow, 2 when more should wait.
    #[napi(catch_unwind)]
    pub fn server_respond(
        &self,
        exchange: u32,
        status: u32,
        reason: Option<String>,
        head: JsString,
        body: Option<Either<String, Uint8Array>>,
        is_end: bool,
    ) -> Result<u32> {
        let Some(answer) = self.isolate.exchanges.get(exchange) else {
            return Ok(0);
        };
        let status = u16::try_from(status)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok())
            .ok_or_else(|| Error::from_reason(format!("PUFF_SERVER_ANSWER: no status {status}")))?;
        let head = OutgoingHead {
            status,
            reason: reason.and_then(|reason| ReasonPhrase::try_from(reason.into_bytes()).ok()),
            headers: read_headers(head.into_latin1()?.as_slice())?,
        };
        Ok(code(answer.respond(head, body.map(read_bytes), is_end)))
    }

    /// Adds to the body of an answer; returns as `serverRespond`.
    #[napi(catch_unwind)]
    pub fn server_write(&self, exchange: u32, body: Either<String, Uint8Array>) -> u32 {
        match self.isolate.exchanges.get(exchange) {
            Some(answer) => code(answer.write(read_bytes(body))),
            None => 0,
        }
    }

    /// Ends an answer; `trailers` as the head of `serverRespond`.
    #[napi(catch_unwind)]
    pub fn server_end(&self, exchange: u32, trailers: Option<JsString>) -> Result<()> {
        if let Some(answer) = self.isolate.exchanges.get(exchange) {
            let trailers = match trailers {
                Some(trailers) => Some(read_headers(trailers.into_latin1()?.as_slice())?),
                None => None,
            };
            answer.end(trailers);
        }
        Ok(())
    }

    /// Gives an answer up: its connection is closed.
    #[napi(catch_unwind)]
    pub fn server_abort(&self, exchange: u32) {
        if let Some(answer) = self.isolate.exchanges.get(exchange) {
            answer.abort();
        }
    }

    /// Tells that so many bytes of a request's body were read.
    #[napi(catch_unwind)]
    pub fn server_read(&self, exchange: u32, bytes: u32) {
        if let Some(answer) = self.isolate.exchanges.get(exchange) {
            answer.read(bytes as usize);
        }
    }
}

#[napi]
impl Boundary {
    /// Ends a server in good order, with bounds (JSON), and answers with what was lost (JSON). This
    /// isolate is told of each stage: [`Topic::SERVER`], the server's id, and JSON. Cancelling the
    /// call ends nothing sooner; `serverClose` does.
    #[napi(catch_unwind)]
    pub fn server_drain(&self, call: u32, server_id: u32, options: String) -> Result<()> {
        let server = server(server_id)?;
        let options: DrainOptions = serde_json::from_str(&options)
            .map_err(|error| Error::from_reason(format!("PUFF_SERVER_CONFIG: {error}")))?;
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            let progress = |progress: DrainProgress| {
                isolate.send(Message {
                    topic: Topic::SERVER,
                    id: server_id,
                    numbers: [0, 0],
                    attachments: vec![Attachment::Text(json!(progress).to_string())],
                });
            };
            let report = server.drain(options, progress).await;
            let response = crate::boundary::Response {
                status: server_id,
                headers: None,
                body: json!(report).to_string().into_bytes(),
                statements: 0,
                stream: 0,
            };
            isolate.complete(call, Answer::Response(Box::new(response)));
        });
        Ok(())
    }
}

/// Serves what Next.js has built without JavaScript from now on; `config` is JSON. Returns why that
/// cannot be, if it cannot: then JavaScript answers everything.
#[napi(catch_unwind)]
pub fn server_open_site(server_id: u32, config: String) -> Result<Option<String>> {
    let config: SiteConfig = serde_json::from_str(&config)
        .map_err(|error| Error::from_reason(format!("PUFF_SERVER_CONFIG: {error}")))?;
    let opened = server(server_id)?.open_site(&config, store());
    Ok(opened.err().map(|error| error.to_string()))
}

/// Has a server compress no answers from now on.
#[napi(catch_unwind)]
pub fn server_disable_compression(server_id: u32) -> Result<()> {
    server(server_id)?.disable_compression();
    Ok(())
}

/// Ends whatever is left of a server, at once.
#[napi(catch_unwind)]
pub fn server_close(server_id: u32) {
    let server = servers().by_id.remove(&server_id);
    if let Some(server) = server {
        server.close();
    }
}

/// Stops listening.
#[napi(catch_unwind)]
pub fn server_stop_listening(server_id: u32) -> Result<()> {
    server(server_id)?.stop_listening();
    Ok(())
}

fn code(written: Written) -> u32 {
    match written {
        Written::Gone => 0,
        Written::Taken => 1,
        Written::Full => 2,
    }
}

pub(crate) fn read_bytes(body: Either<String, Uint8Array>) -> Bytes {
    match body {
        Either::A(text) => Bytes::from(text),
        Either::B(bytes) => Bytes::copy_from_slice(&bytes),
    }
}

pub(crate) fn read_headers(packed: &[u8]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if packed.is_empty() {
        return Ok(headers);
    }
    let mut parts = packed.split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let refuse = |what: &str| {
            let name = String::from_utf8_lossy(name);
            Error::from_reason(format!(
                "PUFF_SERVER_ANSWER: the header {name:?} has {what}"
            ))
        };
        let name = HeaderName::from_bytes(name).map_err(|_| refuse("no valid name"))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| refuse("no valid value"))?;
        headers.append(name, value);
    }
    Ok(headers)
}
