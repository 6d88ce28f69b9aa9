//! Fuzzing on stable Rust: values are made from a small corpus by changing it, and proptest
//! reduces what fails.
//!
//! A check of a change runs each target for about a second, always with the same values; with
//! `TIDEGATE_FUZZ_SECS` it runs that long, with values never seen before.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use serde_json::{Map, Value};

/// The variable that says how many seconds each target runs.
pub const FUZZ_SECS: &str = "TIDEGATE_FUZZ_SECS";

const DEFAULT_SECS: u64 = 1;
const SEED: u64 = 7512;
/// The most changes to one value.
const CHANGES_MAX: usize = 6;

/// Checks values until the time is over.
///
/// # Panics
/// With the smallest value found that makes the check panic.
#[expect(clippy::disallowed_methods, reason = "a setting and the time of tests only")]
pub fn fuzz<S: Strategy>(strategy: &S, check: impl Fn(S::Value)) {
    let secs = std::env::var(FUZZ_SECS).ok().and_then(|secs| secs.parse().ok());
    let rng_seed = if secs.is_some() { RngSeed::Random } else { RngSeed::Fixed(SEED) };
    let config = Config { failure_persistence: None, rng_seed, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let end = Instant::now() + Duration::from_secs(secs.unwrap_or(DEFAULT_SECS));
    while Instant::now() < end {
        let value = strategy.new_tree(&mut runner).unwrap_or_else(|why| panic!("{why}"));
        let outcome = runner.run_one(value, |value| {
            check(value);
            Ok(())
        });
        match outcome {
            Ok(_) => {}
            Err(TestError::Fail(why, value)) => panic!("{why}: {value:?}"),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
    }
}

/// The variable that says how many seeds a simulation tries.
pub const SEEDS: &str = "TIDEGATE_SIMULATION_SEEDS";

/// The variable that names one seed of a simulation, to see what it found again.
const SEED_ONE: &str = "TIDEGATE_SIMULATION_SEED";

/// The seeds of a simulation: `count`, or as many as [`SEEDS`] says, or [`SEED_ONE`] alone.
#[expect(clippy::disallowed_methods, reason = "a setting of tests only")]
pub fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text: String| text.parse().ok());
    match number(SEED_ONE) {
        Some(seed) => seed..seed + 1,
        None => 0..number(SEEDS).unwrap_or(count),
    }
}

