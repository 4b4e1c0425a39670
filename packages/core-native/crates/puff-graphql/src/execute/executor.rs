//! Runs the layers of a plan.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex as StdMutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::lock::Mutex;
use serde_json::{Map, Value as Json};

use super::data::{ClientError, FieldData, LayerData, Objects, RowObjects};
use super::explain::Trace;
use crate::coercion::coerce_arguments;
use crate::host::{Ask, AskedField, Failure, Host, Parents};
use crate::introspection::introspect;
use crate::plan::{Arguments, ConnectionPart, Field, Layer, Plan, Planner, Source};
use crate::rows::Rows;
use crate::serialize::FastLeaf;

/// One execution of a plan.
pub(crate) struct Executor<'e, H: Host> {
    pub(crate) planner: Planner<'e>,
    pub(crate) plan: &'e Plan,
    pub(crate) host: &'e H,
    pub(crate) masks_errors: bool,
    pub(crate) trace: Option<&'e Trace>,
    /// Rows that were fetched before their layer was reached, by layer and field.
    pub(crate) ahead: Ahead,
    /// The operation's context as JSON, once it was asked for.
    pub(crate) context: Mutex<Option<Result<Arc<Json>, Failure>>>,
}

/// Rows by layer and field.
pub(crate) type Ahead = StdMutex<HashMap<(u32, u32), Result<Arc<Rows>, Failure>>>;

/// A field's arguments in this execution.
pub(crate) enum Args<'p> {
    Fixed(&'p Map<String, Json>),
    Coerced(Map<String, Json>),
}

impl Args<'_> {
    pub(crate) fn get(&self) -> &Map<String, Json> {
        match self {
            Args::Fixed(args) => args,
            Args::Coerced(args) => args,
        }
    }
}

