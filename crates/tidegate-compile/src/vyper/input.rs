//! The standard JSON that Vyper is asked with.

use serde_json::{Map, Value, json};

use super::sources::{Modules, search_paths};
use crate::foundry::FoundryConfig;

const OUTPUTS: [&str; 6] = [
    "abi",
    "ast",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
    "layout",
];

const CODE_OUTPUTS: [&str; 2] = ["evm.bytecode.object", "evm.deployedBytecode.object"];

/// The difference of the contrast from the build: a comment behind the contract.
const COMMENT: &str = "\n# another text of the same meaning\n";

/// The build of one contract, and the same with a comment, which shows where the hash of the
/// sources stands in the code.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) build: String,
    pub(super) contrast: String,
}

pub(super) fn inputs(modules: &Modules, contract: &str, foundry: &FoundryConfig) -> Inputs {
    let mut sources: Map<String, Value> = modules
        .iter()
        .map(|(name, module)| (name.clone(), json!({"content": module.content})))
        .collect();
    let trees = modules.keys().filter(|name| !name.ends_with(".json"));
    let mut selection: Map<String, Value> =
        trees.map(|name| (name.clone(), json!(["ast"]))).collect();
    selection.insert(contract.to_owned(), json!(OUTPUTS));
    let build = standard_json(&sources, &Value::Object(selection), foundry);
    if let Some(module) = modules.get(contract) {
        let content = format!("{}{COMMENT}", module.content);
        sources.insert(contract.to_owned(), json!({"content": content}));
    }
    let contrast = standard_json(&sources, &json!({contract: CODE_OUTPUTS}), foundry);
    Inputs { build, contrast }
}

/// The compiler's input. A setting that is left out is the compiler's default, or a pragma's.
fn standard_json(
    sources: &Map<String, Value>,
    selection: &Value,
    foundry: &FoundryConfig,
) -> String {
    let mut settings = json!({
        "search_paths": search_paths(foundry),
        "outputSelection": selection,
    });
    if let Some(version) = &foundry.evm_version {
        settings["evmVersion"] = json!(version);
    }
    if let Some(optimize) = &foundry.vyper.optimize {
        settings["optimize"] = json!(optimize);
    }
    if let Some(experimental) = foundry.vyper.experimental_codegen {
        settings["experimentalCodegen"] = json!(experimental);
    }
    json!({"language": "Vyper", "sources": sources, "settings": settings}).to_string()
}
