//! Operations that did not begin in an isolate, and what it is asked about them.
//!
//! They have ids of their own, from [`FIRST_ID`] on. An isolate knows the client by the number of a
//! *listener*, which it has given before: it comes with the first question of each operation. Message
//! [`Topic::GRAPHQL`] tells what follows the questions; its first number is [`ENDED`], [`RELEASED`] or
//! [`REPORT`]. `packages/next-puff/src/graphql/native/hosted-operations.ts` is the other side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use puff_graphql::Request;
use puff_graphql::host::Failure;
use puff_server::graphql::{Caller, Client, Clients, OperationScript, PoolHost, Script, ScriptAsk};
use puff_server::script::{Attachment, Isolate as _, Message, Topic};
use serde_json::{Map, Value, json};

use super::failure;
use super::isolate::Isolate;
use super::operations::ScriptOperation;

/// The ids of calls are below.
const FIRST_ID: u32 = 1 << 31;

/// An operation has ended; the id is the operation's.
const ENDED: i32 = 1;
/// A listener is not used any more; the id is the listener's.
const RELEASED: i32 = 2;
/// A failure that clients do not see, as JSON; the id is the listener's.
const REPORT: i32 = 3;

fn next_id() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) | FIRST_ID
}

/// The clients of a route: all have the same listener.
pub(crate) struct RouteClients {
    pub(crate) isolate: Arc<Isolate>,
    pub(crate) listener: u32,
}

impl Clients for RouteClients {
    fn caller(&self, client: Client) -> Arc<dyn Caller> {
        Arc::new(HostedCaller {
            isolate: self.isolate.clone(),
            listener: self.listener,
            client: Some(Arc::new(client)),
            is_transient: false,
        })
    }
}

/// One client, known to an isolate.
pub(crate) struct HostedCaller {
    isolate: Arc<Isolate>,
    listener: u32,
    /// None if the listener knows.
    client: Option<Arc<Client>>,
    /// The listener is for this client alone.
    is_transient: bool,
}

impl HostedCaller {
    /// A client with a listener of its own, which is released with it; 0 for one who asks nothing.
    pub(crate) fn of_listener(isolate: Arc<Isolate>, listener: u32) -> HostedCaller {
        HostedCaller {
            isolate,
            listener,
            client: None,
            is_transient: listener != 0,
        }
    }

    fn origin(&self) -> Map<String, Value> {
        let mut origin = Map::new();
        origin.insert("listener".into(), self.listener.into());
        if let Some(client) = &self.client {
            origin.insert("client".into(), describe(client));
        }
        origin
    }

    fn begin(
        &self,
        request: Option<&Request>,
        origin: Map<String, Value>,
    ) -> Arc<dyn OperationScript> {
        HostedOperation::begin(&self.isolate, self.listener, request.cloned(), origin, None)
    }
}

/// What `context` may want to know of a request.
fn describe(client: &Client) -> Value {
    let headers = client.headers.iter().map(|(name, value)| {
        let value = value.as_bytes().iter().map(|byte| char::from(*byte));
        json!([name.as_str(), value.collect::<String>()])
    });
    json!({
        "method": client.method,
        "target": client.target,
        "headers": headers.collect::<Vec<_>>(),
        "connectionParams": client.connection_params.as_deref(),
    })
}

impl Caller for HostedCaller {
    fn operation(&self, request: &Request) -> Arc<dyn OperationScript> {
        self.begin(Some(request), self.origin())
    }

    fn connection(&self) -> Option<Arc<dyn OperationScript>> {
        Some(self.begin(None, self.origin()))
    }

    fn report(&self, failure: &Failure, coordinate: &str) {
        report(&self.isolate, self.listener, failure, coordinate);
    }
}

impl Drop for HostedCaller {
    fn drop(&mut self) {
        if self.is_transient {
            tell(&self.isolate, RELEASED, self.listener, Vec::new());
        }
    }
}

/// An operation that did not begin in the isolate.
struct HostedOperation {
    isolate: Arc<Isolate>,
    id: u32,
    listener: u32,
    request: Option<Request>,
    script: ScriptOperation,
    /// Whether the isolate knows it.
    has_asked: Arc<AtomicBool>,
    /// The same of the subscription whose event it is for: the isolate then knows that too.
    has_subscription_asked: Option<Arc<AtomicBool>>,
}

impl HostedOperation {
    fn begin(
        isolate: &Arc<Isolate>,
        listener: u32,
        request: Option<Request>,
        origin: Map<String, Value>,
        has_subscription_asked: Option<Arc<AtomicBool>>,
    ) -> Arc<dyn OperationScript> {
        let id = next_id();
        Arc::new(HostedOperation {
            isolate: isolate.clone(),
            id,
            listener,
            script: ScriptOperation::hosted(isolate.clone(), id, request.as_ref(), origin),
            request,
            has_asked: Arc::default(),
            has_subscription_asked,
        })
    }
}

impl Script for HostedOperation {
    fn ask(&self, ask: ScriptAsk) {
        self.has_asked.store(true, Ordering::SeqCst);
        if let Some(has_asked) = &self.has_subscription_asked {
            has_asked.store(true, Ordering::SeqCst);
        }
        self.script.ask(ask);
    }

    fn forget(&self, ask: u32) {
        self.script.forget(ask);
    }

    fn report(&self, failure: &Failure, coordinate: &str) {
        // The operation knows which of them are its own.
        match self.has_asked.load(Ordering::SeqCst) {
            true => self.script.report(failure, coordinate),
            false => report(&self.isolate, self.listener, failure, coordinate),
        }
    }
}

impl OperationScript for HostedOperation {
    fn begun(&self, host: &PoolHost) {
        self.isolate.operations.begin(self.id, host.clone());
    }

    fn ended(&self) {
        self.isolate.operations.end(&self.isolate, self.id);
        if self.has_asked.load(Ordering::SeqCst) {
            tell(&self.isolate, ENDED, self.id, Vec::new());
        }
    }

    fn event(&self) -> Arc<dyn OperationScript> {
        let mut origin = self.script.origin().clone();
        origin.insert("subscription".into(), self.id.into());
        let has_asked = Some(self.has_asked.clone());
        let request = self.request.clone();
        HostedOperation::begin(&self.isolate, self.listener, request, origin, has_asked)
    }
}

fn report(isolate: &Isolate, listener: u32, failure: &Failure, coordinate: &str) {
    let report = json!({ "coordinate": coordinate, "failure": failure::failed(failure) });
    let attachments = vec![Attachment::Text(report.to_string())];
    tell(isolate, REPORT, listener, attachments);
}

fn tell(isolate: &Isolate, kind: i32, id: u32, attachments: Vec<Attachment>) {
    isolate.send(Message {
        topic: Topic::GRAPHQL,
        id,
        numbers: [kind, 0],
        attachments,
    });
}
