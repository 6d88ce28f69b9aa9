//! Small pieces of text.

use std::fmt::Display;

use serde::Serializer;
use serde_json::Value;

pub(crate) use tidegate_chain::escape;
pub use tidegate_chain::is_deceptive;

/// A JSON value as people read it: text without its quotes, whole, on one line. What would begin a
/// line of its own, colour it or hide in it is written as an escape.
pub fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => plain.push_str("\\\\"),
            c if c.is_control() || is_deceptive(c) => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_stays_on_its_line_and_is_whole() {
        let faked = plain(&json!("x\n  PASS    everything \u{1b}[32mchecked\u{202e}"));
        assert_eq!(faked, "x\\n  PASS    everything \\u{1b}[32mchecked\\u{202e}");
        assert_eq!(plain(&json!("Zürich \\n")), "Zürich \\\\n", "no escape is faked");
        assert_eq!(plain(&json!(["a\nb", 7])), "[\"a\\\\nb\",7]");
        assert_eq!(plain(&json!("7".repeat(1_000))).len(), 1_000);
    }
}
