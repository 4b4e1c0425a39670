//! Making plans.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use apollo_compiler::ast::{FieldDefinition, OperationType};
use apollo_compiler::executable::{Field as FieldNode, Operation, SelectionSet};
use apollo_compiler::{Name, Node};
use serde_json::{Map, Value as Json};

use super::arguments::Arguments;
use super::collect::{Collector, deciding_variables};
use super::field::{Child, ConnectionPart, Field, Layer, Source, TypeShape};
use super::leaf::Leaf;
use super::script_need::ScriptNeed;
use crate::document::{Document, TypeSystem};
use crate::error::GraphqlError;
use crate::schema::Resolvers;

/// The layers of an operation.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: OperationType,
    /// The operation's name.
    pub(crate) name: Option<Name>,
    pub(crate) root: Layer,
    layers: AtomicU32,
    /// Bytes of the last response: the next one will be much the same.
    response_size: AtomicUsize,
    needs_script: OnceLock<bool>,
}

impl Plan {
    /// How many bytes a response will have, with some to spare.
    pub(crate) fn response_size(&self) -> usize {
        let last = self.response_size.load(Ordering::Relaxed);
        (last + last / 8).min(MAX_SIZE_HINT)
    }

    /// Whether executing it may ask JavaScript for anything, apart from settings.
    pub(crate) fn needs_script(&self, planner: &Planner<'_>) -> bool {
        *self
            .needs_script
            .get_or_init(|| ScriptNeed::new(planner, self).find())
    }

    pub(crate) fn note_response_size(&self, size: usize) {
        self.response_size.store(size, Ordering::Relaxed);
    }
}

/// One huge response should not make those after it reserve as much.
const MAX_SIZE_HINT: usize = 1024 * 1024;

/// The plans of a document: by operation, and by the values of the variables in `@skip` and `@include`.
#[derive(Debug)]
pub(crate) struct Plans {
    deciding: Vec<Name>,
    by_key: Mutex<HashMap<PlanKey, Arc<Plan>>>,
}

type PlanKey = (Option<Name>, Box<[Option<bool>]>);

/// A document with many conditions has a plan for each combination: only so many are kept.
const MAX_PLANS: usize = 64;

impl Plans {
    pub(crate) fn new(document: &Document) -> Plans {
        Plans {
            deciding: deciding_variables(document),
            by_key: Mutex::default(),
        }
    }
}

/// Finds or makes the plan of an operation.
///
/// # Errors
/// An operation type that the schema lacks, or introspection where it is turned off.
pub(crate) fn plan_for(
    planner: &Planner<'_>,
    plans: &Plans,
    operation: &Operation,
) -> Result<Arc<Plan>, GraphqlError> {
    let decisions = plans
        .deciding
        .iter()
        .map(|name| planner.variables.get(name.as_str()).and_then(Json::as_bool));
    let key = (operation.name.clone(), decisions.collect());
    let lock = || {
        plans
            .by_key
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    };
    if let Some(plan) = lock().get(&key) {
        return Ok(plan.clone());
    }
    let plan = Arc::new(planner.plan(operation)?);
    let mut by_key = lock();
    if by_key.len() >= MAX_PLANS {
        by_key.clear();
    }
    by_key.insert(key, plan.clone());
    Ok(plan)
}

/// What a layer's objects are in, beside objects of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Object,
    Connection,
    Edge,
    PageInfo,
}

/// Makes the layers of a document, with the variables of an execution.
pub(crate) struct Planner<'e> {
    pub(crate) types: &'e TypeSystem,
    pub(crate) resolvers: &'e Resolvers,
    pub(crate) document: &'e Document,
    pub(crate) variables: &'e Map<String, Json>,
    pub(crate) allows_introspection: bool,
}

