//! Codes of reasons: what is documented is given, and what is given is documented.
//!
//! Every reason takes a `ReasonCode`, and `tidegate-model` compares those with `docs/reasons.md`.
//! What is left is a code that no gate gives any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tidegate_model::ReasonCode;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The codes in the tables of `docs/reasons.md`.
fn documented() -> Vec<ReasonCode> {
    let document = read(&root().join("docs/reasons.md"));
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let codes = rows.map(|name| {
        ReasonCode::from_name(name).unwrap_or_else(|| panic!("`{name}` is documented, and no code"))
    });
    codes.collect()
}

/// Every Rust file below a folder that is no test.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "tests" {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The variants of `ReasonCode` that the program's own code names, its unit tests left out.
fn given() -> BTreeSet<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    let mut given = BTreeSet::new();
    for file in files {
        let text = read(&file);
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        // What follows the type's name, up to the first sign that ends a name.
        let named = own.split("ReasonCode::").skip(1);
        let ends = |text: &str| text.find(|sign: char| !sign.is_alphanumeric());
        given.extend(named.map(|text| text[..ends(text).unwrap_or(text.len())].to_owned()));
    }
    given
}

#[test]
fn every_documented_code_is_given() {
    let given = given();
    let codes = documented();
    assert!(codes.len() > 150, "{}", codes.len());
    let unused = codes.iter().filter(|code| !given.contains(&format!("{code:?}")));
    let unused: Vec<_> = unused.map(|code| code.name()).collect();
    assert_eq!(unused, [""; 0], "no gate gives these; docs/reasons.md still names them");
}
