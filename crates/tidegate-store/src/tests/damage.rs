use std::path::Path;

use alloy_primitives::{B256, keccak256};
use serde_json::{Value, json};
use tidegate_model::StatementDigest;

use super::{Home, stream};
use crate::{Damage, Event, Store, StoreError};

/// Four events on two streams, two statements and two blobs, in one file without a log.
fn filled() -> Home {
    let home = Home::new();
    {
        let store = home.open();
        let a = store.acquire(&stream("lane/a"), "1@host").unwrap();
        let b = store.acquire(&stream("lane/b"), "1@host").unwrap();
        for (lease, number) in [(&a, 1), (&b, 2), (&a, 3), (&a, 4)] {
            store.append(lease, "kind", &json!({ "number": number, "raw": "0xabcd" })).unwrap();
        }
        for number in 1..3_u8 {
            let digest = StatementDigest(B256::repeat_byte(number));
            store.remember_statement(digest, &json!({ "number": number })).unwrap();
            store.put_blob("kind", &format!("key{number}"), &[number; 40]).unwrap();
        }
    }
    assert!(!home.db().with_extension("db-wal").exists());
    home
}

type Content = (Vec<Event>, Vec<Event>, Vec<(StatementDigest, Value)>, Vec<Option<Vec<u8>>>);

fn content(store: &Store) -> Result<Content, StoreError> {
    Ok((
        store.read(&stream("lane/a"))?,
        store.read(&stream("lane/b"))?,
        store.seen_statements()?,
        vec![store.get_blob("kind", "key1")?, store.get_blob("kind", "key2")?],
    ))
}

