//! Answers to `__schema` and `__type` (GraphQL specification, section 4.2 "Schema Introspection").

mod default_value;
mod node;
mod writer;

use apollo_compiler::Node;
use apollo_compiler::executable::Field;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::coercion::coerce_arguments;
use crate::document::{Document, TypeSystem};
use crate::error::GraphqlError;
use node::{MetaNode, TypeRef};
use writer::Writer;

/// Answers a root field `__schema` or `__type`.
///
/// `fields` are all fields with the same response key, at least one; their selection sets are merged.
/// `variables` are coerced.
pub fn introspect(
    types: &TypeSystem,
    document: &Document,
    fields: &[&Node<Field>],
    variables: &Map<String, Json>,
) -> Result<Box<RawValue>, GraphqlError> {
    let mut writer = Writer::new(types, document, variables);
    let Some(field) = fields.first() else {
        return Ok(RawValue::NULL.to_owned());
    };
    let root = if field.name == "__schema" {
        Some(MetaNode::Schema)
    } else {
        let arguments = coerce_arguments(types, &field.definition, field, variables)
            .map_err(|error| error.locate(document))?;
        arguments
            .get("name")
            .and_then(Json::as_str)
            .and_then(|name| TypeRef::named(types, name))
            .map(MetaNode::Type)
    };
    match root {
        Some(root) => writer.object(root, fields)?,
        None => writer.null(),
    }
    writer.finish()
}
