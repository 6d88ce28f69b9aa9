//! The symbolic plan: steps with names in place of addresses and values, equal on all networks.

mod document;
mod readable;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Fqn, ReleaseRoot};
use crate::masks::Link;

/// The plan of a release, in execution order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The steps, in file order.
    pub steps: Vec<Step>,
    /// Every parameter that a step uses.
    pub params: BTreeMap<String, ParamDecl>,
    /// The names under `[externals]`.
    pub externals: BTreeSet<String>,
    /// The names under `[existing]`, and of what stands of the release that is followed.
    pub existing: BTreeSet<String>,
    /// The places of libraries in the contracts' creation code.
    pub links: BTreeSet<Link>,
    /// The release whose contracts this one finds and upgrades, if it follows one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub follows: Option<ReleaseRoot>,
    /// The calls of releases that are followed which are not made again.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub made: BTreeSet<String>,
}

/// One `[[step]]` of the plan: a creation, an upgrade or a call, with its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the plan; `@name` is its address.
    pub name: String,
    pub action: Action,
    /// View calls that must hold right after it.
    pub expect: Vec<Expect>,
    /// Part of the CREATE2 salt, so that one contract can be created twice.
    pub salt_label: String,
}

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// Creates a contract, behind a proxy or not.
    Create(Create),
    /// Puts another implementation behind a proxy that is there already.
    Upgrade(Upgrade),
    /// Calls one function on one target.
    Call(Call),
}

/// A creation, with its libraries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    pub contract: Fqn,
    /// The libraries its code links, each before those that link it.
    pub libraries: Vec<Fqn>,
    /// Constructor arguments.
    pub args: Vec<Arg>,
    /// Wei that its constructor gets.
    #[serde(with = "crate::decimal")]
    pub value: U256,
    /// Whether the helper creates it, at an address that is bound to the executor.
    pub guarded: bool,
    /// The proxy it stands behind.
    pub proxy: Option<Proxy>,
}

/// Another implementation for a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// The proxy: an existing contract, or an earlier step's.
    pub target: String,
    pub kind: ProxyKind,
    /// The contract that must be behind the proxy before.
    pub reference: Reference,
    /// The new implementation.
    pub contract: Fqn,
    /// The libraries its code links, each before those that link it.
    pub libraries: Vec<Fqn>,
    /// Its constructor's arguments.
    pub args: Vec<Arg>,
    /// Whether the helper creates it, at an address that is bound to the executor.
    pub guarded: bool,
    /// The signature of the function that changes the implementation.
    pub function: String,
    /// The slot that holds the implementation: the proxy's, or the beacon's.
    pub slot: B256,
    /// The migration that runs in the same transaction, if any.
    pub init: Option<Invocation>,
    /// The initialiser that ran when the proxy was created, where the release follows one that
    /// created it: it does not run again, and stays part of what auditors read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub initialised: Option<Invocation>,
}

/// An implementation that an upgrade starts from. Bound by its digests, so that a release is
/// another one if it starts from another contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reference {
    /// The contract, as the project's sources name it.
    pub contract: Fqn,
    /// The template of its runtime code.
    pub runtime_template: B256,
    /// The digest of its storage layout.
    pub storage_layout: B256,
}

/// A proxy and the initialisation that runs in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    pub kind: ProxyKind,
    /// The proxy contract, compiled from the project's own dependencies.
    pub contract: Fqn,
    /// Who may upgrade: the initial owner of a transparent proxy's admin, or of the beacon.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admin: Option<Arg>,
    /// The beacon of a beacon proxy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub beacon: Option<Beacon>,
    /// The initialiser call, if any.
    pub init: Option<Invocation>,
}

/// The beacon of a beacon proxy: created by its own step, or by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beacon {
    /// The step creates it, from this contract.
    Own(Fqn),
    /// An earlier step created it, and with it the implementation.
    Of(String),
}

/// The kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    /// ERC-1822 / ERC-1967 with the upgrade logic in the implementation.
    Uups,
    /// ERC-1967 with an admin contract of its own that upgrades.
    Transparent,
    /// ERC-1967 with a beacon that several proxies may share.
    Beacon,
    /// ERC-1167: a clone that can never be upgraded.
    Minimal,
}

impl ProxyKind {
    /// The name as it stands in `tidegate.toml` and in the plan's digest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uups => "uups",
            Self::Transparent => "transparent",
            Self::Beacon => "beacon",
            Self::Minimal => "minimal",
        }
    }
}

