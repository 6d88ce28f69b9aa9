//! The record of one deployment, as it lies in git. It is a claim until the chain confirms it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{
    BlockRef, BuildDigest, ChainId, DeploymentDigest, Fqn, NetworkId, RecordDigest, ReleaseRoot,
    ScopeRoot,
};
use crate::policy::External;

/// The preimage of `deploymentDigest`: where a release stands, and with which parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deployment {
    /// The format version.
    pub v: u32,
    pub chain: ChainId,
    /// The hash of block 0.
    pub genesis: B256,
    /// The exact bytes that were deployed.
    pub build_digest: BuildDigest,
    /// The deployer, or the Safe.
    pub executor: Address,
    /// Address of each step's contract.
    pub steps: BTreeMap<String, Place>,
    /// Address of each library.
    pub libraries: BTreeMap<Fqn, Address>,
    /// Contracts that were there already.
    pub externals: BTreeMap<String, External>,
    /// Every parameter's value, normalised by its type and with names resolved.
    pub params: BTreeMap<String, Value>,
    /// Watched slots and what they hold.
    pub slots: Vec<SlotValue>,
    /// What stands of the release that is followed, as it was found.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub found: BTreeMap<String, Found>,
}

/// A contract that stands since a release that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The address that others use.
    pub address: Address,
    /// The implementation that was behind it before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub implementation: Option<Address>,
    /// Of a transparent proxy, its admin contract.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admin: Option<Address>,
}

/// Address of a step's contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The address that others use: the proxy's, where there is one.
    pub address: Address,
    /// The implementation behind it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub implementation: Option<Address>,
}

/// A storage slot and its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotValue {
    /// The contract.
    pub address: Address,
    pub slot: B256,
    pub value: B256,
}

impl Deployment {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// The digest that the soak's anchor and the promotion record carry.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn digest(&self) -> Result<DeploymentDigest, JcsError> {
        jcs_keccak("deployment", self).map(DeploymentDigest)
    }

    /// The network of the deployment, by chain id and genesis.
    pub const fn network(&self) -> NetworkId {
        NetworkId { chain: self.chain, genesis: self.genesis }
    }

    /// Every address the plan created, with the proxy before its implementation.
    pub fn addresses(&self) -> Vec<Address> {
        let places = self.steps.values().flat_map(|p| [Some(p.address), p.implementation]);
        places.flatten().chain(self.libraries.values().copied()).collect()
    }
}

/// A mined transaction of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MinedTransaction {
    /// Its purpose: a step's operation, `anchor`, `mock:<external>` or `foreign`.
    pub op: String,
    pub hash: B256,
    /// Its sender.
    pub from: Address,
    pub nonce: u64,
    /// The block that it was mined in.
    pub block: BlockRef,
    /// Whether it succeeded.
    pub success: bool,
    pub gas_used: u64,
    /// The fee that its sender paid, in wei.
    #[serde(with = "crate::decimal")]
    pub fee: U256,
}

/// The deployment record of one release on one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeploymentRecord {
    /// The format version.
    pub v: u32,
    /// The release's human name.
    pub name: String,
    /// The deployment id, which entered the salts.
    pub id: u64,
    pub release_root: ReleaseRoot,
    /// The scope root of the build that was deployed.
    pub scope_root: ScopeRoot,
    /// The preimage of `deploymentDigest`.
    pub deployment: Deployment,
    /// keccak256 of each contract's initcode, by address.
    pub initcodes: BTreeMap<Address, B256>,
    /// Externals that were created as set-up, outside the plan.
    pub mocks: BTreeMap<String, Address>,
    /// The calls of earlier deployments that count for this one, then every mined transaction of
    /// its own run, reverted ones included; by nonce.
    pub transactions: Vec<MinedTransaction>,
}

impl DeploymentRecord {
    /// Where it has what an operation of this id creates: a step's name, alone or with `/proxy` or
    /// `/implementation` behind it, `lib:<fqn>` or `mock:<external>`.
    pub fn place_of(&self, op: &str) -> Option<Address> {
        if let Some(library) = op.strip_prefix("lib:") {
            return self.deployment.libraries.get(&Fqn(library.to_owned())).copied();
        }
        if let Some(external) = op.strip_prefix("mock:") {
            return self.mocks.get(external).copied();
        }
        let step = |name: &str| self.deployment.steps.get(name);
        match op.split_once('/') {
            None => step(op).map(|place| place.address),
            Some((name, "proxy")) => step(name).map(|place| place.address),
            Some((name, "implementation")) => step(name)?.implementation,
            Some(_) => None,
        }
    }

    /// The current format version.
    pub const VERSION: u32 = 1;

    /// The file's name: human name, first sixteen digits of the root, deployment id.
    pub fn file_name(&self) -> String {
        Self::file_name_of(&self.name, self.release_root, self.id)
    }

    /// The name of a record's file.
    pub fn file_name_of(name: &str, release: ReleaseRoot, id: u64) -> String {
        format!("{name}-{}-{id}.json", release.short())
    }

    /// The digest of all that it says: keccak256 over its canonical JSON.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn digest(&self) -> Result<RecordDigest, JcsError> {
        jcs_keccak("record", self).map(RecordDigest)
    }

    /// The transactions of the deployment's own run: those with consecutive nonces that end with
    /// the last one. What is before them was made for an earlier deployment.
    pub fn own_run(&self) -> &[MinedTransaction] {
        let follows = |pair: &[MinedTransaction]| {
            pair[0].from == pair[1].from && pair[0].nonce + 1 == pair[1].nonce
        };
        let gap = self.transactions.windows(2).rposition(|pair| !follows(pair));
        &self.transactions[gap.map_or(0, |gap| gap + 1)..]
    }

    /// The anchor's transaction, if the record holds one.
    pub fn anchor(&self) -> Option<&MinedTransaction> {
        self.transactions.iter().rev().find(|tx| tx.op == ANCHOR_OP && tx.success)
    }
}

