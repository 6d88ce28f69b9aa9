use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::B256;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::Value;
use tidegate_model::digest::{JcsError, Preimage, jcs};

use crate::error::{Damage, Fault, StoreError};
use crate::lease::Lease;
use crate::schema::GENESIS;
use crate::store::Store;
use crate::stream::{Epoch, StreamName, check_name};

/// The longest event body, in bytes. A plan with its initcodes takes a few megabytes.
const EVENT_BYTES_MAX: usize = 16 << 20;
/// The longest kind, in bytes.
const KIND_BYTES_MAX: usize = 64;

/// An event's place in the whole journal; the first is 1 and none is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One entry of the journal, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the whole journal.
    pub seq: Seq,
    /// The stream it belongs to.
    pub stream: StreamName,
    /// Its place in the stream, from 1 without gaps.
    pub stream_seq: u64,
    /// The epoch of the lease under which it was written.
    pub epoch: Epoch,
    /// The kind of event.
    pub kind: String,
    pub body: Value,
    /// Its hash, which covers all of the above and the event before.
    pub hash: B256,
}

impl Store {
    /// Appends one event to the lease's stream. When this returns, the event survives a crash
    /// and a power loss; only then may an effect that rests on it happen.
    ///
    /// If it fails, the event may or may not be there: read the stream again before going on.
    ///
    /// # Errors
    /// [`StoreError::StaleLease`] if somebody else took the stream since,
    /// [`StoreError::Rounded`] if the body holds a number beyond 2^53 (write it as a string),
    /// [`StoreError::TooLarge`], [`StoreError::Name`] for the kind, [`StoreError::Corrupt`] if
    /// the end of the journal does not hold, or the database's own failure.
    pub fn append(&self, lease: &Lease, kind: &str, body: &Value) -> Result<Seq, StoreError> {
        self.append_all(lease, &[(kind, body)])
    }

    /// As [`Store::append`], several events with one sync: all of them are there, or none. Returns
    /// the last one's place, or the journal's if there is none to append.
    ///
    /// # Errors
    /// As there.
    pub fn append_all(&self, lease: &Lease, events: &[(&str, &Value)]) -> Result<Seq, StoreError> {
        let mut bodies = Vec::new();
        for (kind, body) in events {
            check_name("an event kind", kind, KIND_BYTES_MAX)?;
            bodies.push((*kind, canonical("an event body", body, EVENT_BYTES_MAX)?));
        }
        self.write("append", |tx| {
            check_epoch(tx, lease)?;
            let (mut head_seq, mut prev_hash) = head(tx)?;
            check_last(tx, head_seq, prev_hash)?;
            for (kind, body) in &bodies {
                let event = RawEvent {
                    seq: head_seq + 1,
                    stream: lease.stream().as_str().to_owned(),
                    stream_seq: last_stream_seq(tx, lease.stream())? + 1,
                    epoch: lease.epoch().0,
                    kind: (*kind).to_owned(),
                    body: body.clone(),
                    prev_hash,
                    hash: B256::ZERO,
                };
                (head_seq, prev_hash) = (event.seq, insert(tx, &event)?);
            }
            Ok(Seq(head_seq))
        })
    }

    /// All events of a stream, oldest first; empty if there is none. Their hashes are checked
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one does not hold, or the database's own failure.
    pub fn read(&self, stream: &StreamName) -> Result<Vec<Event>, StoreError> {
        self.read_with("read", |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT seq, stream, stream_seq, epoch, kind, body, prev_hash, hash
                 FROM events WHERE stream = ?1 ORDER BY stream_seq",
            )?;
            let mut rows = statement.query([stream.as_str()])?;
            let mut events: Vec<Event> = Vec::new();
            while let Some(row) = rows.next()? {
                let raw = RawEvent::from_row(row)?;
                if raw.stream_seq != events.len() as u64 + 1 {
                    return Err(raw.flaw("its place in the stream").into());
                }
                events.push(raw.into_event()?);
            }
            Ok(events)
        })
    }

    /// The last event's place and hash; `Seq(0)` and zero for an empty journal. Whoever keeps
    /// this elsewhere can tell later that no older backup was put back.
    ///
    /// # Errors
    /// The database's own failure.
    pub fn head(&self) -> Result<(Seq, B256), StoreError> {
        self.read_with("read", |tx| head(tx).map(|(seq, hash)| (Seq(seq), hash)))
    }
}

/// Walks the whole journal: places, links, hashes, epochs, and the end.
pub(crate) fn verify(tx: &Transaction<'_>) -> Result<(), Fault> {
    let mut statement = tx.prepare(
        "SELECT seq, stream, stream_seq, epoch, kind, body, prev_hash, hash
         FROM events ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut seq, mut hash) = (0, GENESIS);
    let mut streams: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let event = RawEvent::from_row(row)?;
        if event.seq != seq + 1 {
            return Err(Damage::Journal { seq: seq + 1, flaw: "it is missing" }.into());
        }
        if event.prev_hash != hash {
            return Err(event.flaw("its link to the event before").into());
        }
        if event.hash != event.compute_hash() {
            return Err(event.flaw("its hash").into());
        }
        let (place, epoch) = streams.entry(event.stream.clone()).or_default();
        if event.stream_seq != *place + 1 || event.epoch < *epoch {
            return Err(event.flaw("its place in the stream").into());
        }
        (*place, *epoch) = (event.stream_seq, event.epoch);
        (seq, hash) = (event.seq, event.hash);
    }
    if head(tx)? != (seq, hash) {
        return Err(Damage::Journal { seq: seq + 1, flaw: "the end is not here" }.into());
    }
    verify_epochs(tx, &streams)
}

