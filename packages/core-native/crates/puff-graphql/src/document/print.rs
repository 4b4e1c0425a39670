//! Values in the notation of GraphQL.

use apollo_compiler::ast::Value;

/// How much of a value is printed for a message.
const MAX_LENGTH: usize = 1_000;

/// A literal as graphql-js prints it in messages; the end of a long one is cut off.
pub(crate) fn print_literal(value: &Value) -> String {
    let mut out = String::new();
    write_literal(value, MAX_LENGTH, &mut out);
    if out.len() > MAX_LENGTH {
        let end = out.floor_char_boundary(MAX_LENGTH);
        out.truncate(end);
        out.push_str("...");
    }
    out
}

/// Writes a literal; stops some way after `max_length`.
pub(crate) fn write_literal(value: &Value, max_length: usize, out: &mut String) {
    if out.len() > max_length {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Enum(name) => out.push_str(name),
        Value::Variable(name) => {
            out.push('$');
            out.push_str(name);
        }
        Value::String(text) => {
            let end = text.floor_char_boundary(max_length.saturating_add(1));
            write_string(&text[..end], out);
        }
        Value::Float(float) => out.push_str(float.as_str()),
        Value::Int(int) => out.push_str(int.as_str()),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_literal(item, max_length, out);
                if out.len() > max_length {
                    return;
                }
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(name);
                out.push_str(": ");
                write_literal(value, max_length, out);
                if out.len() > max_length {
                    return;
                }
            }
            out.push('}');
        }
    }
}

/// Writes a string literal (specification, section 2.9.4 "String Value").
pub(crate) fn write_string(text: &str, out: &mut String) {
    use std::fmt::Write;

    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_like_graphql_js() {
        let mut out = String::new();
        write_string("a\"\\\n\u{b}\u{7f}é", &mut out);
        assert_eq!(out, "\"a\\\"\\\\\\n\\u000B\\u007Fé\"");
    }
}
