//! A schema that is served: the engine, its endpoint and its pool.

use std::sync::Arc;
use std::time::Duration;

use puff_core::postgres::Pool;
use puff_graphql::http::{
    Accepted, Endpoint, HttpOptions, HttpRequest, HttpResponse, ResponseFormat, respond,
};
use puff_graphql::schema::{SchemaOptions, SchemaSpec};
use puff_graphql::{Engine, Outcome, Request, Response, SchemaError};

use super::failure::timed_out;
use super::pool_host::{HostOptions, PoolHost};
use super::script::Script;

/// A schema, shared by all who serve it.
pub struct Schema {
    engine: Engine,
    endpoint: Endpoint,
    host: HostOptions,
}

/// What to do with a request over HTTP.
pub enum Received {
    /// It is answered already.
    Answer(HttpResponse),
    /// It is to be executed and answered in this format.
    Execute(Request, ResponseFormat),
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
        })
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
        let response = host.within_time(self.engine.execute(request, host)).await;
        response.unwrap_or_else(|| {
            let failure = timed_out(self.host.timeout.unwrap_or_default());
            let body = serde_json::json!({
                "errors": [{ "message": failure.message, "extensions": { "code": failure.code } }],
            });
            Response {
                body: body.to_string().into_bytes(),
                outcome: Outcome::RequestError,
            }
        })
    }

    /// Reads a request over HTTP.
    pub fn receive(&self, request: &HttpRequest<'_>) -> Received {
        match self.endpoint.accept(request) {
            Accepted::Respond(answer) => Received::Answer(answer),
            Accepted::Execute { request, format } => Received::Execute(request, format),
        }
    }

    /// Executes a request that came over HTTP.
    pub async fn answer(
        &self,
        request: &Request,
        format: ResponseFormat,
        host: &PoolHost,
    ) -> HttpResponse {
        respond(format, self.execute(request, host).await)
    }
}