/// Every file of a corpus, in the order of names, with its name.
///
/// # Panics
/// If the folder cannot be read or is empty.
pub fn corpus(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let unreadable = |error: std::io::Error| -> ! { panic!("{}: {error}", folder.display()) };
    let mut files = Vec::new();
    for entry in folder.read_dir().unwrap_or_else(|error| unreadable(error)) {
        let entry = entry.unwrap_or_else(|error| unreadable(error));
        let bytes = std::fs::read(entry.path()).unwrap_or_else(|error| unreadable(error));
        files.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// One of these texts with a few changes: bytes replaced, cut out and repeated, and pieces of the
/// dictionary put in.
pub fn changed_bytes(
    seeds: Vec<Vec<u8>>,
    dictionary: Vec<Vec<u8>>,
) -> impl Strategy<Value = Vec<u8>> {
    let change = (0_u8..4, any::<prop::sample::Index>(), 1_usize..32, any::<u8>());
    let seed = prop::sample::select(seeds);
    (seed, prop::collection::vec(change, 0..CHANGES_MAX)).prop_map(move |(mut text, changes)| {
        for (kind, index, length, byte) in changes {
            let at = index.index(text.len() + 1);
            let end = (at + length).min(text.len());
            match kind {
                0 if at < text.len() => text[at] = byte,
                1 => drop(text.drain(at..end)),
                2 => {
                    let piece = text[at..end].to_vec();
                    text.splice(at..at, piece);
                }
                _ => {
                    let word = dictionary.get(usize::from(byte) % dictionary.len().max(1));
                    let word = word.cloned().unwrap_or_default();
                    let end = if length % 2 == 0 { at } else { end };
                    text.splice(at..end, word);
                }
            }
        }
        text
    })
}

/// One of these documents with a few changes: a value replaced by another one of the same
/// document or by one that is seldom meant, taken away, or repeated.
pub fn changed_json(seeds: Vec<Value>) -> impl Strategy<Value = Value> {
    let index = any::<prop::sample::Index>;
    let change = (0_u8..4, index(), index());
    let seed = prop::sample::select(seeds);
    (seed, prop::collection::vec(change, 0..CHANGES_MAX)).prop_map(|(mut document, changes)| {
        for (kind, at, other) in changes {
            let pointers = pointers(&document);
            let pointer = &pointers[at.index(pointers.len())];
            let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
            let replacement = match kind {
                0 => document.pointer(&pointers[other.index(pointers.len())]).cloned(),
                1 => odd_values().into_iter().nth(other.index(odd_values().len())),
                _ => None,
            };
            match (replacement, document.pointer_mut(if kind < 2 { pointer } else { parent })) {
                (Some(replacement), Some(place)) => *place = replacement,
                (None, Some(Value::Object(object))) => drop(object.remove(&unescaped(key))),
                (None, Some(Value::Array(items))) => {
                    let at = key.parse::<usize>().unwrap_or_default().min(items.len());
                    match items.get(at).cloned() {
                        Some(item) if kind == 2 => items.insert(at, item),
                        Some(_) => drop(items.remove(at)),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        document
    })
}

/// The pointer of every value in a document.
fn pointers(document: &Value) -> Vec<String> {
    fn visit(value: &Value, pointer: String, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    visit(value, format!("{pointer}/{key}"), found);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    visit(value, format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
        found.push(pointer);
    }
    let mut found = Vec::new();
    visit(document, String::new(), &mut found);
    found
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn odd_values() -> Vec<Value> {
    let texts = ["", "0x", "0x0", "ff", "é\u{202e}", "-1", "1e77", "18446744073709551616", "a:b:c"];
    let mut values = vec![
        Value::Null,
        Value::Bool(true),
        Value::from(0),
        Value::from(1),
        Value::from(-1),
        Value::from(31),
        Value::from(u64::MAX),
        Value::from(i64::MIN),
        Value::from(u64::MAX - 1),
        Value::from(1.5),
        Value::Array(Vec::new()),
        Value::Object(Map::new()),
        Value::from("0x".to_owned() + &"00".repeat(300)),
        Value::from("uint256["),
        Value::from("bytes0"),
        Value::from("uint0[3]"),
        Value::from("t_uint256"),
        Value::from("struct A.B"),
    ];
    values.extend(texts.map(Value::from));
    values
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    #[test]
    fn changes_reach_every_place_and_what_fails_is_reduced() {
        let seen = Cell::new(0_u32);
        let document = json!({"a/b": [1, {"c": "x"}], "d": null});
        assert_eq!(pointers(&document).len(), 6);
        let strategy = (
            changed_json(vec![document.clone()]),
            changed_bytes(vec![b"seed".to_vec()], vec![b"word".to_vec()]),
        );
        fuzz(&strategy, |(json, bytes)| {
            let flag = |bit: u32, is: bool| seen.set(seen.get() | u32::from(is) << bit);
            flag(0, json == document);
            flag(1, json.pointer("/a~1b/1/c").is_none());
            flag(2, json["d"] == document["a/b"]);
            flag(3, json["a/b"].as_array().is_some_and(|items| items.len() > 2));
            flag(4, bytes.windows(4).any(|window| window == b"word"));
            flag(5, bytes.len() < 4);
            flag(6, bytes.is_empty());
        });
        assert_eq!(seen.get(), 0b111_1111);
        let failed = std::panic::catch_unwind(|| fuzz(&(0_u32..1000), |n| assert!(n < 10)));
        let why = failed.unwrap_err();
        let why = why.downcast_ref::<String>().unwrap();
        assert!(why.ends_with(": 10"), "{why}");
    }
}
