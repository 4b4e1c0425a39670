//! JavaScript, as the host of an operation sees it.

use std::sync::Arc;

use puff_core::postgres::packed::Packed;
use puff_graphql::host::{Ask, Failure, Parents};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::pending_ask::PendingAsk;

/// Somebody who answers what JavaScript knows; one for each operation.
///
/// `packages/next-puff/src/graphql/native/protocol.ts` is the other side.
pub trait Script: Send + Sync {
    /// Takes a question; must not wait. The answers go to [`PendingAsk::answer`].
    fn ask(&self, ask: ScriptAsk);

    /// Nobody waits for the answer any more.
    fn forget(&self, ask: u32);

    /// Takes note of a failure whose message clients do not see, and of the field that it concerns.
    fn report(&self, failure: &Failure, coordinate: &str);
}

/// A question on its way to JavaScript.
pub struct ScriptAsk {
    /// Unique in the process.
    pub id: u32,
    /// Where answers go; while nobody else keeps it, nobody waits.
    pub pending: Arc<PendingAsk>,
    /// The question as JSON.
    pub header: String,
    /// Whether it is the operation's first, so that JavaScript has not seen its request.
    pub is_first: bool,
    /// The parents, where they are rows.
    pub rows: Option<Box<Packed>>,
}

/// A question as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header<'a> {
    pub(super) ask: u32,
    pub(super) kind: &'static str,
    /// Whether the operation has a transaction that resolvers' statements belong to.
    pub(super) has_transaction: bool,
    #[serde(flatten)]
    pub(super) layer: Option<LayerHeader<'a>>,
}

#[derive(Serialize)]
pub(super) struct LayerHeader<'a> {
    layer: u32,
    r#type: &'a str,
    path: &'a [Box<str>],
    parents: Json,
    fields: Vec<FieldHeader<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldHeader<'a> {
    index: u32,
    key: &'a str,
    name: &'a str,
    args: &'a Map<String, Json>,
    is_property: bool,
}

impl<'a> LayerHeader<'a> {
    pub(super) fn of(ask: &Ask<'a>) -> LayerHeader<'a> {
        let fields = ask.fields.iter().map(|field| FieldHeader {
            index: field.index,
            key: field.key,
            name: field.name,
            args: field.args,
            is_property: field.is_property,
        });
        LayerHeader {
            layer: ask.layer,
            r#type: ask.type_name,
            path: ask.path,
            parents: match ask.parents {
                Parents::Root => serde_json::json!({ "root": true }),
                Parents::Json(objects) => {
                    let objects: Vec<&Json> = objects.iter().map(|object| &**object).collect();
                    serde_json::json!({ "json": objects })
                }
                Parents::Set { id, count } => serde_json::json!({ "set": id, "count": count }),
                Parents::Rows(..) => serde_json::json!({ "rows": count_of(ask.parents) }),
            },
            fields: fields.collect(),
        }
    }
}

/// How many parents there are.
pub(super) fn count_of(parents: Parents<'_>) -> usize {
    match parents {
        Parents::Root => 1,
        Parents::Json(objects) => objects.len(),
        Parents::Set { count, .. } => count,
        Parents::Rows(rows, numbers) => numbers.map_or(rows.len(), <[u32]>::len),
    }
}
