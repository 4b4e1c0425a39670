//! The values of a statement's parameters.

use serde_json::{Map, Value as Json};

use super::cursor::decode_cursor;
use super::keys::{Keys, ParentColumn};
use crate::host::Params;
use crate::plan::Param;
use crate::schema::PageSize;

/// What clients are told of a cursor that no connection of this schema has made.
pub(crate) const NO_CURSOR: &str = "The cursor is none of this connection.";

/// What values are taken from.
pub(crate) struct ParameterSources<'a> {
    pub(crate) args: &'a Map<String, Json>,
    pub(crate) context: Option<&'a Json>,
    /// The event of a subscription.
    pub(crate) event: Option<&'a Json>,
    /// The parents' columns by name.
    pub(crate) columns: &'a [(&'a str, std::sync::Arc<ParentColumn>)],
    /// The keys of the join, and the names of its columns.
    pub(crate) keys: Option<&'a Keys>,
    pub(crate) joined: &'a [(String, String)],
}

impl ParameterSources<'_> {
    /// Adds the values of a statement.
    ///
    /// # Errors
    /// A cursor that is none of ours, or a page size out of bounds: for clients to see.
    pub(crate) fn fill<P: Params>(&self, params: &[Param]) -> Result<P, String> {
        let mut values = P::default();
        for param in params {
            match param {
                Param::Parent(name) => self.push_parent(name, &mut values),
                Param::Arg(arg) => {
                    let value = lookup(self.args, &arg.path);
                    match (value, arg.enum_values.is_empty()) {
                        (Some(value), true) => push_json(value, &mut values),
                        (Some(value), false) => {
                            let map = |name: &str| {
                                arg.enum_values
                                    .get(name)
                                    .cloned()
                                    .unwrap_or_else(|| name.into())
                            };
                            push_json(&with_names(value, &map), &mut values);
                        }
                        (None, _) => values.push_null(),
                    }
                }
                Param::Context(path) => push_at(self.context, path, &mut values),
                Param::Event(path) => push_at(self.event, path, &mut values),
                Param::Packed(bytes) => values.push_packed(1, bytes),
                Param::Cursor { arg, index } => match self.args.get(arg) {
                    Some(Json::String(text)) => {
                        let cursor = decode_cursor(text).ok_or(NO_CURSOR)?;
                        // A key that is NULL has no place in the order: nothing comes after it.
                        match cursor.get(*index) {
                            None | Some(Json::Null) => return Err(NO_CURSOR.into()),
                            Some(value) => push_json(value, &mut values),
                        }
                    }
                    _ => values.push_null(),
                },
                Param::Limit(size) => {
                    let size = page_size(self.args, *size)?;
                    values.push_number(f64::from(size) + 1.0);
                }
            }
        }
        Ok(values)
    }

    fn push_parent<P: Params>(&self, name: &str, values: &mut P) {
        let Some((_, column)) = self.columns.iter().find(|(known, _)| *known == name) else {
            return values.push_null();
        };
        let is_joined = self.joined.iter().any(|(parent, _)| parent == name);
        match (self.keys, is_joined) {
            (Some(keys), true) => {
                let parents = keys.first.iter().map(|first| *first as usize);
                push_column(column, parents, values);
            }
            _ => {
                let keys = Keys::new(vec![column.clone()]);
                let parents = keys.first.iter().map(|first| *first as usize);
                push_column(column, parents, values);
            }
        }
    }
}

/// Adds an array of the values that these parents have.
fn push_column<P: Params>(
    column: &ParentColumn,
    parents: impl Iterator<Item = usize>,
    values: &mut P,
) {
    match column {
        ParentColumn::Cells {
            objects,
            column: at,
        } => {
            let described = &objects.rows.columns[*at];
            values.push_cells(
                described.type_oid,
                described.is_binary,
                parents.filter_map(|parent| column.value(parent)),
            );
        }
        ParentColumn::Json(texts) => {
            let mut array = String::from("[");
            for (index, parent) in parents.enumerate() {
                if index > 0 {
                    array.push(',');
                }
                array.push_str(texts[parent].get());
            }
            array.push(']');
            values.push_array(&array);
        }
    }
}

/// The number of edges that the arguments `first` and `last` ask for.
///
/// # Errors
/// A number below 0 or above the largest page, for clients to see.
pub(crate) fn page_size(args: &Map<String, Json>, size: PageSize) -> Result<u32, String> {
    let asked = ["first", "last"]
        .into_iter()
        .find_map(|name| Some((name, args.get(name)?.as_i64()?)));
    match asked {
        None => Ok(size.default),
        Some((_, count)) if count >= 0 && count <= i64::from(size.max) => Ok(count as u32),
        Some((name, count)) => Err(format!(
            "The argument {name} must be between 0 and {}, but it is {count}.",
            size.max
        )),
    }
}

/// Adds what is in a value, or NULL.
fn push_at<P: Params>(value: Option<&Json>, path: &[String], values: &mut P) {
    match value.and_then(|value| walk(value, path)) {
        Some(value) => push_json(value, values),
        None => values.push_null(),
    }
}

/// What is in an argument.
pub(crate) fn lookup<'a>(args: &'a Map<String, Json>, path: &[String]) -> Option<&'a Json> {
    let (first, rest) = path.split_first()?;
    walk(args.get(first)?, rest)
}

fn walk<'a>(value: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// A value with other names for the enum values in it.
fn with_names(value: &Json, map: &dyn Fn(&str) -> String) -> Json {
    match value {
        Json::String(name) => Json::String(map(name)),
        Json::Array(items) => items.iter().map(|item| with_names(item, map)).collect(),
        other => other.clone(),
    }
}

fn push_json<P: Params>(value: &Json, values: &mut P) {
    /// Larger integers lose digits as a double.
    const EXACT: u64 = 1 << 53;
    match value {
        Json::Null => values.push_null(),
        Json::Bool(value) => values.push_bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) if integer.unsigned_abs() > EXACT => {
                values.push_text(&integer.to_string());
            }
            (_, Some(double)) => values.push_number(double),
            _ => values.push_text(&number.to_string()),
        },
        Json::String(text) => values.push_text(text),
        Json::Array(_) => values.push_array(&value.to_string()),
        Json::Object(_) => values.push_json(&value.to_string()),
    }
}
