use serde_json::{Value, json};

use super::{Home, stream};
use crate::{Damage, Epoch, Seq, Store, StoreError};

#[test]
fn what_was_appended_is_there_after_reopening() {
    let home = Home::new();
    let (a, b) = (stream("lane/1/a"), stream("lane/1/b"));
    let bodies = [json!({"z": 1, "a": ["x", null, true]}), json!("text"), json!({"n": 2})];
    {
        let store = home.open();
        assert_eq!(store.read(&a).unwrap(), []);
        let lease_a = store.acquire(&a, "1@host").unwrap();
        let lease_b = store.acquire(&b, "1@host").unwrap();
        assert_eq!(store.append(&lease_a, "one", &bodies[0]).unwrap(), Seq(1));
        assert_eq!(store.append(&lease_b, "two", &bodies[1]).unwrap(), Seq(2));
        assert_eq!(store.append(&lease_a, "three", &bodies[2]).unwrap(), Seq(3));
    }
    let store = home.open();
    let lease = store.acquire(&a, "2@host").unwrap();
    assert_eq!(store.append(&lease, "four", &json!({})).unwrap(), Seq(4));

    let read = |store: &Store, name| -> Vec<(u64, u64, u64, String, Value)> {
        let events = store.read(&name).unwrap().into_iter();
        events.map(|e| (e.seq.0, e.stream_seq, e.epoch.0, e.kind, e.body)).collect()
    };
    let expected_a = [
        (1, 1, 1, "one".to_owned(), bodies[0].clone()),
        (3, 2, 1, "three".to_owned(), bodies[2].clone()),
        (4, 3, 2, "four".to_owned(), json!({})),
    ];
    assert_eq!(read(&store, a.clone()), expected_a);
    assert_eq!(read(&store, b), [(2, 1, 1, "two".to_owned(), bodies[1].clone())]);
    let last = store.read(&a).unwrap().pop().unwrap();
    assert_eq!(store.head().unwrap(), (Seq(4), last.hash));
}

#[test]
fn what_cannot_be_kept_exactly_is_refused() {
    let home = Home::new();
    let store = home.open();
    let lease = store.acquire(&stream("s"), "1@host").unwrap();
    let exact = (1_u64 << 53) - 1;
    store.append(&lease, "number", &json!({ "n": exact })).unwrap();
    for body in [json!({"n": u64::MAX}), json!({"n": exact + 2}), json!([i64::MIN + 1])] {
        let refused = store.append(&lease, "number", &body);
        assert!(matches!(refused, Err(StoreError::Rounded { .. })), "{body}");
    }
    for kind in ["", "with blank", "ünder", &"k".repeat(65)] {
        let refused = store.append(&lease, kind, &json!({}));
        assert!(matches!(refused, Err(StoreError::Name { .. })), "{kind}");
    }
    let large = Value::String("x".repeat(17 << 20));
    let refused = store.append(&lease, "large", &large);
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    assert_eq!(store.read(lease.stream()).unwrap().len(), 1);
}

#[test]
fn an_append_under_a_stale_lease_is_refused() {
    let home = Home::new();
    let store = home.open();
    let lane = stream("lane");
    let old = store.acquire(&lane, "1@host").unwrap();
    store.append(&old, "first", &json!({})).unwrap();
    // Somebody deletes the lock file of a living process: the epoch still fences it.
    std::fs::remove_dir_all(home.dir.path().join(".tidegate/locks")).unwrap();
    let other = home.open();
    let new = other.acquire(&lane, "2@host").unwrap();

    match store.append(&old, "late", &json!({})) {
        Err(StoreError::StaleLease { epoch: Epoch(1), current: Epoch(2), .. }) => {}
        result => panic!("{result:?}"),
    }
    other.append(&new, "second", &json!({})).unwrap();
    let kinds: Vec<_> = store.read(&lane).unwrap().into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["first", "second"]);
}

#[test]
fn sql_alone_cannot_rewrite_what_is_there() {
    let home = Home::new();
    {
        let store = home.open();
        let lease = store.acquire(&stream("s"), "1@host").unwrap();
        store.append(&lease, "first", &json!({})).unwrap();
        store.append(&lease, "second", &json!({})).unwrap();
        let digest = tidegate_model::StatementDigest(alloy_primitives::B256::ZERO);
        store.remember_statement(digest, &json!({})).unwrap();
        store.put_blob("k", "key", b"bytes").unwrap();
    }
    let columns = "seq, stream, stream_seq, epoch, kind, body, prev_hash, hash";
    let row = |seq: u64, stream_seq: u64, epoch: u64| {
        format!(
            "INSERT OR REPLACE INTO events ({columns}) SELECT {seq}, stream, {stream_seq}, \
             {epoch}, kind, body, (SELECT hash FROM journal_head), hash FROM events WHERE seq = 1"
        )
    };
    let statements = [
        "UPDATE events SET body = '{}' WHERE seq = 1".to_owned(),
        "DELETE FROM events WHERE seq = 2".to_owned(),
        "DELETE FROM events".to_owned(),
        "UPDATE journal_head SET seq = 1".to_owned(),
        "DELETE FROM journal_head".to_owned(),
        "UPDATE leases SET epoch = 1".to_owned(),
        "UPDATE leases SET epoch = 9".to_owned(),
        "DELETE FROM leases".to_owned(),
        "UPDATE blobs SET bytes = x'00'".to_owned(),
        "UPDATE blob_keys SET key = 'other'".to_owned(),
        "UPDATE statements SET json = '[]'".to_owned(),
        "DELETE FROM statements".to_owned(),
        "INSERT OR REPLACE INTO statements SELECT digest, '[]', hash FROM statements".to_owned(),
        row(1, 1, 1),
        row(4, 3, 1),
        row(3, 2, 1),
        row(3, 3, 2),
    ];
    let raw = home.raw();
    for statement in statements {
        let refused = raw.execute(&statement, []).unwrap_err();
        let code = refused.sqlite_error_code();
        assert_eq!(code, Some(rusqlite::ErrorCode::ConstraintViolation), "{statement}: {refused}");
    }
    // The control: the same statement with the right numbers passes the triggers, though not the
    // hash chain.
    raw.execute(&row(3, 3, 1), []).unwrap();
}

#[test]
fn an_event_altered_under_an_open_store_is_found_by_append_and_read() {
    let home = Home::new();
    let store = home.open();
    let lease = store.acquire(&stream("s"), "1@host").unwrap();
    store.append(&lease, "first", &json!({})).unwrap();
    home.raw().execute_batch("DROP TRIGGER events_fixed; UPDATE events SET body = '[]'").unwrap();
    let at_first = |result: Result<(), StoreError>| match result {
        Err(StoreError::Corrupt { damage: Damage::Journal { seq, .. }, .. }) => seq == 1,
        result => panic!("{result:?}"),
    };
    assert!(at_first(store.append(&lease, "second", &json!({})).map(drop)));
    assert!(at_first(store.read(lease.stream()).map(drop)));
}
