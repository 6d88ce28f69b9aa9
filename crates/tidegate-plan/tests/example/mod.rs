//! The plan of `corpus/config/all.toml`, every contract that it names being there. The crate's unit
//! tests use it too.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::Address;
use serde_json::json;
use tidegate_model::Fqn;
use tidegate_model::functions::FunctionMap;
use tidegate_model::plan::Plan;
use tidegate_model::release::{Artifact, Code, LayoutNotes, Release, Span};
use tidegate_plan::config::Config;
use tidegate_plan::{
    Compiled, ElaborateError, Executor, Followed, MINIMAL_PROXY, ResolveContext, elaborate,
    minimal_proxy, requested_contracts,
};

pub(crate) const LIBRARY: &str = "src/L.sol:L";
/// Who acts, what `@safe` is, and where each external stands.
pub(crate) const EXECUTOR: Address = Address::repeat_byte(1);
pub(crate) const SAFE: Address = Address::repeat_byte(2);
pub(crate) const EXTERNAL: Address = Address::repeat_byte(3);

/// Every contract has these functions; constructors are those of the plan's kinds of contracts.
fn abi(contract: &str) -> JsonAbi {
    let constructor = match contract {
        "TransparentUpgradeableProxy" => "constructor(address logic, address owner, bytes data)",
        "BeaconProxy" | "ERC1967Proxy" => "constructor(address target, bytes data)",
        "UpgradeableBeacon" => "constructor(address implementation, address owner)",
        "Mock" => "constructor()",
        "Vault" => "constructor(address owner) payable",
        _ => "constructor(address owner)",
    };
    let mut abi = JsonAbi::parse([
        constructor,
        "function initialize(address asset, uint256 cap, address owner)",
        "function upgradeToAndCall(address to, bytes data) payable",
        "function owner() view returns (address)",
        "function share(address who, uint64 at) returns (bool)",
        "function renew()",
        "function share(address who) view returns (uint256)",
        "function register(address vault) payable",
        "function approve(address spender, uint256 amount)",
        "function lists(uint8[2] a, bytes[] b, uint32 c, int16 d, bytes4 e, bool f)",
        "function pair((uint256,string) both)",
        "function guard((address,uint64[])[] guards, string motto)",
    ])
    .unwrap();
    // The plan puts these behind proxies without an initialiser.
    if ["Pair", "Pool", "Tiny"].contains(&contract) {
        abi.functions.remove("initialize");
    }
    let items = &mut abi.functions.get_mut("guard").unwrap()[0].inputs[0];
    for (member, name) in items.components.iter_mut().zip(["who", "days"]) {
        member.name = name.to_owned();
    }
    let structure = &mut abi.functions.get_mut("pair").unwrap()[0].inputs[0];
    for (member, name) in structure.components.iter_mut().zip(["id", "text"]) {
        member.name = name.to_owned();
    }
    abi
}

pub(crate) fn artifact(written: &str) -> Artifact {
    let full = match written.contains(':') {
        true if written.starts_with('@') => format!("dep:{written}"),
        true => written.to_owned(),
        false => format!("src/a.sol:{written}"),
    };
    let fqn = Fqn(full);
    let links = BTreeMap::from([(Fqn(LIBRARY.to_owned()), vec![Span { start: 5, length: 20 }])]);
    let links = if fqn.name() == "Vault" { links } else { BTreeMap::new() };
    let metadata = vec![Span { start: 30, length: 9 }];
    let code = Code { object: vec![0x60; 60].into(), links, metadata };
    let kind = json!({"encoding": "inplace", "label": "address", "numberOfBytes": "20"});
    let item = json!({"label": "_implementation", "slot": "1", "offset": 0, "type": kind});
    Artifact {
        abi: abi(fqn.name()),
        fqn,
        creation: code.clone(),
        runtime: code,
        immutables: BTreeMap::from([("V.x".to_owned(), vec![Span { start: 40, length: 20 }])]),
        sources: BTreeMap::new(),
        layout: json!({"items": [item], "namespaces": []}),
        layout_notes: LayoutNotes::default(),
        profile: json!({}),
        functions: FunctionMap::new([(30, "V.f()"), (30, "V.g()")]),
        upgrades_from: None,
        hazards: None,
    }
}

/// The plan of a configuration.
pub(crate) fn plan(config: &Config) -> Result<Plan, ElaborateError> {
    plan_with(config, |_| {})
}

/// The same, of artifacts that are changed first.
pub(crate) fn plan_with(
    config: &Config,
    edit: impl Fn(&mut Artifact),
) -> Result<Plan, ElaborateError> {
    plan_after(config, edit, None)
}

/// The same, after earlier releases.
pub(crate) fn plan_after(
    config: &Config,
    edit: impl Fn(&mut Artifact),
    follows: Option<&Followed>,
) -> Result<Plan, ElaborateError> {
    let names = requested_contracts(config).into_iter();
    let artifacts: BTreeMap<_, _> = names
        .map(|name| {
            let mut artifact = artifact(&name);
            edit(&mut artifact);
            (name, artifact)
        })
        .collect();
    let mut library = artifact(LIBRARY);
    edit(&mut library);
    let libraries = [library.fqn.clone()];
    let compiled = artifacts.iter().map(|(name, artifact)| {
        let links = !artifact.creation.links.is_empty();
        (name.clone(), Compiled { artifact, libraries: if links { &libraries } else { &[] } })
    });
    let all = artifacts.values().chain([&library]);
    let by_fqn = all.map(|artifact| (artifact.fqn.clone(), artifact.clone()));
    elaborate(config, &compiled.collect(), &by_fqn.collect(), follows)
}

pub(crate) fn release(plan: Plan) -> Release {
    let named = |names: BTreeSet<Fqn>| {
        let minimal = |fqn: &Fqn| fqn.0 == MINIMAL_PROXY;
        let artifact = |fqn: &Fqn| if minimal(fqn) { minimal_proxy() } else { artifact(&fqn.0) };
        names.into_iter().map(|fqn| (fqn.clone(), artifact(&fqn))).collect()
    };
    Release {
        v: Release::VERSION,
        name: "fuzz-1.0.0".to_owned(),
        project: "fuzz".to_owned(),
        artifacts: named(plan.contracts()),
        references: named(plan.references()),
        plan,
        compilers: Vec::new(),
    }
}

/// What one network of a configuration adds.
pub(crate) fn context(config: &Config, network: &str) -> ResolveContext {
    let externals = config.externals.keys();
    let existing = config.existing.iter();
    let params = config.params.iter();
    ResolveContext {
        executor: Executor::Key(EXECUTOR),
        deployer: Some(EXECUTOR),
        safe: Some(SAFE),
        deployment_id: 0,
        externals: externals.map(|name| (name.clone(), EXTERNAL)).collect(),
        existing: existing
            .filter_map(|(name, live)| Some((name.clone(), *live.networks.get(network)?)))
            .collect(),
        params: params
            .filter_map(|(name, param)| Some((name.clone(), param.value(network)?.clone())))
            .collect(),
    }
}
