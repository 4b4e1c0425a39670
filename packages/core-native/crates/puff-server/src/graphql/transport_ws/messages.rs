//! The messages of the protocol.

use std::cell::RefCell;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::websocket::Frame;

/// A message of the client.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    ConnectionInit {
        payload: Option<Map<String, Json>>,
    },
    Ping {
        payload: Option<Map<String, Json>>,
    },
    Pong,
    Subscribe {
        id: String,
        payload: Map<String, Json>,
    },
    Complete {
        id: String,
    },
}

/// What is wrong with a message, for the reason of a close frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid(pub(super) String);

impl Incoming {
    /// Reads a message.
    pub(super) fn read(text: &str) -> Result<Incoming, Invalid> {
        let invalid = |what: &str| Invalid(format!("Invalid message: {what}"));
        let Ok(Json::Object(mut message)) = serde_json::from_str(text) else {
            return Err(invalid("it is no JSON object"));
        };
        let kind = match message.swap_remove("type") {
            Some(Json::String(kind)) => kind,
            _ => return Err(invalid("its 'type' is no string")),
        };
        let payload = message.swap_remove("payload").unwrap_or_default();
        let mut id = || match message.swap_remove("id") {
            Some(Json::String(id)) if !id.is_empty() => Ok(id),
            _ => Err(invalid("its 'id' is no string, or an empty one")),
        };
        match kind.as_str() {
            "connection_init" => Ok(Incoming::ConnectionInit {
                payload: object(payload).map_err(|()| invalid("its 'payload' is no object"))?,
            }),
            "ping" => Ok(Incoming::Ping {
                payload: object(payload).map_err(|()| invalid("its 'payload' is no object"))?,
            }),
            "pong" => match object(payload) {
                Ok(_) => Ok(Incoming::Pong),
                Err(()) => Err(invalid("its 'payload' is no object")),
            },
            "subscribe" => {
                let id = id()?;
                let Json::Object(payload) = payload else {
                    return Err(invalid("its 'payload' is no object"));
                };
                check_request(&payload).map_err(|what| invalid(&what))?;
                Ok(Incoming::Subscribe { id, payload })
            }
            "complete" => Ok(Incoming::Complete { id: id()? }),
            other => Err(invalid(&format!("there is no type '{other}'"))),
        }
    }
}

fn check_request(payload: &Map<String, Json>) -> Result<(), String> {
    if !matches!(payload.get("query"), Some(Json::String(_))) {
        return Err("the 'query' of its payload is no string".into());
    }
    let is_none = |value: Option<&Json>| value.is_none_or(Json::is_null);
    let name = payload.get("operationName");
    if !is_none(name) && !name.is_some_and(Json::is_string) {
        return Err("the 'operationName' of its payload is no string".into());
    }
    for member in ["variables", "extensions"] {
        let value = payload.get(member);
        if !is_none(value) && !value.is_some_and(Json::is_object) {
            return Err(format!("the '{member}' of its payload is no object"));
        }
    }
    Ok(())
}

fn object(value: Json) -> Result<Option<Map<String, Json>>, ()> {
    match value {
        Json::Null => Ok(None),
        Json::Object(members) => Ok(Some(members)),
        _ => Err(()),
    }
}

