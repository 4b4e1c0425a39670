//! Leaves that are JSON already: result coercion as graphql-js does it (GraphQL specification, section
//! 3.5 "Scalars").

use serde_json::{Number, Value as Json};

use super::number::put_double;
use super::text::put_string;
use crate::coercion::number_text;
use crate::plan::{EnumNames, Leaf};

/// Writes a value that is not null as one of a leaf type.
///
/// # Errors
/// A value that the type cannot represent, in the words of graphql-js.
pub(crate) fn write_json_leaf(leaf: &Leaf, value: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    match leaf {
        Leaf::Int => write_int(value, out),
        Leaf::Float => write_float(value, out),
        Leaf::String => match value {
            Json::Array(_) | Json::Object(_) => {
                Err(format!("String cannot represent value: {value}"))
            }
            scalar => {
                put_string(text_of(scalar).as_bytes(), out);
                Ok(())
            }
        },
        Leaf::Boolean => write_boolean(value, out),
        Leaf::Id => match value {
            Json::String(text) => {
                put_string(text.as_bytes(), out);
                Ok(())
            }
            Json::Number(number) if is_integer(number) => {
                put_string(number_text(number).as_bytes(), out);
                Ok(())
            }
            _ => Err(format!("ID cannot represent value: {value}")),
        },
        Leaf::Enum(names) => write_enum(names, value, out),
        Leaf::Custom => {
            out.extend_from_slice(value.to_string().as_bytes());
            Ok(())
        }
    }
}

fn write_int(value: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    match number_of(value).filter(|number| number.fract() == 0.0) {
        Some(number) if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) => {
            put_double(number, out);
            Ok(())
        }
        Some(_) => Err(format!(
            "Int cannot represent non 32-bit signed integer value: {value}"
        )),
        None => Err(format!("Int cannot represent non-integer value: {value}")),
    }
}

fn write_float(value: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    if let Json::Number(number) = value {
        out.extend_from_slice(number_text(number).as_bytes());
        return Ok(());
    }
    match number_of(value) {
        Some(number) => {
            put_double(number, out);
            Ok(())
        }
        None => Err(format!("Float cannot represent non numeric value: {value}")),
    }
}

fn write_boolean(value: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    let is_true = match value {
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        _ => {
            return Err(format!(
                "Boolean cannot represent a non boolean value: {value}"
            ));
        }
    };
    out.extend_from_slice(if is_true { b"true" } else { b"false" });
    Ok(())
}

fn write_enum(names: &EnumNames, value: &Json, out: &mut Vec<u8>) -> Result<(), String> {
    match names.names.get(text_of(value).as_str()) {
        Some(name) => {
            put_string(name.as_bytes(), out);
            Ok(())
        }
        None => Err(format!(
            "Enum \"{}\" cannot represent value: {value}",
            names.type_name
        )),
    }
}

/// The number that a number, a boolean or a text with a number in it is.
fn number_of(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::String(text) if !text.is_empty() => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

fn is_integer(number: &Number) -> bool {
    number.is_i64()
        || number.is_u64()
        || number.as_f64().is_some_and(|double| double.fract() == 0.0)
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number_text(number),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn written(leaf: &Leaf, value: Json) -> Result<String, String> {
        let mut out = Vec::new();
        write_json_leaf(leaf, &value, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn scalars_take_what_graphql_js_takes() {
        assert_eq!(written(&Leaf::Int, json!(7)), Ok("7".into()));
        assert_eq!(written(&Leaf::Int, json!(7.0)), Ok("7".into()));
        assert_eq!(written(&Leaf::Int, json!("7")), Ok("7".into()));
        assert_eq!(written(&Leaf::Int, json!(true)), Ok("1".into()));
        assert_eq!(written(&Leaf::Float, json!(1.5)), Ok("1.5".into()));
        assert_eq!(written(&Leaf::Float, json!("1.5")), Ok("1.5".into()));
        assert_eq!(
            written(&Leaf::String, json!("a\"b")),
            Ok("\"a\\\"b\"".into())
        );
        assert_eq!(written(&Leaf::String, json!(5)), Ok("\"5\"".into()));
        assert_eq!(written(&Leaf::String, json!(false)), Ok("\"false\"".into()));
        assert_eq!(written(&Leaf::Id, json!(5)), Ok("\"5\"".into()));
        assert_eq!(written(&Leaf::Id, json!(5.0)), Ok("\"5\"".into()));
        assert_eq!(written(&Leaf::Boolean, json!(1)), Ok("true".into()));
        assert_eq!(
            written(&Leaf::Custom, json!({"a": [1]})),
            Ok("{\"a\":[1]}".into())
        );
    }

    #[test]
    fn scalars_refuse_what_graphql_js_refuses() {
        let refused = |leaf: &Leaf, value: Json| written(leaf, value).unwrap_err();
        assert_eq!(
            refused(&Leaf::Int, json!(1.5)),
            "Int cannot represent non-integer value: 1.5"
        );
        assert_eq!(
            refused(&Leaf::Int, json!(5_000_000_000_u64)),
            "Int cannot represent non 32-bit signed integer value: 5000000000"
        );
        assert_eq!(
            refused(&Leaf::Int, json!("x")),
            "Int cannot represent non-integer value: \"x\""
        );
        assert_eq!(
            refused(&Leaf::Float, json!([])),
            "Float cannot represent non numeric value: []"
        );
        assert_eq!(
            refused(&Leaf::Boolean, json!("true")),
            "Boolean cannot represent a non boolean value: \"true\""
        );
        assert_eq!(
            refused(&Leaf::Id, json!(1.5)),
            "ID cannot represent value: 1.5"
        );
        assert!(refused(&Leaf::String, json!({})).starts_with("String cannot"));
    }

    #[test]
    fn enums_have_their_names() {
        let names = EnumNames {
            type_name: "Role".into(),
            names: [("admin".into(), "ADMIN".into())].into(),
        };
        let role = Leaf::Enum(Arc::new(names));
        assert_eq!(written(&role, json!("admin")), Ok("\"ADMIN\"".into()));
        assert_eq!(
            written(&role, json!("nobody")),
            Err("Enum \"Role\" cannot represent value: \"nobody\"".into())
        );
    }
}
