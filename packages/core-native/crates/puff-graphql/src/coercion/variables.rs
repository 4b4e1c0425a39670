//! The variables of a request.

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{Type, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use serde_json::{Map, Value as Json};

use super::inspect::inspect;
use super::literal::{constant, default_of};
use super::scalar;
use super::suggestion::did_you_mean;
use crate::document::{BAD_USER_INPUT, Document, TypeSystem};
use crate::error::{GraphqlError, PathSegment};

/// How many errors a request gets for its variables at most, as in graphql-js.
const MAX_ERRORS: usize = 50;

/// Coerces the variables of a request to the types that the operation declares for them.
///
/// The result has each variable that was given or has a default; what was given as `null` is there as
/// `null`. Values for variables that the operation does not declare are left out. All errors are
/// collected, with the locations of the definitions.
pub fn coerce_variables(
    types: &TypeSystem,
    document: &Document,
    operation: &Operation,
    given: &Map<String, Json>,
) -> Result<Map<String, Json>, Vec<GraphqlError>> {
    let mut errors = Errors {
        document,
        errors: Vec::new(),
    };
    let mut coerced = Map::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let ty = &definition.ty;
        match given.get(name) {
            None => {
                if let Some(default) = &definition.default_value {
                    if let Some(value) = constant(types, default, ty) {
                        coerced.insert(name.to_owned(), value);
                    }
                } else if ty.is_non_null() {
                    errors.add(
                        definition,
                        format!("Variable \"${name}\" of required type \"{ty}\" was not provided."),
                    );
                }
            }
            Some(Json::Null) if ty.is_non_null() => errors.add(
                definition,
                format!("Variable \"${name}\" of non-null type \"{ty}\" must not be null."),
            ),
            Some(value) => {
                let mut coercion = Coercion {
                    types,
                    definition,
                    path: Vec::new(),
                    errors: &mut errors,
                };
                if let Some(value) = coercion.value(value, ty) {
                    coerced.insert(name.to_owned(), value);
                }
            }
        }
        if errors.errors.len() > MAX_ERRORS {
            errors.errors.truncate(MAX_ERRORS);
            errors.errors.push(GraphqlError::new(
                "Too many errors processing variables, error limit reached. Execution aborted.",
                BAD_USER_INPUT,
            ));
            break;
        }
    }
    if errors.errors.is_empty() {
        Ok(coerced)
    } else {
        Err(errors.errors)
    }
}

struct Errors<'a> {
    document: &'a Document,
    errors: Vec<GraphqlError>,
}

impl Errors<'_> {
    fn add(&mut self, definition: &Node<VariableDefinition>, message: String) {
        if self.errors.len() <= MAX_ERRORS {
            let error = GraphqlError::new(message, BAD_USER_INPUT);
            self.errors.push(self.document.locate(error, definition));
        }
    }
}

/// The coercion of one variable.
struct Coercion<'a, 'e> {
    types: &'a TypeSystem,
    definition: &'a Node<VariableDefinition>,
    path: Vec<PathSegment>,
    errors: &'e mut Errors<'a>,
}

impl Coercion<'_, '_> {
    /// `None` after an error.
    fn value(&mut self, value: &Json, ty: &Type) -> Option<Json> {
        if value.is_null() {
            if ty.is_non_null() {
                self.fail(
                    value,
                    format!("Expected non-nullable type \"{ty}\" not to be null."),
                );
                return None;
            }
            return Some(Json::Null);
        }
        let name = match ty {
            Type::List(item_type) | Type::NonNullList(item_type) => {
                let Json::Array(items) = value else {
                    return Some(Json::Array(vec![self.value(value, item_type)?]));
                };
                let mut coerced = Some(Vec::with_capacity(items.len()));
                for (index, item) in items.iter().enumerate() {
                    self.path.push(PathSegment::Index(index));
                    let item = self.value(item, item_type);
                    self.path.pop();
                    match (&mut coerced, item) {
                        (Some(coerced), Some(item)) => coerced.push(item),
                        _ => coerced = None,
                    }
                    if self.errors.errors.len() > MAX_ERRORS {
                        return None;
                    }
                }
                return coerced.map(Json::Array);
            }
            Type::Named(name) | Type::NonNullNamed(name) => name,
        };
        let leaf = match self.types.schema().types.get(name.as_str())? {
            ExtendedType::InputObject(definition) => return self.input_object(value, definition),
            ExtendedType::Scalar(definition) => scalar::scalar(definition, value),
            ExtendedType::Enum(definition) => {
                scalar::enum_value(definition, value, self.types.suggests)
            }
            // Validation lets no other type through.
            _ => return None,
        };
        leaf.map_err(|message| self.fail(value, message)).ok()
    }

