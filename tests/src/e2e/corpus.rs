//! Real protocols from npm, built from their published sources.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, hex, keccak256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, safe};

use crate::support::{Case, Creation, Outcome, Scene, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            governor_and_timelock,
            safe_reaches_the_canonical_addresses;
    }
}

/// Cases that only `./scripts/test --full` runs.
pub(crate) fn slow_cases() -> Vec<Case> {
    cases! {
        Fresh: aave_with_its_libraries;
    }
}

/// Contracts and their canonical addresses, as Safe's registry of deployments has them.
const SAFE: [(&str, Address); 9] = [
    ("singleton", safe::SAFE),
    ("safel2", safe::SAFE_L2),
    ("safeproxyfactory", safe::PROXY_FACTORY),
    ("multisend", safe::MULTI_SEND),
    ("multisendcallonly", safe::MULTI_SEND_CALL_ONLY),
    ("createcall", safe::CREATE_CALL),
    ("compatibilityfallbackhandler", safe::FALLBACK_HANDLER),
    ("signmessagelib", safe::SIGN_MESSAGE_LIB),
    ("simulatetxaccessor", safe::SIMULATE_TX_ACCESSOR),
];

const AAVE: [(&str, &str); 6] = [
    ("provider", "protocol/configuration/PoolAddressesProvider"),
    ("acl", "protocol/configuration/ACLManager"),
    ("pool", "protocol/pool/Pool"),
    ("configurator", "protocol/pool/PoolConfigurator"),
    ("oracle", "misc/AaveOracle"),
    ("data", "misc/AaveProtocolDataProvider"),
];

fn governor_and_timelock(scene: &Scene<'_>) -> Outcome {
    let council = scene.other("governor", &["@openzeppelin/contracts"])?;
    council.fund()?;
    // What a call leaves is asked for right after it, not when the plan is done.
    let given = r#"["hasRole", "$executor", "@council", true]"#;
    let other = given.replace("true", "false");
    council.edit("tidegate.toml", given, &other)?;
    let refused = said(&council.run("eva", &["plan"], 1)?);
    assert!(refused.contains("executes.hasRole(bytes32,address) returns"), "{refused}");
    council.edit("tidegate.toml", &other, given)?;
    deploy(&council, 3)?;
    Ok(())
}

fn safe_reaches_the_canonical_addresses(scene: &Scene<'_>) -> Outcome {
    let project = with_sources(scene, "safe", "@safe-global/safe-contracts", "solc-0.7.6")?;
    let before = project.world.testnet.latest()?.block.number;
    let deployed = deploy(&project, SAFE.len())?;
    let created = creation_codes(&project.world.testnet, before)?;
    for (step, canonical) in SAFE {
        let code = &created[&address_of(&deployed["steps"][step])?];
        let reached = safe::SINGLETON_FACTORY.create2(B256::ZERO, keccak256(code));
        assert_eq!(reached, canonical, "{step}");
    }
    Ok(())
}

fn aave_with_its_libraries(scene: &Scene<'_>) -> Outcome {
    let project = with_sources(scene, "aave", "@aave/core-v3", "solc-0.8.10")?;
    let before = project.world.testnet.latest()?.block.number;
    // Eight libraries, and the two proxies that the provider creates.
    let deployed = deploy(&project, AAVE.len() + 8 + 2)?;
    let libraries = deployed["libraries"].as_object().ok_or("no libraries")?;
    assert_eq!(libraries.len(), 8, "{libraries:?}");

    // But for addresses of libraries and arguments, the code is that of Aave's own build.
    let created = creation_codes(&project.world.testnet, before)?;
    let published = scene.tools.node_modules.join("@aave/core-v3/artifacts/contracts");
    let mut all: Vec<(String, Address)> = Vec::new();
    for (step, path) in AAVE {
        all.push((path.to_owned(), address_of(&deployed["steps"][step])?));
    }
    for (fqn, address) in libraries {
        let (path, _) = fqn.split_once(".sol:").ok_or("a name without a source")?;
        let path = path.trim_start_matches("contracts/").to_owned();
        all.push((path, serde_json::from_value(address.clone())?));
    }
    for (path, address) in all {
        let name = path.rsplit('/').next().unwrap_or_default();
        let file = published.join(format!("{path}.sol/{name}.json"));
        let artifact: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let text = artifact["bytecode"].as_str().ok_or("no code")?;
        let code = hex::encode_prefixed(&created[&address]);
        assert!(code.len() >= text.len(), "{name}");
        let linked: String = text.chars().zip(code.chars()).map(in_link()).collect();
        assert_eq!(linked, code[..text.len()], "{name}");
    }
    Ok(())
}

/// Puts what the second text has in place of what is to be linked in the first.
fn in_link() -> impl FnMut((char, char)) -> char {
    const LINK_DIGITS: usize = 40;
    let mut left = 0;
    move |(published, ours)| {
        if left == 0 && published == '_' {
            left = LINK_DIGITS;
        }
        if left == 0 {
            return published;
        }
        left -= 1;
        ours
    }
}

/// The project with the sources of an npm package, and the compiler that they were built with.
fn with_sources<'a>(
    scene: &Scene<'a>,
    name: &str,
    package: &str,
    compiler: &str,
) -> Result<Scene<'a>, Failed> {
    let project = scene.other(name, &[compiler, "require-from-string"])?;
    let sources = scene.tools.node_modules.join(package).join("contracts");
    files::copy_tree(&sources, &project.project().join("contracts"))?;
    project.fund()?;
    Ok(project)
}

/// Deploys, verifies, and finds nothing left to do.
fn deploy(project: &Scene<'_>, contracts: usize) -> Result<Value, Failed> {
    let deployed = project.done("eva", &["deploy", "--json"])?.json()?;
    let verified = project.run("eva", &["verify", "--json"], 0)?.json()?;
    let rows = verified["contracts"].as_array().map_or(0, Vec::len);
    assert_eq!(rows, contracts, "{verified}");
    let again = project.done("eva", &["deploy"])?;
    assert!(said(&again).contains("nothing was sent"), "{again:?}");
    Ok(deployed)
}

/// The creation code of each contract that was made by CREATE2 since a block.
fn creation_codes(anvil: &Anvil, since: u64) -> Result<BTreeMap<Address, Bytes>, Failed> {
    let mut codes = BTreeMap::new();
    for number in since + 1..=anvil.latest()?.block.number {
        let block = anvil.rpc("eth_getBlockByNumber", json!([format!("{number:#x}"), true]))?;
        for sent in block["transactions"].as_array().into_iter().flatten() {
            codes.extend(Creation::of(sent)?.map(|made| (made.at, made.code)));
        }
    }
    Ok(codes)
}

fn address_of(step: &Value) -> Result<Address, Failed> {
    Ok(serde_json::from_value(step["address"].clone())?)
}
