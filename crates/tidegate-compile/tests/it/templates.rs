//! Templates follow the code and nothing else; the exact bytes follow everything.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use serde_json::json;
use tidegate_compile::{BytecodeHash, CompileOutput, FoundryConfig, Remapping};
use tidegate_model::Fqn;
use tidegate_model::release::{Code, Span};
use tidegate_model::scope::build_digest;

use crate::project::{Project, artifact, compile_in, repository};

const FILES: [(&str, &str); 5] = [
    (
        "src/Factory.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {IThing} from "./IThing.sol";
import {Child} from "./Child.sol";
import {ExtLib} from "@dep/ExtLib.sol";

contract Factory is IThing {
    address public immutable owner;
    uint256 public immutable limit;

    constructor(address owner_, uint256 limit_) {
        (owner, limit) = (owner_, limit_);
    }

    function make() external returns (address) {
        return address(new Child());
    }

    function twice(uint256 x) external view returns (uint256) {
        return ExtLib.twice(x) % limit;
    }
}
"#,
    ),
    (
        "src/IThing.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
interface IThing {
    function twice(uint256 x) external view returns (uint256);
}
"#,
    ),
    (
        "src/Child.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import "./IThing.sol";
contract Child {
    uint256 public immutable born = block.number;
}
"#,
    ),
    (
        "lib/dep/src/ExtLib.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {Deeper} from "./Deeper.sol";
library ExtLib {
    function twice(uint256 x) external pure returns (uint256) {
        return Deeper.sum(x, x);
    }
}
"#,
    ),
    (
        "lib/dep/src/Deeper.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
library Deeper {
    function sum(uint256 x, uint256 y) external pure returns (uint256) {
        return x + y;
    }
}
"#,
    ),
];

const FACTORY: &str = "src/Factory.sol:Factory";
const EXT_LIB: &str = "vendored:lib/dep/src/ExtLib.sol:ExtLib";
const DEEPER: &str = "vendored:lib/dep/src/Deeper.sol:Deeper";

fn project() -> Project {
    let project = Project::new(&FILES);
    project.write("lib/dep/package.json", "{\"name\": \"@acme/dep\"}");
    project
}

/// Creation and runtime template of every contract.
fn templates(output: &CompileOutput) -> BTreeMap<String, (B256, B256)> {
    let pair = |(fqn, artifact): (&Fqn, &tidegate_model::release::Artifact)| {
        (fqn.0.clone(), (artifact.creation_template(), artifact.runtime_template()))
    };
    output.artifacts.iter().map(pair).collect()
}

fn exact(output: &CompileOutput) -> B256 {
    build_digest(output.artifacts.values()).unwrap().0
}

/// Compiles with a change that touches no code; its own folder is part of the change.
#[track_caller]
fn check_noise(settings: &FoundryConfig) {
    let plain = Project { foundry: settings.clone(), ..project() };
    let mut noisy = Project { foundry: settings.clone(), ..project() };
    noisy.edit("src/IThing.sol", "interface", "// A remark.\ninterface");
    noisy.foundry.remappings.push(Remapping::parse("unused/=lib/unused/").unwrap());
    let (plain, noisy) = (plain.compile(&["Factory"]), noisy.compile(&["Factory"]));
    assert_eq!(templates(&plain), templates(&noisy));
    assert_ne!(exact(&plain), exact(&noisy));
    assert_eq!(plain.artifacts.len(), 3);
    let (plain, noisy) = (artifact(&plain, FACTORY), artifact(&noisy, FACTORY));
    assert_ne!(plain.sources["src/IThing.sol"], noisy.sources["src/IThing.sol"]);
    assert_eq!(plain.sources["src/Factory.sol"], noisy.sources["src/Factory.sol"]);
    assert_eq!(plain.layout, noisy.layout);
    assert_eq!(plain.profile, noisy.profile);
}

#[test]
fn an_artifact_has_everything() {
    let project = project();
    let output = project.compile(&["Factory", "./src/Factory.sol:Factory"]);
    let fqn = |name: &str| Fqn(name.to_owned());
    assert_eq!(output.roots["Factory"], fqn(FACTORY));
    assert_eq!(output.roots["./src/Factory.sol:Factory"], fqn(FACTORY));
    assert_eq!(output.libraries[&fqn(FACTORY)], [fqn(DEEPER), fqn(EXT_LIB)]);
    assert_eq!(output.libraries[&fqn(EXT_LIB)], [fqn(DEEPER)]);
    assert_eq!(output.libraries[&fqn(DEEPER)], []);
    assert!(output.compilers[0].version.starts_with("0.8."), "{:?}", output.compilers);
    assert!(output.compilers[0].version.contains("Emscripten"), "{:?}", output.compilers);

    let factory = artifact(&output, FACTORY);
    assert!(factory.abi.functions.contains_key("twice"));
    let names: Vec<_> = factory.immutables.keys().map(String::as_str).collect();
    assert_eq!(names, ["Factory.limit", "Factory.owner"]);
    let sources: Vec<_> = factory.sources.keys().map(String::as_str).collect();
    let dep = |name: &str| format!("vendored:lib/dep/src/{name}.sol");
    let own = ["src/Child.sol", "src/Factory.sol", "src/IThing.sol"];
    assert_eq!(sources[..3], own);
    assert_eq!(sources[3..], [dep("Deeper"), dep("ExtLib")]);
    assert_eq!(factory.creation.metadata.len(), 2, "its own and its child's");
    assert_eq!(factory.runtime.metadata.len(), 2, "its own and its child's");
    let version = output.compilers[0].version.split(".Emscripten").next().unwrap();
    let profile = json!({
        "compiler": "solc", "longVersion": version, "language": "Solidity",
        "evmVersion": "cancun", "optimizer": {"enabled": true, "runs": 200}, "viaIR": false,
        "bytecodeHash": "ipfs", "appendCBOR": true,
    });
    assert_eq!(factory.profile, profile);

    check_links(&factory.creation);
    check_links(&factory.runtime);
    for spans in factory.immutables.values() {
        check_zero(&factory.runtime, spans);
    }
}

