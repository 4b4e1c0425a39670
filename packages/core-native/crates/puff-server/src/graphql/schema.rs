//! A schema that is served: the engine, its endpoint and its pool.

use std::sync::Arc;
use std::time::Duration;

use puff_core::postgres::Pool;
use puff_graphql::http::{Endpoint, HttpOptions};
use puff_graphql::schema::{SchemaOptions, SchemaSpec};
use puff_graphql::{
    Engine, Event, Outcome, Prepared, Request, Response, SchemaError, Subscription,
};

use super::event_stream::SharedStreams;
use super::failure::{response_of, timed_out};
use super::pool_host::{HostOptions, PoolHost};
use super::script::Script;
use super::subscriptions::Feeds;

/// A schema, shared by all who serve it.
pub struct Schema {
    engine: Engine,
    endpoint: Endpoint,
    host: HostOptions,
    feeds: Feeds,
    streams: SharedStreams,
}

impl Schema {
    /// Makes a schema; statements run on the pool.
    ///
    /// # Errors
    /// A schema that is not valid.
    pub fn new(
        spec: &SchemaSpec,
        pool: Option<Pool>,
        http: HttpOptions,
    ) -> Result<Schema, SchemaError> {
        let SchemaOptions {
            has_settings,
            mutation_transaction,
            limits,
            ..
        } = &spec.options;
        let timeout = (limits.timeout_ms > 0).then(|| Duration::from_millis(limits.timeout_ms));
        Ok(Schema {
            engine: Engine::new(spec)?,
            endpoint: Endpoint::new(http),
            host: HostOptions {
                pool,
                mutation_transaction: *mutation_transaction,
                has_settings: *has_settings,
                max_rows: limits.rows,
                timeout,
            },
            feeds: Feeds::default(),
            streams: SharedStreams::default(),
        })
    }

    /// What executes its operations.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What reads its requests.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    pub(super) fn streams(&self) -> &SharedStreams {
        &self.streams
    }

    /// Whether its pool was closed: no statement can run any more.
    pub fn is_closed(&self) -> bool {
        self.host.pool.as_ref().is_some_and(Pool::is_closed)
    }

    /// A host for one operation on this schema.
    pub fn host(&self, script: Option<Arc<dyn Script>>) -> PoolHost {
        PoolHost::new(self.host.clone(), script)
    }

    /// Executes a request; dropping the future cancels what runs.
    pub async fn execute(&self, request: &Request, host: &PoolHost) -> Response {
        self.within_time(self.engine.execute(request, host), host)
            .await
    }

    /// Executes what was prepared; dropping the future cancels what runs.
    pub async fn run(&self, prepared: &Prepared, host: &PoolHost) -> Response {
        self.within_time(self.engine.run(prepared, host), host)
            .await
    }

    /// Finds the source of a subscription's events.
    ///
    /// # Errors
    /// The response to one that has none.
    pub async fn subscribe(
        &self,
        prepared: Prepared,
        host: &PoolHost,
    ) -> Result<Subscription, Response> {
        let subscribed = host
            .within_time(self.engine.subscribe(prepared, host))
            .await;
        subscribed.unwrap_or_else(|| Err(self.timed_out()))
    }

    /// Executes a subscription for one event; dropping the future cancels what runs.
    pub async fn execute_event(
        &self,
        subscription: &Subscription,
        event: Event,
        host: &PoolHost,
    ) -> Response {
        let execution = self.engine.execute_event(subscription, event, host);
        self.within_time(execution, host).await
    }

    async fn within_time(&self, work: impl Future<Output = Response>, host: &PoolHost) -> Response {
        let response = host.within_time(work).await;
        response.unwrap_or_else(|| self.timed_out())
    }

    fn timed_out(&self) -> Response {
        Response {
            body: response_of(&timed_out(self.host.timeout.unwrap_or_default())).into(),
            outcome: Outcome::RequestError,
        }
    }
}
