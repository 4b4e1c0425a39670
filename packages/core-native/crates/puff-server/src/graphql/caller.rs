//! Who asks for operations, and the isolate that knows about it.

use std::sync::Arc;

use puff_graphql::Request;
use puff_graphql::host::Failure;

use super::failure::no_script;
use super::pool_host::PoolHost;
use super::schema::Schema;
use super::script::{Script, ScriptAsk};

/// A client whose operations begin here and not in JavaScript, and the isolate that is asked about them.
pub trait Caller: Send + Sync {
    /// Begins an operation.
    fn operation(&self, request: &Request) -> Arc<dyn OperationScript>;

    /// Begins a question about the client itself, where there is anything to ask.
    fn connection(&self) -> Option<Arc<dyn OperationScript>>;

    /// Takes note of a failure in an operation that asks nothing, and of the field that it concerns.
    fn report(&self, failure: &Failure, coordinate: &str);
}

/// JavaScript, for an operation that did not begin there: it is told when the operation ends.
pub trait OperationScript: Script {
    /// The operation runs on this host: statements of resolvers belong to its transaction.
    fn begun(&self, host: &PoolHost);

    /// The operation is over.
    fn ended(&self);

    /// Begins the execution of this subscription for one event, an operation of its own.
    fn event(&self) -> Arc<dyn OperationScript>;
}

/// An operation while it runs: when it is dropped, what it still does is cancelled.
pub struct Execution {
    host: PoolHost,
    script: Arc<dyn OperationScript>,
}

impl Execution {
    /// Begins an operation on a schema.
    pub fn begin(schema: &Schema, script: Arc<dyn OperationScript>) -> Execution {
        let host = schema.host(Some(script.clone()));
        script.begun(&host);
        Execution { host, script }
    }

    /// Its host.
    pub fn host(&self) -> &PoolHost {
        &self.host
    }

    /// JavaScript, as it sees the operation.
    pub fn script(&self) -> &Arc<dyn OperationScript> {
        &self.script
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.host.close();
        self.script.ended();
    }
}

/// Takes reports, and answers no question: for operations that have none.
pub(super) struct Reporter(pub(super) Arc<dyn Caller>);

impl Script for Reporter {
    fn ask(&self, ask: ScriptAsk) {
        ask.pending.fail(no_script("What was asked"));
    }

    fn forget(&self, _ask: u32) {}

    fn report(&self, failure: &Failure, coordinate: &str) {
        self.0.report(failure, coordinate);
    }
}
