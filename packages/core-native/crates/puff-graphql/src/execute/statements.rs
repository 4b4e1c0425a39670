//! Fields that a statement resolves for all parents.

use std::sync::{Arc, PoisonError};

use futures_util::future::{join, join_all};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::data::{ChildData, FieldData, FieldErrors, LeafRows, Objects, RowObjects, Slot, Slots};
use super::executor::{Args, Executor, parents_of, schema_failure};
use super::explain::{StepReport, Trace};
use super::json_objects::properties;
use super::keys::{Groups, Keys, NO_KEY, ParentColumn};
use super::parameters::{ParameterSources, lookup};
use crate::host::{Ask, AskedField, Failure, FieldAnswer, Host};
use crate::plan::{ColumnNames, Field, Layer, Source, StatementPlan, TypeShape};
use crate::rows::Rows;

/// A statement's rows and which parent has which.
pub(crate) struct Joined {
    pub(crate) rows: RowObjects,
    /// Start and length among `rows`, for each parent.
    pub(crate) ranges: Vec<(u32, u32)>,
}

/// The columns of the parents that a statement needs, by name.
type ParentColumns<'a> = Vec<(&'a str, Arc<ParentColumn>)>;

impl<'e, H: Host> Executor<'e, H> {
    pub(crate) async fn statement_field<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        statement: &'s StatementPlan,
        args: Args<'s>,
        objects: &Objects,
    ) -> FieldData<'s> {
        let ahead = self.run_ahead(layer, field, statement, &args);
        let joined = self.join(layer, field, statement, &args, objects);
        match join(joined, ahead).await.0 {
            Ok(joined) => {
                self.field_of_rows(
                    layer,
                    field,
                    joined,
                    statement.spec.value.as_deref(),
                    &statement.default,
                    &statement.spec.on,
                )
                .await
            }
            Err(failure) => self.failed(&failure, field),
        }
    }

    /// Runs a statement for all parents and joins its rows to them.
    pub(crate) async fn join(
        &self,
        layer: &Layer,
        field: &Field,
        statement: &StatementPlan,
        args: &Args<'_>,
        objects: &Objects,
    ) -> Result<Joined, Failure> {
        let on = &statement.spec.on;
        let columns = self
            .parent_columns(layer, field, statement.parents(), objects)
            .await?;
        let keys = (!on.is_empty()).then(|| keys_of(on, &columns));
        if keys.as_ref().is_some_and(|keys| keys.first.is_empty()) {
            return Ok(Joined::empty(objects.len(), statement.columns.clone()));
        }
        if let Some(rows) = self.take_ahead(layer, field) {
            let columns = statement.columns.clone();
            return join_rows(field, rows?, on, keys, objects.len(), columns);
        }
        let context = match statement.needs_context {
            true => Some(self.context().await?),
            false => None,
        };
        let event = self.event_of(layer, field, statement, objects).await?;
        let sources = ParameterSources {
            args: args.get(),
            context: context.as_deref(),
            event: event.as_deref(),
            columns: &columns,
            keys: keys.as_ref(),
            joined: on,
        };
        let params = sources.fill(&statement.params).map_err(bad_input)?;
        let rows = self
            .query(layer, field, &statement.sql, params, objects.len())
            .await?;
        join_rows(
            field,
            rows,
            on,
            keys,
            objects.len(),
            statement.columns.clone(),
        )
    }

    /// Runs the statements of the layer below that need nothing but columns whose values are known
    /// from the arguments, without waiting for the rows that have those columns.
    async fn run_ahead(
        &self,
        layer: &Layer,
        field: &Field,
        statement: &StatementPlan,
        args: &Args<'_>,
    ) {
        let pins = &statement.spec.pins;
        if pins.is_empty() || field.children.len() != 1 {
            return;
        }
        let pinned = |name: &str| {
            let value = lookup(args.get(), pins.get(name)?)?;
            let text = serde_json::value::to_raw_value(value).ok()?;
            (!value.is_null()).then(|| Arc::new(ParentColumn::Json(vec![text])))
        };
        let child = self.planner.child(self.plan, layer, field, 0);
        let runs = child.fields.iter().filter_map(|below| {
            let Source::Statement(next) = &below.source else {
                return None;
            };
            if next.needs_context || next.spec.on.is_empty() {
                return None;
            }
            let columns = next
                .parents()
                .map(|name| Some((name, pinned(name)?)))
                .collect::<Option<Vec<_>>>()?;
            let args = self.args(below).ok()?;
            let keys = keys_of(&next.spec.on, &columns);
            let sources = ParameterSources {
                args: args.get(),
                context: None,
                event: None,
                columns: &columns,
                keys: Some(&keys),
                joined: &next.spec.on,
            };
            let params = sources.fill(&next.params).ok()?;
            Some(async move {
                let rows = self.query(child, below, &next.sql, params, 1).await;
                let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
                ahead.insert((child.id, below.index), rows);
            })
        });
        join_all(runs.collect::<Vec<_>>()).await;
    }

    fn take_ahead(&self, layer: &Layer, field: &Field) -> Option<Result<Arc<Rows>, Failure>> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        match ahead.is_empty() {
            true => None,
            false => ahead.remove(&(layer.id, field.index)),
        }
    }

    /// Runs a statement and takes note of it.
    pub(crate) async fn query(
        &self,
        layer: &Layer,
        field: &Field,
        sql: &Arc<str>,
        params: H::Params,
        parents: usize,
    ) -> Result<Arc<Rows>, Failure> {
        let begun = self.trace.map(Trace::begin);
        let result = self.host.query(sql, params).await;
        if let (Some(trace), Some(begun)) = (self.trace, begun) {
            trace.end(
                begun,
                StepReport {
                    path: &layer.path,
                    key: &field.key,
                    coordinate: &field.coordinate,
                    kind: "statement",
                    sql: Some(sql),
                    parents,
                    rows: result.as_ref().ok().map(Rows::len),
                },
            );
        }
        result.map(Arc::new)
    }

    /// The columns of the parents with these names; asks JavaScript for them where it has the parents.
    pub(crate) async fn parent_columns<'a>(
        &self,
        layer: &Layer,
        field: &Field,
        names: impl Iterator<Item = &'a str>,
        objects: &Objects,
    ) -> Result<ParentColumns<'a>, Failure> {
        let mut columns: ParentColumns<'a> = Vec::new();
        for name in names {
            if columns.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let column = match objects {
                Objects::Rows(rows) => ParentColumn::Cells {
                    column: rows
                        .rows
                        .position(name)
                        .or_else(|| rows.column(name))
                        .ok_or_else(|| no_parent_column(field, name))?,
                    objects: rows.clone(),
                },
                Objects::Set { .. } => {
                    ParentColumn::Json(self.properties(layer, field, name, objects).await?)
                }
                Objects::Json(objects) => ParentColumn::Json(properties(objects, name)),
                Objects::Root | Objects::Pages(_) => return Err(no_parent_column(field, name)),
            };
            columns.push((name, Arc::new(column)));
        }
        Ok(columns)
    }

    /// What a statement needs of the event that the operation is for.
    async fn event_of(
        &self,
        layer: &Layer,
        field: &Field,
        statement: &StatementPlan,
        objects: &Objects,
    ) -> Result<Option<Arc<Json>>, Failure> {
        if let Objects::Json(events) = objects {
            return Ok(events.first().cloned());
        }
        let mut event = serde_json::Map::new();
        for name in statement.event_properties() {
            if event.contains_key(name) {
                continue;
            }
            let values = self.properties(layer, field, name, objects).await?;
            let value = values.first().map_or("null", |value| value.get());
            let value = serde_json::from_str(value).unwrap_or_default();
            event.insert(name.into(), value);
        }
        Ok((!event.is_empty()).then(|| Arc::new(Json::Object(event))))
    }

    async fn properties(
        &self,
        layer: &Layer,
        field: &Field,
        name: &str,
        objects: &Objects,
    ) -> Result<Vec<Box<RawValue>>, Failure> {
        let no_args = serde_json::Map::new();
        let mut answers = self.host.ask(Ask {
            layer: layer.id,
            type_name: &layer.type_name,
            path: &layer.path,
            parents: parents_of(objects),
            fields: vec![AskedField {
                index: field.index,
                key: &field.key,
                name,
                args: &no_args,
                is_property: true,
            }],
        });
        let answer = match answers.pop() {
            Some(answer) => answer.await?,
            None => return Err(no_parent_column(field, name)),
        };
        match answer {
            FieldAnswer::Values { values, .. } if values.len() == objects.len() => Ok(values),
            _ => Err(no_parent_column(field, name)),
        }
    }

    /// Makes a field of rows: leaves, or objects with the layers below them.
    pub(crate) async fn field_of_rows<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        joined: Joined,
        value: Option<&str>,
        default: &str,
        on: &[(String, String)],
    ) -> FieldData<'s> {
        let Joined { rows, ranges } = joined;
        if field.leaf.is_some() {
            let column = match leaf_column(&rows, field, value, on) {
                Some(column) => column,
                // Without any row, no column is needed.
                None if rows.len() == 0 => 0,
                None => {
                    return self.failed(
                        &schema_failure(format!(
                            "{}: which column of the statement has the value? Name it with `value`, or call it as the field.",
                            field.coordinate
                        )),
                        field,
                    );
                }
            };
            return FieldData::Leaves(LeafRows {
                slots: slots_of(ranges, field),
                rows,
                column,
                default: default.into(),
            });
        }
        if field.children.len() != 1 {
            return self
                .objects_of_several_types(layer, field, rows, &ranges)
                .await;
        }
        let slots = slots_of(ranges, field);
        let child = self.planner.child(self.plan, layer, field, 0);
        let data = self.run_layer(child, Objects::Rows(rows)).await;
        FieldData::Objects(ChildData {
            slots,
            layers: vec![data],
            errors: FieldErrors::default(),
        })
    }

    /// Rows of an interface or a union: the column `__typename` says of which type each is.
    async fn objects_of_several_types<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        rows: RowObjects,
        ranges: &[(u32, u32)],
    ) -> FieldData<'s> {
        let Some(column) = rows.rows.position("__typename").or(match rows.len() {
            0 => Some(0),
            _ => None,
        }) else {
            return self.failed(
                &schema_failure(format!(
                    "{}: the statement has to say of which type each row is, in a column \"__typename\".",
                    field.coordinate
                )),
                field,
            );
        };
        let mut picks: Vec<Vec<u32>> = vec![Vec::new(); field.children.len()];
        let mut slots = Vec::with_capacity(rows.len());
        for object in 0..rows.len() {
            let row = rows.row(object);
            let name = rows.rows.cell(row, column).unwrap_or_default();
            let known = field
                .children
                .iter()
                .position(|child| child.type_name.as_bytes() == name);
            let Some(index) = known else {
                return self.failed(
                    &schema_failure(format!(
                        "{}: a row has the __typename \"{}\", which is none of its types.",
                        field.coordinate,
                        String::from_utf8_lossy(name)
                    )),
                    field,
                );
            };
            slots.push(Slot::Object(index as u32, picks[index].len() as u32));
            picks[index].push(row as u32);
        }
        let layers = picks.into_iter().enumerate().map(|(index, picks)| {
            let objects = RowObjects {
                picks: Some(picks.into()),
                ..rows.clone()
            };
            let child = self.planner.child(self.plan, layer, field, index);
            self.run_layer(child, Objects::Rows(objects))
        });
        let layers = join_all(layers).await;
        let of_parent = |(start, count): &(u32, u32)| {
            let range = *start as usize..(*start + *count) as usize;
            match &field.shape {
                TypeShape::List { .. } => Slot::List(slots[range].to_vec()),
                TypeShape::Named { .. } => slots[range].first().cloned().unwrap_or(Slot::Null),
            }
        };
        FieldData::Objects(ChildData {
            slots: Slots::Nested(ranges.iter().map(of_parent).collect()),
            layers,
            errors: FieldErrors::default(),
        })
    }
}

