//! Values that are written in documents and schemas.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::schema::{ExtendedType, InputObjectType, InputValueDefinition, ScalarType};
use serde_json::{Map, Number, Value as Json};

use crate::document::TypeSystem;

/// Coerces a literal to its type; variables in it have coerced values already. `None` if that cannot
/// be, for example because a variable without a value is in a place that must have one.
pub(super) fn literal(
    types: &TypeSystem,
    value: &Value,
    ty: &Type,
    variables: &Map<String, Json>,
) -> Option<Json> {
    match value {
        Value::Variable(name) => {
            let value = variables.get(name.as_str())?;
            return (!(value.is_null() && ty.is_non_null())).then(|| value.clone());
        }
        Value::Null => return (!ty.is_non_null()).then_some(Json::Null),
        _ => {}
    }
    match ty {
        Type::List(item_type) | Type::NonNullList(item_type) => match value {
            Value::List(items) => items
                .iter()
                .map(|item| {
                    if is_missing(item, variables) {
                        return (!item_type.is_non_null()).then_some(Json::Null);
                    }
                    literal(types, item, item_type, variables)
                })
                .collect::<Option<Vec<_>>>()
                .map(Json::Array),
            _ => Some(Json::Array(vec![literal(
                types, value, item_type, variables,
            )?])),
        },
        Type::Named(name) | Type::NonNullNamed(name) => {
            match types.schema().types.get(name.as_str())? {
                ExtendedType::InputObject(definition) => {
                    input_object(types, value, definition, variables)
                }
                ExtendedType::Enum(definition) => match value {
                    Value::Enum(name) if definition.values.contains_key(name) => {
                        Some(Json::from(name.as_str()))
                    }
                    _ => None,
                },
                ExtendedType::Scalar(definition) => scalar(definition, value, variables),
                _ => None,
            }
        }
    }
}

/// The default of an argument or an input field.
pub(crate) fn default_of(types: &TypeSystem, definition: &InputValueDefinition) -> Option<Json> {
    constant(types, definition.default_value.as_ref()?, &definition.ty)
}

/// Coerces a literal without variables.
pub(crate) fn constant(types: &TypeSystem, value: &Value, ty: &Type) -> Option<Json> {
    literal(types, value, ty, &Map::new())
}

fn input_object(
    types: &TypeSystem,
    value: &Value,
    definition: &InputObjectType,
    variables: &Map<String, Json>,
) -> Option<Json> {
    let Value::Object(given) = value else {
        return None;
    };
    let mut coerced = Map::new();
    for (name, field) in &definition.fields {
        let value = given
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value)
            .filter(|value| !is_missing(value, variables));
        let value = match value {
            Some(value) => literal(types, value, &field.ty, variables)?,
            None if field.default_value.is_some() => default_of(types, field)?,
            None if field.ty.is_non_null() => return None,
            None => continue,
        };
        coerced.insert(name.as_str().to_owned(), value);
    }
    if types.is_one_of(&definition.name)
        && (coerced.len() != 1 || coerced.values().any(Json::is_null))
    {
        return None;
    }
    Some(Json::Object(coerced))
}

fn is_missing(value: &Value, variables: &Map<String, Json>) -> bool {
    match value {
        Value::Variable(name) => !variables.contains_key(name.as_str()),
        _ => false,
    }
}

fn scalar(definition: &ScalarType, value: &Value, variables: &Map<String, Json>) -> Option<Json> {
    match (definition.name.as_str(), value) {
        ("Int", Value::Int(int)) => int.try_to_i32().ok().map(Json::from),
        ("Float", Value::Int(_) | Value::Float(_)) => untyped(value, variables),
        ("String" | "ID", Value::String(text)) => Some(Json::from(text.as_str())),
        ("ID", Value::Int(int)) => Some(Json::from(int.as_str())),
        ("Boolean", Value::Boolean(value)) => Some(Json::from(*value)),
        ("Int" | "Float" | "String" | "ID" | "Boolean", _) => None,
        _ => untyped(value, variables),
    }
}

/// A literal of a custom scalar, of which only its notation is known.
fn untyped(value: &Value, variables: &Map<String, Json>) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Enum(name) => Json::from(name.as_str()),
        Value::Variable(name) => variables.get(name.as_str()).cloned()?,
        Value::String(text) => Json::from(text.as_str()),
        Value::Float(float) => Json::Number(Number::from_f64(float.try_to_f64().ok()?)?),
        Value::Int(int) => match int.as_str().parse::<i64>() {
            Ok(int) => Json::from(int),
            Err(_) => Json::Number(Number::from_f64(int.try_to_f64().ok()?)?),
        },
        Value::Boolean(value) => Json::from(*value),
        Value::List(items) => items
            .iter()
            .map(|item| Some(untyped(item, variables).unwrap_or(Json::Null)))
            .collect::<Option<_>>()?,
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), untyped(value, variables)?))
            })
            .collect(),
    })
}
