//! Layers and their fields.

use std::sync::{Arc, OnceLock};

use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::ast::Type;
use apollo_compiler::executable;
use apollo_compiler::{Name, Node};

use super::arguments::Arguments;
use super::leaf::Leaf;
use super::statement::StatementPlan;
use crate::error::Location;
use crate::schema::{ColumnSpec, ConnectionSpec, LayerSpec};

/// One selection set of one field path, for objects of one type.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Unique in the plan.
    pub(crate) id: u32,
    pub(crate) type_name: Name,
    /// Response keys from the operation to here.
    pub(crate) path: Box<[Box<str>]>,
    pub(crate) fields: Box<[Field]>,
}

/// A field of a layer: all fields of the selection set with the same response key.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its place in the layer.
    pub(crate) index: u32,
    pub(crate) key: Box<str>,
    /// `"key":`, as it stands in the response.
    pub(crate) json_key: Box<[u8]>,
    pub(crate) name: Name,
    /// `Type.field`, for messages.
    pub(crate) coordinate: Box<str>,
    pub(crate) shape: TypeShape,
    pub(crate) locations: Box<[Location]>,
    pub(crate) nodes: Box<[Node<executable::Field>]>,
    pub(crate) definition: Node<FieldDefinition>,
    pub(crate) arguments: Arguments,
    pub(crate) source: Source,
    /// The leaf type, or `None` for a composite type.
    pub(crate) leaf: Option<Leaf>,
    /// The object types that a composite type can be.
    pub(crate) children: Box<[Child]>,
}

/// The layer below a field for one object type, planned when the first object of it turns up.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) type_name: Name,
    pub(crate) layer: OnceLock<Box<Layer>>,
}

/// A type's lists and non-null marks, from the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeShape {
    Named {
        is_non_null: bool,
    },
    List {
        is_non_null: bool,
        item: Box<TypeShape>,
    },
}

impl TypeShape {
    pub(crate) fn of(ty: &Type) -> TypeShape {
        match ty {
            Type::Named(_) => TypeShape::Named { is_non_null: false },
            Type::NonNullNamed(_) => TypeShape::Named { is_non_null: true },
            Type::List(item) => TypeShape::List {
                is_non_null: false,
                item: Box::new(TypeShape::of(item)),
            },
            Type::NonNullList(item) => TypeShape::List {
                is_non_null: true,
                item: Box::new(TypeShape::of(item)),
            },
        }
    }

    pub(crate) fn is_non_null(&self) -> bool {
        match self {
            TypeShape::Named { is_non_null } | TypeShape::List { is_non_null, .. } => *is_non_null,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, TypeShape::List { .. })
    }
}

/// Where the value of a field comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// `__typename`.
    Typename,
    /// `__schema` or `__type`.
    Introspection,
    /// The schema says nothing: what the parent has by that name.
    Default,
    /// A column of the parent's row.
    Column(Arc<ColumnSpec>),
    /// A statement for all parents.
    Statement(Arc<StatementPlan>),
    /// A function of JavaScript for all parents; with what joins its rows.
    Layer(Arc<LayerSpec>),
    /// A function of JavaScript for each parent.
    Resolver,
    /// A connection over the rows of a statement.
    Connection(Arc<ConnectionPlan>),
    /// What belongs to a connection.
    Part(ConnectionPart),
}

/// A connection, made ready.
#[derive(Debug)]
pub(crate) struct ConnectionPlan {
    pub(crate) spec: ConnectionSpec,
    pub(crate) forward: Arc<StatementPlan>,
    pub(crate) backward: Arc<StatementPlan>,
    pub(crate) total: Option<Arc<StatementPlan>>,
}

/// A field of a connection's types (GraphQL Cursor Connections Specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionPart {
    Edges,
    Nodes,
    PageInfo,
    TotalCount,
    Cursor,
    Node,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}
