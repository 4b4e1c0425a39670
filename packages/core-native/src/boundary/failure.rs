//! Errors and events as data.

use puff_core::postgres::{Error, Event, ServerError};
use puff_graphql::host::Failure;
use serde_json::{Map, Value, json};

/// Writes an error as the JSON that `packages/next-puff/src/boundary/failures.ts` makes a class of.
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
        Error::Refused {
            sqlstate, server, ..
        } => {
            set("sqlState", sqlstate.clone().map(Value::from));
            set("server", server.as_deref().map(report));
        }
        Error::Unavailable {
            system_code,
            server,
            ..
        } => {
            set("systemCode", system_code.map(Value::from));
            set("server", server.as_deref().map(report));
        }
        Error::ConnectionLost { server, .. } => set("server", server.as_deref().map(report)),
        Error::Server(server) => fields.extend(server_fields(server)),
        _ => {}
    }
    Value::Object(fields).to_string()
}

/// The fields of a server's report, beside its message and hint.
fn server_fields(server: &ServerError) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("sqlState".into(), json!(server.sqlstate));
    fields.insert("severity".into(), json!(server.severity));
    if let Some(position) = server.position {
        fields.insert("position".into(), json!(position));
    }
    let texts = [
        ("detail", &server.detail),
        ("where", &server.context),
        ("schema", &server.schema),
        ("table", &server.table),
        ("column", &server.column),
        ("dataType", &server.data_type),
        ("constraint", &server.constraint),
        ("internalPosition", &server.internal_position),
        ("internalQuery", &server.internal_query),
        ("file", &server.file),
        ("line", &server.line),
        ("routine", &server.routine),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            fields.insert(name.into(), json!(text));
        }
    }
    fields
}

/// A server's report with its message and hint.
fn report(server: &ServerError) -> Value {
    let mut fields = server_fields(server);
    fields.insert("message".into(), json!(server.message));
    fields.insert("hint".into(), json!(server.hint));
    Value::Object(fields)
}

/// Writes an event of a session as JSON with a `type`.
pub(crate) fn event_to_json(event: &Event) -> String {
    let value = match event {
        Event::Notice(notice) => json!({ "type": "notice", "notice": report(notice) }),
        Event::Notification {
            process_id,
            channel,
            payload,
        } => json!({
            "type": "notification", "processId": process_id, "channel": channel, "payload": payload,
        }),
        Event::Parameter { name, value } => {
            json!({ "type": "parameter", "name": name, "value": value })
        }
        Event::Lost {
            is_orderly,
            reason,
            error,
        } => json!({
            "type": "lost", "isOrderly": is_orderly, "reason": reason,
            "error": error.as_deref().map(report),
        }),
    };
    value.to_string()
}

/// Writes a failure of a GraphQL operation as JSON.
pub(crate) fn failed(failure: &Failure) -> Value {
    json!({
        "code": failure.code, "message": failure.message, "extensions": failure.extensions,
    })
}
