use alloy_primitives::{B256, keccak256};
use serde_json::json;
use tidegate_model::StatementDigest;

use super::Home;
use crate::{Damage, Seen, StoreError};

fn digest(byte: u8) -> StatementDigest {
    StatementDigest(B256::repeat_byte(byte))
}

#[test]
fn blobs_are_kept_by_key_and_never_change() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.get_blob("release", "a:b").unwrap(), None);
    let hash = store.put_blob("release", "a:b", b"bytes").unwrap();
    assert_eq!(hash, keccak256(b"bytes"));
    assert_eq!(store.put_blob("release", "a:b", b"bytes").unwrap(), hash);
    assert_eq!(store.put_blob("release", "a:a", b"bytes").unwrap(), hash);
    store.put_blob("other", "c", b"").unwrap();
    match store.put_blob("release", "a:b", b"else") {
        Err(StoreError::BlobConflict { present, given, .. }) => {
            assert_eq!((present, given), (hash, keccak256(b"else")));
        }
        result => panic!("{result:?}"),
    }
    drop(store);
    let store = home.open();
    assert_eq!(store.get_blob("release", "a:b").unwrap().as_deref(), Some(&b"bytes"[..]));
    assert_eq!(store.get_blob("other", "c").unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(store.get_blob("other", "a:b").unwrap(), None);
    assert_eq!(store.blob_keys("release").unwrap(), ["a:a", "a:b"]);
}

#[test]
fn altered_blobs_and_statements_are_corrupt_when_read() {
    let home = Home::new();
    let store = home.open();
    store.put_blob("k", "key", b"bytes").unwrap();
    store.remember_statement(digest(1), &json!({"a": 1})).unwrap();
    home.raw()
        .execute_batch(
            "DROP TRIGGER blobs_fixed; DROP TRIGGER statements_fixed;
             UPDATE blobs SET bytes = x'00'; UPDATE statements SET json = '{\"a\": 2}'",
        )
        .unwrap();
    let row = |result: StoreError| match result {
        StoreError::Corrupt { damage: Damage::Row { table, .. }, .. } => table,
        error => panic!("{error:?}"),
    };
    assert_eq!(row(store.get_blob("k", "key").unwrap_err()), "blobs");
    assert_eq!(row(store.seen_statement(digest(1)).unwrap_err()), "statements");
    assert_eq!(row(store.seen_statements().unwrap_err()), "statements");
}

#[test]
fn a_statement_is_never_forgotten_and_the_first_stays() {
    let home = Home::new();
    let endless = json!({"expiresAt": u64::MAX, "b": [1], "a": {"d": 1, "c": 2}});
    {
        let store = home.open();
        assert_eq!(store.remember_statement(digest(2), &endless).unwrap(), Seen::First);
        assert_eq!(store.remember_statement(digest(2), &json!("else")).unwrap(), Seen::Before);
        assert_eq!(store.remember_statement(digest(1), &json!(1)).unwrap(), Seen::First);
        let large = json!("x".repeat(2 << 20));
        let refused = store.remember_statement(digest(3), &large);
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    }
    let store = home.open();
    let expected = [(digest(1), json!(1)), (digest(2), endless.clone())];
    assert_eq!(store.seen_statements().unwrap(), expected);
    assert_eq!(store.seen_statement(digest(2)).unwrap(), Some(endless));
    assert_eq!(store.seen_statement(digest(3)).unwrap(), None);
}
