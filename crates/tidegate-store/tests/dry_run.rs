//! What a dry run writes: nothing. A process of its own, since a dry run does not end before it.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::B256;
use serde_json::json;
use tidegate_model::StatementDigest;
use tidegate_store::{FileError, Store, begin_dry_run, write_atomic, write_new};

/// Every file below a folder, with its bytes.
fn tree(folder: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(tree(&path)?);
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path)?);
        }
    }
    Ok(found)
}

#[test]
fn a_dry_run_sees_what_is_there_and_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store").join("db.sqlite");
    let (old, new) = (StatementDigest(B256::repeat_byte(1)), StatementDigest(B256::repeat_byte(2)));
    let open = Store::open(&file).unwrap();
    open.remember_statement(old, &json!({"said": 1})).unwrap();
    let before = tree(folder.path()).unwrap();

    begin_dry_run();
    let dry = Store::open(&file).unwrap();
    assert!(dry.seen_statement(old).unwrap().is_some(), "what was seen is seen");
    dry.remember_statement(new, &json!({"said": 2})).unwrap();
    assert!(dry.seen_statement(new).unwrap().is_some());
    let place = dry.path().to_owned();
    drop(dry);
    assert!(!place.exists(), "the copy goes with it");
    for written in [write_atomic, write_new] {
        let refused = written(&folder.path().join("new"), b"bytes");
        assert!(matches!(refused, Err(FileError::DryRun(_))), "{refused:?}");
    }
    let elsewhere = Store::open(&folder.path().join("none").join("db.sqlite")).unwrap();
    assert!(elsewhere.seen_statements().unwrap().is_empty());
    assert_eq!(tree(folder.path()).unwrap(), before);
    assert!(open.seen_statement(new).unwrap().is_none());
}
