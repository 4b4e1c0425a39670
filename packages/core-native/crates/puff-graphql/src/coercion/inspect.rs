//! Values in messages, as graphql-js prints them.

use serde_json::{Number, Value as Json};

/// How many items of a list are shown.
const MAX_ITEMS: usize = 10;
/// How deep values are shown.
const MAX_DEPTH: usize = 2;
/// How much of a value is shown. graphql-js has no such bound, and repeats back whatever it was sent.
const MAX_LENGTH: usize = 1_000;

/// A value in the notation of graphql-js (its `inspect`).
pub(crate) fn inspect(value: &Json) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    if out.len() > MAX_LENGTH {
        let end = out.floor_char_boundary(MAX_LENGTH);
        out.truncate(end);
        out.push_str("...");
    }
    out
}

fn write(value: &Json, depth: usize, out: &mut String) {
    if out.len() > MAX_LENGTH {
        return;
    }
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number_text(number)),
        Json::String(text) => {
            // Enough to be cut off above.
            let end = text.floor_char_boundary(MAX_LENGTH + 1);
            out.push_str(&Json::from(&text[..end]).to_string());
        }
        Json::Array(items) if items.is_empty() => out.push_str("[]"),
        Json::Array(_) if depth >= MAX_DEPTH => out.push_str("[Array]"),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(item, depth + 1, out);
            }
            match items.len().saturating_sub(MAX_ITEMS) {
                0 => {}
                1 => out.push_str(", ... 1 more item"),
                more => out.push_str(&format!(", ... {more} more items")),
            }
            out.push(']');
        }
        Json::Object(fields) if fields.is_empty() => out.push_str("{}"),
        Json::Object(_) if depth >= MAX_DEPTH => out.push_str("[Object]"),
        Json::Object(fields) => {
            out.push_str("{ ");
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(&name[..name.floor_char_boundary(MAX_LENGTH + 1)]);
                out.push_str(": ");
                write(value, depth + 1, out);
                if out.len() > MAX_LENGTH {
                    return;
                }
            }
            out.push_str(" }");
        }
    }
}

/// A number as JavaScript writes it.
pub(crate) fn number_text(number: &Number) -> String {
    match number.as_f64() {
        // Beyond 2^53 JavaScript has read another number; what was sent says more.
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// A float as JavaScript writes it (ECMA-262, Number::toString).
pub(crate) fn float_text(float: f64) -> String {
    let magnitude = float.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&magnitude) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prints_like_graphql_js() {
        for (value, expected) in [
            (
                json!({"a": [1, {"b": {}}, [2]]}),
                "{ a: [1, [Object], [Array]] }",
            ),
            (
                json!((0..12).collect::<Vec<_>>()),
                "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 2 more items]",
            ),
            (json!(1.5e300), "1.5e+300"),
            (json!(1e-7), "1e-7"),
            (json!(1.0), "1"),
            (json!(0.25), "0.25"),
            (json!("a\"b"), "\"a\\\"b\""),
        ] {
            assert_eq!(inspect(&value), expected);
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert!(inspect(&json!("é".repeat(100_000))).len() < 1_010);
        let wide = json!(
            (0..10_000)
                .map(|i| (i.to_string(), json!(i)))
                .collect::<serde_json::Map<_, _>>()
        );
        assert!(inspect(&wide).len() < 1_010);
    }
}
