//! Objects that are JSON: the event of a subscription that came over a channel, and what is in it.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value as Json;

use super::data::{ChildData, FieldData, FieldErrors, Objects, Slot, Slots};
use super::executor::{Executor, schema_failure};
use crate::host::{Failure, Host};
use crate::plan::{Field, Layer, TypeShape};
use crate::schema::ColumnSpec;

/// The property of an object that a field is read from; where the schema names a column, what it
/// holds goes by that name too.
pub(crate) fn property<'o>(
    object: &'o Json,
    field: &str,
    column: Option<&ColumnSpec>,
) -> Option<&'o Json> {
    let own = object.get(field);
    let value = own.or_else(|| object.get(&column?.column))?;
    (!value.is_null()).then_some(value)
}

impl<'e, H: Host> Executor<'e, H> {
    /// A field with objects of its own in the objects of its layer.
    pub(crate) async fn json_field<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        objects: &Objects,
    ) -> FieldData<'s> {
        let Objects::Json(parents) = objects else {
            return self.failed(&not_an_object(field), field);
        };
        let mut found = Found {
            field,
            by_type: vec![Vec::new(); field.children.len()],
        };
        let slots = parents
            .iter()
            .map(|parent| match property(parent, &field.name, None) {
                Some(value) => found.slot(value, &field.shape),
                None => Ok(Slot::Null),
            })
            .collect::<Result<Vec<_>, _>>();
        let slots = match slots {
            Ok(slots) => slots,
            Err(failure) => return self.failed(&failure, field),
        };
        let layers = found.by_type.into_iter().enumerate().map(|(index, found)| {
            let child = self.planner.child(self.plan, layer, field, index);
            self.run_layer(child, Objects::Json(found.into()))
        });
        FieldData::Objects(ChildData {
            slots: Slots::Nested(slots),
            layers: join_all(layers.collect::<Vec<_>>()).await,
            errors: FieldErrors::default(),
        })
    }
}

/// The objects of a field, by the index of their type.
struct Found<'s> {
    field: &'s Field,
    by_type: Vec<Vec<Arc<Json>>>,
}

impl Found<'_> {
    fn slot(&mut self, value: &Json, shape: &TypeShape) -> Result<Slot, Failure> {
        match (value, shape) {
            (Json::Null, _) => Ok(Slot::Null),
            (Json::Array(items), TypeShape::List { item, .. }) => {
                let slots = items.iter().map(|value| self.slot(value, item));
                Ok(Slot::List(slots.collect::<Result<_, _>>()?))
            }
            (Json::Object(_), TypeShape::Named { .. }) => {
                let index = self.type_of(value)?;
                let objects = &mut self.by_type[index];
                objects.push(Arc::new(value.clone()));
                Ok(Slot::Object(index as u32, objects.len() as u32 - 1))
            }
            _ => Err(not_an_object(self.field)),
        }
    }

    fn type_of(&self, object: &Json) -> Result<usize, Failure> {
        let children = &self.field.children;
        if children.len() == 1 {
            return Ok(0);
        }
        let name = object.get("__typename").and_then(Json::as_str);
        let known = children
            .iter()
            .position(|child| Some(child.type_name.as_str()) == name);
        known.ok_or_else(|| {
            schema_failure(format!(
                "{}: the event has to say of which type each object is, in a property \"__typename\"; one has {}.",
                self.field.coordinate,
                name.map_or("none".into(), |name| format!("{name:?}"))
            ))
        })
    }
}

/// The properties of objects as JSON texts, for statements that are given them.
pub(crate) fn properties(
    objects: &[Arc<Json>],
    name: &str,
) -> Vec<Box<serde_json::value::RawValue>> {
    let text = |object: &Arc<Json>| {
        let value = object.get(name).unwrap_or(&Json::Null);
        // A value that was JSON is JSON again.
        serde_json::value::to_raw_value(value).unwrap_or_default()
    };
    objects.iter().map(text).collect()
}

fn not_an_object(field: &Field) -> Failure {
    schema_failure(format!(
        "{}: the event has something else in this place than its type says.",
        field.coordinate
    ))
}
