//! Small pieces of text.

use serde_json::Value;

/// A JSON value as people read it: text without its quotes.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
