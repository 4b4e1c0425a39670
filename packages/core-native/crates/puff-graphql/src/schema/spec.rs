//! The form in which a schema comes from its author: SDL, and how its fields are resolved, as JSON.
//!
//! `packages/next-puff/src/graphql/schema/spec.ts` writes what is read here.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value as Json;

/// A whole schema.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SchemaSpec {
    /// The type system in the schema definition language.
    pub sdl: String,
    /// How fields are resolved, by coordinate (`Question.choices`). A field that is not here is read
    /// from its parent: a column of the same name (or its snake_case form) where the parent is a row,
    /// the property of that name where it is an object of JavaScript.
    #[serde(default)]
    pub fields: HashMap<String, FieldSpec>,
    /// Where the events of the fields of the subscription type come from, by coordinate.
    #[serde(default)]
    pub streams: HashMap<String, StreamSpec>,
    /// What the engine allows and tells.
    #[serde(default)]
    pub options: SchemaOptions,
}

/// Where the events of a subscription come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum StreamSpec {
    /// From a channel whose name is put together of these parts.
    Channel {
        /// The parts in order.
        parts: Vec<ChannelPart>,
    },
    /// From where JavaScript says, once per subscription.
    Script,
}

/// A part of a channel's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChannelPart {
    /// The same for all subscriptions.
    Text(String),
    /// An argument, or what is in it: written as JavaScript puts a value into a text.
    Arg(Vec<String>),
}

/// What the engine allows and tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SchemaOptions {
    /// Whether `__schema` and `__type` may be asked for.
    pub introspection: bool,
    /// Whether failures that no resolver made public lose their message.
    pub masks_errors: bool,
    /// Whether `settings(context)` has to be asked before the first statement of an operation.
    pub has_settings: bool,
    /// Whether a mutation runs in one transaction.
    pub mutation_transaction: bool,
    /// The bounds of an operation.
    pub limits: LimitsSpec,
}

impl Default for SchemaOptions {
    fn default() -> SchemaOptions {
        SchemaOptions {
            introspection: true,
            masks_errors: true,
            has_settings: false,
            mutation_transaction: true,
            limits: LimitsSpec::default(),
        }
    }
}

/// The bounds of an operation; 0 means none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsSpec {
    /// Levels of nested selection sets.
    pub depth: u32,
    /// Fields with an alias.
    pub aliases: u32,
    /// Fields of the operation type.
    pub root_fields: u32,
    /// The estimated number of fields in the answer: lists count as often as their page size.
    pub cost: u64,
    /// The largest value of an argument named `first`, `last` or `limit`.
    pub page_size: u64,
    /// Lexical tokens of the document.
    pub tokens: u32,
    /// Rows that one operation may fetch.
    pub rows: u64,
    /// Milliseconds that an operation may take.
    pub timeout_ms: u64,
}

impl Default for LimitsSpec {
    fn default() -> LimitsSpec {
        LimitsSpec {
            depth: 15,
            aliases: 50,
            root_fields: 30,
            cost: 1_000_000,
            page_size: 1_000,
            tokens: 10_000,
            rows: 1_000_000,
            timeout_ms: 30_000,
        }
    }
}

/// How one field is resolved.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum FieldSpec {
    /// From a column of the parent's row.
    Column(ColumnSpec),
    /// By one statement for all parents, known from the start: a static layer.
    Statement(StatementSpec),
    /// By a function of JavaScript that is called once for all parents: a layer.
    Layer(LayerSpec),
    /// By a function of JavaScript that is called for each parent.
    Resolver,
    /// A Relay connection over the rows of a statement.
    Connection(Box<ConnectionSpec>),
}

/// A column of the parent's row.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnSpec {
    /// Its name in the result.
    pub column: String,
    /// For an enum: the names of GraphQL by the values of the database, where they differ.
    #[serde(default)]
    pub enum_names: HashMap<String, String>,
}

/// A statement and how its rows belong to the parents.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatementSpec {
    /// The SQL text, with `$1`, `$2`, ... for the parameters.
    pub text: String,
    /// The parameters in order.
    #[serde(default)]
    pub params: Vec<ParamSpec>,
    /// Pairs of a parent's column and the column of this statement's rows that has the same value.
    /// Without any, every parent has all rows; so it is for fields of the operation types.
    #[serde(default)]
    pub on: Vec<(String, String)>,
    /// Columns by field of the row's type, where they differ in more than snake_case.
    #[serde(default)]
    pub columns: HashMap<String, ColumnSpec>,
    /// For a field of a leaf type: the column that holds its value; without it, the column with the
    /// field's name, or else the only one that is not in `on`.
    #[serde(default)]
    pub value: Option<String>,
    /// For a field of a leaf type: the value of a parent without a row; `null` if not given.
    #[serde(default)]
    pub default: Option<Json>,
    /// Columns of the result whose value is that of an argument, by column: the layers below can start
    /// before the rows are here.
    #[serde(default)]
    pub pins: HashMap<String, Vec<String>>,
}

/// Where the value of a parameter comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ParamSpec {
    /// The distinct values that the parents have in a column, as one array.
    Parent(String),
    /// An argument, or what is in it: `["filter", "name"]`. What is not given is NULL.
    Arg(ArgParam),
    /// A value of the operation's context, by path; it is asked for once per operation.
    Context(Vec<String>),
    /// What is in the event of a subscription, by path; for fields of the subscription type.
    Event(Vec<String>),
    /// A constant: one value in the packed form of parameters, in base64.
    Packed(String),
    /// The n-th value of the cursor in the argument `after` or `before`; NULL without one.
    Cursor {
        /// The argument.
        arg: String,
        /// Which of the cursor's values, from 0.
        index: usize,
    },
    /// One more than the page size: the argument `first` or `last`, or the default.
    Limit(PageSize),
}

/// An argument as a parameter.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArgParam {
    /// The argument's name, then names of fields of input objects.
    pub path: Vec<String>,
    /// For an enum: the values of the database by names of GraphQL, where they differ.
    #[serde(default)]
    pub enum_values: HashMap<String, String>,
}

/// How many edges a connection has.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PageSize {
    /// Without `first` and `last`.
    pub default: u32,
    /// At most.
    pub max: u32,
}

/// A function of JavaScript that is called once for all parents.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LayerSpec {
    /// As in a statement, for the rows of the statement that the function returns.
    #[serde(default)]
    pub on: Vec<(String, String)>,
    /// As in a statement.
    #[serde(default)]
    pub value: Option<String>,
    /// As in a statement.
    #[serde(default)]
    pub default: Option<Json>,
}

/// A Relay connection (GraphQL Cursor Connections Specification).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionSpec {
    /// The rows in order, from `after` on; one more than the page size.
    pub forward: StatementSpec,
    /// The rows in reverse order, from `before` back; one more than the page size.
    pub backward: StatementSpec,
    /// The columns that a cursor is made of.
    pub cursor: Vec<String>,
    /// The page size.
    pub page_size: PageSize,
    /// Counts all rows; its `value` is the field `totalCount`.
    #[serde(default)]
    pub total: Option<StatementSpec>,
}
