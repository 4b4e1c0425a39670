//! `__InputValue.defaultValue`: a default as a literal.

use apollo_compiler::ast::{InputValueDefinition, Type};
use apollo_compiler::schema::ExtendedType;
use serde_json::Value as Json;

use crate::coercion::{constant, number_text};
use crate::document::{TypeSystem, write_literal, write_string};

/// The default of an argument or an input field, coerced to its type and written as a literal again:
/// with the defaults of nested input fields, and a single value in the place of a list as a list.
pub(super) fn default_text(
    types: &TypeSystem,
    definition: &InputValueDefinition,
) -> Option<String> {
    let default = definition.default_value.as_ref()?;
    let mut out = String::new();
    match constant(types, default, &definition.ty) {
        Some(value) => write(types, &value, &definition.ty, &mut out),
        // Not reached in a valid schema; what its author wrote is the best answer then.
        None => write_literal(default, usize::MAX, &mut out),
    }
    Some(out)
}

fn write(types: &TypeSystem, value: &Json, ty: &Type, out: &mut String) {
    let name = match (value, ty) {
        (Json::Null, _) => return out.push_str("null"),
        (Json::Array(items), Type::List(item_type) | Type::NonNullList(item_type)) => {
            return list(items, out, |item, out| write(types, item, item_type, out));
        }
        (_, Type::List(_) | Type::NonNullList(_)) => return untyped(value, out),
        (_, Type::Named(name) | Type::NonNullNamed(name)) => name,
    };
    match (types.schema().types.get(name.as_str()), value) {
        (Some(ExtendedType::Enum(_)), Json::String(name)) => out.push_str(name),
        (Some(ExtendedType::InputObject(definition)), Json::Object(fields)) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(name);
                out.push_str(": ");
                match definition.fields.get(name.as_str()) {
                    Some(field) => write(types, value, &field.ty, out),
                    None => untyped(value, out),
                }
            }
            out.push('}');
        }
        (_, Json::String(text)) if name == "ID" && is_integer(text) => out.push_str(text),
        _ => untyped(value, out),
    }
}

/// A value of a custom scalar.
fn untyped(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number_text(number)),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => list(items, out, untyped),
        Json::Object(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(name);
                out.push_str(": ");
                untyped(value, out);
            }
            out.push('}');
        }
    }
}

fn list(items: &[Json], out: &mut String, mut write: impl FnMut(&Json, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push(']');
}

/// Whether a text is an IntValue; graphql-js writes such ids without quotes.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}
