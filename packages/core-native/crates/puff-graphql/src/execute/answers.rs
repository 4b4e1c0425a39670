//! Fields that JavaScript resolved.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value as Json};

use super::data::{ChildData, FieldData, FieldErrors, Objects, Slot, Slots};
use super::executor::{Executor, schema_failure};
use super::explain::{Begun, StepReport};
use super::statements::{join_rows, keys_of};
use crate::host::{self, Failure, FieldAnswer, Host, ObjectSet, Params};
use crate::plan::{ColumnNames, Field, Layer, Source};
use crate::schema::{ColumnSpec, LayerSpec};

impl<'e, H: Host> Executor<'e, H> {
    /// Makes a field of JavaScript's answer.
    pub(crate) async fn answered_field<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        objects: &Objects,
        answer: Result<FieldAnswer, Failure>,
        begun: Option<Begun>,
    ) -> FieldData<'s> {
        if let (Some(trace), Some(begun)) = (self.trace, begun) {
            trace.end(
                begun,
                StepReport {
                    path: &layer.path,
                    key: &field.key,
                    coordinate: &field.coordinate,
                    kind: "javascript",
                    sql: None,
                    parents: objects.len(),
                    rows: None,
                },
            );
        }
        let made = match answer {
            Err(failure) => Err(failure),
            Ok(FieldAnswer::Values { values, errors }) => match values.len() == objects.len() {
                true => Ok(FieldData::Values {
                    values,
                    errors: FieldErrors::new(errors),
                }),
                false => Err(wrong_count(field, objects.len(), values.len())),
            },
            Ok(FieldAnswer::Objects {
                slots,
                sets,
                errors,
            }) => match slots.len() == objects.len() {
                true => {
                    self.objects_of_sets(layer, field, slots, &sets, errors)
                        .await
                }
                false => Err(wrong_count(field, objects.len(), slots.len())),
            },
            Ok(FieldAnswer::Statement {
                sql,
                param_count,
                params,
                columns,
            }) => {
                let mut values = H::Params::default();
                values.push_packed(param_count, &params);
                let names = columns.into_iter().map(|(field, column)| {
                    let enum_names = HashMap::new();
                    (field, ColumnSpec { column, enum_names })
                });
                self.answered_statement(layer, field, objects, &sql, values, names.collect())
                    .await
            }
        };
        made.unwrap_or_else(|failure| self.failed(&failure, field))
    }

    async fn answered_statement<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        objects: &Objects,
        sql: &Arc<str>,
        params: H::Params,
        names: ColumnNames,
    ) -> Result<FieldData<'s>, Failure> {
        let none = LayerSpec::default();
        let spec = match &field.source {
            Source::Layer(spec) => spec,
            _ => &none,
        };
        let on = &spec.on;
        let keys = match on.is_empty() {
            true => None,
            false => {
                let wanted = on.iter().map(|(parent, _)| parent.as_str());
                let columns = self.parent_columns(layer, field, wanted, objects).await?;
                Some(keys_of(on, &columns))
            }
        };
        let rows = self.query(layer, field, sql, params, objects.len()).await?;
        let joined = join_rows(field, rows, on, keys, objects.len(), Arc::new(names))?;
        let default = spec.default.as_ref().unwrap_or(&Json::Null).to_string();
        let value = spec.value.as_deref();
        Ok(self
            .field_of_rows(layer, field, joined, value, &default, on)
            .await)
    }

    async fn objects_of_sets<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        slots: Vec<host::Slot>,
        sets: &[ObjectSet],
        errors: Vec<host::FieldError>,
    ) -> Result<FieldData<'s>, Failure> {
        let mut counts = vec![0; sets.len()];
        let slots = slots
            .into_iter()
            .map(|slot| numbered(slot, &mut counts))
            .collect::<Option<Vec<_>>>()
            .filter(|_| {
                counts
                    .iter()
                    .zip(sets)
                    .all(|(count, set)| *count as usize <= set.count)
            })
            .ok_or_else(|| {
                schema_failure(format!(
                    "{}: JavaScript answered with objects that it did not describe.",
                    field.coordinate
                ))
            })?;
        let mut layers = Vec::with_capacity(sets.len());
        for set in sets {
            let index = field
                .children
                .iter()
                .position(|child| *child.type_name == *set.type_name)
                .ok_or_else(|| {
                    schema_failure(format!(
                        "{}: {} is none of its types.",
                        field.coordinate, set.type_name
                    ))
                })?;
            let child = self.planner.child(self.plan, layer, field, index);
            let objects = Objects::Set {
                id: set.id,
                count: set.count,
            };
            layers.push(self.run_layer(child, objects));
        }
        Ok(FieldData::Objects(ChildData {
            slots: Slots::Nested(slots),
            layers: join_all(layers).await,
            errors: FieldErrors::new(errors),
        }))
    }
}

/// Numbers the objects of each set in the order of their slots; `None` for a set that is not there.
fn numbered(slot: host::Slot, counts: &mut [u32]) -> Option<Slot> {
    Some(match slot {
        host::Slot::Null => Slot::Null,
        host::Slot::Object(set) => {
            let count = counts.get_mut(set as usize)?;
            *count += 1;
            Slot::Object(set, *count - 1)
        }
        host::Slot::List(slots) => {
            let numbered = slots.into_iter().map(|slot| numbered(slot, counts));
            Slot::List(numbered.collect::<Option<_>>()?)
        }
    })
}

fn wrong_count(field: &Field, expected: usize, got: usize) -> Failure {
    Failure {
        message: format!(
            "{}: {expected} parents were asked for, but JavaScript answered for {got}.",
            field.coordinate
        ),
        code: "PUFF_GRAPHQL_LAYER".into(),
        extensions: Map::new(),
        is_public: false,
    }
}