fn verify_epochs(
    tx: &Transaction<'_>,
    streams: &BTreeMap<String, (u64, u64)>,
) -> Result<(), Fault> {
    for (stream, (_, epoch)) in streams {
        if current_epoch(tx, stream)?.is_none_or(|current| current < *epoch) {
            return Err(Damage::Row { table: "leases", key: stream.clone() }.into());
        }
    }
    Ok(())
}

/// A row of the journal with nothing believed yet.
struct RawEvent {
    seq: u64,
    stream: String,
    stream_seq: u64,
    epoch: u64,
    kind: String,
    body: String,
    prev_hash: B256,
    hash: B256,
}

impl RawEvent {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: unsigned(row, 0)?,
            stream: row.get(1)?,
            stream_seq: unsigned(row, 2)?,
            epoch: unsigned(row, 3)?,
            kind: row.get(4)?,
            body: row.get(5)?,
            prev_hash: B256::from(row.get::<_, [u8; 32]>(6)?),
            hash: B256::from(row.get::<_, [u8; 32]>(7)?),
        })
    }

    fn compute_hash(&self) -> B256 {
        Preimage::new()
            .string("event/1")
            .digest(self.prev_hash)
            .number(self.seq)
            .string(&self.stream)
            .number(self.stream_seq)
            .number(self.epoch)
            .string(&self.kind)
            .string(&self.body)
            .keccak()
    }

    fn flaw(&self, flaw: &'static str) -> Damage {
        Damage::Journal { seq: self.seq, flaw }
    }

    fn into_event(self) -> Result<Event, Fault> {
        if self.hash != self.compute_hash() {
            return Err(self.flaw("its hash").into());
        }
        let body = serde_json::from_str(&self.body).map_err(|_| self.flaw("its body"))?;
        let stream = StreamName::new(&self.stream).map_err(|_| self.flaw("its stream"))?;
        Ok(Event {
            seq: Seq(self.seq),
            stream,
            stream_seq: self.stream_seq,
            epoch: Epoch(self.epoch),
            kind: self.kind,
            body,
            hash: self.hash,
        })
    }
}

/// The canonical text of a value, which reads back as exactly this value.
fn canonical(what: &'static str, value: &Value, bytes_max: usize) -> Result<String, StoreError> {
    let bytes = jcs(what, value).map_err(|error| match error {
        JcsError::Rounded { .. } => StoreError::Rounded { what },
        other @ JcsError::Form { .. } => StoreError::from(other),
    })?;
    if bytes.len() > bytes_max {
        return Err(StoreError::TooLarge { what, bytes: bytes.len(), max: bytes_max });
    }
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(back) if back == *value => {
            String::from_utf8(bytes).map_err(|_| StoreError::Rounded { what })
        }
        _ => Err(StoreError::Rounded { what }),
    }
}

pub(crate) fn current_epoch(tx: &Transaction<'_>, stream: &str) -> Result<Option<u64>, Fault> {
    let mut statement = tx.prepare_cached("SELECT epoch FROM leases WHERE stream = ?1")?;
    Ok(statement.query_row([stream], |row| unsigned(row, 0)).optional()?)
}

fn check_epoch(tx: &Transaction<'_>, lease: &Lease) -> Result<(), Fault> {
    let current = current_epoch(tx, lease.stream().as_str())?.unwrap_or(0);
    if current == lease.epoch().0 {
        return Ok(());
    }
    let stream = lease.stream().to_string();
    Err(StoreError::StaleLease { stream, epoch: lease.epoch(), current: Epoch(current) }.into())
}

fn head(tx: &Transaction<'_>) -> Result<(u64, B256), Fault> {
    let mut statement = tx.prepare_cached("SELECT seq, hash FROM journal_head WHERE id = 1")?;
    Ok(statement
        .query_row([], |row| Ok((unsigned(row, 0)?, B256::from(row.get::<_, [u8; 32]>(1)?))))?)
}

/// The last event is checked again before another is chained to it.
fn check_last(tx: &Transaction<'_>, seq: u64, hash: B256) -> Result<(), Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, stream, stream_seq, epoch, kind, body, prev_hash, hash
         FROM events ORDER BY seq DESC LIMIT 1",
    )?;
    let last = statement.query_row([], RawEvent::from_row).optional()?;
    let holds = match &last {
        Some(event) => event.seq == seq && event.hash == hash && event.compute_hash() == hash,
        None => seq == 0 && hash == GENESIS,
    };
    if holds { Ok(()) } else { Err(Damage::Journal { seq, flaw: "it is not the last" }.into()) }
}

fn last_stream_seq(tx: &Transaction<'_>, stream: &StreamName) -> Result<u64, Fault> {
    let mut statement =
        tx.prepare_cached("SELECT coalesce(max(stream_seq), 0) FROM events WHERE stream = ?1")?;
    Ok(statement.query_row([stream.as_str()], |row| unsigned(row, 0))?)
}

fn insert(tx: &Transaction<'_>, event: &RawEvent) -> Result<B256, Fault> {
    let hash = event.compute_hash();
    let mut statement = tx.prepare_cached(
        "INSERT INTO events (seq, stream, stream_seq, epoch, kind, body, prev_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute(params![
        signed(event.seq)?,
        event.stream,
        signed(event.stream_seq)?,
        signed(event.epoch)?,
        event.kind,
        event.body,
        event.prev_hash.as_slice(),
        hash.as_slice(),
    ])?;
    Ok(hash)
}

pub(crate) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

pub(crate) fn signed(number: u64) -> Result<i64, Fault> {
    i64::try_from(number)
        .map_err(|_| Damage::Journal { seq: number, flaw: "its place is out of range" }.into())
}