#[track_caller]
fn check_links(code: &Code) {
    let spans: Vec<Span> = code.links[&Fqn(EXT_LIB.to_owned())].clone();
    assert_eq!(code.links.len(), 1);
    check_zero(code, &spans);
    let address = Address::repeat_byte(0xab);
    let linked = code.linked(&[(Fqn(EXT_LIB.to_owned()), address)].into()).unwrap();
    for span in &spans {
        // PUSH20 stands before each address.
        assert_eq!(linked[span.start - 1], 0x73);
        assert_eq!(linked[span.start..span.start + span.length], address.0);
    }
}

#[track_caller]
fn check_zero(code: &Code, spans: &[Span]) {
    assert!(!spans.is_empty());
    for span in spans {
        assert!(code.object[span.start..span.start + span.length].iter().all(|b| *b == 0));
    }
}

#[test]
fn noise_does_not_reach_templates() {
    check_noise(&project().foundry);
}

#[test]
fn noise_does_not_reach_templates_through_the_ir() {
    check_noise(&FoundryConfig { via_ir: true, ..project().foundry });
}

#[test]
fn code_and_settings_change_templates() {
    let mut project = project();
    let plain = project.compile(&["Factory"]);
    project.foundry.evm_version = Some("paris".to_owned());
    let paris = project.compile(&["Factory"]);
    assert_ne!(templates(&plain)[FACTORY], templates(&paris)[FACTORY]);
    assert_eq!(artifact(&paris, FACTORY).profile["evmVersion"], "paris");

    project.edit("src/Child.sol", "block.number", "block.number + 1");
    let child = project.compile(&["Factory"]);
    assert_ne!(templates(&paris)[FACTORY], templates(&child)[FACTORY]);
    assert_eq!(templates(&paris)[EXT_LIB], templates(&child)[EXT_LIB]);
}

#[test]
fn metadata_without_hash_and_no_metadata() {
    let mut project = project();
    project.foundry.bytecode_hash = BytecodeHash::None;
    let output = project.compile(&["Factory"]);
    let factory = artifact(&output, FACTORY);
    let length = factory.runtime.object.len();
    assert_eq!(factory.runtime.metadata, [Span { start: length - 12, length: 12 }]);
    assert_eq!(factory.creation.metadata.len(), 1);

    project.foundry.cbor_metadata = false;
    let output = project.compile(&["Factory"]);
    let factory = artifact(&output, FACTORY);
    assert_eq!(factory.runtime.metadata, []);
    assert_eq!(factory.creation.metadata, []);
    assert_eq!(factory.profile["appendCBOR"], false);
    assert_eq!(factory.profile["bytecodeHash"], "none");
}

#[test]
fn metadata_with_the_sources_in_it_changes_only_metadata() {
    let mut project = project();
    let hashed = project.compile(&["Factory"]);
    project.foundry.use_literal_content = true;
    let literal = project.compile(&["Factory"]);
    assert_eq!(templates(&literal), templates(&hashed));
    let [one, other] = [&hashed, &literal].map(|output| &artifact(output, FACTORY).runtime);
    assert_eq!(one.metadata, other.metadata);
    assert_eq!(one.metadata.len(), 2, "that of the contract inside it too");
    for span in &one.metadata {
        let at = span.start..span.start + span.length;
        assert_ne!(one.object[at.clone()], other.object[at]);
    }
}

/// This repository's own contracts: a UUPS vault with a linked library, and its proxy.
#[test]
fn the_example_protocol() {
    let root = repository();
    let foundry = FoundryConfig::load(&root).unwrap();
    let proxy = "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy";
    let output = compile_in(&root, &foundry, &["Vault", proxy]).unwrap();
    assert_eq!(output.roots[proxy].0, format!("dep:{proxy}"));
    let vault = artifact(&output, "contracts/src/Vault.sol:Vault");
    let library = Fqn("contracts/src/CapMath.sol:CapMath".to_owned());
    assert_eq!(output.libraries[&vault.fqn], [library]);
    let names: Vec<_> = vault.immutables.keys().map(String::as_str).collect();
    assert_eq!(names, ["UUPSUpgradeable.__self", "Vault.registry"]);
    let namespaces = vault.layout["namespaces"].as_array().unwrap();
    let ids: Vec<_> = namespaces.iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(ids.first(), Some(&"erc7201:openzeppelin.storage.Initializable"));
    assert_eq!(ids.last(), Some(&"erc7201:tidegate.example.Vault"));
    assert_eq!(output.warnings, Vec::<String>::new());
}
