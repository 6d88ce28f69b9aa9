//! Deployment records that a chain has confirmed on this machine, so that a file that is deleted
//! later is missed.

use std::collections::BTreeSet;

use tidegate_model::RecordDigest;

use crate::error::StoreError;
use crate::store::Store;

/// The kind of blob that holds a record.
const KIND: &str = "record/2";

/// A record that a chain has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRecord {
    /// The name of the network under which it lay; older memories do not have it.
    pub network: Option<String>,
    /// The record.
    pub json: Vec<u8>,
}

impl SeenRecord {
    /// Whether it belongs into this network's folder, where `names` are all networks of its chain:
    /// it lay there, or under a name that none of them has any more.
    pub fn is_of(&self, network: &str, names: &BTreeSet<String>) -> bool {
        let name = self.network.as_ref().filter(|name| names.contains(*name));
        name.is_none_or(|name| name == network)
    }
}

impl Store {
    /// Remembers a record's bytes under its chain, its digest and its network's name, for good: no
    /// other record takes its place, whatever its file is named. Have the chain confirm it before
    /// this.
    ///
    /// # Errors
    /// [`StoreError::Name`] for a chain or a network, or the database's own failure.
    pub fn remember_record(
        &self,
        place: &str,
        network: &str,
        digest: RecordDigest,
        json: &[u8],
    ) -> Result<(), StoreError> {
        let key = format!("{place}/{digest}/{network}");
        if self.get_blob(KIND, &key)?.is_none() {
            self.put_blob(KIND, &key, json)?;
        }
        Ok(())
    }

    /// Every record that was seen on a chain, sorted by digest.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one is damaged, or the database's own failure.
    pub fn seen_records(&self, place: &str) -> Result<Vec<SeenRecord>, StoreError> {
        let mut records = Vec::new();
        for key in self.blob_keys(KIND)? {
            let below = key.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'));
            if let (Some(below), Some(json)) = (below, self.get_blob(KIND, &key)?) {
                let network = below.split_once('/').map(|(_, network)| network.to_owned());
                records.push(SeenRecord { network, json });
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
        assert_eq!(store.seen_records("1-aa").unwrap(), []);
        store.remember_record("1-aa", "one", digest(2), b"first").unwrap();
        store.remember_record("1-aa", "one", digest(2), b"second").unwrap();
        store.remember_record("1-aa", "two", digest(1), b"third").unwrap();
        store.remember_record("1-aab", "one", digest(2), b"elsewhere").unwrap();
        store.put_blob(KIND, &format!("1-aa/{}", digest(3)), b"older").unwrap();
        drop(store);
        let seen = Store::open(&path).unwrap().seen_records("1-aa").unwrap();
        let found: Vec<_> =
            seen.iter().map(|seen| (seen.network.as_deref(), &*seen.json)).collect();
        let expected: [(Option<&str>, &[u8]); 3] =
            [(Some("two"), b"third"), (Some("one"), b"first"), (None, b"older")];
        assert_eq!(found, expected);
        let names = ["one", "two"].map(str::to_owned).into();
        let of = |network: &str| seen.iter().map(|s| s.is_of(network, &names)).collect::<Vec<_>>();
        assert_eq!(of("one"), [false, true, true]);
        assert_eq!(of("two"), [true, false, true]);
        let renamed = ["three".to_owned()].into();
        assert!(seen.iter().all(|seen| seen.is_of("three", &renamed)));
    }
}
