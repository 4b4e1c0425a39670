//! The GraphQL operations of an isolate: what they ask it, and the sessions that it shares with them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, Weak};

use lru::LruCache;
use puff_core::postgres::Session;
use puff_graphql::Request;
use puff_graphql::host::Failure;
use puff_server::graphql::{PendingAsk, PoolHost, Script, ScriptAsk};
use serde_json::{Map, Value, json};

use super::completion::{Answer, Question};
use super::failure;
use super::isolate::{Isolate, lock};

/// Documents whose text JavaScript is not told again.
const KNOWN_DOCUMENTS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// What operations share with their isolate.
pub(crate) struct Operations {
    /// By the id of the call that started them, until they end.
    running: Mutex<HashMap<u32, Shared>>,
    /// Questions that somebody waits for, by id.
    asks: Mutex<HashMap<u32, Weak<PendingAsk>>>,
    documents: Mutex<Documents>,
}

struct Shared {
    host: PoolHost,
    /// The operation's session, once JavaScript has asked for it.
    session: Option<u32>,
}

/// Numbers of documents by their texts, as JavaScript knows them.
struct Documents {
    known: LruCache<Arc<str>, u32>,
    last: u32,
}

impl Default for Operations {
    fn default() -> Operations {
        Operations {
            running: Mutex::default(),
            asks: Mutex::default(),
            documents: Mutex::new(Documents {
                known: LruCache::new(KNOWN_DOCUMENTS),
                last: 0,
            }),
        }
    }
}

impl Operations {
    /// Passes an answer on; nobody may wait for it any more.
    pub(crate) fn answer(&self, ask: u32, json: String) {
        let pending = lock(&self.asks).get(&ask).and_then(Weak::upgrade);
        if let Some(pending) = pending {
            pending.answer(json);
        }
    }

    /// Gives up all questions: the isolate has ended.
    pub(super) fn close(&self) {
        let asks = std::mem::take(&mut *lock(&self.asks));
        for pending in asks.values().filter_map(Weak::upgrade) {
            pending.fail(closed());
        }
    }

    /// Makes the host of an operation known, so that JavaScript can share its transaction.
    pub(super) fn begin(&self, operation: u32, host: PoolHost) {
        let shared = Shared {
            host,
            session: None,
        };
        lock(&self.running).insert(operation, shared);
    }

    /// Forgets an operation; nobody uses its host or its session any more.
    pub(super) fn end(&self, isolate: &Isolate, operation: u32) {
        let shared = lock(&self.running).remove(&operation);
        let Some(Shared { host, session }) = shared else {
            return;
        };
        host.close();
        if let Some(session) = session {
            isolate.release(session);
        }
    }

    /// The host of an operation that has not ended.
    pub(crate) fn host(&self, operation: u32) -> Option<PoolHost> {
        lock(&self.running)
            .get(&operation)
            .map(|shared| shared.host.clone())
    }
}

impl Isolate {
    /// Lets JavaScript use the session of an operation until that ends; returns the session's id.
    pub(crate) fn share_session(&self, operation: u32, session: Arc<Session>) -> Option<u32> {
        let mut running = lock(&self.operations.running);
        let shared = running.get_mut(&operation)?;
        let id = match shared.session {
            Some(id) => id,
            None => self.adopt(session),
        };
        shared.session = Some(id);
        Some(id)
    }
}

/// An operation while it runs: its end is reported once, also when it panics.
pub(crate) struct Running {
    isolate: Arc<Isolate>,
    call: u32,
    is_finished: bool,
}

impl Running {
    pub(crate) fn new(isolate: Arc<Isolate>, call: u32) -> Running {
        Running {
            isolate,
            call,
            is_finished: false,
        }
    }

    /// Makes the host known, so that JavaScript can share the operation's transaction.
    pub(crate) fn host(&self, host: PoolHost) {
        self.isolate.operations.begin(self.call, host);
    }

    /// Reports the end.
    pub(crate) fn finish(mut self, answer: Answer) {
        self.is_finished = true;
        self.forget();
        self.isolate.complete(self.call, answer);
    }

