//! What an endpoint allows.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};

/// The options of an endpoint; each has a default that is safe in production.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpOptions {
    /// The largest body of a request; a larger one is answered with 413.
    pub max_body_bytes: usize,
    /// Whether requests that a page of another site can send without asking are refused.
    pub csrf_prevention: bool,
    /// The methods that execute operations; mutations need POST.
    pub methods: Vec<Method>,
    /// Documents that clients register under their hash: automatic persisted queries.
    pub persisted: PersistedOptions,
    /// Documents that the application knows, by id or by SHA-256 in hexadecimal digits (with or
    /// without the prefix `sha256:`).
    pub trusted_documents: HashMap<String, String>,
    /// Whether nothing but [`HttpOptions::trusted_documents`] is executed.
    pub only_trusted: bool,
    /// The page that a browser gets.
    pub playground: Playground,
    /// Whether clients may ask how an operation was executed, by `"extensions": {"explain": true}`.
    pub explain: bool,
    /// How clients that stay connected are served.
    pub subscriptions: SubscriptionOptions,
}

impl Default for HttpOptions {
    fn default() -> HttpOptions {
        HttpOptions {
            max_body_bytes: 1024 * 1024,
            csrf_prevention: true,
            methods: vec![Method::Get, Method::Post],
            persisted: PersistedOptions::default(),
            trusted_documents: HashMap::new(),
            only_trusted: false,
            playground: Playground::None,
            explain: false,
            subscriptions: SubscriptionOptions::default(),
        }
    }
}

/// A method of HTTP that executes operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Queries, with the parameters in the URL.
    Get,
    /// Queries and mutations, with the parameters in the body.
    Post,
}

/// Automatic persisted queries, as Apollo's clients and servers do them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PersistedOptions {
    /// Whether clients may register documents.
    pub automatic: bool,
    /// The most documents that are kept; the least recently used one goes first.
    pub max_entries: usize,
    /// The most bytes of text that are kept.
    pub max_bytes: usize,
}

impl Default for PersistedOptions {
    fn default() -> PersistedOptions {
        PersistedOptions {
            automatic: true,
            max_entries: 1_000,
            max_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How clients that stay connected are served: over WebSockets, or with streams of events.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SubscriptionOptions {
    /// How long a client of a WebSocket may take to send `connection_init`.
    pub init_timeout_ms: u64,
    /// After how long without events a stream of events gets a comment, so that nobody between takes it
    /// for dead.
    pub keep_alive_ms: u64,
    /// Operations that one connection may have at a time.
    pub max_operations: usize,
    /// Bytes that may wait for the client of a stream of events: who reads more slowly is cut off.
    pub max_buffered_bytes: usize,
    /// Whether whoever connects by a WebSocket needs a context, so that making it may refuse them.
    pub checks_connections: bool,
}

impl Default for SubscriptionOptions {
    fn default() -> SubscriptionOptions {
        SubscriptionOptions {
            init_timeout_ms: 3_000,
            keep_alive_ms: 12_000,
            max_operations: 100,
            max_buffered_bytes: 1024 * 1024,
            checks_connections: false,
        }
    }
}

/// The page that a browser gets when it opens the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Playground {
    /// No page.
    #[default]
    None,
    /// GraphiQL, in pinned versions from a CDN, each checked by its hash.
    Graphiql,
    /// Apollo Sandbox, embedded from Apollo's CDN, which chooses the version.
    Sandbox,
}

/// From `"graphiql"`, `"sandbox"` or `false`.
impl<'de> Deserialize<'de> for Playground {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Playground, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Name(String),
            Switch(bool),
        }
        const EXPECTED: &&str = &"\"graphiql\", \"sandbox\" or false";
        match Form::deserialize(deserializer)? {
            Form::Name(name) => match name.as_str() {
                "graphiql" => Ok(Playground::Graphiql),
                "sandbox" => Ok(Playground::Sandbox),
                other => Err(D::Error::invalid_value(Unexpected::Str(other), EXPECTED)),
            },
            Form::Switch(false) => Ok(Playground::None),
            Form::Switch(true) => Err(D::Error::invalid_value(Unexpected::Bool(true), EXPECTED)),
        }
    }
}
