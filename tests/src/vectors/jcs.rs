//! Canonical JSON where implementations are known to differ.

use alloy_primitives::keccak256;
use serde_json::{Value, json};
use tidegate_model::digest::{jcs, jcs_keccak};

use super::vector;

pub(super) fn vectors() -> Vec<Value> {
    vec![
        document(
            "RFC 8785: values",
            json!({
                "numbers": [333_333_333.333_333_3, 1e30, 4.5, 2e-3, 1e-27],
                "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/",
                "literals": [null, true, false],
            }),
        ),
        document(
            "RFC 8785: order of keys",
            json!({
                "\u{20ac}": "Euro Sign",
                "\r": "Carriage Return",
                "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
                "1": "One",
                "\u{1f600}": "Emoji: Grinning Face",
                "\u{80}": "Control",
                "\u{f6}": "Latin Small Letter O With Diaeresis",
            }),
        ),
        document(
            "JCS: edges of numbers",
            json!([
                9_007_199_254_740_991_u64,
                -9_007_199_254_740_991_i64,
                0,
                -1,
                1e21,
                1e20,
                1e-6,
                1e-7,
                5e-324,
                f64::MAX,
                0.1,
                -0.0,
            ]),
        ),
        document(
            "JCS: escapes and nesting",
            json!({
                "": {"b": [], "a": {}},
                "\u{0}\u{1f}": "\u{8}\t\n\u{c}\r\u{7f}\u{2028}",
                "a\"b": ["\\", "/", "é", "e\u{301}", "\u{ffff}", "\u{10ffff}"],
            }),
        ),
    ]
}

fn document(name: &str, document: Value) -> Value {
    let canonical = jcs("vector", &document).unwrap();
    let digest = jcs_keccak("vector", &document).unwrap();
    assert_eq!(digest, keccak256(&canonical));
    let canonical = String::from_utf8(canonical).unwrap();
    vector(name, "jcs", document, json!({"canonical": canonical, "digest": digest}))
}
