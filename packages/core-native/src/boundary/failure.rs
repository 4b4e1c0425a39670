//! Errors as data.

use puff_core::postgres::Error;
use serde_json::{Map, Value, json};

/// Writes an error as the JSON that `packages/next-puff/src/native/failures.ts` makes a class of.
pub(crate) fn to_json(error: &Error) -> String {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.into(), value);
        }
    };
    set("code", Some(json!(error.code())));
    set("message", Some(json!(error.to_string())));
    set("hint", error.hint().map(Value::from));
    set(
        "retryAfterMs",
        error
            .retry_after()
            .map(|after| json!(after.as_millis() as u64)),
    );
    match error {
        Error::Refused { sqlstate, .. } => set("sqlState", sqlstate.clone().map(Value::from)),
        Error::Server(server) => {
            set("sqlState", Some(json!(server.sqlstate)));
            set("severity", Some(json!(server.severity)));
            set("position", server.position.map(Value::from));
            let texts = [
                ("detail", &server.detail),
                ("where", &server.context),
                ("schema", &server.schema),
                ("table", &server.table),
                ("column", &server.column),
                ("dataType", &server.data_type),
                ("constraint", &server.constraint),
            ];
            for (name, text) in texts {
                set(name, text.clone().map(Value::from));
            }
        }
        _ => {}
    }
    Value::Object(fields).to_string()
}
