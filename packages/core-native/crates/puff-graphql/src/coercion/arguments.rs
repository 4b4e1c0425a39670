//! The arguments of fields and directives.

use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, InputValueDefinition, Value};
use apollo_compiler::executable::{DirectiveList, Field};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::FieldDefinition;
use serde_json::{Map, Value as Json};

use super::literal::{default_of, literal};
use crate::document::{BAD_USER_INPUT, Document, TypeSystem, print_literal};
use crate::error::GraphqlError;

/// Coerces the arguments of a field (specification, section 6.4.1 "Coercing Field Arguments").
///
/// `variables` are coerced. The result has each argument that is given or has a default.
pub fn coerce_arguments(
    types: &TypeSystem,
    definition: &FieldDefinition,
    field: &Node<Field>,
    variables: &Map<String, Json>,
) -> Result<Map<String, Json>, ArgumentError> {
    let mut coerced = Map::new();
    for argument in &definition.arguments {
        let given = field
            .arguments
            .iter()
            .find(|given| given.name == argument.name);
        let value = coerce(types, argument, given, variables)
            .map_err(|failure| failure.into_error(field))?;
        if let Some(value) = value {
            coerced.insert(argument.name.as_str().to_owned(), value);
        }
    }
    Ok(coerced)
}

/// Why the arguments of a field cannot be coerced: an error of the field.
#[derive(Debug, Clone)]
pub struct ArgumentError {
    /// What is wrong.
    pub message: String,
    /// The code of the error.
    pub extensions: Map<String, Json>,
    /// Where: the value of the argument, or the field if the argument is missing.
    pub span: Option<SourceSpan>,
}

impl ArgumentError {
    /// The error as clients see it, without a path.
    pub fn locate(self, document: &Document) -> GraphqlError {
        GraphqlError {
            message: self.message,
            locations: self
                .span
                .map(|span| document.location(span))
                .into_iter()
                .collect(),
            path: None,
            extensions: self.extensions,
        }
    }
}

/// Whether `@skip` and `@include` let a selection stay (specification, section 6.3.2 "Field
/// Collection"). `variables` are coerced.
pub fn is_included(directives: &DirectiveList, variables: &Map<String, Json>) -> bool {
    let condition = |name: &str| {
        let directive = directives.get(name)?;
        match &**directive.specified_argument_by_name("if")? {
            Value::Boolean(value) => Some(*value),
            Value::Variable(name) => variables.get(name.as_str())?.as_bool(),
            _ => None,
        }
    };
    condition("skip") != Some(true) && condition("include") != Some(false)
}

/// Why an argument has no value.
struct Failure<'a> {
    message: String,
    /// Where; without it, at the field.
    value: Option<&'a Node<Value>>,
}

impl Failure<'_> {
    fn into_error(self, field: &Node<Field>) -> ArgumentError {
        let mut extensions = Map::new();
        extensions.insert("code".into(), BAD_USER_INPUT.into());
        ArgumentError {
            message: self.message,
            extensions,
            span: self.value.map_or(field.location(), Node::location),
        }
    }
}

/// The value of one argument; `Ok(None)` if it has none and needs none.
fn coerce<'a>(
    types: &TypeSystem,
    definition: &InputValueDefinition,
    given: Option<&'a Node<Argument>>,
    variables: &Map<String, Json>,
) -> Result<Option<Json>, Failure<'a>> {
    let name = &definition.name;
    let ty = &definition.ty;
    let value = given.map(|argument| &argument.value);

    let missing_variable = match value.map(|value| &**value) {
        Some(Value::Variable(variable)) if !variables.contains_key(variable.as_str()) => {
            Some(variable)
        }
        _ => None,
    };
    let Some(value) = value.filter(|_| missing_variable.is_none()) else {
        if definition.default_value.is_some() {
            return Ok(default_of(types, definition));
        }
        if !ty.is_non_null() {
            return Ok(None);
        }
        let reason = match missing_variable {
            Some(variable) => format!(
                "was provided the variable \"${variable}\" which was not provided a runtime value."
            ),
            None => "was not provided.".to_owned(),
        };
        return Err(Failure {
            message: format!("Argument \"{name}\" of required type \"{ty}\" {reason}"),
            value,
        });
    };

    let is_null = match &**value {
        Value::Null => true,
        Value::Variable(variable) => variables.get(variable.as_str()).is_some_and(Json::is_null),
        _ => false,
    };
    if is_null && ty.is_non_null() {
        return Err(Failure {
            message: format!("Argument \"{name}\" of non-null type \"{ty}\" must not be null."),
            value: Some(value),
        });
    }
    literal(types, value, ty, variables)
        .map(Some)
        .ok_or_else(|| Failure {
            message: format!(
                "Argument \"{name}\" has invalid value {}.",
                print_literal(value)
            ),
            value: Some(value),
        })
}
