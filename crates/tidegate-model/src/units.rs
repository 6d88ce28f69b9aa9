//! Numbers and spans of time as people write them.

mod slip;

use std::fmt::Display;

use alloy_primitives::{I256, Sign, U256};

/// An error in a written number, date or span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text is not a number.
    #[error("`{0}` is not a number; {how}", how = meant(.0, "write digits, `1_000` or `250e18`"))]
    NotANumber(String),
    /// The number is between two whole ones.
    #[error("`{0}` is no whole number; `1.5e18` and `0.5 ether` are")]
    NotWhole(String),
    /// The number does not fit 256 bits.
    #[error("`{0}` does not fit 256 bits")]
    TooLarge(String),
    /// The text is not a date.
    #[error("`{0}` is not a date; write for example `2027-12-31`")]
    NotADate(String),
    /// The text is not a span of time.
    #[error("`{0}` is not a span of time; {how}", how = meant(.0, SPANS))]
    NotASpan(String),
    /// The text is not an end.
    #[error("`{0}` is no end; write a span such as `90d`, a date such as `2027-12-31`, or seconds")]
    NotAnEnd(String),
}

/// How spans are written.
const SPANS: &str = "write for example `14d`, `12h`, `30m` or `12s`";

/// What is meant, where it is a slip of a known kind; else how such a value is written.
fn meant(text: &str, how: &str) -> String {
    slip::slip(text).unwrap_or_else(|| how.to_owned())
}

/// The largest decimal exponent that a 256-bit number can carry.
const EXPONENT_MAX: u32 = 77;

/// Parses an unsigned integer: decimal digits with optional `_`, a decimal point and an exponent
/// (`1.5e18`), `0x` hexadecimal, or an amount with the unit `wei`, `gwei` or `ether`.
///
/// # Errors
/// If the text is no number, is not whole, or is too large.
pub fn parse_uint(text: &str) -> Result<U256, UnitError> {
    let bad = || UnitError::NotANumber(text.to_owned());
    let cleaned = text.trim().replace('_', "");
    if let Some(hex) = cleaned.strip_prefix("0x") {
        return match hex {
            "" => Err(bad()),
            _ => U256::from_str_radix(hex, 16).map_err(|_| bad()),
        };
    }
    let (number, unit_exponent) = match cleaned.rsplit_once(' ') {
        Some((number, "wei")) => (number.trim_end(), 0),
        Some((number, "gwei")) => (number.trim_end(), 9),
        Some((number, "ether")) => (number.trim_end(), 18),
        Some(_) => return Err(bad()),
        None => (cleaned.as_str(), 0_i32),
    };
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| bad())?),
        None => (number, 0),
    };
    scale(mantissa, exponent.saturating_add(unit_exponent)).map_err(|wrong| match wrong {
        Scale::NotANumber => bad(),
        Scale::NotWhole => UnitError::NotWhole(text.to_owned()),
        Scale::TooLarge => UnitError::TooLarge(text.to_owned()),
    })
}

/// Why a decimal number with an exponent is no unsigned integer of 256 bits.
enum Scale {
    NotANumber,
    NotWhole,
    TooLarge,
}

/// Zeros at the end count in the exponent, so that `1.50e1` is 15 and `1.0` is 1.
fn scale(mantissa: &str, exponent: i32) -> Result<U256, Scale> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Scale::NotANumber);
    }
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(U256::ZERO);
    }
    let places = |count: usize| i32::try_from(count).map_err(|_| Scale::TooLarge);
    let zeros = places(digits.len() - significant.len())?;
    let shift = exponent.saturating_sub(places(fraction.len())?).saturating_add(zeros);
    let shift = u32::try_from(shift).map_err(|_| Scale::NotWhole)?;
    if shift > EXPONENT_MAX {
        return Err(Scale::TooLarge);
    }
    let base = U256::from_str_radix(significant, 10).ok();
    let scaled = base.and_then(|base| base.checked_mul(U256::from(10).pow(U256::from(shift))));
    scaled.ok_or(Scale::TooLarge)
}

/// Parses a signed integer; see [`parse_uint`].
///
/// # Errors
/// If the text is no number, is not whole, or is too large.
pub fn parse_int(text: &str) -> Result<I256, UnitError> {
    let (sign, magnitude) = match text.trim().strip_prefix('-') {
        Some(rest) => (Sign::Negative, rest),
        None => (Sign::Positive, text),
    };
    I256::checked_from_sign_and_abs(sign, parse_uint(magnitude)?)
        .ok_or_else(|| UnitError::TooLarge(text.to_owned()))
}

