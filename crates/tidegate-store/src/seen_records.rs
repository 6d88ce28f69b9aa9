//! Deployment records that a chain has confirmed on this machine, so that a file that is deleted
//! later is missed.

use crate::error::StoreError;
use crate::store::Store;

/// The kind of blob that holds a record.
const KIND: &str = "record/1";

impl Store {
    /// Remembers a record's bytes under its network and its file's name, for good. The first ones
    /// stay, so have the chain confirm it before this.
    ///
    /// # Errors
    /// [`StoreError::Name`] for a network or file, or the database's own failure.
    pub fn remember_record(&self, place: &str, file: &str, json: &[u8]) -> Result<(), StoreError> {
        let key = format!("{place}/{file}");
        if self.get_blob(KIND, &key)?.is_none() {
            self.put_blob(KIND, &key, json)?;
        }
        Ok(())
    }

    /// Every record that was seen on a network, with its file's name, sorted by it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one is damaged, or the database's own failure.
    pub fn seen_records(&self, place: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut records = Vec::new();
        for key in self.blob_keys(KIND)? {
            let file = key.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'));
            if let Some(file) = file
                && let Some(bytes) = self.get_blob(KIND, &key)?
            {
                records.push((file.to_owned(), bytes));
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_seen_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path).unwrap();
        assert!(store.seen_records("1-aa").unwrap().is_empty());
        store.remember_record("1-aa", "vault-1.json", b"one").unwrap();
        store.remember_record("1-aa", "vault-1.json", b"two").unwrap();
        store.remember_record("1-aa", "vault-0.json", b"three").unwrap();
        store.remember_record("1-aab", "vault-1.json", b"elsewhere").unwrap();
        drop(store);
        let seen = Store::open(&path).unwrap().seen_records("1-aa").unwrap();
        let expected = [("vault-0.json", "three"), ("vault-1.json", "one")];
        let expected = expected.map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec()));
        assert_eq!(seen, expected);
    }
}