    fn input_object(&mut self, value: &Json, definition: &InputObjectType) -> Option<Json> {
        let Json::Object(given) = value else {
            self.fail(
                value,
                format!("Expected type \"{}\" to be an object.", definition.name),
            );
            return None;
        };
        let errors_before = self.errors.errors.len();
        let mut coerced = Map::new();
        for (name, field) in &definition.fields {
            let Some(field_value) = given.get(name.as_str()) else {
                if field.default_value.is_some() {
                    if let Some(default) = default_of(self.types, field) {
                        coerced.insert(name.as_str().to_owned(), default);
                    }
                } else if field.ty.is_non_null() {
                    self.fail(
                        value,
                        format!(
                            "Field \"{name}\" of required type \"{}\" was not provided.",
                            field.ty
                        ),
                    );
                }
                continue;
            };
            self.path.push(PathSegment::Key(name.as_str().into()));
            let field_value = self.value(field_value, &field.ty);
            self.path.pop();
            // A field with an error counts as given, so that it is not missed below too.
            coerced.insert(
                name.as_str().to_owned(),
                field_value.unwrap_or(Json::from(false)),
            );
        }
        for name in given.keys() {
            if !definition.fields.contains_key(name.as_str()) {
                self.undefined_field(value, name, definition);
            }
            if self.errors.errors.len() > MAX_ERRORS {
                return None;
            }
        }
        if self.types.is_one_of(&definition.name) {
            self.exactly_one(value, &coerced, &definition.name);
        }
        (self.errors.errors.len() == errors_before).then_some(Json::Object(coerced))
    }

    fn undefined_field(&mut self, value: &Json, name: &str, definition: &InputObjectType) {
        let suggestion = if self.types.suggests {
            let names = definition.fields.keys().map(|name| name.as_str());
            did_you_mean(None, name, names)
        } else {
            String::new()
        };
        let shown = inspect(&Json::from(name));
        self.fail(
            value,
            format!(
                "Field {shown} is not defined by type \"{}\".{suggestion}",
                definition.name
            ),
        );
    }

    fn exactly_one(&mut self, value: &Json, coerced: &Map<String, Json>, type_name: &Name) {
        if coerced.len() != 1 {
            self.fail(
                value,
                format!("Exactly one key must be specified for OneOf type \"{type_name}\"."),
            );
        }
        if let Some((name, Json::Null)) = coerced.iter().next() {
            self.path.push(PathSegment::Key(name.as_str().into()));
            self.fail(&Json::Null, format!("Field \"{name}\" must be non-null."));
            self.path.pop();
        }
    }

    /// Adds an error about a value at the current path.
    fn fail(&mut self, value: &Json, reason: String) {
        use std::fmt::Write;

        let name = &self.definition.name;
        let mut message = format!("Variable \"${name}\" got invalid value {}", inspect(value));
        if !self.path.is_empty() {
            let _ = write!(message, " at \"{name}");
            for segment in &self.path {
                let _ = match segment {
                    PathSegment::Key(key) => write!(message, ".{key}"),
                    PathSegment::Index(index) => write!(message, "[{index}]"),
                };
            }
            message.push('"');
        }
        let _ = write!(message, "; {reason}");
        self.errors.add(self.definition, message);
    }
}
