//! Writes the response of an executed plan in one pass.

use serde_json::Map;

use super::array::Item;
use super::json_leaf::write_json_leaf;
use super::leaf::{LeafType, write_leaf};
use super::text::put_string;
use crate::error::{GraphqlError, PathSegment};
use crate::execute::{
    ChildData, ClientError, FieldData, LayerData, LeafRows, Objects, RowObjects, Slot, Slots,
    property,
};
use crate::host::FieldError;
use crate::plan::{Field, Leaf, Source, TypeShape};

/// More errors than this are only counted.
const MAX_ERRORS: usize = 1_000;

/// A step of the path to what is being written.
#[derive(Clone, Copy)]
enum Step<'d> {
    Key(&'d str),
    Index(usize),
}

/// Writes objects and collects errors.
///
/// What is null in a place that must not be is cut off again, up to the nearest place that may be
/// null (GraphQL specification, section 6.4.4 "Handling Execution Errors").
pub(crate) struct Writer<'d> {
    pub(crate) out: Vec<u8>,
    pub(crate) errors: Vec<GraphqlError>,
    /// Errors beyond [`MAX_ERRORS`].
    pub(crate) omitted: usize,
    /// Whether a field of the operation type has an error of its own, or took one over from below.
    pub(crate) has_failed_root: bool,
    path: Vec<Step<'d>>,
    /// The cells of the rows that are being written, innermost last.
    pub(super) cells: Vec<Option<&'d [u8]>>,
}

/// Whether a value stands where it was to be written; if not, its place must become null.
pub(super) type Written = bool;

impl<'d> Writer<'d> {
    /// A writer of a response that will have about so many bytes.
    pub(crate) fn new(size: usize) -> Writer<'d> {
        Writer {
            out: Vec::with_capacity(size.max(256)),
            errors: Vec::new(),
            omitted: 0,
            has_failed_root: false,
            path: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Writes the object of the operation type, or `null`.
    pub(crate) fn root(&mut self, data: &'d LayerData<'d>) {
        if !self.object(data, 0) {
            self.has_failed_root = true;
            self.out.extend_from_slice(b"null");
        }
    }

    fn object(&mut self, data: &'d LayerData<'d>, index: usize) -> Written {
        let start = self.out.len();
        let base = self.cells.len();
        if let Objects::Rows(rows) = &data.objects {
            self.cells.extend(rows.rows.cells(rows.row(index)));
        }
        self.out.push(b'{');
        for (field, value) in data.layer.fields.iter().zip(&data.fields) {
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&field.json_key);
            self.path.push(Step::Key(&field.key));
            let written = self.field(data, field, value, index, base);
            self.path.pop();
            if !written {
                self.out.truncate(start);
                self.cells.truncate(base);
                return false;
            }
        }
        self.cells.truncate(base);
        self.out.push(b'}');
        true
    }

    fn field(
        &mut self,
        data: &'d LayerData<'d>,
        field: &'d Field,
        value: &'d FieldData<'d>,
        index: usize,
        base: usize,
    ) -> Written {
        match value {
            FieldData::Typename => {
                put_string(data.layer.type_name.as_bytes(), &mut self.out);
                true
            }
            FieldData::Cell { column, fast } => {
                let cell = self.cells.get(base + column).copied().flatten();
                if let Some(bytes) = cell
                    && fast.write(bytes, &mut self.out)
                {
                    return true;
                }
                match &data.objects {
                    Objects::Rows(rows) => self.cell(field, rows, *column, cell),
                    _ => self.null(field, &field.shape, false),
                }
            }
            FieldData::Property => match &data.objects {
                Objects::Json(objects) => self.property(field, &objects[index]),
                _ => self.null(field, &field.shape, false),
            },
            FieldData::Constant(json) => self.json(field, json.get(), false),
            FieldData::Values { values, errors } => {
                let errors = errors.of(index);
                self.field_errors(field, errors);
                self.json(field, values[index].get(), !errors.is_empty())
            }
            FieldData::Leaves(leaves) => self.leaves(field, leaves, index),
            FieldData::Objects(child) => {
                let errors = child.errors.of(index);
                self.field_errors(field, errors);
                self.objects(field, child, index, !errors.is_empty())
            }
            FieldData::Page => self.page(data, field, index, base),
            FieldData::Failed(error) => {
                self.error(field, error, &[]);
                self.null(field, &field.shape, true)
            }
        }
    }

    fn json(&mut self, field: &Field, text: &str, is_reported: bool) -> Written {
        if text == "null" {
            return self.null(field, &field.shape, is_reported);
        }
        self.out.extend_from_slice(text.as_bytes());
        true
    }

    fn objects(
        &mut self,
        field: &'d Field,
        child: &'d ChildData<'d>,
        index: usize,
        is_reported: bool,
    ) -> Written {
        match &child.slots {
            Slots::One(slots) => match slots[index] {
                Some(object) => {
                    let written = self.object(&child.layers[0], object as usize);
                    written || self.null(field, &field.shape, true)
                }
                None => self.null(field, &field.shape, is_reported),
            },
            Slots::Ranges(ranges) => {
                let (first, count) = ranges[index];
                let layer = &child.layers[0];
                self.list(field, &field.shape, count as usize, |writer, item, _| {
                    writer.object(layer, first as usize + item)
                })
            }
            Slots::Nested(slots) => self.slot(
                field,
                &field.shape,
                &slots[index],
                &child.layers,
                is_reported,
            ),
        }
    }