impl Joined {
    fn empty(parents: usize, names: Arc<ColumnNames>) -> Joined {
        Joined {
            rows: RowObjects {
                rows: Arc::new(Rows::new(Arc::from([]))),
                picks: None,
                names,
                connection: None,
            },
            ranges: vec![(0, 0); parents],
        }
    }
}

/// The keys of the parents for a join on these columns, all of which are there.
pub(crate) fn keys_of(on: &[(String, String)], columns: &ParentColumns<'_>) -> Keys {
    let joined = on.iter().filter_map(|(parent, _)| {
        let (_, column) = columns.iter().find(|(name, _)| name == parent)?;
        Some(column.clone())
    });
    Keys::new(joined.collect())
}

/// Joins rows to their parents; without keys every parent has them all.
pub(crate) fn join_rows(
    field: &Field,
    rows: Arc<Rows>,
    on: &[(String, String)],
    keys: Option<Keys>,
    parents: usize,
    names: Arc<ColumnNames>,
) -> Result<Joined, Failure> {
    let mut objects = RowObjects {
        rows,
        picks: None,
        names,
        connection: None,
    };
    let Some(keys) = keys else {
        let all = (0, objects.len() as u32);
        return Ok(Joined {
            rows: objects,
            ranges: vec![all; parents],
        });
    };
    let columns = on
        .iter()
        .map(|(_, child)| {
            let column = objects
                .rows
                .position(child)
                .or_else(|| objects.column(child));
            column.ok_or_else(|| no_child_column(field, child))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let of_rows = keys.of_rows(&objects.rows, &columns);
    let groups = Groups::new(&of_rows, keys.first.len());
    objects.picks = groups.order;
    let ranges = keys
        .of_parent
        .iter()
        .map(|key| match *key {
            NO_KEY => (0, 0),
            key => groups.ranges[key as usize],
        })
        .collect();
    Ok(Joined {
        rows: objects,
        ranges,
    })
}

/// Which rows a parent has, as the field's type wants them.
fn slots_of(ranges: Vec<(u32, u32)>, field: &Field) -> Slots {
    if field.shape.is_list() {
        return Slots::Ranges(ranges);
    }
    let first = ranges
        .into_iter()
        .map(|(start, count)| (count > 0).then_some(start));
    Slots::One(first.collect())
}

fn leaf_column(
    rows: &RowObjects,
    field: &Field,
    value: Option<&str>,
    on: &[(String, String)],
) -> Option<usize> {
    if let Some(value) = value {
        return rows.rows.position(value);
    }
    if let Some(column) = rows.column(&field.name) {
        return Some(column);
    }
    let mut others = rows
        .rows
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !on.iter().any(|(_, child)| *child == *column.name));
    match (others.next(), others.next()) {
        (Some((column, _)), None) => Some(column),
        _ => None,
    }
}

/// A failure that tells clients what is wrong with what they sent.
pub(crate) fn bad_input(message: String) -> Failure {
    Failure {
        message,
        code: "BAD_USER_INPUT".into(),
        extensions: serde_json::Map::new(),
        is_public: true,
    }
}

fn no_parent_column(field: &Field, name: &str) -> Failure {
    schema_failure(format!(
        "{}: its layer needs the column {name} of the parents, which they do not have. Select it in the statement above.",
        field.coordinate
    ))
}

fn no_child_column(field: &Field, name: &str) -> Failure {
    schema_failure(format!(
        "{}: its statement returns no column {name}, which `on` joins it on.",
        field.coordinate
    ))
}
