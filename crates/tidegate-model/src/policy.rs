//! The policy that a Safe adopts on chain, as the preimage of its digest.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{JcsError, jcs_keccak, project_id};
use crate::ids::{ChainId, NetworkId, PolicyDigest, ProjectId};

mod key;

pub use key::{PersonKey, PersonKeyError};

/// Policy, people, target, soak networks, Safe, externals, treasuries and mainnet values. RPC URLs
/// and steps are outside: who may promote what does not depend on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PolicyDoc {
    /// The format version.
    pub v: u32,
    /// The project's name.
    pub name: String,
    /// The network that is promoted to.
    pub target: NetworkId,
    /// The networks whose soak backs it.
    pub soaks: Vec<SoakNetwork>,
    /// Number of endpoints of different operators that must agree.
    pub quorum: u32,
    /// The root of trust.
    pub safe: SafeTrust,
    /// The policy's keys as written, plus `defaults`.
    pub policy: BTreeMap<String, Value>,
    /// The firms that audit: what each is called, by its id.
    pub firms: BTreeMap<String, String>,
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Contracts that are there already, on the target.
    pub externals: BTreeMap<String, External>,
    /// Proxies and beacons that steps may upgrade, on the target.
    pub existing: BTreeMap<String, Existing>,
    /// Every parameter's rule and its value on the target, `@names` kept.
    pub params: BTreeMap<String, PolicyParam>,
    /// The treasuries of test funds, sorted; one a network.
    pub funds: Vec<Treasury>,
}

/// A network that soaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SoakNetwork {
    pub chain: ChainId,
    /// The hash of block 0.
    pub genesis: B256,
    /// Seconds between blocks, as expected.
    pub block_time: u64,
}

/// A Safe as it was when the policy was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SafeTrust {
    /// The Safe.
    pub address: Address,
    /// The code hash of the singleton behind its proxy.
    pub singleton_code_hash: B256,
    /// Its owners, sorted.
    pub owners: Vec<Address>,
    /// Number of owners who must sign.
    pub threshold: u32,
    /// Its modules, sorted.
    pub modules: Vec<Address>,
    /// Its transaction guard, or zero.
    pub guard: Address,
    /// Its module guard, or zero.
    pub module_guard: Address,
    /// Its fallback handler, or zero.
    pub handler: Address,
}

/// A person and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their roles, sorted.
    pub roles: Vec<String>,
    /// The id of the firm, for auditors.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub firm: Option<String>,
    /// Their keys, sorted.
    pub keys: Vec<PersonKey>,
}

impl Person {
    /// The addresses of their keys.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.keys.iter().map(|key| key.address)
    }

    /// Whether a key of theirs has this address.
    pub fn holds(&self, address: Address) -> bool {
        self.addresses().any(|own| own == address)
    }
}

/// A contract that is there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct External {
    pub address: Address,
    /// The hash of its runtime code.
    pub code_hash: B256,
}

/// A proxy or beacon that steps may upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    pub address: Address,
    /// Of a transparent proxy, the admin contract that upgrades it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admin: Option<Address>,
}

/// The treasury of test funds on a network: what is watched there, and where funds go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Treasury {
    pub chain: ChainId,
    /// The hash of block 0.
    pub genesis: B256,
    /// The wallet.
    pub treasury: Address,
}

/// A parameter as the policy binds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyParam {
    /// The rule, as written.
    pub rule: Value,
    /// Its value on the target, as written; absent where the rule takes the soaked one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
}

impl Treasury {
    /// The network that the treasury belongs to.
    pub const fn network(&self) -> NetworkId {
        NetworkId { chain: self.chain, genesis: self.genesis }
    }
}

impl PolicyDoc {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// The JCS digest of the policy, which the Safe adopts.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn digest(&self) -> Result<PolicyDigest, JcsError> {
        jcs_keccak("policy", self).map(PolicyDigest)
    }

    /// The id under which the Safe adopts it.
    pub fn project(&self) -> ProjectId {
        project_id(self.target.chain, self.safe.address, &self.name)
    }
}
