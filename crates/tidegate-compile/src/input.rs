//! The standard JSON that the compiler is asked with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::foundry::{BytecodeHash, FoundryConfig};
use crate::roots::Root;
use crate::sources::Closure;

/// The inputs of one compilation: the build, and the same with other metadata, which shows where
/// metadata stands in the code. Where no hash of the metadata is in the code, there is nothing
/// to contrast.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) build: String,
    pub(crate) contrast: Option<String>,
}

const OUTPUTS: [&str; 10] = [
    "abi",
    "evm.bytecode.linkReferences",
    "evm.bytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
    "evm.legacyAssembly",
    "metadata",
    "storageLayout",
];

const CONTRAST_OUTPUTS: [&str; 5] = [
    "evm.bytecode.linkReferences",
    "evm.bytecode.object",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.legacyAssembly",
];

const CODE_OUTPUTS: [&str; 4] = [
    "evm.bytecode.linkReferences",
    "evm.bytecode.object",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.object",
];

/// The input for nothing but the code of these contracts, given as `source:Name`.
pub(crate) fn alone(closure: &Closure, foundry: &FoundryConfig, contracts: &[&str]) -> String {
    let mut selected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (source, name) in contracts.iter().filter_map(|contract| contract.rsplit_once(':')) {
        selected.entry(source).or_default().push(name);
    }
    let selection = selection(&selected, &CODE_OUTPUTS);
    standard_json(closure, foundry, selection, foundry.use_literal_content).to_string()
}

/// The inputs for these sources. Code is asked for of the roots and of every file that may hold
/// a library to link. ABIs are asked for of all: what a factory creates fails with errors of its
/// own.
pub(crate) fn inputs(closure: &Closure, foundry: &FoundryConfig, roots: &[Root]) -> Inputs {
    let mut selected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for root in roots {
        selected.entry(&root.source).or_default().push(&root.contract);
    }
    for (name, source) in closure {
        if source.may_be_linked {
            selected.insert(name, vec!["*"]);
        }
    }
    let mut build = selection(&selected, &OUTPUTS);
    build.insert("*".to_owned(), json!({"": ["ast"], "*": ["abi"]}));
    let contrast = selection(&selected, &CONTRAST_OUTPUTS);
    let hashed = foundry.cbor_metadata && foundry.bytecode_hash != BytecodeHash::None;
    let literal = foundry.use_literal_content;
    Inputs {
        build: standard_json(closure, foundry, build, literal).to_string(),
        contrast: hashed.then(|| standard_json(closure, foundry, contrast, !literal).to_string()),
    }
}

fn selection(selected: &BTreeMap<&str, Vec<&str>>, outputs: &[&str]) -> Map<String, Value> {
    let mut selection = Map::new();
    for (source, contracts) in selected {
        let outputs: BTreeMap<&str, &[&str]> =
            contracts.iter().map(|name| (*name, outputs)).collect();
        selection.insert((*source).to_owned(), json!(outputs));
    }
    selection
}

fn standard_json(
    closure: &Closure,
    foundry: &FoundryConfig,
    selection: Map<String, Value>,
    literal: bool,
) -> Value {
    let sources: Map<String, Value> = closure
        .iter()
        .map(|(name, source)| (name.clone(), json!({"content": source.content})))
        .collect();
    let remappings: Vec<String> = foundry.remappings.iter().map(ToString::to_string).collect();
    let mut settings = json!({
        "remappings": remappings,
        "optimizer": {"enabled": foundry.optimizer, "runs": foundry.optimizer_runs},
        "metadata": {"useLiteralContent": literal},
        "outputSelection": selection,
    });
    // Keys that older compilers do not know are left out where they say nothing.
    if foundry.bytecode_hash != BytecodeHash::Fixed {
        settings["metadata"]["bytecodeHash"] = json!(foundry.bytecode_hash.name());
    }
    if let Some(version) = &foundry.evm_version {
        settings["evmVersion"] = json!(version);
    }
    if foundry.via_ir {
        settings["viaIR"] = json!(true);
    }
    if let Some(details) = &foundry.optimizer_details {
        settings["optimizer"]["details"] = details.clone();
    }
    if let Some(strings) = &foundry.revert_strings {
        settings["debug"] = json!({"revertStrings": strings});
    }
    if !foundry.cbor_metadata {
        settings["metadata"]["appendCBOR"] = json!(false);
    }
    json!({"language": "Solidity", "sources": sources, "settings": settings})
}