impl Planner<'_> {
    fn plan(&self, operation: &Operation) -> Result<Plan, GraphqlError> {
        let kind = operation.operation_type;
        let root_type = self.types.root_type(kind).ok_or_else(|| {
            GraphqlError::new(
                format!("Schema is not configured to execute {kind} operation."),
                "GRAPHQL_VALIDATION_FAILED",
            )
        })?;
        let layers = AtomicU32::new(1);
        let root = self.layer(
            &layers,
            root_type,
            std::iter::once(&operation.selection_set),
            Box::default(),
            Role::Object,
        );
        if !self.allows_introspection
            && let Some(field) = root
                .fields
                .iter()
                .find(|field| matches!(field.source, Source::Introspection))
        {
            let error = GraphqlError::new(
                format!(
                    "Introspection is turned off, so {} cannot be asked for. Turn it on with `introspection: true` in the schema's options.",
                    field.name
                ),
                "GRAPHQL_VALIDATION_FAILED",
            );
            return Err(match field.locations.first() {
                Some(location) => error.at(*location),
                None => error,
            });
        }
        Ok(Plan {
            kind,
            name: operation.name.clone(),
            root,
            layers,
            response_size: AtomicUsize::new(0),
            needs_script: OnceLock::new(),
        })
    }

    /// The layer below a field for objects of one of its types.
    pub(crate) fn child<'p>(
        &self,
        plan: &'p Plan,
        parent: &Layer,
        field: &'p Field,
        index: usize,
    ) -> &'p Layer {
        let child = &field.children[index];
        child.layer.get_or_init(|| {
            let path = parent
                .path
                .iter()
                .chain(std::iter::once(&field.key))
                .cloned();
            let role = match &field.source {
                Source::Connection(_) => Role::Connection,
                Source::Part(ConnectionPart::Edges) => Role::Edge,
                Source::Part(ConnectionPart::PageInfo) => Role::PageInfo,
                _ => Role::Object,
            };
            let sets = field.nodes.iter().map(|node| &node.selection_set);
            Box::new(self.layer(&plan.layers, &child.type_name, sets, path.collect(), role))
        })
    }

    fn layer<'d>(
        &'d self,
        layers: &AtomicU32,
        type_name: &'d Name,
        sets: impl Iterator<Item = &'d SelectionSet>,
        path: Box<[Box<str>]>,
        role: Role,
    ) -> Layer {
        let mut collector = Collector::new(self.types, self.document, self.variables, type_name);
        for set in sets {
            collector.add(set);
        }
        let fields = collector
            .finish()
            .into_iter()
            .enumerate()
            .filter_map(|(index, (key, nodes))| {
                self.field(index as u32, type_name, key, &nodes, role)
            })
            .collect();
        Layer {
            id: layers.fetch_add(1, Ordering::Relaxed),
            type_name: type_name.clone(),
            path,
            fields,
        }
    }

    /// `None` where validation has let something through that is not in the schema.
    fn field(
        &self,
        index: u32,
        type_name: &Name,
        key: &Name,
        nodes: &[&Node<FieldNode>],
        role: Role,
    ) -> Option<Field> {
        let first = *nodes.first()?;
        let schema = self.types.schema();
        let definition: Node<FieldDefinition> = match schema.type_field(type_name, &first.name) {
            Ok(definition) => definition.node.clone(),
            Err(_) => first.definition.clone(),
        };
        let source = self.source(type_name, &first.name, role);
        let named = schema.types.get(definition.ty.inner_named_type())?;
        let no_names = HashMap::new();
        let enum_names = match &source {
            Source::Column(column) => &column.enum_names,
            _ => &no_names,
        };
        let leaf = Leaf::of(named, enum_names);
        let children = match leaf {
            Some(_) => Box::default(),
            None => self
                .types
                .possible_types(named.name())
                .iter()
                .map(|type_name| Child {
                    type_name: type_name.clone(),
                    layer: OnceLock::new(),
                })
                .collect(),
        };
        Some(Field {
            index,
            key: key.as_str().into(),
            json_key: format!("\"{key}\":").into_bytes().into(),
            name: first.name.clone(),
            coordinate: format!("{type_name}.{}", first.name).into(),
            shape: TypeShape::of(&definition.ty),
            locations: nodes
                .iter()
                .filter_map(|node| Some(self.document.location(node.location()?)))
                .collect(),
            nodes: nodes.iter().map(|node| (*node).clone()).collect(),
            arguments: Arguments::of(self.types, &definition, first),
            definition,
            source,
            leaf,
            children,
        })
    }

    fn source(&self, type_name: &Name, field: &Name, role: Role) -> Source {
        if field == "__typename" {
            return Source::Typename;
        }
        if matches!(field.as_str(), "__schema" | "__type") {
            return Source::Introspection;
        }
        if let Some(source) = self.resolvers.get(type_name, field) {
            return source.clone();
        }
        match connection_part(role, field) {
            Some(part) => Source::Part(part),
            None => Source::Default,
        }
    }
}

fn connection_part(role: Role, field: &str) -> Option<ConnectionPart> {
    Some(match (role, field) {
        (Role::Connection, "edges") => ConnectionPart::Edges,
        (Role::Connection, "nodes") => ConnectionPart::Nodes,
        (Role::Connection, "pageInfo") => ConnectionPart::PageInfo,
        (Role::Connection, "totalCount") => ConnectionPart::TotalCount,
        (Role::Edge, "cursor") => ConnectionPart::Cursor,
        (Role::Edge, "node") => ConnectionPart::Node,
        (Role::PageInfo, "hasNextPage") => ConnectionPart::HasNextPage,
        (Role::PageInfo, "hasPreviousPage") => ConnectionPart::HasPreviousPage,
        (Role::PageInfo, "startCursor") => ConnectionPart::StartCursor,
        (Role::PageInfo, "endCursor") => ConnectionPart::EndCursor,
        _ => return None,
    })
}