/// The address book of a network after each of these deployments, the oldest first. It is for other
/// programs: a name keeps what it stands for until a later deployment says otherwise, and what is
/// behind a proxy is the same under all of its names.
pub fn address_books(records: &[DeploymentRecord]) -> Vec<Value> {
    let mut addresses: BTreeMap<&str, Place> = BTreeMap::new();
    let (mut libraries, mut externals) = (BTreeMap::new(), BTreeMap::new());
    let after = |record| {
        let DeploymentRecord { name, release_root, deployment, .. }: &DeploymentRecord = record;
        for (step, place) in &deployment.steps {
            let same = addresses.values_mut().filter(|other| other.address == place.address);
            same.for_each(|other| *other = place.clone());
            addresses.insert(step, place.clone());
        }
        libraries.extend(&deployment.libraries);
        externals.extend(&deployment.externals);
        json!({
            "release": name,
            "releaseRoot": release_root,
            "addresses": addresses,
            "libraries": libraries,
            "externals": externals,
        })
    };
    records.iter().map(after).collect()
}

/// The operation name of the soak's anchor.
pub const ANCHOR_OP: &str = "anchor";

/// The operation name of what a sender sent in between, which is nothing of the deployment.
pub const FOREIGN_OP: &str = "foreign";

/// The calldata of the soak's anchor: `"SOAK" 02 ‖ releaseRoot ‖ deploymentDigest`.
pub fn anchor_calldata(release: ReleaseRoot, deployment: DeploymentDigest) -> Vec<u8> {
    let mut data = b"SOAK\x02".to_vec();
    data.extend_from_slice(release.0.as_slice());
    data.extend_from_slice(deployment.0.as_slice());
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(from: u8, nonce: u64) -> MinedTransaction {
        let from = Address::repeat_byte(from);
        let block = BlockRef { number: nonce, hash: B256::ZERO };
        let (op, hash, success) = (nonce.to_string(), B256::ZERO, true);
        MinedTransaction { op, hash, from, nonce, block, success, gas_used: 0, fee: U256::ZERO }
    }

    fn record() -> DeploymentRecord {
        let record = json!({
            "v": 1, "name": "vault-1.0.0", "id": 0, "releaseRoot": B256::ZERO,
            "scopeRoot": B256::ZERO, "initcodes": {}, "mocks": {}, "transactions": [],
            "deployment": {
                "v": 1, "chain": 1, "genesis": B256::ZERO, "buildDigest": B256::ZERO,
                "executor": Address::ZERO, "steps": {}, "libraries": {}, "externals": {},
                "params": {}, "slots": [],
            },
        });
        serde_json::from_value(record).unwrap()
    }

    fn own_run(transactions: &[(u8, u64)]) -> Vec<u64> {
        let transactions = transactions.iter().map(|(from, nonce)| sent(*from, *nonce)).collect();
        let record = DeploymentRecord { transactions, ..record() };
        record.own_run().iter().map(|tx| tx.nonce).collect()
    }

    /// A release that puts these steps at these places.
    fn release(name: &str, steps: &[(&str, u8, Option<u8>)]) -> DeploymentRecord {
        let mut record = DeploymentRecord { name: name.to_owned(), ..record() };
        for (step, address, implementation) in steps {
            let address = Address::repeat_byte(*address);
            let implementation = implementation.map(Address::repeat_byte);
            record.deployment.steps.insert((*step).to_owned(), Place { address, implementation });
        }
        record
    }

    #[test]
    fn names_keep_what_later_releases_do_not_touch() {
        let at = |byte| json!(Address::repeat_byte(byte));
        let proxied = |byte, by| json!({"address": at(byte), "implementation": at(by)});
        let first =
            release("v-1", &[("pool", 1, Some(2)), ("vault", 3, Some(4)), ("lens", 5, None)]);
        let second = release("v-2", &[("pool", 1, Some(6)), ("lens", 7, None)]);
        // An upgrade whose step has a name of its own.
        let third = release("v-3", &[("vault_2", 3, Some(8))]);
        let books = address_books(&[first, second, third]);
        let [one, two, three] = &books[..] else { panic!("{books:?}") };
        assert_eq!(one["addresses"]["lens"], json!({"address": at(5)}));
        let kept = json!({
            "pool": proxied(1, 6), "vault": proxied(3, 4), "lens": {"address": at(7)},
        });
        assert_eq!((&two["release"], &two["addresses"]), (&json!("v-2"), &kept));
        assert_eq!(three["addresses"]["vault"], proxied(3, 8));
        assert_eq!(three["addresses"]["vault_2"], proxied(3, 8));
        assert_eq!(three["addresses"]["pool"], proxied(1, 6));
    }

    #[test]
    fn a_run_is_what_ends_with_consecutive_nonces_of_one_sender() {
        assert_eq!(own_run(&[]), [0; 0]);
        assert_eq!(own_run(&[(1, 5)]), [5]);
        assert_eq!(own_run(&[(1, 5), (1, 6), (1, 7)]), [5, 6, 7]);
        assert_eq!(own_run(&[(1, 1), (1, 2), (1, 6), (1, 7)]), [6, 7]);
        assert_eq!(own_run(&[(1, 5), (1, 6), (1, 8)]), [8]);
        assert_eq!(own_run(&[(1, 6), (2, 7), (2, 8)]), [7, 8], "another sender's end with his");
    }
}
