use alloy_primitives::B256;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;
use tidegate_model::StatementDigest;
use tidegate_model::digest::Preimage;

use crate::error::{Damage, Fault, StoreError};
use crate::store::Store;

/// The longest statement, in bytes.
pub(crate) const STATEMENT_BYTES_MAX: usize = 1 << 20;

/// The result of remembering a statement: new, or known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It had not been seen before.
    First,
    /// It had; what was kept then stays.
    Before,
}

impl Store {
    /// Remembers a statement for good, so that deleting its file hides nothing from this machine.
    ///
    /// The first JSON under a digest stays, so check the signature before this: the store cannot
    /// tell a forged statement from the one it would shut out.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], or the database's own failure.
    pub fn remember_statement(
        &self,
        digest: StatementDigest,
        json: &Value,
    ) -> Result<Seen, StoreError> {
        let text = statement_text(json)?;
        self.write("remember a statement", |tx| {
            let mut query = tx.prepare_cached("SELECT 1 FROM statements WHERE digest = ?1")?;
            if query.exists([digest.0.as_slice()])? {
                return Ok(Seen::Before);
            }
            let hash = row_hash(digest, &text);
            tx.execute(
                "INSERT INTO statements (digest, json, hash) VALUES (?1, ?2, ?3)",
                params![digest.0.as_slice(), text, hash.as_slice()],
            )?;
            Ok(Seen::First)
        })
    }

    /// The statement with this digest, if it was ever seen.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the row does not agree with its hash, or the database's own
    /// failure.
    pub fn seen_statement(&self, digest: StatementDigest) -> Result<Option<Value>, StoreError> {
        self.read_with("read a statement", |tx| {
            let mut query =
                tx.prepare_cached("SELECT digest, json, hash FROM statements WHERE digest = ?1")?;
            let row = query.query_row([digest.0.as_slice()], RawStatement::from_row).optional()?;
            row.map(|row| row.check().map(|(_, json)| json)).transpose()
        })
    }

    /// Every statement ever seen, in the order of their digests.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row does not agree with its hash, or the database's own
    /// failure.
    pub fn seen_statements(&self) -> Result<Vec<(StatementDigest, Value)>, StoreError> {
        self.read_with("read statements", |tx| {
            let mut query =
                tx.prepare_cached("SELECT digest, json, hash FROM statements ORDER BY digest")?;
            let mut rows = query.query([])?;
            let mut statements = Vec::new();
            while let Some(row) = rows.next()? {
                statements.push(RawStatement::from_row(row)?.check()?);
            }
            Ok(statements)
        })
    }
}

/// Statements carry `u64::MAX` for "does not end", which canonical JSON would round, so this text
/// is only deterministic.
fn statement_text(json: &Value) -> Result<String, StoreError> {
    let text = crate::files::to_text(json);
    if text.len() > STATEMENT_BYTES_MAX {
        let (bytes, max) = (text.len(), STATEMENT_BYTES_MAX);
        return Err(StoreError::TooLarge { what: "a statement", bytes, max });
    }
    Ok(text)
}

struct RawStatement {
    digest: StatementDigest,
    json: String,
    hash: B256,
}

impl RawStatement {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            digest: StatementDigest(B256::from(row.get::<_, [u8; 32]>(0)?)),
            json: row.get(1)?,
            hash: B256::from(row.get::<_, [u8; 32]>(2)?),
        })
    }

    fn check(self) -> Result<(StatementDigest, Value), Fault> {
        let damage = || Damage::Row { table: "statements", key: self.digest.to_string() };
        if self.hash != row_hash(self.digest, &self.json) {
            return Err(damage().into());
        }
        let json = serde_json::from_str(&self.json).map_err(|_| damage())?;
        Ok((self.digest, json))
    }
}

fn row_hash(digest: StatementDigest, json: &str) -> B256 {
    Preimage::new().string("seen/1").digest(digest.0).string(json).keccak()
}
