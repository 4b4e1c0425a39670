//! The engine: a schema that answers requests.

use std::sync::Arc;

use apollo_compiler::ast::OperationType;
use futures_util::lock::Mutex;
use serde_json::{Map, Value as Json};

use crate::coercion::coerce_variables;
use crate::document::{Document, Documents, TypeSystem, check};
use crate::error::GraphqlError;
use crate::execute::{Executor, Objects, Trace};
use crate::host::{Host, OperationKind};
use crate::plan::{Plan, Planner, Plans, plan_for};
use crate::schema::{Resolvers, SchemaOptions, SchemaSpec, StreamSpec};
use crate::serialize::Writer;

/// Documents that are kept, and the bytes of text that they may have together.
const MAX_DOCUMENTS: usize = 1_000;
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// A schema that answers requests; shared by all threads.
pub struct Engine {
    types: TypeSystem,
    resolvers: Resolvers,
    options: SchemaOptions,
    documents: Documents,
}

/// Why a schema cannot be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SchemaError {
    /// The SDL is not valid.
    #[error("the schema is not valid: {}", messages(.0))]
    Invalid(Vec<GraphqlError>),
    /// What it says about a field does not fit the SDL.
    #[error("{0}")]
    Field(String),
}

fn messages(errors: &[GraphqlError]) -> String {
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}

