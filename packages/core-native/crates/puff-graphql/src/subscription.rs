//! Subscriptions (GraphQL specification, September 2025, section 6.2.3 "Subscription"): where their
//! events come from, and the response to each.
//!
//! The engine waits for nothing: whoever has the source of a [`Subscription`] gives it the events.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::coercion::number_text;
use crate::engine::{Engine, Outcome, Prepared, Response, refuse};
use crate::error::{GraphqlError, PathSegment};
use crate::execute::{ClientError, Objects};
use crate::host::{Ask, AskedField, Failure, Host, OperationKind, Parents, StreamAnswer};
use crate::plan::{Field, Plan};
use crate::schema::{ChannelPart, StreamSpec};

/// A subscription whose source of events is known.
#[derive(Clone)]
pub struct Subscription {
    prepared: Prepared,
    source: EventSource,
}

/// Where the events of a subscription come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// The channel of this name.
    Channel(Arc<str>),
    /// JavaScript, which is asked for each.
    Script,
}

/// The root value of an execution.
#[derive(Debug, Clone)]
pub enum Event {
    /// What was published on a channel.
    Published(Arc<Json>),
    /// A value that JavaScript has.
    Script,
}

/// What two subscriptions of a schema have in common if each event has the same response for both,
/// provided that JavaScript is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    document: u32,
    operation: Option<Box<str>>,
    /// As JSON.
    variables: String,
    is_explained: bool,
    source: EventSource,
}

impl Subscription {
    /// Its document, operation, variables and source.
    pub fn identity(&self) -> Identity {
        let plan = self.prepared.plan();
        let name = plan.and_then(|plan| plan.name.as_ref());
        Identity {
            document: self.prepared.document.id,
            operation: name.map(|name| name.as_str().into()),
            // Writing to memory does not fail.
            variables: serde_json::to_string(&self.prepared.variables).unwrap_or_default(),
            is_explained: self.prepared.is_explained,
            source: self.source.clone(),
        }
    }

    /// Where its events come from.
    pub fn source(&self) -> &EventSource {
        &self.source
    }

    /// The prepared operation.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }
}

impl Engine {
    /// Finds the source of a subscription's events (section 6.2.3.1 "Source Stream",
    /// CreateSourceEventStream).
    ///
    /// # Errors
    /// The response to a subscription that has none: it was not executed, and has no `data`.
    pub async fn subscribe<H: Host>(
        &self,
        prepared: Prepared,
        host: &H,
    ) -> Result<Subscription, Response> {
        host.begin(OperationKind::Subscription, false);
        let source = self.source_of(&prepared, host).await;
        // Nothing was written that could be lost.
        let _ = host.finish(true).await;
        match source {
            Ok(source) => Ok(Subscription { prepared, source }),
            Err(error) => Err(refuse(&[error], Outcome::RequestError)),
        }
    }

    /// Executes a subscription for one event (section 6.2.3.2 "Response Stream",
    /// ExecuteSubscriptionEvent); each has a host of its own.
    pub async fn execute_event<H: Host>(
        &self,
        subscription: &Subscription,
        event: Event,
        host: &H,
    ) -> Response {
        let prepared = &subscription.prepared;
        let root_value = match event {
            Event::Published(value) => Objects::Json([value].into()),
            Event::Script => Objects::Root,
        };
        match prepared.plan() {
            Some(plan) => self.answer(prepared, plan, root_value, host).await,
            None => refuse(&[not_a_subscription()], Outcome::RequestError),
        }
    }

    /// The response to a failure of the source itself, which ends the subscription.
    pub fn source_failure<H: Host>(
        &self,
        subscription: &Subscription,
        failure: &Failure,
        host: &H,
    ) -> Response {
        let prepared = &subscription.prepared;
        let error = match prepared
            .plan()
            .and_then(|plan| plan.root.fields.first().zip(Some(plan)))
        {
            Some((field, plan)) => {
                let executor = self.executor(prepared, plan, host, None);
                at(field, executor.masked(failure, &field.coordinate))
            }
            None => not_a_subscription(),
        };
        refuse(&[error], Outcome::RequestError)
    }

    /// Whether JavaScript has to be asked for the source of a subscription's events.
    pub(crate) fn source_needs_script(&self, plan: &Plan) -> bool {
        let field = plan.root.fields.first();
        let stream = field.and_then(|field| self.stream(&field.name));
        matches!(stream, Some(StreamSpec::Script))
    }

    async fn source_of<H: Host>(
        &self,
        prepared: &Prepared,
        host: &H,
    ) -> Result<EventSource, GraphqlError> {
        let Some(plan) = prepared.plan() else {
            return Err(not_a_subscription());
        };
        // Validation allows one root field only.
        let Some(field) = plan.root.fields.first() else {
            return Err(not_a_subscription());
        };
        let executor = self.executor(prepared, plan, host, None);
        let args = executor.args(field).map_err(|error| at(field, error))?;
        let made = match self.stream(&field.name) {
            Some(StreamSpec::Channel { parts }) => {
                Ok(EventSource::Channel(channel(parts, args.get()).into()))
            }
            Some(StreamSpec::Script) => {
                let asked = AskedField {
                    index: field.index,
                    key: &field.key,
                    name: &field.name,
                    args: args.get(),
                    is_property: false,
                };
                let ask = Ask {
                    layer: plan.root.id,
                    type_name: &plan.root.type_name,
                    path: &plan.root.path,
                    parents: Parents::Root,
                    fields: vec![asked],
                };
                match host.subscribe(ask).await {
                    Ok(StreamAnswer::Channel(name)) => Ok(EventSource::Channel(name.into())),
                    Ok(StreamAnswer::Script) => Ok(EventSource::Script),
                    Err(failure) => Err(failure),
                }
            }
            None => Err(no_source(field)),
        };
        made.map_err(|failure| at(field, executor.masked(&failure, &field.coordinate)))
    }
}

/// The name of a channel; values are written as JavaScript puts them into a text.
fn channel(parts: &[ChannelPart], args: &Map<String, Json>) -> String {
    let mut name = String::new();
    for part in parts {
        match part {
            ChannelPart::Text(text) => name.push_str(text),
            ChannelPart::Arg(path) => {
                let (first, rest) = match path.split_first() {
                    Some(path) => path,
                    None => continue,
                };
                let value = rest
                    .iter()
                    .try_fold(args.get(first), |value, name| Some(value?.get(name)));
                match value.flatten() {
                    None => name.push_str("undefined"),
                    Some(Json::String(text)) => name.push_str(text),
                    Some(Json::Number(number)) => name.push_str(&number_text(number)),
                    Some(other) => name.push_str(&other.to_string()),
                }
            }
        }
    }
    name
}

fn at(field: &Field, error: ClientError) -> GraphqlError {
    GraphqlError {
        message: error.message,
        locations: field.locations.to_vec(),
        path: Some(vec![PathSegment::Key(field.key.clone())]),
        extensions: error.extensions,
    }
}

fn no_source(field: &Field) -> Failure {
    Failure {
        message: format!(
            "{}: nothing says where its events come from. Give it `subscribe`.",
            field.coordinate
        ),
        code: "PUFF_GRAPHQL_SCHEMA".into(),
        extensions: Map::new(),
        is_public: false,
    }
}

fn not_a_subscription() -> GraphqlError {
    GraphqlError::new("The operation is no subscription.", "BAD_REQUEST")
}