/// Parses a span of time such as `14d`, `12h`, `30m` or `12s` into seconds.
///
/// # Errors
/// If the text is not a whole number followed by one of these units.
pub fn parse_span_secs(text: &str) -> Result<u64, UnitError> {
    let bad = || UnitError::NotASpan(text.to_owned());
    let trimmed = text.trim();
    let unit = trimmed.chars().last().ok_or_else(bad)?;
    let secs_per_unit = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(bad()),
    };
    let number: u64 = trimmed[..trimmed.len() - 1].trim().parse().map_err(|_| bad())?;
    number.checked_mul(secs_per_unit).ok_or_else(bad)
}

/// When something ends, as somebody gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At this time, in seconds since 1970.
    At(u64),
    /// So many seconds from now.
    In(u64),
}

impl End {
    /// The time, in seconds since 1970, if it is `now`.
    pub const fn from(self, now: u64) -> u64 {
        match self {
            Self::At(time) => time,
            Self::In(secs) => now.saturating_add(secs),
        }
    }
}

/// Parses an end: a span of time from now, a date in UTC, or seconds since 1970.
///
/// # Errors
/// If the text is none of these.
pub fn parse_end(text: &str) -> Result<End, UnitError> {
    let seconds = text.trim().parse().map(End::At).ok();
    let end = seconds.or_else(|| parse_date(text).map(End::At).ok());
    let end = end.or_else(|| parse_span_secs(text).map(End::In).ok());
    end.ok_or_else(|| UnitError::NotAnEnd(text.to_owned()))
}

/// Writes seconds as people read them: `13d 4h`, `2h 5m`, `12s`.
pub fn format_span_secs(secs: u64) -> String {
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    }
}

/// Parses a date, `2027-12-31`, to its first second in UTC.
///
/// # Errors
/// If the text is no date, or one before 1970.
pub fn parse_date(text: &str) -> Result<u64, UnitError> {
    let bad = || UnitError::NotADate(text.to_owned());
    let date: jiff::civil::Date = text.trim().parse().map_err(|_| bad())?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| bad())?;
    u64::try_from(start.timestamp().as_second()).map_err(|_| bad())
}

/// Writes a count with its noun: `1 key`, `2 keys`, `0 people`.
pub fn counted<N: Display>(count: N, noun: &str) -> String {
    match count.to_string() {
        one if one == "1" => format!("1 {noun}"),
        count => format!("{count} {}", many(noun)),
    }
}

