//! Statements of a schema, made ready to run.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use serde_json::Value as Json;

use crate::schema::{ArgParam, ColumnSpec, PageSize, ParamSpec, StatementSpec};

/// Columns by field, where they differ in more than snake_case.
pub(crate) type ColumnNames = HashMap<String, ColumnSpec>;

/// A statement that the schema has for a field.
#[derive(Debug)]
pub(crate) struct StatementPlan {
    pub(crate) sql: Arc<str>,
    pub(crate) params: Vec<Param>,
    pub(crate) spec: StatementSpec,
    /// Columns by field of the rows' type.
    pub(crate) columns: Arc<ColumnNames>,
    /// The default of a leaf as JSON text.
    pub(crate) default: Box<str>,
    /// Whether a value of the context is among the parameters.
    pub(crate) needs_context: bool,
}

/// A parameter, with what can be done once done.
#[derive(Debug)]
pub(crate) enum Param {
    Parent(Box<str>),
    Arg(ArgParam),
    Context(Vec<String>),
    Event(Vec<String>),
    Packed(Vec<u8>),
    Cursor { arg: String, index: usize },
    Limit(PageSize),
}

impl StatementPlan {
    /// The parents' columns that it needs; one may come twice.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &str> {
        let joined = self.spec.on.iter().map(|(parent, _)| parent.as_str());
        joined.chain(self.params.iter().filter_map(|param| match param {
            Param::Parent(name) => Some(&**name),
            _ => None,
        }))
    }

    /// The properties of a subscription's event that it needs; one may come twice.
    pub(crate) fn event_properties(&self) -> impl Iterator<Item = &str> {
        self.params.iter().filter_map(|param| match param {
            Param::Event(path) => path.first().map(String::as_str),
            _ => None,
        })
    }

    /// Makes the statement ready.
    ///
    /// # Errors
    /// Constants that are not base64.
    pub(crate) fn new(spec: &StatementSpec) -> Result<StatementPlan, String> {
        let params = spec
            .params
            .iter()
            .map(|param| {
                Ok(match param {
                    ParamSpec::Parent(column) => Param::Parent(column.as_str().into()),
                    ParamSpec::Arg(arg) => Param::Arg(arg.clone()),
                    ParamSpec::Context(path) => Param::Context(path.clone()),
                    ParamSpec::Event(path) => Param::Event(path.clone()),
                    ParamSpec::Packed(text) => Param::Packed(
                        STANDARD
                            .decode(text)
                            .map_err(|error| format!("{text} is not base64: {error}"))?,
                    ),
                    ParamSpec::Cursor { arg, index } => Param::Cursor {
                        arg: arg.clone(),
                        index: *index,
                    },
                    ParamSpec::Limit(size) => Param::Limit(*size),
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(StatementPlan {
            sql: spec.text.as_str().into(),
            needs_context: params
                .iter()
                .any(|param| matches!(param, Param::Context(_))),
            params,
            columns: Arc::new(spec.columns.clone()),
            default: spec
                .default
                .as_ref()
                .unwrap_or(&Json::Null)
                .to_string()
                .into(),
            spec: spec.clone(),
        })
    }
}
