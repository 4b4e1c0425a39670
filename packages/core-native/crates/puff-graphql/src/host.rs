//! What the engine needs from the program around it: statements run, and JavaScript asked.

use std::future::Future;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::rows::Rows;

/// One operation's way to the database and to JavaScript.
///
/// An implementation belongs to one operation: it knows its transaction, its deadline and how to
/// cancel what runs. Dropping the futures it returns cancels what they wait for.
pub trait Host: Send + Sync {
    /// How this host takes parameter values.
    type Params: Params + Send + Clone;

    /// The way to a field's answer.
    type Answer: Future<Output = Result<FieldAnswer, Failure>> + Send;

    /// Tells what kind of operation it is, once, before anything else is asked of the host: it
    /// decides about the transaction. One that `is_one_statement` is a transaction by itself.
    fn begin(&self, kind: OperationKind, is_one_statement: bool);

    /// Runs a statement; may be called for several at once.
    fn query(
        &self,
        sql: &Arc<str>,
        params: Self::Params,
    ) -> impl Future<Output = Result<Rows, Failure>> + Send;

    /// Says that statements which do not wait for each other follow, until [`Host::flush`]: they may
    /// be kept back and sent together.
    fn gather(&self) {}

    /// Sends what was kept back.
    fn flush(&self) {}

    /// Asks JavaScript to resolve fields of a layer; the receivers get each field's answer, in the
    /// order of `ask.fields`.
    fn ask(&self, ask: Ask<'_>) -> Vec<Self::Answer>;

    /// Asks JavaScript for the source of a subscription's events, where the schema leaves that to it;
    /// the question has one field.
    fn subscribe(&self, ask: Ask<'_>)
    -> impl Future<Output = Result<StreamAnswer, Failure>> + Send;

    /// Asks JavaScript for the operation's context as JSON; called once per operation, if at all.
    fn context(&self) -> impl Future<Output = Result<Json, Failure>> + Send;

    /// Takes note of a failure whose message clients do not see.
    fn report(&self, failure: &Failure, coordinate: &str);

    /// Whether [`Host::finish`] undid what the operation had written.
    fn has_rolled_back(&self) -> bool {
        false
    }

    /// Ends the operation: `is_success` says whether its transaction commits, where it has one.
    fn finish(&self, is_success: bool) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The kinds of operations (GraphQL specification, section 2.3 "Operations").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// A read-only fetch.
    Query,
    /// A write, followed by a fetch.
    Mutation,
    /// A request that gets data in response to events.
    Subscription,
}

impl OperationKind {
    /// The keyword that documents have for it.
    pub fn name(self) -> &'static str {
        match self {
            OperationKind::Query => "query",
            OperationKind::Mutation => "mutation",
            OperationKind::Subscription => "subscription",
        }
    }
}

/// Takes the values of a statement's parameters in order.
pub trait Params: Default {
    /// Adds NULL.
    fn push_null(&mut self);
    /// Adds a boolean.
    fn push_bool(&mut self, value: bool);
    /// Adds a number.
    fn push_number(&mut self, value: f64);
    /// Adds a text; it fits every type whose text form it is.
    fn push_text(&mut self, value: &str);
    /// Adds an object as JSON text.
    fn push_json(&mut self, text: &str);
    /// Adds a list as the JSON text of an array.
    fn push_array(&mut self, text: &str);
    /// Adds an array of values that came from a column: its type, whether they are binary, the values.
    fn push_cells<'a>(
        &mut self,
        type_oid: u32,
        is_binary: bool,
        cells: impl Iterator<Item = &'a [u8]>,
    );
    /// Adds values that were packed elsewhere.
    fn push_packed(&mut self, count: usize, bytes: &[u8]);
}

/// Why a statement or a question failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The message; shown to clients only if `is_public`, or if the schema does not mask errors.
    pub message: String,
    /// For `extensions.code`.
    pub code: String,
    /// More for `extensions`.
    pub extensions: Map<String, Json>,
    /// Whether clients may see the message.
    pub is_public: bool,
}

/// A question to JavaScript: the fields of one layer that it resolves, for all parents at once.
pub struct Ask<'a> {
    /// The layer's number in its plan.
    pub layer: u32,
    /// The object type of the parents.
    pub type_name: &'a str,
    /// Response keys from the operation to this layer.
    pub path: &'a [Box<str>],
    /// The parents.
    pub parents: Parents<'a>,
    /// The fields, at least one.
    pub fields: Vec<AskedField<'a>>,
}

/// The parents in a question.
#[derive(Clone, Copy)]
pub enum Parents<'a> {
    /// The operation itself, with its root value: the event, where it is a subscription.
    Root,
    /// Objects that are JSON: an event that came over a channel, and what is in it.
    Json(&'a [Arc<Json>]),
    /// Rows of a statement: the rows with these numbers, all of them without.
    Rows(&'a Arc<Rows>, Option<&'a [u32]>),
    /// Objects that JavaScript keeps, by the number it gave them.
    Set {
        /// The number.
        id: u32,
        /// How many objects there are in it.
        count: usize,
    },
}

/// A field in a question.
pub struct AskedField<'a> {
    /// Its place among the fields of the layer; answers name it.
    pub index: u32,
    /// The response key.
    pub key: &'a str,
    /// The field's name.
    pub name: &'a str,
    /// The coerced arguments.
    pub args: &'a Map<String, Json>,
    /// Whether the raw property of that name is wanted, as a key for layers below, not a field.
    pub is_property: bool,
}

/// Where the events of a subscription come from, as JavaScript answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamAnswer {
    /// The channel of this name.
    Channel(String),
    /// JavaScript itself: whoever wants an event asks it for the next one.
    Script,
}

/// What JavaScript made of a field, for all parents.
#[derive(Debug)]
pub enum FieldAnswer {
    /// A leaf, or lists of leaves: one JSON text per parent.
    Values {
        /// The completed values; `null` in a place that must not be null has an error.
        values: Vec<Box<RawValue>>,
        /// What went wrong on the way.
        errors: Vec<FieldError>,
    },
    /// Objects that JavaScript keeps.
    Objects {
        /// For each parent.
        slots: Vec<Slot>,
        /// The object types, and the sets that their objects are in; a slot counts from 0 per type.
        sets: Vec<ObjectSet>,
        /// What went wrong on the way.
        errors: Vec<FieldError>,
    },
    /// A statement to run for all parents.
    Statement {
        /// The SQL text.
        sql: Arc<str>,
        /// How many values `params` has.
        param_count: usize,
        /// The values in packed form.
        params: Vec<u8>,
        /// Columns by field, where they differ in more than snake_case.
        columns: Vec<(String, String)>,
    },
}

/// Objects of one type that JavaScript keeps.
#[derive(Debug, Clone)]
pub struct ObjectSet {
    /// The object type.
    pub type_name: Box<str>,
    /// The number that JavaScript gave the set.
    pub id: u32,
    /// How many objects are in it.
    pub count: usize,
}

/// What is in one place of a composite field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Nothing; an error says why if it must not be.
    Null,
    /// The next object of the set with this index.
    Object(u32),
    /// A list.
    List(Vec<Slot>),
}

/// An error below a field.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// The parent's number.
    pub parent: u32,
    /// Indices of lists inside the field.
    pub path: Vec<usize>,
    /// What clients see: masked already.
    pub message: String,
    /// For `extensions`.
    pub extensions: Map<String, Json>,
}