    fn slot(
        &mut self,
        field: &'d Field,
        shape: &'d TypeShape,
        slot: &'d Slot,
        layers: &'d [LayerData<'d>],
        is_reported: bool,
    ) -> Written {
        match slot {
            Slot::Null => self.null(field, shape, is_reported),
            Slot::Object(layer, object) => {
                let written = self.object(&layers[*layer as usize], *object as usize);
                written || self.null(field, shape, true)
            }
            Slot::List(slots) => self.list(field, shape, slots.len(), |writer, item, inner| {
                writer.slot(field, inner, &slots[item], layers, is_reported)
            }),
        }
    }

    /// Writes a list whose items the function writes; false from it makes the item null.
    fn list(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        count: usize,
        mut write: impl FnMut(&mut Self, usize, &'d TypeShape) -> Written,
    ) -> Written {
        let TypeShape::List { item: inner, .. } = shape else {
            return self.null(field, shape, false);
        };
        let start = self.out.len();
        self.out.push(b'[');
        for item in 0..count {
            if item > 0 {
                self.out.push(b',');
            }
            self.path.push(Step::Index(item));
            let written = write(self, item, inner) || self.null(field, inner, true);
            self.path.pop();
            if !written {
                self.out.truncate(start);
                return self.null(field, shape, true);
            }
        }
        self.out.push(b']');
        true
    }

    /// Writes null where that may be; elsewhere it is an error, which may be known already.
    pub(super) fn null(&mut self, field: &Field, shape: &TypeShape, is_reported: bool) -> Written {
        if !shape.is_non_null() {
            self.out.extend_from_slice(b"null");
            return true;
        }
        if !is_reported {
            let error = ClientError {
                message: format!(
                    "Cannot return null for non-nullable field {}.",
                    field.coordinate
                ),
                extensions: Map::new(),
            };
            self.error(field, &error, &[]);
        }
        false
    }

    pub(super) fn leaves(
        &mut self,
        field: &'d Field,
        leaves: &'d LeafRows,
        index: usize,
    ) -> Written {
        let cell = |row: usize| leaves.rows.rows.cell(leaves.rows.row(row), leaves.column);
        match &leaves.slots {
            Slots::One(slots) => match slots[index] {
                Some(row) => self.cell(field, &leaves.rows, leaves.column, cell(row as usize)),
                None => self.json(field, &leaves.default, false),
            },
            Slots::Ranges(ranges) => {
                let (first, count) = ranges[index];
                let ty = leaf_type(field, &leaves.rows, leaves.column);
                self.list(
                    field,
                    &field.shape,
                    count as usize,
                    |writer, item, inner| {
                        writer.typed_cell(field, inner, ty, cell(first as usize + item))
                    },
                )
            }
            Slots::Nested(_) => self.null(field, &field.shape, false),
        }
    }

    fn cell(
        &mut self,
        field: &'d Field,
        rows: &'d RowObjects,
        column: usize,
        cell: Option<&'d [u8]>,
    ) -> Written {
        let ty = leaf_type(field, rows, column);
        self.typed_cell(field, &field.shape, ty, cell)
    }

    fn typed_cell(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        ty: LeafType<'d>,
        cell: Option<&'d [u8]>,
    ) -> Written {
        let Some(bytes) = cell.filter(|bytes| !ty.is_json_null(bytes)) else {
            return self.null(field, shape, false);
        };
        match shape {
            TypeShape::Named { .. } => self.leaf(field, shape, ty, bytes),
            TypeShape::List { .. } if ty.is_json() => self.json_list(field, shape, ty, bytes),
            TypeShape::List { .. } => match ty.items(bytes) {
                Some((element, items)) => self.items(field, shape, element, &items),
                None => {
                    self.failed_leaf(field, no_list(field));
                    self.null(field, shape, true)
                }
            },
        }
    }

    fn leaf(
        &mut self,
        field: &Field,
        shape: &TypeShape,
        ty: LeafType<'_>,
        bytes: &[u8],
    ) -> Written {
        let start = self.out.len();
        match write_leaf(ty, bytes, &mut self.out) {
            Ok(()) => true,
            Err(message) => {
                self.out.truncate(start);
                self.failed_leaf(field, message);
                self.null(field, shape, true)
            }
        }
    }

    fn items(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        element: LeafType<'_>,
        items: &[Item<'_>],
    ) -> Written {
        self.list(field, shape, items.len(), |writer, index, inner| {
            match (&items[index], inner) {
                (Item::Null, _) => writer.null(field, inner, false),
                (Item::Value(value), _) if element.is_json_null(value) => {
                    writer.null(field, inner, false)
                }
                (Item::List(items), _) => writer.items(field, inner, element, items),
                (Item::Value(value), TypeShape::Named { .. }) => {
                    writer.leaf(field, inner, element, value)
                }
                (Item::Value(_), TypeShape::List { .. }) => {
                    writer.failed_leaf(field, no_list(field));
                    writer.null(field, inner, true)
                }
            }
        })
    }

    /// A list in a column of JSON, as it stands there if its items are of a custom scalar.
    fn json_list(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        ty: LeafType<'_>,
        bytes: &[u8],
    ) -> Written {
        let text = match ty.is_binary && bytes.first() == Some(&1) {
            true => &bytes[1..],
            false => bytes,
        };
        match serde_json::from_slice::<serde_json::Value>(text) {
            Ok(serde_json::Value::Array(items)) => self.json_items(field, shape, ty, &items),
            _ => {
                self.failed_leaf(field, no_list(field));
                self.null(field, shape, true)
            }
        }
    }

    fn json_items(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        ty: LeafType<'_>,
        items: &[serde_json::Value],
    ) -> Written {
        self.list(field, shape, items.len(), |writer, index, inner| {
            match (&items[index], inner) {
                (serde_json::Value::Null, _) => writer.null(field, inner, false),
                (serde_json::Value::Array(items), TypeShape::List { .. }) => {
                    writer.json_items(field, inner, ty, items)
                }
                (item, _) if matches!(ty.leaf, Leaf::Custom) => {
                    writer.out.extend_from_slice(item.to_string().as_bytes());
                    true
                }
                (item, _) => {
                    let text = match item {
                        serde_json::Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let element = LeafType::new(ty.leaf, ty.enum_names, TEXT, false);
                    writer.leaf(field, inner, element, text.as_bytes())
                }
            }
        })
    }

    /// What an object that is JSON has for a field of a leaf type.
    fn property(&mut self, field: &'d Field, object: &serde_json::Value) -> Written {
        let column = match &field.source {
            Source::Column(column) => Some(&**column),
            _ => None,
        };
        match property(object, &field.name, column) {
            Some(value) => self.json_value(field, &field.shape, value),
            None => self.null(field, &field.shape, false),
        }
    }

    fn json_value(
        &mut self,
        field: &Field,
        shape: &'d TypeShape,
        value: &serde_json::Value,
    ) -> Written {
        match (value, shape) {
            (serde_json::Value::Null, _) => self.null(field, shape, false),
            (serde_json::Value::Array(items), TypeShape::List { .. }) => {
                self.list(field, shape, items.len(), |writer, index, inner| {
                    writer.json_value(field, inner, &items[index])
                })
            }
            (_, TypeShape::List { .. }) => {
                self.failed_leaf(field, no_list(field));
                self.null(field, shape, true)
            }
            (value, TypeShape::Named { .. }) => {
                let start = self.out.len();
                let leaf = field.leaf.as_ref().unwrap_or(&Leaf::Custom);
                match write_json_leaf(leaf, value, &mut self.out) {
                    Ok(()) => true,
                    Err(message) => {
                        self.out.truncate(start);
                        self.failed_leaf(field, message);
                        self.null(field, shape, true)
                    }
                }
            }
        }
    }

    fn failed_leaf(&mut self, field: &Field, message: String) {
        let error = ClientError {
            message,
            extensions: Map::new(),
        };
        self.error(field, &error, &[]);
    }

    fn field_errors(&mut self, field: &Field, errors: &[FieldError]) {
        for error in errors {
            let told = ClientError {
                message: error.message.clone(),
                extensions: error.extensions.clone(),
            };
            self.error(field, &told, &error.path);
        }
    }

    /// Adds an error at the current path, and `below` it.
    fn error(&mut self, field: &Field, error: &ClientError, below: &[usize]) {
        self.has_failed_root |= self.path.len() == 1;
        if self.errors.len() >= MAX_ERRORS {
            self.omitted += 1;
            return;
        }
        let here = self.path.iter().map(|step| match step {
            Step::Key(key) => PathSegment::Key((*key).into()),
            Step::Index(index) => PathSegment::Index(*index),
        });
        let below = below.iter().map(|index| PathSegment::Index(*index));
        self.errors.push(GraphqlError {
            message: error.message.clone(),
            locations: field.locations.to_vec(),
            path: Some(here.chain(below).collect()),
            extensions: error.extensions.clone(),
        });
    }
}

fn no_list(field: &Field) -> String {
    format!(
        "Expected Iterable, but did not find one for field \"{}\".",
        field.coordinate
    )
}

/// OID of the type `text`.
const TEXT: u32 = 25;

fn leaf_type<'d>(field: &'d Field, rows: &'d RowObjects, column: usize) -> LeafType<'d> {
    let described = &rows.rows.columns[column];
    let enum_names = match &field.leaf {
        Some(Leaf::Enum(_)) => rows.names.get(field.name.as_str()),
        _ => None,
    };
    LeafType::new(
        field.leaf.as_ref().unwrap_or(&Leaf::Custom),
        enum_names.map(|spec| &spec.enum_names),
        described.type_oid,
        described.is_binary,
    )
}