/// A GraphQL request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The document.
    pub query: Arc<str>,
    /// Which of its operations; may be left out if there is only one.
    pub operation_name: Option<String>,
    /// The variables as the client sent them.
    pub variables: Map<String, Json>,
    /// Whether the layers go into the response's extensions, with their statements and times.
    pub is_explained: bool,
    /// Whether it may change anything: not so where it came by GET.
    pub allows_mutation: bool,
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Response {
    /// The response as JSON.
    pub body: Vec<u8>,
    /// What it is.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not executed: the body has errors and no `data`.
    RequestError,
    /// It is a mutation where none is allowed, and was not executed.
    MutationNotAllowed,
    /// It was executed.
    Executed {
        /// Whether the body has errors.
        has_errors: bool,
    },
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// A schema that is not valid, or that says things about fields that cannot be.
    pub fn new(spec: &SchemaSpec) -> Result<Engine, SchemaError> {
        let mut types = TypeSystem::parse(&spec.sdl).map_err(SchemaError::Invalid)?;
        // Suggestions would tell names that introspection does not.
        types.suggests = spec.options.introspection;
        let resolvers = Resolvers::new(spec, &types).map_err(SchemaError::Field)?;
        Ok(Engine {
            types,
            resolvers,
            options: spec.options.clone(),
            documents: Documents::new(MAX_DOCUMENTS, MAX_DOCUMENT_BYTES),
        })
    }

    /// Whether there is a subscription type.
    pub fn has_subscriptions(&self) -> bool {
        self.types.root_type(OperationType::Subscription).is_some()
    }

    /// What the schema allows and tells.
    pub fn options(&self) -> &SchemaOptions {
        &self.options
    }

    /// Answers a request.
    pub async fn execute<H: Host>(&self, request: &Request, host: &H) -> Response {
        match self.prepare(request) {
            Ok(prepared) => self.run(&prepared, host).await,
            Err(response) => response,
        }
    }

    /// Finds out what a request wants: parses, validates and plans it, or takes what is known of its
    /// document already.
    ///
    /// # Errors
    /// The response to a request that cannot be executed.
    pub fn prepare(&self, request: &Request) -> Result<Prepared, Response> {
        self.examine(request)
            .map_err(|errors| refuse(&errors, Outcome::RequestError))
    }

    fn examine(&self, request: &Request) -> Result<Prepared, Vec<GraphqlError>> {
        let limits = &self.options.limits;
        let document = self.documents.get(&self.types, &request.query, limits)?;
        let operation = document
            .operation(request.operation_name.as_deref())
            .map_err(|error| vec![error])?
            .clone();
        if operation.operation_type == OperationType::Mutation && !request.allows_mutation {
            return Ok(Prepared {
                document,
                variables: Map::new(),
                is_explained: false,
                plan: None,
            });
        }
        let variables = coerce_variables(&self.types, &document, &operation, &request.variables)?;
        check(&document, &operation, &variables, limits).map_err(|error| vec![error])?;
        let plans = document
            .extension
            .get_or_init(|| Box::new(Plans::new(&document)));
        let planner = self.planner(&document, &variables);
        let plan = match plans.downcast_ref::<Plans>() {
            Some(plans) => plan_for(&planner, plans, &operation),
            None => plan_for(&planner, &Plans::new(&document), &operation),
        }
        .map_err(|error| vec![error])?;
        Ok(Prepared {
            plan: Some(plan),
            document,
            variables,
            is_explained: request.is_explained,
        })
    }

    /// Whether answering it may ask JavaScript for anything.
    pub fn needs_script(&self, prepared: &Prepared) -> bool {
        self.execution_needs_script(prepared)
            || prepared.plan().is_some_and(|plan| {
                plan.kind == OperationType::Subscription && self.source_needs_script(plan)
            })
    }

    /// The same of the execution alone; of a subscription, for an event that was published on a channel.
    pub fn execution_needs_script(&self, prepared: &Prepared) -> bool {
        match prepared.plan() {
            None => false,
            Some(_) if self.options.has_settings => true,
            Some(plan) => plan.needs_script(&self.planner(&prepared.document, &prepared.variables)),
        }
    }

    pub(crate) fn stream(&self, field: &apollo_compiler::Name) -> Option<&StreamSpec> {
        self.resolvers.stream(field)
    }

    fn planner<'e>(
        &'e self,
        document: &'e Document,
        variables: &'e Map<String, Json>,
    ) -> Planner<'e> {
        Planner {
            types: &self.types,
            resolvers: &self.resolvers,
            document,
            variables,
            allows_introspection: self.options.introspection,
        }
    }

    /// Executes what was prepared.
    pub async fn run<H: Host>(&self, prepared: &Prepared, host: &H) -> Response {
        let Some(plan) = &prepared.plan else {
            let error = GraphqlError::new(
                "Mutations cannot be sent by GET: send the request by POST.",
                "BAD_REQUEST",
            );
            return refuse(&[error], Outcome::MutationNotAllowed);
        };
        if plan.kind == OperationType::Subscription {
            let error = GraphqlError::new(
                "Subscriptions cannot be answered by one response: use a transport for subscriptions.",
                "BAD_REQUEST",
            );
            return refuse(&[error], Outcome::RequestError);
        }
        self.answer(prepared, plan, Objects::Root, host).await
    }

    /// Executes a plan on its root value, and writes the response.
    pub(crate) async fn answer<H: Host>(
        &self,
        prepared: &Prepared,
        plan: &Plan,
        root_value: Objects,
        host: &H,
    ) -> Response {
        let kind = kind_of(plan.kind);
        let trace = prepared.is_explained.then(Trace::new);
        let executor = self.executor(prepared, plan, host, trace.as_ref());
        host.begin(kind, executor.is_one_statement());
        let data = executor.run(root_value).await;
        let mut writer = Writer::new(plan.response_size());
        writer.out.extend_from_slice(b"{\"data\":");
        writer.root(&data);
        let is_success = kind != OperationKind::Mutation || !writer.has_failed_root;
        let finished = host.finish(is_success).await;
        let Writer {
            mut out,
            mut errors,
            omitted,
            ..
        } = writer;
        let failure = finished
            .err()
            .map(|failure| executor.masked(&failure, kind.name()));
        if let Some(failure) = failure {
            // What was written was not kept.
            out.clear();
            out.extend_from_slice(b"{\"data\":null");
            errors.push(GraphqlError {
                message: failure.message,
                locations: Vec::new(),
                path: None,
                extensions: failure.extensions,
            });
        } else if !is_success && self.options.mutation_transaction && host.has_rolled_back() {
            out.clear();
            out.extend_from_slice(b"{\"data\":null");
        }
        if omitted > 0 {
            errors.push(GraphqlError::new(
                format!("There are {omitted} more errors."),
                "PUFF_GRAPHQL_MORE_ERRORS",
            ));
        }
        let has_errors = !errors.is_empty();
        plan.note_response_size(out.len());
        if has_errors {
            out.extend_from_slice(b",\"errors\":");
            // Writing to memory does not fail, and errors hold nothing that is no JSON.
            let _ = serde_json::to_writer(&mut out, &errors);
        }
        if let Some(trace) = trace {
            out.extend_from_slice(b",\"extensions\":{\"explain\":");
            let _ = serde_json::to_writer(&mut out, &trace.to_json());
            out.push(b'}');
        }
        out.push(b'}');
        Response {
            body: out,
            outcome: Outcome::Executed { has_errors },
        }
    }

    pub(crate) fn executor<'e, H: Host>(
        &'e self,
        prepared: &'e Prepared,
        plan: &'e Plan,
        host: &'e H,
        trace: Option<&'e Trace>,
    ) -> Executor<'e, H> {
        Executor {
            planner: self.planner(&prepared.document, &prepared.variables),
            plan,
            host,
            masks_errors: self.options.masks_errors,
            trace,
            ahead: Default::default(),
            context: Mutex::new(None),
        }
    }
}

/// A request that can be executed.
#[derive(Clone)]
pub struct Prepared {
    pub(crate) document: Arc<Document>,
    /// Coerced.
    pub(crate) variables: Map<String, Json>,
    pub(crate) is_explained: bool,
    /// `None` for a mutation that is not allowed.
    plan: Option<Arc<Plan>>,
}

impl Prepared {
    /// The kind of its operation.
    pub fn kind(&self) -> OperationKind {
        match &self.plan {
            Some(plan) => kind_of(plan.kind),
            None => OperationKind::Mutation,
        }
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref()
    }
}

fn kind_of(kind: OperationType) -> OperationKind {
    match kind {
        OperationType::Query => OperationKind::Query,
        OperationType::Mutation => OperationKind::Mutation,
        OperationType::Subscription => OperationKind::Subscription,
    }
}

/// The response to a request that is not executed.
pub(crate) fn refuse(errors: &[GraphqlError], outcome: Outcome) -> Response {
    let body = serde_json::json!({ "errors": errors });
    Response {
        body: body.to_string().into_bytes(),
        outcome,
    }
}