impl<'e, H: Host> Executor<'e, H> {
    /// Whether a statement of the schema's is all that the operation does.
    pub(crate) fn is_one_statement(&self) -> bool {
        let root = &self.plan.root;
        let mut fields = root
            .fields
            .iter()
            .filter(|field| !matches!(field.source, Source::Typename));
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return false;
        };
        let is_of_the_row = |field: &Field| {
            let is_read = matches!(
                field.source,
                Source::Typename | Source::Default | Source::Column(_)
            );
            is_read && field.leaf.is_some()
        };
        matches!(field.source, Source::Statement(_))
            && (0..field.children.len()).all(|index| {
                let child = self.planner.child(self.plan, root, field, index);
                child.fields.iter().all(is_of_the_row)
            })
    }

    /// Runs the whole operation on its root value.
    pub(crate) async fn run<'s>(&'s self, root_value: Objects) -> LayerData<'s> {
        let root = &self.plan.root;
        match self.plan.kind {
            apollo_compiler::ast::OperationType::Mutation => self.run_in_turn(root).await,
            _ => self.run_layer(root, root_value).await,
        }
    }

    /// Runs the fields of a mutation, each with all that is below it before the next.
    async fn run_in_turn<'s>(&'s self, root: &'s Layer) -> LayerData<'s> {
        let mut fields = Vec::with_capacity(root.fields.len());
        for field in &root.fields {
            let mut data = self
                .run_fields(root, std::slice::from_ref(field), &Objects::Root)
                .await;
            fields.append(&mut data);
        }
        LayerData {
            layer: root,
            objects: Objects::Root,
            fields,
        }
    }

    /// Runs a layer for all its objects.
    pub(crate) fn run_layer<'s>(
        &'s self,
        layer: &'s Layer,
        objects: Objects,
    ) -> BoxFuture<'s, LayerData<'s>> {
        async move {
            let fields = match objects.len() {
                0 => Vec::new(),
                _ => self.run_fields(layer, &layer.fields, &objects).await,
            };
            LayerData {
                layer,
                objects,
                fields,
            }
        }
        .boxed()
    }

    async fn run_fields<'s>(
        &'s self,
        layer: &'s Layer,
        fields: &'s [Field],
        objects: &Objects,
    ) -> Vec<FieldData<'s>> {
        let mut data: Vec<Option<FieldData<'s>>> = Vec::with_capacity(fields.len());
        let mut pending: Vec<BoxFuture<'_, (usize, FieldData<'s>)>> = Vec::new();
        let mut asked = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let immediate = self.immediate(field, objects);
            if immediate.is_none() {
                match self.args(field) {
                    Err(error) => {
                        data.push(Some(FieldData::Failed(error)));
                        continue;
                    }
                    Ok(args) => match &field.source {
                        Source::Statement(statement) => pending.push(
                            self.statement_field(layer, field, statement, args, objects)
                                .map(move |data| (at, data))
                                .boxed(),
                        ),
                        Source::Connection(connection) => pending.push(
                            self.connection_field(layer, field, connection, args, objects)
                                .map(move |data| (at, data))
                                .boxed(),
                        ),
                        Source::Part(_) => pending.push(
                            self.part_field(layer, field, objects)
                                .map(move |data| (at, data))
                                .boxed(),
                        ),
                        Source::Default | Source::Column(_)
                            if matches!(objects, Objects::Json(_)) =>
                        {
                            pending.push(
                                self.json_field(layer, field, objects)
                                    .map(move |data| (at, data))
                                    .boxed(),
                            );
                        }
                        _ => asked.push((at, field, args)),
                    },
                }
            }
            data.push(immediate);
        }
        if !asked.is_empty() {
            let answers = self.host.ask(Ask {
                layer: layer.id,
                type_name: &layer.type_name,
                path: &layer.path,
                parents: parents_of(objects),
                fields: asked
                    .iter()
                    .map(|(_, field, args)| AskedField {
                        index: field.index,
                        key: &field.key,
                        name: &field.name,
                        args: args.get(),
                        is_property: false,
                    })
                    .collect(),
            });
            for ((at, field, _), answer) in asked.into_iter().zip(answers) {
                pending.push(
                    async move {
                        let begun = self.trace.map(Trace::begin);
                        let answer = answer.await;
                        let data = self
                            .answered_field(layer, field, objects, answer, begun)
                            .await;
                        (at, data)
                    }
                    .boxed(),
                );
            }
        }
        match pending.len() {
            0 => {}
            1 => {
                if let Some(future) = pending.pop() {
                    // It may start statements of the layer below together with its own.
                    let (at, done) = gathered(self.host, future).await;
                    data[at] = Some(done);
                }
            }
            _ => {
                for (at, done) in gathered(self.host, join_all(pending)).await {
                    data[at] = Some(done);
                }
            }
        }
        data.into_iter()
            .map(|data| data.unwrap_or_else(|| FieldData::Failed(lost_field())))
            .collect()
    }

    /// What needs no waiting.
    fn immediate<'s>(&'s self, field: &'s Field, objects: &Objects) -> Option<FieldData<'s>> {
        Some(match (&field.source, objects) {
            (Source::Typename, _) => FieldData::Typename,
            (Source::Introspection, _) => self.introspection(field),
            (Source::Default | Source::Column(_), Objects::Json(_)) if field.leaf.is_some() => {
                FieldData::Property
            }
            (Source::Default, Objects::Rows(rows)) => match rows.column(&field.name) {
                Some(column) if field.leaf.is_some() => cell(field, rows, column),
                Some(_) => FieldData::Failed(self.masked(&not_a_leaf(field), &field.coordinate)),
                None => FieldData::Failed(
                    self.masked(&no_column(field, &field.name), &field.coordinate),
                ),
            },
            (Source::Column(spec), Objects::Rows(rows)) => {
                match rows.column_of(&field.name, &spec.column) {
                    Some(column) if field.leaf.is_some() => cell(field, rows, column),
                    Some(_) => {
                        FieldData::Failed(self.masked(&not_a_leaf(field), &field.coordinate))
                    }
                    None => FieldData::Failed(
                        self.masked(&no_column(field, &spec.column), &field.coordinate),
                    ),
                }
            }
            (
                Source::Part(
                    ConnectionPart::HasNextPage
                    | ConnectionPart::HasPreviousPage
                    | ConnectionPart::StartCursor
                    | ConnectionPart::EndCursor
                    | ConnectionPart::TotalCount,
                ),
                Objects::Pages(_),
            ) => FieldData::Page,
            (Source::Part(_), Objects::Pages(_)) => return None,
            (Source::Part(ConnectionPart::Cursor), Objects::Rows(_)) => FieldData::Page,
            (Source::Default | Source::Column(_), Objects::Pages(_)) => {
                FieldData::Failed(self.masked(&no_column(field, &field.name), &field.coordinate))
            }
            (_, Objects::Pages(_)) => self.failed(
                &schema_failure(format!(
                    "{}: a type of a connection has no fields but those of the specification of connections.",
                    field.coordinate
                )),
                field,
            ),
            _ => return None,
        })
    }

    fn introspection<'s>(&self, field: &'s Field) -> FieldData<'s> {
        let nodes: Vec<_> = field.nodes.iter().collect();
        let planner = &self.planner;
        match introspect(planner.types, planner.document, &nodes, planner.variables) {
            Ok(json) => FieldData::Constant(json),
            Err(error) => FieldData::Failed(ClientError {
                message: error.message,
                extensions: error.extensions,
            }),
        }
    }

    /// The arguments of a field; what is wrong with them is the client's to know.
    pub(crate) fn args<'s>(&'s self, field: &'s Field) -> Result<Args<'s>, ClientError> {
        match &field.arguments {
            Arguments::Fixed(args) => Ok(Args::Fixed(args)),
            Arguments::Variable => {
                let planner = &self.planner;
                let node = &field.nodes[0];
                coerce_arguments(planner.types, &field.definition, node, planner.variables)
                    .map(Args::Coerced)
                    .map_err(|error| ClientError {
                        message: error.message,
                        extensions: error.extensions,
                    })
            }
        }
    }

    /// The context as JSON.
    pub(crate) async fn context(&self) -> Result<Arc<Json>, Failure> {
        let mut context = self.context.lock().await;
        if let Some(known) = &*context {
            return known.clone();
        }
        let asked = self.host.context().await.map(Arc::new);
        *context = Some(asked.clone());
        asked
    }

    /// What clients are told of a failure; what they are not told is reported to the host.
    pub(crate) fn masked(&self, failure: &Failure, coordinate: &str) -> ClientError {
        if failure.is_public || !self.masks_errors {
            let mut extensions = failure.extensions.clone();
            if !failure.code.is_empty() && !extensions.contains_key("code") {
                extensions.insert("code".into(), failure.code.clone().into());
            }
            if !failure.is_public {
                self.host.report(failure, coordinate);
            }
            return ClientError {
                message: failure.message.clone(),
                extensions,
            };
        }
        self.host.report(failure, coordinate);
        let (message, code) = match OUTAGES.contains(&failure.code.as_str()) {
            true => ("The database is not available.", failure.code.as_str()),
            false => ("Unexpected error.", "INTERNAL_SERVER_ERROR"),
        };
        let mut extensions = Map::new();
        extensions.insert("code".into(), code.into());
        ClientError {
            message: message.into(),
            extensions,
        }
    }

    pub(crate) fn failed<'s>(&self, failure: &Failure, field: &Field) -> FieldData<'s> {
        FieldData::Failed(self.masked(failure, &field.coordinate))
    }
}

