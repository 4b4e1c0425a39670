//! What execution leaves behind: for each layer its objects, for each field what to write.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::host::FieldError;
use crate::plan::{ColumnNames, ConnectionPlan, Layer};
use crate::rows::Rows;
use crate::serialize::FastLeaf;

/// The objects of a layer.
#[derive(Clone)]
pub(crate) enum Objects {
    /// The operation itself: one object without values.
    Root,
    /// Rows of a statement.
    Rows(RowObjects),
    /// JSON: the event of a subscription, or what is in it.
    Json(Arc<[Arc<Json>]>),
    /// Objects that JavaScript keeps.
    Set {
        /// The number that it gave them.
        id: u32,
        count: usize,
    },
    /// Pages of a connection.
    Pages(Arc<Pages>),
}

/// Objects that are rows.
#[derive(Clone)]
pub(crate) struct RowObjects {
    pub(crate) rows: Arc<Rows>,
    /// The numbers of the rows, all of them without.
    pub(crate) picks: Option<Arc<[u32]>>,
    /// Where columns are not named as fields are.
    pub(crate) names: Arc<ColumnNames>,
    /// The connection whose edges they are.
    pub(crate) connection: Option<Arc<ConnectionPlan>>,
}

/// The pages of a connection, one per parent.
pub(crate) struct Pages {
    pub(crate) rows: RowObjects,
    pub(crate) pages: Vec<Page>,
    pub(crate) connection: Arc<ConnectionPlan>,
    /// For each parent, where `totalCount` was asked for.
    pub(crate) totals: Option<LeafRows>,
}

/// The rows of one page among the rows of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) start: u32,
    pub(crate) count: u32,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
}

impl Objects {
    pub(crate) fn len(&self) -> usize {
        match self {
            Objects::Root => 1,
            Objects::Rows(objects) => objects.len(),
            Objects::Json(objects) => objects.len(),
            Objects::Set { count, .. } => *count,
            Objects::Pages(pages) => pages.pages.len(),
        }
    }
}

impl RowObjects {
    pub(crate) fn len(&self) -> usize {
        match &self.picks {
            Some(picks) => picks.len(),
            None => self.rows.len(),
        }
    }

    /// The number of an object's row.
    pub(crate) fn row(&self, object: usize) -> usize {
        match &self.picks {
            Some(picks) => picks[object] as usize,
            None => object,
        }
    }

    /// The column that holds a field whose type names one: the statement's own name for it goes first.
    pub(crate) fn column_of(&self, field: &str, column: &str) -> Option<usize> {
        match self.names.contains_key(field) {
            true => self.column(field),
            false => self.rows.position(column).or_else(|| self.column(field)),
        }
    }

    /// The column that holds a field, or that SQL calls so.
    pub(crate) fn column(&self, field: &str) -> Option<usize> {
        match self.names.get(field) {
            Some(spec) => self.rows.position(&spec.column),
            None => self
                .rows
                .position(field)
                .or_else(|| self.rows.position_of_snake_case(field)),
        }
    }
}

/// A layer that was executed.
pub(crate) struct LayerData<'p> {
    pub(crate) layer: &'p Layer,
    pub(crate) objects: Objects,
    /// For each field of the layer; empty if there are no objects.
    pub(crate) fields: Vec<FieldData<'p>>,
}

/// What to write for a field, for each object of its layer.
pub(crate) enum FieldData<'p> {
    /// The name of the layer's type.
    Typename,
    /// The value of a column of the object's row.
    Cell { column: usize, fast: FastLeaf },
    /// A leaf, or lists of leaves, in the JSON of the object.
    Property,
    /// JSON that is the same for all objects.
    Constant(Box<RawValue>),
    /// JSON for each object.
    Values {
        values: Vec<Box<RawValue>>,
        errors: FieldErrors,
    },
    /// Leaves in the rows of a statement.
    Leaves(LeafRows),
    /// Objects of the layers below.
    Objects(ChildData<'p>),
    /// What a page says of itself.
    Page,
    /// The field failed as a whole.
    Failed(ClientError),
}

/// The leaves that a statement has for each parent.
pub(crate) struct LeafRows {
    pub(crate) rows: RowObjects,
    pub(crate) slots: Slots,
    pub(crate) column: usize,
    /// JSON for a parent without a row.
    pub(crate) default: Box<str>,
}

/// The objects below a field.
pub(crate) struct ChildData<'p> {
    pub(crate) slots: Slots,
    /// One for each object type, or each set.
    pub(crate) layers: Vec<LayerData<'p>>,
    pub(crate) errors: FieldErrors,
}

/// Which objects below belong to which parent.
pub(crate) enum Slots {
    /// At most one object of the only layer below.
    One(Vec<Option<u32>>),
    /// A list of neighbours in the only layer below: start and length.
    Ranges(Vec<(u32, u32)>),
    /// Anything: lists of lists, nulls in lists, objects of several types.
    Nested(Vec<Slot>),
}

/// What is in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    Null,
    /// An object: which of the layers below, which object there.
    Object(u32, u32),
    List(Vec<Slot>),
}

/// Errors below a field, in the order of its parents.
#[derive(Default)]
pub(crate) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub(crate) fn new(mut errors: Vec<FieldError>) -> FieldErrors {
        errors.sort_by_key(|error| error.parent);
        FieldErrors(errors)
    }

    /// The errors of one parent.
    pub(crate) fn of(&self, parent: usize) -> &[FieldError] {
        if self.0.is_empty() {
            return &[];
        }
        let parent = parent as u32;
        let start = self.0.partition_point(|error| error.parent < parent);
        let end = self.0.partition_point(|error| error.parent <= parent);
        &self.0[start..end]
    }
}

/// What clients are told of a failure.
#[derive(Debug, Clone)]
pub(crate) struct ClientError {
    pub(crate) message: String,
    pub(crate) extensions: Map<String, Json>,
}
