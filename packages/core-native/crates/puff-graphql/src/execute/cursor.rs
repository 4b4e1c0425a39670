//! Cursors of connections: the values of the ordering columns, as base64 of a JSON array.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

/// Reads a cursor; `None` if it is none of ours.
pub(crate) fn decode_cursor(text: &str) -> Option<Vec<Json>> {
    serde_json::from_slice(&BASE64_STANDARD.decode(text).ok()?).ok()
}

/// Writes a cursor from the JSON text of its values.
pub(crate) fn encode_cursor(values: &[u8]) -> String {
    BASE64_STANDARD.encode(values)
}
