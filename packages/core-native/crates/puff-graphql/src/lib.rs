//! The layer GraphQL engine.
//!
//! A *layer* is one selection set of one field path: all objects there, for all parents, are resolved
//! together. The engine parses and plans documents, says which statements to run, joins their rows
//! and writes the response; a [`host::Host`] runs the statements and asks JavaScript.

pub mod coercion;
pub mod document;
mod engine;
pub mod error;
mod execute;
pub mod host;
pub mod http;
pub mod introspection;
mod plan;
pub mod rows;
pub mod schema;
mod serialize;
mod subscription;

pub use engine::{Engine, Outcome, Prepared, Request, Response, SchemaError};
pub use subscription::{Event, EventSource, Identity, Subscription};
