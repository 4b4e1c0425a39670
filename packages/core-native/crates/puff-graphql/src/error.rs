//! Errors as clients see them (GraphQL specification, section 7.1.2 "Errors").

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// An entry of `errors` in a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphqlError {
    /// For developers.
    pub message: String,
    /// Where in the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// Where in the response; `None` for an error of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<PathSegment>>,
    /// More, for programs: a `code` at least.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extensions: Map<String, Json>,
}

/// A place in a document, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The column in it, in Unicode code points.
    pub column: u32,
}

/// A step on the way into a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PathSegment {
    /// A response key.
    Key(Box<str>),
    /// An index of a list.
    Index(usize),
}

impl GraphqlError {
    /// An error of the request, with a code for `extensions.code`.
    pub fn new(message: impl Into<String>, code: &str) -> GraphqlError {
        let mut extensions = Map::new();
        extensions.insert("code".into(), code.into());
        GraphqlError {
            message: message.into(),
            locations: Vec::new(),
            path: None,
            extensions,
        }
    }

    /// The same at a place in the document.
    #[must_use]
    pub fn at(mut self, location: Location) -> GraphqlError {
        self.locations.push(location);
        self
    }
}