/// The plural of a noun, which may have words before it: `outside sender`.
fn many(noun: &str) -> String {
    let vowel = |c: char| "aeiou".contains(c);
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end));
    match noun.strip_suffix("person") {
        Some(before) => return format!("{before}people"),
        None if hisses => return format!("{noun}es"),
        None => {}
    }
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(vowel)) {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// Writes an amount of base units as an exact decimal number without trailing zeros.
pub fn format_amount(amount: U256, decimals: u8) -> String {
    let digits = amount.to_string();
    let places = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Writes a timestamp as `2026-01-20 10:00 UTC`.
pub fn format_utc(timestamp: u64) -> String {
    format_time(timestamp, "%Y-%m-%d %H:%M UTC")
}

/// Writes the UTC date of a timestamp as `2026-01-20`.
pub fn format_date(timestamp: u64) -> String {
    format_time(timestamp, "%Y-%m-%d")
}

/// Writes a timestamp as RFC 3339 has it: `2026-01-20T10:00:00Z`.
pub fn format_rfc3339(timestamp: u64) -> String {
    format_time(timestamp, "%Y-%m-%dT%H:%M:%SZ")
}

fn format_time(timestamp: u64, format: &str) -> String {
    i64::try_from(timestamp)
        .ok()
        .and_then(|secs| jiff::Timestamp::from_second(secs).ok())
        .map_or_else(|| format!("@{timestamp}"), |time| time.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_its_noun() {
        let cases = [
            (0, "key", "0 keys"),
            (1, "key", "1 key"),
            (2, "entry", "2 entries"),
            (1, "person", "1 person"),
            (0, "person", "0 people"),
            (3, "outside sender", "3 outside senders"),
            (2, "address", "2 addresses"),
            (2, "branch", "2 branches"),
            (2, "library", "2 libraries"),
        ];
        for (count, noun, expected) in cases {
            assert_eq!(counted(count, noun), expected);
        }
        assert_eq!(counted(1_u32, "owner"), "1 owner");
        assert_eq!(counted(U256::from(1), "byte"), "1 byte");
        assert_eq!(counted(U256::MAX, "byte"), format!("{} bytes", U256::MAX));
    }

    #[test]
    fn dates_are_days_in_utc() {
        assert_eq!(parse_date("2027-12-31").map(format_date), Ok("2027-12-31".to_owned()));
        assert_eq!(parse_date("1970-01-02"), Ok(86_400));
        for bad in ["2027-13-01", "31.12.2027", "2027", "", "1969-12-31", "2027-02-29"] {
            assert_eq!(parse_date(bad), Err(UnitError::NotADate(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn an_end_is_a_date_a_span_or_seconds() {
        let ends = [("90d", 7_776_010), ("1970-01-02", 86_400), ("5", 5), (" 12h ", 43_210)];
        for (text, expected) in ends {
            assert_eq!(parse_end(text).map(|end| end.from(10)), Ok(expected), "{text}");
        }
        assert_eq!(End::In(u64::MAX).from(10), u64::MAX);
        for bad in ["", "d", "-5", "2027-02-29", "tomorrow"] {
            assert_eq!(parse_end(bad), Err(UnitError::NotAnEnd(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn numbers_as_people_write_them() {
        let cases = [
            ("0", "0"),
            ("1_000", "1000"),
            ("250e18", "250000000000000000000"),
            ("1.5e18", "1500000000000000000"),
            ("0xff", "255"),
            ("2 gwei", "2000000000"),
            ("0.5 ether", "500000000000000000"),
            ("0.50  ether", "500000000000000000"),
            ("1.50e1", "15"),
            ("1.0", "1"),
            ("1500e-2", "15"),
            ("0.0e-9", "0"),
            ("0e99", "0"),
            ("1.000000000000000000000e3", "1000"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_uint(text).map(|n| n.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "-1", "e18", "1e", "12 eth", "0x", "abc", "1.2.3", ".", "1e1.0", " ether"]
        {
            assert_eq!(parse_uint(text), Err(UnitError::NotANumber(text.to_owned())), "{text}");
        }
        for text in ["1.5", "1.55e1", "15e-1", "0.5 wei", "0.0000000001 gwei", "1e-2147483648"] {
            assert_eq!(parse_uint(text), Err(UnitError::NotWhole(text.to_owned())), "{text}");
        }
        for text in ["1e78", "2e77", "1e2147483647 ether"] {
            assert_eq!(parse_uint(text), Err(UnitError::TooLarge(text.to_owned())), "{text}");
        }
        assert_eq!(parse_int("-1e3").map(|n| n.to_string()), Ok("-1000".to_owned()));
    }

    #[test]
    fn signed_numbers_reach_both_ends() {
        let (least, most) = (I256::MIN.to_string(), I256::MAX.to_string());
        assert_eq!(parse_int(&least), Ok(I256::MIN));
        assert_eq!(parse_int(&most), Ok(I256::MAX));
        assert_eq!(parse_int(&format!("-0x8{}", "0".repeat(63))), Ok(I256::MIN));
        assert_eq!(parse_int("-0"), Ok(I256::ZERO));
        let beyond = [format!("{}9", &least[..least.len() - 1]), most[..].replace("967", "968")];
        for text in beyond {
            assert_eq!(parse_int(&text), Err(UnitError::TooLarge(text.clone())), "{text}");
        }
        for text in ["--1", "+-1", "-"] {
            assert!(parse_int(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_and_dates() {
        assert_eq!(parse_span_secs("14d"), Ok(1_209_600));
        assert!(parse_span_secs("14").is_err());
        assert!(parse_span_secs("é").is_err());
        assert_eq!(format_span_secs(1_209_600), "14d");
        assert_eq!(format_span_secs(90_061), "1d 1h");
        assert_eq!(format_utc(1_767_657_600), "2026-01-06 00:00 UTC");
        assert_eq!(format_utc(1_709_210_096), "2024-02-29 12:34 UTC");
        assert_eq!(format_amount(U256::from(1_500_000), 6), "1.5");
        assert_eq!(format_amount(U256::from(5), 18), "0.000000000000000005");
    }
}
