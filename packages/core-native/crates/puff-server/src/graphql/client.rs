//! The clients whose operations begin here and not in JavaScript.

use std::sync::Arc;

use ::http::HeaderMap;
use serde_json::{Map, Value as Json};

use super::caller::Caller;

/// Who sent a request, as `context` sees it.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The request's method.
    pub method: String,
    /// Its target: path and query.
    pub target: String,
    /// Its headers.
    pub headers: Arc<HeaderMap>,
    /// The payload of `connection_init`.
    pub connection_params: Option<Arc<Map<String, Json>>>,
}

/// An isolate that knows a schema's resolvers and context.
pub trait Clients: Send + Sync {
    /// A client, of whom the isolate is told with the first question.
    fn caller(&self, client: Client) -> Arc<dyn Caller>;
}
