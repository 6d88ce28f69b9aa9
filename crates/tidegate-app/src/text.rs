//! Small pieces of text.

use std::fmt::Display;

use serde::Serializer;
use serde_json::Value;

pub use tidegate_chain::{escape, is_deceptive};

/// A JSON value as people read it: text without its quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An amount as JSON has it: decimal digits in a string, exact at any size.
pub(crate) fn digits<T: Display, S: Serializer>(amount: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}

/// The same of an amount that may be missing.
pub(crate) fn digits_of<T: Display, S: Serializer>(
    amount: &Option<T>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => to.collect_str(amount),
        None => to.serialize_none(),
    }
}
