//! 256-bit numbers as decimal strings, the way Safe tools write them.

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = U256::from_str_radix(&text, 10).ok().filter(|_| digits);
    value.ok_or_else(|| D::Error::custom("not a decimal number of 256 bits"))
}
