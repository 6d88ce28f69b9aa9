//! Transactions of Safes that this machine has seen, so that what a Safe executed stays known after
//! its proposal's file is gone.

use alloy_primitives::B256;

use crate::error::StoreError;
use crate::store::Store;

/// The kind of blob that holds a Safe's transaction.
const KIND: &str = "safe-tx/1";

impl Store {
    /// Remembers a transaction's JSON under the hash that a Safe's owners sign, which is over its
    /// chain and Safe, too; for good. Compute the hash before this: the first text stays.
    ///
    /// # Errors
    /// The database's own failure.
    pub fn remember_safe_transaction(&self, hash: B256, json: &[u8]) -> Result<(), StoreError> {
        let key = hash.to_string();
        if self.get_blob(KIND, &key)?.is_none() {
            self.put_blob(KIND, &key, json)?;
        }
        Ok(())
    }

    /// The transaction that has this hash, if it was ever seen.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is damaged, or the database's own failure.
    pub fn seen_safe_transaction(&self, hash: B256) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_blob(KIND, &hash.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_was_seen_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path).unwrap();
        let [one, two] = [1, 2].map(B256::repeat_byte);
        assert_eq!(store.seen_safe_transaction(one).unwrap(), None);
        store.remember_safe_transaction(one, b"first").unwrap();
        store.remember_safe_transaction(one, b"second").unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.seen_safe_transaction(one).unwrap(), Some(b"first".to_vec()));
        assert_eq!(store.seen_safe_transaction(two).unwrap(), None);
    }
}