pub(super) fn connection_ack() -> Frame {
    Frame::text(r#"{"type":"connection_ack"}"#)
}

pub(super) fn pong(payload: Option<Map<String, Json>>) -> Frame {
    match payload {
        None => Frame::text(r#"{"type":"pong"}"#),
        Some(payload) => {
            let payload = Json::Object(payload);
            Frame::text(&format!(r#"{{"type":"pong","payload":{payload}}}"#))
        }
    }
}

/// A thread keeps no longer text than this.
const MAX_KEPT_TEXT: usize = 64 * 1024;

thread_local! {
    /// Where responses are put together, one after the other.
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Messages of one operation: its id is written once.
#[derive(Debug)]
pub(super) struct OperationMessages {
    /// `{"id":...,"type":`
    head: Box<str>,
}

impl OperationMessages {
    pub(super) fn new(id: &str) -> OperationMessages {
        OperationMessages {
            head: format!(r#"{{"id":{},"type":"#, Json::from(id)).into(),
        }
    }

    /// A response, as a text that is there for the time of the call.
    pub(super) fn with_next<T>(&self, response: &Bytes, send: impl FnOnce(&str) -> T) -> T {
        let response = String::from_utf8_lossy(response);
        let mut text = TEXT.take();
        text.clear();
        self.write(&mut text, "\"next\",\"payload\":", &response);
        let sent = send(&text);
        if text.capacity() <= MAX_KEPT_TEXT {
            TEXT.set(text);
        }
        sent
    }

    /// The `errors` of a response that has nothing else.
    pub(super) fn error(&self, response: &Bytes) -> Frame {
        #[derive(Deserialize)]
        struct Refused<'a> {
            #[serde(borrow)]
            errors: &'a RawValue,
        }
        let refused = serde_json::from_slice::<Refused<'_>>(response);
        let errors = refused
            .as_ref()
            .map_or("[]", |refused| refused.errors.get());
        self.frame("\"error\",\"payload\":", errors)
    }

    pub(super) fn complete(&self) -> Frame {
        self.frame("\"complete\"", "")
    }

    fn frame(&self, kind: &str, payload: &str) -> Frame {
        let mut text = String::new();
        self.write(&mut text, kind, payload);
        Frame::text(&text)
    }

    fn write(&self, text: &mut String, kind: &str, payload: &str) {
        text.reserve(self.head.len() + kind.len() + payload.len() + 1);
        text.push_str(&self.head);
        text.push_str(kind);
        text.push_str(payload);
        text.push('}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(message: Json) -> Result<Incoming, Invalid> {
        Incoming::read(&message.to_string())
    }

    #[test]
    fn messages_have_their_forms() {
        let payload = || Some(json!({ "a": 1 }).as_object().unwrap().clone());
        assert_eq!(
            read(json!({ "type": "connection_init", "payload": { "a": 1 } })),
            Ok(Incoming::ConnectionInit { payload: payload() })
        );
        assert_eq!(
            read(json!({ "type": "connection_init", "payload": null })),
            Ok(Incoming::ConnectionInit { payload: None })
        );
        assert_eq!(
            read(json!({ "type": "ping" })),
            Ok(Incoming::Ping { payload: None })
        );
        assert_eq!(
            read(json!({ "type": "complete", "id": "x" })),
            Ok(Incoming::Complete { id: "x".into() })
        );
        let request =
            json!({ "query": "{ a }", "variables": null, "operationName": "B", "extensions": {} });
        assert_eq!(
            read(json!({ "type": "subscribe", "id": "x", "payload": request })),
            Ok(Incoming::Subscribe {
                id: "x".into(),
                payload: request.as_object().unwrap().clone()
            })
        );
    }

    #[test]
    fn all_else_is_invalid() {
        for message in [
            json!([]),
            json!({}),
            json!({ "type": 1 }),
            json!({ "type": "start" }),
            json!({ "type": "connection_init", "payload": "x" }),
            json!({ "type": "ping", "payload": [] }),
            json!({ "type": "pong", "payload": 1 }),
            json!({ "type": "complete" }),
            json!({ "type": "complete", "id": "" }),
            json!({ "type": "subscribe", "id": 1, "payload": { "query": "" } }),
            json!({ "type": "subscribe", "id": "1" }),
            json!({ "type": "subscribe", "id": "1", "payload": {} }),
            json!({ "type": "subscribe", "id": "1", "payload": { "query": 1 } }),
            json!({ "type": "subscribe", "id": "1", "payload": { "query": "", "variables": "" } }),
            json!({ "type": "subscribe", "id": "1", "payload": { "query": "", "operationName": 1 } }),
            json!({ "type": "subscribe", "id": "1", "payload": { "query": "", "extensions": [] } }),
        ] {
            assert!(read(message.clone()).is_err(), "{message}");
        }
        assert!(Incoming::read("{").is_err());
    }
}
