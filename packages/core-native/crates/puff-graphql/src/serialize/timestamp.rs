//! Timestamps in ISO 8601, as `Date.prototype.toISOString` writes them.

use std::cell::Cell;

use super::number::put_integer;

const DAY: i64 = 86_400_000_000;
/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;

/// Writes microseconds since 2000-01-01 UTC, with three digits of the second unless six are needed.
pub(crate) fn put_timestamp(microseconds: i64, out: &mut Vec<u8>) {
    match microseconds {
        i64::MAX => return out.extend_from_slice(b"infinity"),
        i64::MIN => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    put_date(microseconds.div_euclid(DAY), out);
    let rest = microseconds.rem_euclid(DAY);
    let seconds = (rest / 1_000_000) as u32;
    let fraction = (rest % 1_000_000) as u32;
    let mut digits = *b"T00:00:00.000000Z";
    put_digits(seconds / 3600, &mut digits[1..3]);
    put_digits(seconds / 60 % 60, &mut digits[4..6]);
    put_digits(seconds % 60, &mut digits[7..9]);
    if fraction.is_multiple_of(1000) {
        put_digits(fraction / 1000, &mut digits[10..13]);
        digits[13] = b'Z';
        out.extend_from_slice(&digits[..14]);
    } else {
        put_digits(fraction, &mut digits[10..16]);
        out.extend_from_slice(&digits);
    }
}

thread_local! {
    /// The last date and its text: rows that follow each other are often of the same day.
    static LAST_DATE: Cell<(i64, [u8; 10])> = const { Cell::new((-EPOCH_DAYS, *b"1970-01-01")) };
}

/// Writes the date of a day counted from 2000-01-01.
fn put_date(days: i64, out: &mut Vec<u8>) {
    let (last, text) = LAST_DATE.get();
    if last == days {
        return out.extend_from_slice(&text);
    }
    let (year, month, day) = civil_from_days(days + EPOCH_DAYS);
    let mut text = *b"0000-00-00";
    put_digits(month, &mut text[5..7]);
    put_digits(day, &mut text[8..]);
    match year {
        0..=9999 => {
            put_digits(year as u32, &mut text[..4]);
            LAST_DATE.set((days, text));
            return out.extend_from_slice(&text);
        }
        // Years beyond have a sign and six digits (ECMA-262, section 21.4.1.32.1).
        _ if year.unsigned_abs() <= 999_999 => {
            let mut digits = *b"+000000";
            digits[0] = if year < 0 { b'-' } else { b'+' };
            put_digits(year.unsigned_abs() as u32, &mut digits[1..]);
            out.extend_from_slice(&digits);
        }
        _ => put_integer(year, out),
    }
    out.extend_from_slice(&text[4..]);
}

/// Writes a number with leading zeros, as many digits as there is room for.
#[inline]
fn put_digits(value: u32, digits: &mut [u8]) {
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
///
/// The year is taken to begin in March, so that the leap day comes last; 400 years are 146,097 days.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        era * 400 + year_of_era + i64::from(month <= 2),
        month as u32,
        day as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(microseconds: i64) -> String {
        let mut out = Vec::new();
        put_timestamp(microseconds, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_times_as_javascript_does() {
        assert_eq!(written(0), "2000-01-01T00:00:00.000Z");
        assert_eq!(written(-1), "1999-12-31T23:59:59.999999Z");
        assert_eq!(written(1_000), "2000-01-01T00:00:00.001Z");
        assert_eq!(
            written((59 * DAY) + 3_723_000_000),
            "2000-02-29T01:02:03.000Z"
        );
        assert_eq!(written(i64::MAX), "infinity");
        // Year 0, one day before year 1.
        assert_eq!(written(-730_120 * DAY), "0000-12-31T00:00:00.000Z");
        assert_eq!(written(-730_486 * DAY), "-000001-12-31T00:00:00.000Z");
        assert_eq!(written(2_921_940 * DAY), "+010000-01-01T00:00:00.000Z");
    }
}
