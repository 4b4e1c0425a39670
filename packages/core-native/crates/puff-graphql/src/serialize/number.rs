//! Numbers as JSON.

/// Writes an integer.
pub(crate) fn put_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a finite double as JavaScript would: whole numbers without a fraction.
pub(crate) fn put_double(value: f64, out: &mut Vec<u8>) {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < WHOLE {
        return put_integer(value as i64, out);
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
}

/// A double as text, as JavaScript's `String` has it.
pub(crate) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let mut out = Vec::new();
    put_double(value, &mut out);
    let text = String::from_utf8_lossy(&out).into_owned();
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

/// The double with the same shortest decimal form: 0.1 stays 0.1.
pub(crate) fn widen(value: f32) -> f64 {
    match value.is_finite() {
        true => ryu::Buffer::new()
            .format_finite(value)
            .parse()
            .unwrap_or(f64::from(value)),
        false => f64::from(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_javascript_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (1e21, "1e21"),
            (123_456_789_012.0, "123456789012"),
            (1e-7, "1e-7"),
        ] {
            let mut out = Vec::new();
            put_double(value, &mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        }
    }

    #[test]
    fn doubles_in_strings_are_those_of_javascript() {
        for (value, expected) in [
            (1e21, "1e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (1e-7, "1e-7"),
            (0.5, "0.5"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double_text(value), expected);
        }
    }

    #[test]
    fn narrow_floats_keep_their_digits() {
        assert_eq!(widen(0.1), 0.1);
        assert!(widen(f32::NAN).is_nan());
    }
}
