//! Amounts as JSON carries them: decimal digits in a string, exact at any size.

use std::str::FromStr;

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes an amount as decimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(amount: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

/// Reads an amount of decimal digits. Other spellings are refused, so that one amount has one
/// text and one digest.
///
/// # Errors
/// If it is no string of decimal digits, has a leading zero, or does not fit.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && !text.is_empty();
    if !plain {
        return Err(de::Error::custom(format_args!("`{text}` is not a decimal amount")));
    }
    U256::from_str(&text).map_err(de::Error::custom)
}