    fn forget(&self) {
        self.isolate.operations.end(&self.isolate, self.call);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_finished {
            self.forget();
            // Whoever cancelled the call does not listen; otherwise it panicked.
            let message = "The GraphQL engine panicked; the operation was given up.";
            let fault = json!({ "code": "PUFF_INTERNAL", "message": message });
            self.isolate
                .complete(self.call, Answer::Fault(fault.to_string()));
        }
    }
}

/// The isolate answers the questions of an operation.
pub(crate) struct ScriptOperation {
    isolate: Arc<Isolate>,
    call: u32,
    request: Option<AskedRequest>,
    /// What else the isolate is told with the first question.
    origin: Map<String, Value>,
}

/// A request, as the isolate that is asked about it wants to know it.
struct AskedRequest {
    query: Arc<str>,
    operation_name: Option<String>,
    variables: Map<String, Value>,
}

impl ScriptOperation {
    /// An operation that a call has started.
    pub(crate) fn new(isolate: Arc<Isolate>, call: u32, request: &Request) -> ScriptOperation {
        ScriptOperation::hosted(isolate, call, Some(request), Map::new())
    }

    /// An operation that did not start in the isolate.
    pub(super) fn hosted(
        isolate: Arc<Isolate>,
        call: u32,
        request: Option<&Request>,
        origin: Map<String, Value>,
    ) -> ScriptOperation {
        ScriptOperation {
            isolate,
            call,
            request: request.map(|request| AskedRequest {
                query: request.query.clone(),
                operation_name: request.operation_name.clone(),
                variables: request.variables.clone(),
            }),
            origin,
        }
    }

    /// What else the isolate is told with the first question.
    pub(super) fn origin(&self) -> &Map<String, Value> {
        &self.origin
    }

    /// The operation's request; what JavaScript has to remember and to forget comes with it.
    fn start(&self, documents: &mut Documents) -> String {
        let mut start = self.origin.clone();
        if let Some(request) = &self.request {
            start.insert("operationName".into(), json!(request.operation_name));
            start.insert("variables".into(), json!(request.variables));
            let document = match documents.known.get(&request.query) {
                Some(document) => *document,
                None => {
                    documents.last = documents.last.wrapping_add(1);
                    let pushed = documents.known.push(request.query.clone(), documents.last);
                    if let Some((_, forgotten)) = pushed {
                        start.insert("forgotten".into(), forgotten.into());
                    }
                    start.insert("query".into(), (*request.query).into());
                    documents.last
                }
            };
            start.insert("document".into(), document.into());
        }
        Value::Object(start).to_string()
    }

    fn push(&self, question: Question) {
        self.isolate
            .push(self.call, Answer::Ask(Box::new(question)));
    }
}

impl Script for ScriptOperation {
    fn ask(&self, ask: ScriptAsk) {
        let operations = &self.isolate.operations;
        lock(&operations.asks).insert(ask.id, Arc::downgrade(&ask.pending));
        if self.isolate.is_closed() {
            return ask.pending.fail(closed());
        }
        let mut question = Question {
            header: ask.header,
            start: None,
            rows: ask.rows,
        };
        if !ask.is_first {
            return self.push(question);
        }
        // Locked until it is queued: what relies on the document must come after it.
        let mut documents = lock(&operations.documents);
        question.start = Some(self.start(&mut documents));
        self.push(question);
    }

    fn forget(&self, ask: u32) {
        lock(&self.isolate.operations.asks).remove(&ask);
    }

    fn report(&self, failure: &Failure, coordinate: &str) {
        let header = json!({
            "kind": "report", "coordinate": coordinate, "failure": failure::failed(failure),
        });
        self.push(Question {
            header: header.to_string(),
            start: None,
            rows: None,
        });
    }
}

/// Nobody answers any more.
fn closed() -> Failure {
    Failure {
        message: "The isolate that was asked has ended.".into(),
        code: "PUFF_INTERNAL".into(),
        extensions: Map::new(),
        is_public: false,
    }
}
