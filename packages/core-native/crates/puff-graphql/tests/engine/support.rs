//! A host that knows the answer to each statement.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use futures_executor::block_on;
use puff_graphql::host::{Ask, Failure, FieldAnswer, Host, OperationKind, Params, StreamAnswer};
use puff_graphql::rows::{Column, Rows};
use puff_graphql::schema::SchemaSpec;
use puff_graphql::{Engine, Outcome, Request, Response};
use serde_json::{Map, Value as Json, json};

/// A table: names of columns, then rows; numbers are `int4`, everything else is text.
pub(crate) type Table = (Vec<&'static str>, Vec<Vec<Json>>);

/// Knows the answer to each statement, and nothing else.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) by_sql: HashMap<&'static str, Table>,
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) finished: Mutex<Option<bool>>,
    pub(crate) is_one_statement: Mutex<bool>,
}

#[derive(Clone, Default)]
pub(crate) struct Shown(Vec<String>);

impl Params for Shown {
    fn push_null(&mut self) {
        self.0.push("null".into());
    }
    fn push_bool(&mut self, value: bool) {
        self.0.push(value.to_string());
    }
    fn push_number(&mut self, value: f64) {
        self.0.push(value.to_string());
    }
    fn push_text(&mut self, value: &str) {
        self.0.push(format!("{value:?}"));
    }
    fn push_json(&mut self, text: &str) {
        self.0.push(text.into());
    }
    fn push_array(&mut self, text: &str) {
        self.0.push(text.into());
    }
    fn push_cells<'a>(
        &mut self,
        type_oid: u32,
        _is_binary: bool,
        cells: impl Iterator<Item = &'a [u8]>,
    ) {
        let shown: Vec<_> = cells
            .map(|cell| match type_oid {
                23 => i32::from_be_bytes(cell.try_into().unwrap()).to_string(),
                _ => String::from_utf8_lossy(cell).into_owned(),
            })
            .collect();
        self.0.push(format!("[{}]", shown.join(",")));
    }
    fn push_packed(&mut self, count: usize, bytes: &[u8]) {
        self.0.push(format!("packed {count} {bytes:?}"));
    }
}

impl Host for Tables {
    type Params = Shown;
    type Answer = Ready<Result<FieldAnswer, Failure>>;

    fn begin(&self, _kind: OperationKind, is_one_statement: bool) {
        *self.is_one_statement.lock().unwrap() = is_one_statement;
    }

    fn query(
        &self,
        sql: &Arc<str>,
        params: Shown,
    ) -> impl Future<Output = Result<Rows, Failure>> + Send {
        let mut asked = self.asked.lock().unwrap();
        asked.push(format!("{sql} ({})", params.0.join(", ")));
        ready(match self.by_sql.get(&**sql) {
            Some(table) => Ok(rows_of(table)),
            None => Err(failure(&format!("there is no {sql}"))),
        })
    }

    fn ask(&self, ask: Ask<'_>) -> Vec<Self::Answer> {
        let fields = ask.fields.iter();
        fields
            .map(|_| ready(Err(failure("there is no JavaScript"))))
            .collect()
    }

    fn subscribe(
        &self,
        ask: Ask<'_>,
    ) -> impl Future<Output = Result<StreamAnswer, Failure>> + Send {
        ready(Err(failure(&format!(
            "there is no JavaScript for {}",
            ask.fields[0].name
        ))))
    }

    fn context(&self) -> impl Future<Output = Result<Json, Failure>> + Send {
        ready(Ok(json!({ "user": { "id": 7 } })))
    }

    fn report(&self, _failure: &Failure, _coordinate: &str) {}

    fn has_rolled_back(&self) -> bool {
        *self.finished.lock().unwrap() == Some(false)
    }

    fn finish(&self, is_success: bool) -> impl Future<Output = Result<(), Failure>> + Send {
        *self.finished.lock().unwrap() = Some(is_success);
        ready(Ok(()))
    }
}

pub(crate) fn failure(message: &str) -> Failure {
    Failure {
        message: message.into(),
        code: "TEST".into(),
        extensions: Map::new(),
        is_public: true,
    }
}

fn rows_of((names, values): &Table) -> Rows {
    let columns = names.iter().enumerate().map(|(index, name)| {
        let is_number = values.iter().any(|row| row[index].is_i64());
        Column {
            name: (*name).into(),
            type_oid: if is_number { 23 } else { 25 },
            is_binary: true,
        }
    });
    let mut rows = Rows::new(columns.collect());
    for row in values {
        let mut bytes = Vec::new();
        for value in row {
            let cell = match value {
                Json::Null => None,
                Json::Number(number) => {
                    Some((number.as_i64().unwrap() as i32).to_be_bytes().to_vec())
                }
                Json::String(text) => Some(text.clone().into_bytes()),
                other => panic!("{other} is no cell"),
            };
            let length = cell.as_ref().map_or(-1, |cell| cell.len() as i32);
            bytes.extend(length.to_be_bytes());
            bytes.extend(cell.unwrap_or_default());
        }
        rows.push(&bytes);
    }
    rows
}

pub(crate) fn engine(spec: Json) -> Engine {
    let spec: SchemaSpec = serde_json::from_value(spec).unwrap();
    Engine::new(&spec).unwrap()
}

pub(crate) fn run(engine: &Engine, host: &Tables, query: &str, variables: Json) -> Json {
    let response = block_on(engine.execute(&request(query, variables), host));
    let body = body_of(&response);
    match response.outcome {
        Outcome::Executed { has_errors } => assert_eq!(has_errors, body.get("errors").is_some()),
        _ => assert_eq!(body.get("data"), None),
    }
    body
}

/// A request of one operation.
pub(crate) fn request(query: &str, variables: Json) -> Request {
    Request {
        query: query.into(),
        operation_name: None,
        variables: variables.as_object().cloned().unwrap_or_default(),
        is_explained: false,
        allows_mutation: true,
    }
}

/// The body of a response.
pub(crate) fn body_of(response: &Response) -> Json {
    serde_json::from_slice(&response.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&response.body)))
}
