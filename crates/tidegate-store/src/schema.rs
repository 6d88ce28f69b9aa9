use alloy_primitives::B256;
use rusqlite::Connection;

use crate::error::{Damage, Fault};

/// `TIDE` in ASCII, in the database header.
pub(crate) const APPLICATION_ID: i64 = 0x5449_4445;
/// The format that this program writes.
pub(crate) const VERSION: i64 = 1;

/// The hash before the first event.
pub(crate) const GENESIS: B256 = B256::ZERO;

/// Triggers say in SQL what the code says in Rust, so that neither a mistake here nor another
/// program can write past the end of the journal, behind a lease or over what is there.
const SCHEMA: &str = "
CREATE TABLE journal_head (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE leases (
    stream TEXT PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL CHECK (epoch > 0)
) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY NOT NULL CHECK (seq > 0),
    stream TEXT NOT NULL REFERENCES leases (stream),
    stream_seq INTEGER NOT NULL CHECK (stream_seq > 0),
    epoch INTEGER NOT NULL CHECK (epoch > 0),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    UNIQUE (stream, stream_seq)
) STRICT;
CREATE TABLE blobs (
    digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE blob_keys (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (kind, key)
) STRICT;
CREATE TABLE statements (
    digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    json TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER events_follow BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT seq + 1 FROM journal_head WHERE id = 1)
  OR NEW.prev_hash IS NOT (SELECT hash FROM journal_head WHERE id = 1)
  OR NEW.stream_seq IS NOT
     (SELECT coalesce(max(stream_seq), 0) + 1 FROM events WHERE stream = NEW.stream)
  OR NEW.epoch IS NOT (SELECT epoch FROM leases WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ABORT, 'the event does not follow the journal'); END;
CREATE TRIGGER events_head AFTER INSERT ON events
BEGIN UPDATE journal_head SET seq = NEW.seq, hash = NEW.hash WHERE id = 1; END;
CREATE TRIGGER events_fixed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER events_kept BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER head_forward BEFORE UPDATE ON journal_head WHEN NEW.seq IS NOT OLD.seq + 1
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER head_kept BEFORE DELETE ON journal_head
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER leases_forward BEFORE UPDATE ON leases
WHEN NEW.stream IS NOT OLD.stream OR NEW.epoch IS NOT OLD.epoch + 1
BEGIN SELECT RAISE(ABORT, 'an epoch only grows'); END;
CREATE TRIGGER leases_kept BEFORE DELETE ON leases
BEGIN SELECT RAISE(ABORT, 'an epoch only grows'); END;
CREATE TRIGGER blobs_fixed BEFORE UPDATE ON blobs
BEGIN SELECT RAISE(ABORT, 'a blob never changes'); END;
CREATE TRIGGER blob_keys_fixed BEFORE UPDATE ON blob_keys
BEGIN SELECT RAISE(ABORT, 'a blob never changes'); END;
CREATE TRIGGER statements_fixed BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement is never forgotten'); END;
CREATE TRIGGER statements_kept BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement is never forgotten'); END;
CREATE TRIGGER statements_once BEFORE INSERT ON statements
WHEN EXISTS (SELECT 1 FROM statements WHERE digest = NEW.digest)
BEGIN SELECT RAISE(ABORT, 'a statement is never forgotten'); END;
";

/// Creates all tables and triggers in an empty database.
///
/// # Effects
/// Writes; the caller holds the transaction.
pub(crate) fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(SCHEMA)?;
    conn.execute(
        "INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, ?1)",
        [GENESIS.as_slice()],
    )?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", VERSION)
}

/// Compares the tables and triggers with those that this program creates: without the triggers
/// the promises of the journal would rest on the code alone.
pub(crate) fn check(conn: &Connection) -> Result<(), Fault> {
    let reference = Connection::open_in_memory()?;
    create(&reference)?;
    if definitions(conn)? == definitions(&reference)? {
        Ok(())
    } else {
        Err(Damage::Schema { version: VERSION }.into())
    }
}

type Definition = (String, String, String, Option<String>);

fn definitions(conn: &Connection) -> rusqlite::Result<Vec<Definition>> {
    // `sqlite_stat` tables are written by `ANALYZE`, which some tools run; they decide nothing.
    let mut statement = conn.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema
         WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
    )?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}
