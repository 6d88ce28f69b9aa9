//! `[[step]]`, `[externals]` and `[existing]`: what is created, called and upgraded.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::address::{written, written_if_any};
use tidegate_model::plan::ProxyKind;

/// One step as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepConfig {
    /// Its name.
    pub name: Option<String>,
    /// The contract to create; of an upgrade, the new implementation.
    pub create: Option<String>,
    /// The proxy to upgrade, as `@name`.
    pub upgrade: Option<String>,
    /// Constructor arguments.
    #[serde(default)]
    pub args: Vec<Value>,
    /// The kind of proxy.
    pub proxy: Option<String>,
    /// The proxy's contract, where it is not OpenZeppelin's.
    pub proxy_contract: Option<String>,
    /// The account that may upgrade: the first owner of a transparent proxy's admin, or of a
    /// beacon.
    pub admin: Option<Value>,
    /// An earlier step whose beacon a beacon proxy shares, as `@name`.
    pub beacon: Option<String>,
    /// The initialiser, or an upgrade's migration, and its arguments.
    #[serde(default)]
    pub init: Vec<Value>,
    /// Why a proxy of a contract that has an initialiser gets no `init`.
    pub uninitialized: Option<String>,
    /// What runs when the step upgrades what stands of the release that is followed.
    #[serde(default)]
    pub migrate: Vec<Value>,
    /// Whether it is created anew although it stands of the release that is followed.
    #[serde(default)]
    pub anew: bool,
    /// Target, function and arguments of a call.
    #[serde(default)]
    pub call: Vec<Value>,
    /// Wei that a call or a guarded constructor gets.
    pub value: Option<Value>,
    /// View calls and what they return.
    #[serde(default)]
    pub expect: Vec<Vec<Value>>,
    /// Part of the CREATE2 salt.
    pub salt: Option<String>,
    /// Whether the helper creates it for the executor alone; yes where nothing is said.
    pub guarded: Option<bool>,
}

impl StepConfig {
    /// Whether the helper creates what this step creates, at an address where nobody else can.
    pub fn is_guarded(&self) -> bool {
        self.guarded.unwrap_or(true)
    }
}

/// A contract that is there already, on one network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalConfig {
    /// On test stages: the contract to create as set-up.
    pub create: Option<String>,
    #[serde(default, deserialize_with = "written_if_any")]
    pub address: Option<Address>,
    /// The hash of its runtime code.
    pub code_hash: Option<B256>,
}

/// A live proxy or beacon that steps upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExistingConfig {
    /// The contract that is behind it now, as the project's sources have it.
    pub contract: String,
    pub proxy: ProxyKind,
    /// The major version of the OpenZeppelin that it was made with; 5 where nothing is said.
    #[serde(default)]
    pub openzeppelin: OpenZeppelin,
    /// Its addresses, by network.
    #[serde(flatten)]
    pub networks: BTreeMap<String, ExistingPlace>,
}

/// OpenZeppelin's major version, which decides by which function a proxy is upgraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "u8")]
pub enum OpenZeppelin {
    /// `upgrade` and `upgradeTo` beside the calls that take data.
    V4,
    /// Only `upgradeAndCall` and `upgradeToAndCall`.
    #[default]
    V5,
}

impl TryFrom<u8> for OpenZeppelin {
    type Error = &'static str;

    fn try_from(version: u8) -> Result<Self, Self::Error> {
        match version {
            4 => Ok(Self::V4),
            5 => Ok(Self::V5),
            _ => Err("only 4 and 5 are known"),
        }
    }
}

/// The address of a live proxy or beacon on one network, and of its admin contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExistingPlace {
    /// The proxy, or the beacon.
    #[serde(deserialize_with = "written")]
    pub address: Address,
    /// Of a transparent proxy, the admin contract that upgrades it.
    #[serde(default, deserialize_with = "written_if_any")]
    pub admin: Option<Address>,
}
