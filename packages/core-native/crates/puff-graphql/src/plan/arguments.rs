//! The arguments of a field.

use apollo_compiler::ast::Value;
use apollo_compiler::executable;
use apollo_compiler::{Node, ast::FieldDefinition};
use serde_json::{Map, Value as Json};

use crate::coercion::coerce_arguments;
use crate::document::TypeSystem;

/// The arguments of a field, as far as they are known without variables.
#[derive(Debug)]
pub(crate) enum Arguments {
    /// The same in every execution.
    Fixed(Map<String, Json>),
    /// They have to be coerced in each execution.
    Variable,
}

impl Arguments {
    pub(crate) fn of(
        types: &TypeSystem,
        definition: &FieldDefinition,
        field: &Node<executable::Field>,
    ) -> Arguments {
        if field
            .arguments
            .iter()
            .any(|argument| has_variable(&argument.value))
        {
            return Arguments::Variable;
        }
        // An error is the field's, and comes up when it is resolved.
        match coerce_arguments(types, definition, field, &Map::new()) {
            Ok(arguments) => Arguments::Fixed(arguments),
            Err(_) => Arguments::Variable,
        }
    }
}

fn has_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(|item| has_variable(item)),
        Value::Object(fields) => fields.iter().any(|(_, value)| has_variable(value)),
        _ => false,
    }
}