/// Failures that pass by themselves: clients may know of them, without their details.
const OUTAGES: [&str; 3] = [
    "PUFF_POSTGRES_UNAVAILABLE",
    "PUFF_POSTGRES_CONNECTION_LOST",
    "PUFF_POSTGRES_POOL_TIMEOUT",
];

/// Starts what a future starts at its first poll together.
async fn gathered<H: Host, T>(host: &H, future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut has_started = false;
    poll_fn(|context| {
        if has_started {
            return future.as_mut().poll(context);
        }
        has_started = true;
        host.gather();
        let polled = future.as_mut().poll(context);
        host.flush();
        polled
    })
    .await
}

fn cell<'s>(field: &Field, rows: &RowObjects, column: usize) -> FieldData<'s> {
    let described = &rows.rows.columns[column];
    let fast = match (&field.leaf, field.shape.is_list()) {
        (Some(leaf), false) => FastLeaf::of(leaf, described.type_oid, described.is_binary),
        _ => FastLeaf::None,
    };
    FieldData::Cell { column, fast }
}

pub(crate) fn parents_of(objects: &Objects) -> Parents<'_> {
    match objects {
        Objects::Root | Objects::Pages(_) => Parents::Root,
        Objects::Json(objects) => Parents::Json(objects),
        Objects::Rows(rows) => Parents::Rows(&rows.rows, rows.picks.as_deref()),
        Objects::Set { id, count } => Parents::Set {
            id: *id,
            count: *count,
        },
    }
}

/// A failure that the author of the schema has to mend.
pub(crate) fn schema_failure(message: String) -> Failure {
    Failure {
        message,
        code: "PUFF_GRAPHQL_SCHEMA".into(),
        extensions: Map::new(),
        is_public: false,
    }
}

fn no_column(field: &Field, column: &str) -> Failure {
    schema_failure(format!(
        "{}: the statement of the parent returns no column {column}. Select it, or give the field a layer or a resolver of its own.",
        field.coordinate
    ))
}

fn not_a_leaf(field: &Field) -> Failure {
    schema_failure(format!(
        "{}: a column cannot be an object. Give the field a layer or a resolver of its own.",
        field.coordinate
    ))
}

fn lost_field() -> ClientError {
    ClientError {
        message: "The field was not resolved.".into(),
        extensions: Map::new(),
    }
}
