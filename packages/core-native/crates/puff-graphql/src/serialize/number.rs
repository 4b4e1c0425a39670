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
    fn narrow_floats_keep_their_digits() {
        assert_eq!(widen(0.1), 0.1);
        assert!(widen(f32::NAN).is_nan());
    }
}
