//! Deployment records that a chain has confirmed on this machine, so that a file that is deleted
//! later is missed.

use tidegate_model::RecordDigest;

use crate::error::StoreError;
use crate::store::Store;

/// The kind of blob that holds a record.
const KIND: &str = "record/2";

impl Store {
    /// Remembers a record's bytes under its network and its digest, for good: no other record takes
    /// its place, whatever its file is named. Have the chain confirm it before this.
    ///
    /// # Errors
    /// [`StoreError::Name`] for a network, or the database's own failure.
    pub fn remember_record(
        &self,
        place: &str,
        digest: RecordDigest,
        json: &[u8],
    ) -> Result<(), StoreError> {
        let key = format!("{place}/{digest}");
        if self.get_blob(KIND, &key)?.is_none() {
            self.put_blob(KIND, &key, json)?;
        }
        Ok(())
    }

    /// Every record that was seen on a network, sorted by digest.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one is damaged, or the database's own failure.
    pub fn seen_records(&self, place: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut records = Vec::new();
        for key in self.blob_keys(KIND)? {
            let here = key.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
            if here && let Some(bytes) = self.get_blob(KIND, &key)? {
                records.push(bytes);
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    #[test]
    fn a_record_that_was_seen_stays_beside_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path).unwrap();
        let digest = |byte| RecordDigest(B256::repeat_byte(byte));
        assert!(store.seen_records("1-aa").unwrap().is_empty());
        store.remember_record("1-aa", digest(2), b"one").unwrap();
        store.remember_record("1-aa", digest(2), b"two").unwrap();
        store.remember_record("1-aa", digest(1), b"three").unwrap();
        store.remember_record("1-aab", digest(2), b"elsewhere").unwrap();
        drop(store);
        let seen = Store::open(&path).unwrap().seen_records("1-aa").unwrap();
        assert_eq!(seen, [b"three".to_vec(), b"one".to_vec()]);
    }
}
