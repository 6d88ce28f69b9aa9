use alloy_primitives::{B256, keccak256};
use rusqlite::{OptionalExtension, params};

use crate::error::{Damage, StoreError};
use crate::store::Store;
use crate::stream::check_name;

/// The largest blob, in bytes. A release with its sources and build output takes a few megabytes.
const BLOB_BYTES_MAX: usize = 256 << 20;
/// The longest kind or key, in bytes.
const KEY_BYTES_MAX: usize = 200;

impl Store {
    /// Keeps bytes under a kind and key, for good, and returns their keccak256. Equal bytes are
    /// kept once. Storing the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::BlobConflict`] if the key holds other bytes, [`StoreError::TooLarge`],
    /// [`StoreError::Name`] for kind or key, or the database's own failure.
    pub fn put_blob(&self, kind: &str, key: &str, bytes: &[u8]) -> Result<B256, StoreError> {
        check_name("a blob kind", kind, KEY_BYTES_MAX)?;
        check_name("a blob key", key, KEY_BYTES_MAX)?;
        if bytes.len() > BLOB_BYTES_MAX {
            let (bytes, max) = (bytes.len(), BLOB_BYTES_MAX);
            return Err(StoreError::TooLarge { what: "a blob", bytes, max });
        }
        let given = keccak256(bytes);
        self.write("store a blob", |tx| {
            if let Some(present) = digest_of(tx, kind, key)? {
                if present == given {
                    return Ok(());
                }
                let (kind, key) = (kind.to_owned(), key.to_owned());
                return Err(StoreError::BlobConflict { kind, key, present, given }.into());
            }
            tx.execute(
                "INSERT INTO blobs (digest, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![given.as_slice(), bytes],
            )?;
            tx.execute(
                "INSERT INTO blob_keys (kind, key, digest) VALUES (?1, ?2, ?3)",
                params![kind, key, given.as_slice()],
            )?;
            Ok(())
        })?;
        Ok(given)
    }

    /// The bytes under a kind and key, checked against their digest; `None` if there are none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if they do not agree with it, or the database's own failure.
    pub fn get_blob(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_with("read a blob", |tx| {
            let Some(digest) = digest_of(tx, kind, key)? else { return Ok(None) };
            let mut query = tx.prepare_cached("SELECT bytes FROM blobs WHERE digest = ?1")?;
            let bytes: Option<Vec<u8>> =
                query.query_row([digest.as_slice()], |row| row.get(0)).optional()?;
            match bytes {
                Some(bytes) if keccak256(&bytes) == digest => Ok(Some(bytes)),
                _ => Err(Damage::Row { table: "blobs", key: format!("{kind} {key}") }.into()),
            }
        })
    }

    /// The keys of a kind, sorted.
    ///
    /// # Errors
    /// The database's own failure.
    pub fn blob_keys(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        self.read_with("list blobs", |tx| {
            let mut query =
                tx.prepare_cached("SELECT key FROM blob_keys WHERE kind = ?1 ORDER BY key")?;
            let keys = query.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(keys)
        })
    }
}

fn digest_of(
    tx: &rusqlite::Transaction<'_>,
    kind: &str,
    key: &str,
) -> rusqlite::Result<Option<B256>> {
    let mut query =
        tx.prepare_cached("SELECT digest FROM blob_keys WHERE kind = ?1 AND key = ?2")?;
    query.query_row([kind, key], |row| Ok(B256::from(row.get::<_, [u8; 32]>(0)?))).optional()
}
