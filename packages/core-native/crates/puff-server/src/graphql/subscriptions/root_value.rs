//! What was published, as the root value of a subscription.

use std::sync::Arc;

use puff_core::pubsub::{Kind, Payload};
use puff_graphql::Event;
use serde_json::Value as Json;

/// The event that a message is: JSON as its value, text as a string; bytes are no value.
pub(super) fn event_of(payload: &Payload) -> Event {
    let value = match payload.kind {
        Kind::Json => serde_json::from_slice(&payload.bytes).unwrap_or_default(),
        Kind::Text => Json::String(String::from_utf8_lossy(&payload.bytes).into_owned()),
        Kind::Binary => Json::Null,
    };
    Event::Published(Arc::new(value))
}