fn damage(path: &Path) -> Damage {
    match Store::open(path) {
        Err(StoreError::Corrupt { damage, path: named }) => {
            assert_eq!(named, path);
            damage
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_tampered_journal_is_refused_at_the_event() {
    const SWAP: &str = "UPDATE events SET seq = 99 WHERE seq = 2;
        UPDATE events SET seq = 2 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 99";
    const CUT: &str = "DELETE FROM events WHERE seq = 4";
    let cases = [
        ("edit a body", "UPDATE events SET body = '{}' WHERE seq = 2", 2, "its hash"),
        ("edit a kind", "UPDATE events SET kind = 'other' WHERE seq = 3", 3, "its hash"),
        ("edit an epoch", "UPDATE events SET epoch = 2 WHERE seq = 4", 4, "its hash"),
        (
            "move to another stream",
            "UPDATE events SET stream = 'lane/b', stream_seq = 2 WHERE seq = 4",
            4,
            "its hash",
        ),
        ("edit a hash", "UPDATE events SET hash = zeroblob(32) WHERE seq = 1", 1, "its hash"),
        ("delete a row", "DELETE FROM events WHERE seq = 2", 2, "it is missing"),
        ("delete the first", "DELETE FROM events WHERE seq = 1", 1, "it is missing"),
        ("delete the last", CUT, 4, "the end is not here"),
        ("reorder", SWAP, 2, "its link to the event before"),
        ("delete all", "DELETE FROM events", 1, "the end is not here"),
        ("edit the head", "UPDATE journal_head SET seq = 5", 5, "the end is not here"),
    ];
    for (name, sql, seq, flaw) in cases {
        let home = filled();
        let raw = home.raw();
        let mut triggers: Vec<(String, String)> = Vec::new();
        {
            let mut query =
                raw.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
            let mut rows = query.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                triggers.push((row.get(0).unwrap(), row.get(1).unwrap()));
            }
        }
        for (trigger, _) in &triggers {
            raw.execute(&format!("DROP TRIGGER {trigger}"), []).unwrap();
        }
        raw.execute_batch(sql).unwrap();
        for (_, definition) in &triggers {
            raw.execute(definition, []).unwrap();
        }
        drop(raw);
        match damage(&home.db()) {
            Damage::Journal { seq: at, flaw: found } => {
                assert_eq!((at, found), (seq, flaw), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_lease_put_back_is_refused() {
    let home = filled();
    drop(home.open().acquire(&stream("lane/a"), "2@host").unwrap());
    let store = home.open();
    let lease = store.acquire(&stream("lane/a"), "3@host").unwrap();
    store.append(&lease, "kind", &json!({})).unwrap();
    drop((lease, store));
    let raw = home.raw();
    let trigger: String = raw
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'leases_forward'", [], |r| r.get(0))
        .unwrap();
    raw.execute_batch("DROP TRIGGER leases_forward; UPDATE leases SET epoch = 2").unwrap();
    raw.execute(&trigger, []).unwrap();
    drop(raw);
    assert!(matches!(damage(&home.db()), Damage::Row { table: "leases", .. }));
}

#[test]
fn other_databases_and_formats_are_refused() {
    let home = filled();
    home.raw().execute("DROP TRIGGER events_fixed", []).unwrap();
    assert!(matches!(damage(&home.db()), Damage::Schema { version: 1 }));

    let home = filled();
    home.raw().pragma_update(None, "user_version", 2).unwrap();
    match Store::open(&home.db()) {
        Err(StoreError::Newer { found: 2, known: 1, .. }) => {}
        result => panic!("{result:?}"),
    }

    let home = filled();
    home.raw().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(damage(&home.db()), Damage::Foreign { application_id: 7 }));

    let home = Home::new();
    std::fs::create_dir(home.dir.path().join(".tidegate")).unwrap();
    home.raw().execute("CREATE TABLE other (a)", []).unwrap();
    assert!(matches!(damage(&home.db()), Damage::Foreign { application_id: 0 }));

    let home = Home::new();
    let text = "not a database, but long enough to be looked at as one by the library".repeat(20);
    crate::files::write_atomic(&home.db(), text.as_bytes()).unwrap();
    assert!(matches!(damage(&home.db()), Damage::Unreadable(_)));
}

/// A home with these bytes as its database, written without the syncs that hundreds would cost.
fn copy(database: &[u8]) -> Home {
    let home = Home::new();
    std::fs::create_dir(home.dir.path().join(".tidegate")).unwrap();
    let mut file = std::fs::File::create(home.db()).unwrap();
    std::io::Write::write_all(&mut file, database).unwrap();
    home
}

/// Each flip is refused, or hit bytes that carry nothing: then all content reads back equal.
#[test]
fn no_flipped_bit_is_accepted_silently() {
    const FLIPS: u64 = 600;
    let home = filled();
    let expected = content(&home.open()).unwrap();
    let good = std::fs::read(home.db()).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for round in 0..FLIPS {
        let random = keccak256(round.to_be_bytes());
        let bits = good.len() as u64 * 8;
        let bit = u64::from_be_bytes(random[..8].try_into().unwrap()) % bits;
        // Half of the flips go where bytes are set, because most of the file is free space.
        let mut byte = usize::try_from(bit / 8).unwrap();
        if round % 2 == 0 {
            byte = (byte..good.len()).chain(0..byte).find(|at| good[*at] != 0).unwrap();
        }
        let mut bad = good.clone();
        bad[byte] ^= 1 << (bit % 8);
        let other = copy(&bad);
        match Store::open(&other.db()).and_then(|store| content(&store)) {
            Ok(found) => {
                assert_eq!(found, expected, "byte {byte} bit {}", bit % 8);
                harmless += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > FLIPS / 4, "{refused} refused, {harmless} harmless");
}

/// A torn log is a power loss: the store opens on a prefix of the appends.
#[test]
fn a_log_cut_anywhere_leaves_a_prefix() {
    let home = Home::new();
    let store = home.open();
    let lane = stream("lane");
    let lease = store.acquire(&lane, "1@host").unwrap();
    for number in 0..6 {
        store.append(&lease, "kind", &json!({ "number": number })).unwrap();
    }
    let expected = store.read(&lane).unwrap();
    let database = std::fs::read(home.db()).unwrap();
    let log = std::fs::read(home.db().with_extension("db-wal")).unwrap();
    let frame = 4096 + 24;
    let mut lengths = Vec::new();
    for cut in 0..160_usize {
        let at = if cut % 2 == 0 { 32 + cut / 2 * frame } else { cut * 1237 };
        let other = copy(&database);
        let cut_log = &log[..at.min(log.len())];
        crate::files::write_atomic(&other.db().with_extension("db-wal"), cut_log).unwrap();
        let events = other.open().read(&lane).unwrap();
        assert_eq!(events, expected[..events.len()], "cut at {at}");
        lengths.push(events.len());
    }
    for length in 0..=expected.len() {
        assert!(lengths.contains(&length), "no cut left {length} events");
    }
}

#[cfg(unix)]
#[test]
fn the_folder_and_database_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    let store = home.open();
    let lease = store.acquire(&stream("lane"), "1@host").unwrap();
    store.append(&lease, "kind", &json!({})).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = home.dir.path().join(".tidegate");
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("locks")), 0o700);
    assert_eq!(mode(&home.db()), 0o600);
    assert_eq!(mode(&home.db().with_extension("db-wal")), 0o600);
}