/// A function call of the plan: canonical signature and arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The target: a step, an external or an existing contract.
    pub target: String,
    /// Function and arguments.
    pub invocation: Invocation,
    /// Wei sent along.
    #[serde(with = "crate::decimal")]
    pub value: U256,
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// The canonical signature, such as `initialize(address,uint256)`.
    pub signature: String,
    /// The arguments, one a parameter.
    pub args: Vec<Arg>,
}

/// A view call on the step's contract and the single value it must return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The canonical signature of the view function.
    pub signature: String,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// The value that it must return.
    pub equals: Arg,
}

/// An argument: its ABI type and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arg {
    /// The canonical ABI type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The source of the value.
    pub from: Source,
}

/// The source of an argument's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A literal, normalised by its ABI type: decimal digits for numbers, lower-case `0x` text
    /// for addresses and bytes.
    Literal(Value),
    /// `$name`: a parameter.
    Param(String),
    /// `@name`: an address.
    Ref(String),
    /// An array or structure with at least one item that is no literal.
    List(Vec<Arg>),
}

/// A parameter's type and the rule that binds its values on different networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamDecl {
    /// The ABI type of every argument that uses it.
    #[serde(rename = "type")]
    pub ty: String,
    /// The members of the structure that it is, or that it is a list of: by these names its values
    /// may be written. None if its uses name them differently.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<Member>,
    pub rule: Rule,
}

/// A member of a structure, as the ABI names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub name: String,
    /// Its own members, where it is a structure or a list of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<Member>,
}

/// The rule that binds a parameter's value on the target to the one that soaked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// The value that soaked. The default.
    #[default]
    SameAsTestnet,
    /// Each network has its own value.
    PerNetwork,
    /// A number within bounds, both inclusive and normalised to decimal digits.
    Range {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        min: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        max: Option<String>,
    },
    /// One of these normalised values.
    OneOf(Vec<Value>),
}

impl Plan {
    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Every contract the plan creates, libraries and proxies included, sorted by name.
    pub fn contracts(&self) -> BTreeSet<Fqn> {
        let mut contracts = BTreeSet::new();
        for step in &self.steps {
            contracts.extend(step.contracts().cloned());
        }
        contracts
    }

    /// Every contract that an upgrade starts from; it is compiled, and not created.
    pub fn references(&self) -> BTreeSet<Fqn> {
        let upgrades = self.steps.iter().filter_map(Step::as_upgrade);
        upgrades.map(|upgrade| upgrade.reference.contract.clone()).collect()
    }
}

impl Step {
    /// The creation, if the step is one.
    pub fn as_create(&self) -> Option<&Create> {
        match &self.action {
            Action::Create(create) => Some(create),
            Action::Upgrade(_) | Action::Call(_) => None,
        }
    }

    /// The upgrade, if the step is one.
    pub fn as_upgrade(&self) -> Option<&Upgrade> {
        match &self.action {
            Action::Upgrade(upgrade) => Some(upgrade),
            Action::Create(_) | Action::Call(_) => None,
        }
    }

    /// The call, if the step is one.
    pub fn as_call(&self) -> Option<&Call> {
        match &self.action {
            Action::Call(call) => Some(call),
            Action::Create(_) | Action::Upgrade(_) => None,
        }
    }

    /// The contract whose functions the step's address answers after it, and the initialiser or
    /// migration that ran.
    pub fn contract(&self) -> Option<(&Fqn, Option<&Invocation>)> {
        match &self.action {
            Action::Create(create) => {
                let init = create.proxy.as_ref().and_then(|proxy| proxy.init.as_ref());
                Some((&create.contract, init))
            }
            Action::Upgrade(upgrade) => Some((&upgrade.contract, upgrade.init.as_ref())),
            Action::Call(_) => None,
        }
    }

    /// The contracts that the step creates, libraries and proxies included.
    pub(crate) fn contracts(&self) -> impl Iterator<Item = &Fqn> {
        let (own, libraries, proxy) = match &self.action {
            Action::Create(create) => {
                (Some(&create.contract), &create.libraries[..], create.proxy.as_ref())
            }
            Action::Upgrade(upgrade) => (Some(&upgrade.contract), &upgrade.libraries[..], None),
            Action::Call(_) => (None, &[][..], None),
        };
        let beacon = proxy.and_then(|proxy| match &proxy.beacon {
            Some(Beacon::Own(contract)) => Some(contract),
            Some(Beacon::Of(_)) | None => None,
        });
        own.into_iter().chain(libraries).chain(proxy.map(|proxy| &proxy.contract)).chain(beacon)
    }
}
