//! Golden vectors: every digest of the formats from fixed inputs, as committed under
//! `tests/vectors/`, and recomputed there by `check.mjs` with libraries that share no code with
//! the crates.
//!
//! A vector that changes is a format that changes: what others signed would no longer verify.

mod exports;
mod jcs;
mod network;
mod release;
mod safe;
mod statements;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use alloy::signers::SignerSync;
use alloy_primitives::{Address, B256, hex};
use serde_json::{Map, Value, json};
use tidegate_testkit::{PrivateKeySigner, Tools, repo_root};

/// The key that signs every vector; it holds nothing anywhere.
const KEY: B256 = B256::repeat_byte(0x11);

/// The environment variable with which the files are written anew.
const BLESS: &str = "TIDEGATE_BLESS";

/// What belongs to a vector beside the values that follow from its preimage.
const INPUTS: [&str; 4] = ["name", "kind", "preimage", "links"];

/// Every file with its vectors.
fn files() -> [(&'static str, Vec<Value>); 6] {
    [
        ("exports.json", exports::vectors()),
        ("jcs.json", jcs::vectors()),
        ("network.json", network::vectors()),
        ("release.json", release::vectors()),
        ("safe.json", safe::vectors()),
        ("statements.json", statements::vectors()),
    ]
}

/// One vector. `outputs` holds `digest`, what else follows from the preimage, and `links`.
fn vector(name: &str, kind: &str, preimage: Value, outputs: Value) -> Value {
    let Value::Object(outputs) = outputs else { panic!("{name}: outputs are named") };
    let mut vector = Map::new();
    vector.insert("name".to_owned(), json!(name));
    vector.insert("kind".to_owned(), json!(kind));
    vector.insert("preimage".to_owned(), preimage);
    vector.extend(outputs);
    Value::Object(vector)
}

/// The vector of an EIP-712 signing digest, with our signature.
fn typed(name: &str, preimage: Value, digest: B256, mut outputs: Value) -> Value {
    let (signer, signature) = sign(digest);
    outputs["digest"] = json!(digest);
    outputs["signer"] = json!(signer);
    outputs["signature"] = json!(signature);
    vector(name, "typed", preimage, outputs)
}

fn sign(digest: B256) -> (Address, String) {
    let signer = PrivateKeySigner::from_bytes(&KEY).unwrap();
    let signature = signer.sign_hash_sync(&digest).unwrap();
    (signer.address(), hex::encode_prefixed(signature.as_bytes()))
}

/// The fields of an EIP-712 type that holds no other, as typed data lists them.
fn types(encoded: &str) -> Value {
    let (name, fields) = encoded.trim_end_matches(')').split_once('(').unwrap();
    let field = |field: &str| {
        let (ty, name) = field.split_once(' ').unwrap();
        json!({"name": name, "type": ty})
    };
    json!({ name: fields.split(',').map(field).collect::<Vec<_>>() })
}

/// A message with its numbers as decimal strings, which no reader rounds.
fn message(fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("a message has fields") };
    let exact = |(name, value): (String, Value)| match value {
        Value::Number(number) => (name, Value::String(number.to_string())),
        other => (name, other),
    };
    Value::Object(fields.into_iter().map(exact).collect())
}

fn folder() -> PathBuf {
    repo_root().join("tests/vectors")
}

fn text(vectors: &[Value]) -> String {
    let mut text = serde_json::to_string_pretty(vectors).unwrap();
    text.push('\n');
    text
}

#[expect(clippy::disallowed_methods, reason = "a golden file, which git can take back")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn check_file(path: &Path, vectors: &[Value]) {
    let committed = std::fs::read_to_string(path).unwrap_or_else(|_| "[]".to_owned());
    if committed == text(vectors) {
        return;
    }
    let known: Vec<Value> = serde_json::from_str(&committed).unwrap();
    let named = |vector: &&Value| !known.contains(vector);
    let changed: Vec<_> = vectors.iter().filter(named).map(|vector| &vector["name"]).collect();
    panic!(
        "{} is not what the crates compute; new or changed: {changed:?}. What others signed under \
         the committed digests would no longer hold. If this is meant: `TIDEGATE_BLESS=1`",
        path.display()
    );
}

/// Runs the second library over a folder: whether it agrees, and its lines.
fn recompute(folder: &Path) -> (bool, Vec<String>) {
    let tools = Tools::here().unwrap();
    let check = repo_root().join("tests/vectors/check.mjs");
    let Output { status, stdout, stderr } =
        Command::new(tools.node).arg(check).arg(folder).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(stderr.is_empty(), "node says (`npm ci` in tests/ installs what it needs): {stderr}");
    let lines = String::from_utf8(stdout).unwrap().lines().map(str::to_owned).collect();
    (status.success(), lines)
}

#[test]
fn the_committed_vectors_are_ours_and_a_second_library_agrees() {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let bless = std::env::var_os(BLESS).is_some_and(|value| value == "1");
    let files = files();
    for (name, vectors) in &files {
        let path = folder().join(name);
        if bless {
            write(&path, &text(vectors));
        }
        check_file(&path, vectors);
    }
    let json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(entries.filter(json).count(), files.len(), "a file that nothing here computes");
    let (agrees, lines) = recompute(&folder());
    let wrong: Vec<_> = lines.iter().filter(|line| !line.starts_with("ok ")).collect();
    assert!(agrees && wrong.is_empty(), "{wrong:#?}");
    assert_eq!(lines.len(), files.iter().map(|(_, vectors)| vectors.len()).sum::<usize>());
}

/// The check would be worth nothing if it passed whatever the vectors say.
#[test]
fn the_second_library_notices_every_changed_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = 0;
    for (file, vectors) in files() {
        let mut all = vectors.clone();
        for vector in &vectors {
            let values = vector.as_object().unwrap().iter();
            for (field, value) in values.filter(|(field, _)| !INPUTS.contains(&field.as_str())) {
                let value = value.as_str().unwrap();
                let mut changed = vector.clone();
                changed["name"] = json!(format!("{} with another {field}", vector["name"]));
                changed[field] = json!(flip_last_digit(value));
                all.push(changed);
                expected += 1;
            }
        }
        write(&folder.path().join(file), &text(&all));
    }
    let (agrees, lines) = recompute(folder.path());
    let wrong: Vec<_> = lines.iter().filter(|line| line.starts_with("WRONG")).collect();
    assert!(!agrees);
    assert_eq!(wrong.len(), expected);
    assert!(wrong.iter().all(|line| line.contains(" with another ")), "{wrong:#?}");
}

fn flip_last_digit(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}
