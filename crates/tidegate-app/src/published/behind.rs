//! Records of after the block that an endpoint has: what the Safe recorded by then is not known
//! there, so that such a record is neither true nor nobody's.

use std::path::Path;

use serde_json::Value;
use tidegate_gates::FileFact;
use tidegate_model::record::{DeploymentRecord, address_books};
use tidegate_model::units::format_utc;
use tidegate_model::{Head, Reason, ReasonCode};

/// A record whose release was executed after the block that an endpoint has.
#[derive(Debug)]
pub(super) struct Later {
    block: u64,
    record: DeploymentRecord,
}

impl Later {
    /// The record of a file that has its name, if it is of after `head`.
    pub(super) fn of(head: Head, path: &Path, found: &FileFact) -> Option<Self> {
        let FileFact::Holds(content) = found else { return None };
        let record: DeploymentRecord = serde_json::from_value(content.clone()).ok()?;
        let block = record.transactions.iter().map(|tx| tx.block.number).max()?;
        let is_named = path.file_name()?.to_str()? == record.file_name();
        (is_named && block > head.block.number).then_some(Self { block, record })
    }

    /// Who says so has to be asked again: nothing is to be deleted.
    pub(super) fn reason(&self, network: &str, head: Head) -> Reason {
        let text = format!(
            "deployments/{network}/{} cannot be compared: it is of block {}, and the newest block \
             of the endpoint of {network} is {}, of {}, so that the endpoint is behind; wait, or \
             ask another one. If it is not behind, ask who committed that file",
            self.record.file_name(),
            self.block,
            head.block.number,
            format_utc(head.timestamp)
        );
        Reason::new(ReasonCode::FileNotCompared, text)
    }
}

/// What an address book may hold: that after the last promotion which is known, or after each of
/// these later ones. Any other is wrong on every endpoint.
pub(super) fn books(known: Vec<DeploymentRecord>, mut later: Vec<Later>) -> Vec<Value> {
    later.sort_by_key(|later| later.block);
    let before = known.len().saturating_sub(1);
    let mut records = known;
    records.extend(later.into_iter().map(|later| later.record));
    address_books(&records).split_off(before.min(records.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_primitives::{Address, B256, U256};
    use tidegate_model::record::{Deployment, MinedTransaction};
    use tidegate_model::{BlockRef, BuildDigest, ChainId, ReleaseRoot, ScopeRoot};

    use super::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::ZERO }
    }

    fn head(number: u64) -> Head {
        Head { block: block(number), timestamp: 60 }
    }

    fn record(name: &str, number: u64) -> DeploymentRecord {
        let executed = MinedTransaction {
            op: "execute/0x01".to_owned(),
            hash: B256::ZERO,
            from: Address::ZERO,
            nonce: 0,
            block: block(number),
            success: true,
            gas_used: 0,
            fee: U256::ZERO,
        };
        DeploymentRecord {
            v: DeploymentRecord::VERSION,
            name: name.to_owned(),
            id: 0,
            release_root: ReleaseRoot(B256::repeat_byte(1)),
            scope_root: ScopeRoot(B256::ZERO),
            deployment: Deployment {
                v: Deployment::VERSION,
                chain: ChainId(5),
                genesis: B256::ZERO,
                build_digest: BuildDigest(B256::ZERO),
                executor: Address::ZERO,
                steps: BTreeMap::new(),
                libraries: BTreeMap::new(),
                externals: BTreeMap::new(),
                params: BTreeMap::new(),
                slots: Vec::new(),
                found: BTreeMap::new(),
            },
            initcodes: BTreeMap::new(),
            mocks: BTreeMap::new(),
            transactions: vec![executed],
        }
    }

    fn later(name: &str, number: u64, head_at: u64) -> Option<Later> {
        let record = record(name, number);
        let found = FileFact::Holds(serde_json::to_value(&record).ok()?);
        Later::of(head(head_at), Path::new(&record.file_name()), &found)
    }

    #[test]
    fn a_record_of_after_what_an_endpoint_has_is_told_as_that() {
        let found = later("vault-1.0.0", 9, 8).expect("it is of after block 8");
        let said = found.reason("mainnet", head(8)).to_string();
        for part in ["is of block 9", "is 8, of 1970-01-01", "the endpoint is behind"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("delete"), "{said}");
        assert!(later("vault-1.0.0", 8, 8).is_none(), "what is there by then is known");
    }

    #[test]
    fn a_file_of_another_name_or_no_record_is_never_behind() {
        let holds = FileFact::Holds(serde_json::to_value(record("vault-1.0.0", 9)).expect("JSON"));
        assert!(Later::of(head(8), Path::new("other.json"), &holds).is_none());
        let path = record("vault-1.0.0", 9).file_name();
        for found in [FileFact::Missing, FileFact::Holds(Value::Null)] {
            assert!(Later::of(head(8), Path::new(&path), &found).is_none());
        }
    }

    #[test]
    fn an_address_book_is_of_a_record() {
        let named = |books: Vec<Value>| -> Vec<_> {
            books.into_iter().map(|book| book["release"].as_str().map(str::to_owned)).collect()
        };
        let is = |names: &[&str]| -> Vec<_> { names.iter().map(|of| Some((*of).into())).collect() };
        let late =
            || vec![later("v-4", 40, 8), later("v-3", 30, 8)].into_iter().flatten().collect();
        let known = || vec![record("v-1", 1), record("v-2", 2)];
        assert_eq!(named(books(known(), Vec::new())), is(&["v-2"]));
        assert_eq!(named(books(known(), late())), is(&["v-2", "v-3", "v-4"]));
        assert_eq!(named(books(Vec::new(), late())), is(&["v-3", "v-4"]));
        assert!(books(Vec::new(), Vec::new()).is_empty());
    }
}
