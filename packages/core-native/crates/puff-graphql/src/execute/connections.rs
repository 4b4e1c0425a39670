//! Relay connections (GraphQL Cursor Connections Specification) over the rows of a statement.

use std::sync::Arc;

use futures_util::future::join;

use super::data::{
    ChildData, FieldData, FieldErrors, LeafRows, Objects, Page, Pages, RowObjects, Slots,
};
use super::executor::{Args, Executor, schema_failure};
use super::parameters::{NO_CURSOR, page_size};
use super::statements::{Joined, bad_input};
use crate::host::{Failure, Host};
use crate::plan::{ConnectionPart, ConnectionPlan, Field, Layer, Source};

impl<'e, H: Host> Executor<'e, H> {
    pub(crate) async fn connection_field<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        connection: &'s Arc<ConnectionPlan>,
        args: Args<'s>,
        objects: &Objects,
    ) -> FieldData<'s> {
        if field.children.len() != 1 {
            return self.failed(&no_object(field), field);
        }
        let child = self.planner.child(self.plan, layer, field, 0);
        let pages = self.pages(layer, field, child, connection, &args, objects);
        match pages.await {
            Ok(pages) => {
                let slots = Slots::One((0..objects.len() as u32).map(Some).collect());
                let data = self.run_layer(child, Objects::Pages(Arc::new(pages))).await;
                FieldData::Objects(ChildData {
                    slots,
                    layers: vec![data],
                    errors: FieldErrors::default(),
                })
            }
            Err(failure) => self.failed(&failure, field),
        }
    }

    async fn pages(
        &self,
        layer: &Layer,
        field: &Field,
        child: &Layer,
        connection: &Arc<ConnectionPlan>,
        args: &Args<'_>,
        objects: &Objects,
    ) -> Result<Pages, Failure> {
        let values = args.get();
        let has = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
        if has("first") && has("last") {
            return Err(bad_input(
                "The arguments first and last cannot be given together.".into(),
            ));
        }
        let size = page_size(values, connection.spec.page_size).map_err(bad_input)?;
        let is_backward = has("last") || (has("before") && !has("first"));
        let statement = match is_backward {
            true => &connection.backward,
            false => &connection.forward,
        };
        let wants_total = child
            .fields
            .iter()
            .any(|field| matches!(field.source, Source::Part(ConnectionPart::TotalCount)));
        let total = async {
            match &connection.total {
                Some(total) if wants_total => {
                    Some(self.join(layer, field, total, args, objects).await)
                }
                _ => None,
            }
        };
        let (joined, total) = join(self.join(layer, field, statement, args, objects), total).await;
        let joined = joined.map_err(|failure| match has("after") || has("before") {
            true => of_cursor(failure),
            false => failure,
        })?;
        let totals = match (total.transpose()?, &connection.total) {
            (Some(total), Some(statement)) => {
                Some(totals_of(total, statement.spec.value.as_deref()))
            }
            _ => None,
        };
        let paged = paged(joined, size, |has_more| Page {
            start: 0,
            count: 0,
            has_next: match is_backward {
                true => has("before"),
                false => has_more,
            },
            has_previous: has("after") || (is_backward && has_more),
        });
        let (rows, pages) = match is_backward {
            true => turned(paged),
            false => paged,
        };
        Ok(Pages {
            rows,
            pages,
            connection: connection.clone(),
            totals,
        })
    }

    /// A field of a connection's types that has objects below.
    pub(crate) async fn part_field<'s>(
        &'s self,
        layer: &'s Layer,
        field: &'s Field,
        objects: &Objects,
    ) -> FieldData<'s> {
        let joined = match (&field.source, objects) {
            (Source::Part(ConnectionPart::PageInfo), Objects::Pages(pages))
                if field.children.len() == 1 =>
            {
                let child = self.planner.child(self.plan, layer, field, 0);
                let slots = Slots::One((0..pages.pages.len() as u32).map(Some).collect());
                let data = self.run_layer(child, Objects::Pages(pages.clone())).await;
                return FieldData::Objects(ChildData {
                    slots,
                    layers: vec![data],
                    errors: FieldErrors::default(),
                });
            }
            (Source::Part(ConnectionPart::PageInfo), _) => {
                return self.failed(&no_object(field), field);
            }
            (Source::Part(part), Objects::Pages(pages)) => Joined {
                rows: RowObjects {
                    connection: (*part == ConnectionPart::Edges).then(|| pages.connection.clone()),
                    ..pages.rows.clone()
                },
                ranges: pages
                    .pages
                    .iter()
                    .map(|page| (page.start, page.count))
                    .collect(),
            },
            (_, Objects::Rows(rows)) => Joined {
                rows: RowObjects {
                    connection: None,
                    ..rows.clone()
                },
                ranges: (0..rows.len() as u32).map(|row| (row, 1)).collect(),
            },
            _ => return self.failed(&no_object(field), field),
        };
        self.field_of_rows(layer, field, joined, None, "null", &[])
            .await
    }
}

/// Connections and their page information are objects of one type.
fn no_object(field: &Field) -> Failure {
    schema_failure(format!(
        "{}: a connection, its edges and its pageInfo have to be of object types.",
        field.coordinate
    ))
}

/// A cursor holds values that its client may have made up: PostgreSQL refuses those of another type
/// (class 22 of its error codes, "Data Exception").
fn of_cursor(failure: Failure) -> Failure {
    let state = failure.extensions.get("sqlState");
    let is_value = failure.code == "PUFF_POSTGRES_PARAMETER"
        || state
            .and_then(|state| state.as_str())
            .is_some_and(|state| state.starts_with("22"));
    match is_value {
        true => bad_input(NO_CURSOR.into()),
        false => failure,
    }
}

fn totals_of(total: Joined, value: Option<&str>) -> LeafRows {
    let column = value
        .and_then(|value| total.rows.rows.position(value))
        .unwrap_or_else(|| total.rows.rows.columns.len().saturating_sub(1));
    let first = |(start, count): (u32, u32)| (count > 0).then_some(start);
    LeafRows {
        slots: Slots::One(total.ranges.into_iter().map(first).collect()),
        rows: total.rows,
        column,
        default: "0".into(),
    }
}

/// Cuts the rows of each parent to its page: the row beyond it only tells that there are more.
fn paged(joined: Joined, size: u32, page: impl Fn(bool) -> Page) -> (RowObjects, Vec<Page>) {
    let Joined { rows, ranges } = joined;
    let mut picks = Vec::with_capacity(rows.len());
    let mut pages = Vec::with_capacity(ranges.len());
    for (start, count) in ranges {
        let kept = count.min(size);
        pages.push(Page {
            start: picks.len() as u32,
            count: kept,
            ..page(count > size)
        });
        picks.extend((start..start + kept).map(|object| rows.row(object as usize) as u32));
    }
    let rows = RowObjects {
        picks: Some(picks.into()),
        ..rows
    };
    (rows, pages)
}

/// Turns the rows of each page around: they came in reverse order.
fn turned((rows, pages): (RowObjects, Vec<Page>)) -> (RowObjects, Vec<Page>) {
    let mut picks = rows.picks.as_deref().unwrap_or_default().to_vec();
    for page in &pages {
        picks[page.start as usize..(page.start + page.count) as usize].reverse();
    }
    let rows = RowObjects {
        picks: Some(picks.into()),
        ..rows
    };
    (rows, pages)
}
