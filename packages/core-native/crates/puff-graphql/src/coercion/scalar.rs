//! Leaf values that came as JSON.

use apollo_compiler::schema::{EnumType, ScalarType};
use serde_json::Value as Json;

use super::inspect::{float_text, inspect};
use super::suggestion::did_you_mean;

/// Coerces a value to a scalar type, or says why that cannot be.
pub(super) fn scalar(definition: &ScalarType, value: &Json) -> Result<Json, String> {
    match definition.name.as_str() {
        "Int" => int(value),
        "Float" => match value {
            Json::Number(_) => Ok(value.clone()),
            _ => Err(format!(
                "Float cannot represent non numeric value: {}",
                inspect(value)
            )),
        },
        "String" => match value {
            Json::String(_) => Ok(value.clone()),
            _ => Err(format!(
                "String cannot represent a non string value: {}",
                inspect(value)
            )),
        },
        "Boolean" => match value {
            Json::Bool(_) => Ok(value.clone()),
            _ => Err(format!(
                "Boolean cannot represent a non boolean value: {}",
                inspect(value)
            )),
        },
        "ID" => id(value),
        _ => Ok(value.clone()),
    }
}

/// Coerces a value to an enum type, or says why that cannot be.
pub(super) fn enum_value(
    definition: &EnumType,
    value: &Json,
    suggests: bool,
) -> Result<Json, String> {
    let suggestion = |input: &str| {
        if !suggests {
            return String::new();
        }
        let names = definition.values.keys().map(|name| name.as_str());
        did_you_mean(Some("the enum value"), input, names)
    };
    let Json::String(name) = value else {
        let shown = inspect(value);
        return Err(format!(
            "Enum \"{}\" cannot represent non-string value: {shown}.{}",
            definition.name,
            suggestion(&shown)
        ));
    };
    if definition.values.contains_key(name.as_str()) {
        return Ok(value.clone());
    }
    let shown = inspect(value);
    Err(format!(
        "Value {shown} does not exist in \"{}\" enum.{}",
        definition.name,
        suggestion(name)
    ))
}

fn int(value: &Json) -> Result<Json, String> {
    let number = match value {
        Json::Number(number) => number.as_i64().map(|int| int as f64).or(number.as_f64()),
        _ => None,
    };
    // JavaScript knows no difference between 1 and 1.0, and JSON from other places writes both.
    match number {
        Some(number) if number.fract() != 0.0 => {}
        Some(number) if number < i32::MIN.into() || number > i32::MAX.into() => {
            return Err(format!(
                "Int cannot represent non 32-bit signed integer value: {}",
                inspect(value)
            ));
        }
        Some(number) => return Ok(Json::from(number as i32)),
        None => {}
    }
    Err(format!(
        "Int cannot represent non-integer value: {}",
        inspect(value)
    ))
}

fn id(value: &Json) -> Result<Json, String> {
    match value {
        Json::String(_) => return Ok(value.clone()),
        Json::Number(number) => {
            if !number.is_f64() {
                return Ok(Json::from(number.to_string()));
            }
            if let Some(float) = number.as_f64()
                && float.fract() == 0.0
            {
                return Ok(Json::from(float_text(float)));
            }
        }
        _ => {}
    }
    Err(format!("ID cannot represent value: {}", inspect(value)))
}
