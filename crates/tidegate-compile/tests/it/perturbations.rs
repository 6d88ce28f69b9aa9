//! What changes a template, for every compiler that matters: a table of changes by compilers.
//!
//! A template has zeros at all metadata, also that of contracts inside contracts; exact bytes
//! have it.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use tidegate_compile::{BytecodeHash, CompileOutput, FoundryConfig, Remapping, SolcPin};
use tidegate_model::release::Code;

use crate::project::Project;

/// A contract that creates one that creates another, two immutables, a linked library.
const FILES: [(&str, &str); 5] = [
    (
        "Parent.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.13;
import {IThing} from "./IThing.sol";
import {Child} from "./Child.sol";
import {ExtLib} from "./ExtLib.sol";
contract Parent is IThing {
    address public immutable owner;
    uint256 public immutable limit;
    constructor(address owner_, uint256 limit_) { (owner, limit) = (owner_, limit_); }
    function make() external returns (address) { return address(new Child()); }
    function twice(uint256 x) external view returns (uint256) { return ExtLib.twice(x) % limit; }
}
"#,
    ),
    (
        "IThing.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.13;
interface IThing { function twice(uint256 x) external view returns (uint256); }
"#,
    ),
    (
        "Child.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.13;
import "./IThing.sol";
import {Grandchild} from "./Grandchild.sol";
contract Child {
    uint256 public immutable born = block.number;
    function make(uint256 x) external returns (address) { return address(new Grandchild(x << 3)); }
}
"#,
    ),
    (
        "Grandchild.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.13;
import "./IThing.sol";
contract Grandchild {
    uint256 public value;
    constructor(uint256 value_) { value = value_; }
}
"#,
    ),
    (
        "ExtLib.sol",
        r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.13;
library ExtLib { function twice(uint256 x) external pure returns (uint256) { return x + x; } }
"#,
    ),
];

/// Whether something is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Same,
    Other,
}
use Is::{Other, Same};

impl Is {
    fn of<T: PartialEq>(one: &T, other: &T) -> Self {
        if one == other { Same } else { Other }
    }
}

/// A project, still to be compiled.
struct Draft {
    folder: &'static str,
    foundry: FoundryConfig,
    edits: Vec<(&'static str, &'static str, &'static str)>,
    extra: Vec<(&'static str, &'static str)>,
}

/// Exact bytes and templates of both codes, by the contract's name.
type Codes = BTreeMap<String, ([B256; 2], [B256; 2])>;

impl Draft {
    fn new(foundry: &FoundryConfig) -> Self {
        Self { folder: "src", foundry: foundry.clone(), edits: Vec::new(), extra: Vec::new() }
    }

    fn codes(&self) -> Codes {
        let foundry = FoundryConfig { src: self.folder.to_owned(), ..self.foundry.clone() };
        let project = Project { foundry, ..Project::new(&[]) };
        for (name, text) in FILES.iter().chain(&self.extra) {
            project.write(&format!("{}/{name}", self.folder), text);
        }
        for (name, from, to) in &self.edits {
            project.edit(&format!("{}/{name}", self.folder), from, to);
        }
        codes(&project.compile(&["Parent"]))
    }
}

fn codes(output: &CompileOutput) -> Codes {
    assert_eq!(output.artifacts.len(), 2, "the contract and its library");
    let all = output.artifacts.values().map(|artifact| {
        let both = [&artifact.creation, &artifact.runtime];
        let exact = both.map(|code| keccak256(&code.object));
        (artifact.fqn.name().to_owned(), (exact, both.map(without_metadata)))
    });
    all.collect()
}

/// Templates have the names of libraries, which moved files change; this has only the code.
fn without_metadata(code: &Code) -> B256 {
    let mut bytes = code.object.to_vec();
    for span in &code.metadata {
        bytes[span.start..span.start + span.length].fill(0);
    }
    keccak256(bytes)
}

fn comment(draft: &mut Draft) {
    draft.edits.push(("IThing.sol", "interface", "// A remark.\ninterface"));
}

fn moved(draft: &mut Draft) {
    draft.folder = "a/deeper/place/src";
}

fn remapping(draft: &mut Draft) {
    draft.foundry.remappings.push(Remapping::parse("unused/=lib/unused/").unwrap());
}

fn unrelated_file(draft: &mut Draft) {
    draft.extra.push(("AAA.sol", "pragma solidity ^0.8.13; contract AAA { uint256 a; }"));
}

fn interface_in_closure(draft: &mut Draft) {
    let text = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.13;\n\
                interface IMore { function more(uint256 x) external view returns (uint256); }\n";
    draft.extra.push(("AMore.sol", text));
    draft.edits.push(("Child.sol", "import \"./IThing.sol\";", "import \"./AMore.sol\";"));
}

/// A change, and what it may do to exact bytes and to templates of `Parent`.
type Row = (&'static str, fn(&mut Draft), Is, Is);

const ROWS: [Row; 7] = [
    ("the project in another folder of this computer", |_| {}, Same, Same),
    ("a comment in an imported interface", comment, Other, Same),
    ("another path in the project", moved, Other, Same),
    ("an unused remapping", remapping, Other, Same),
    ("a file that nobody imports", unrelated_file, Same, Same),
    ("an interface imported that is not used", interface_in_closure, Other, Same),
    (
        "other rules of the chain",
        |d| d.foundry.evm_version = Some("byzantium".into()),
        Other,
        Other,
    ),
];

/// Runs the table for one compiler and one way to generate code.
fn check(version: &str, via_ir: bool, optimizer: bool) {
    let column = format!("solc {version}, viaIR {via_ir}, optimizer {optimizer}");
    let foundry = FoundryConfig {
        solc: Some(SolcPin::Version(version.parse().unwrap())),
        evm_version: Some("london".to_owned()),
        via_ir,
        optimizer,
        ..FoundryConfig::empty()
    };
    let plain = Draft::new(&foundry).codes();
    let mut wrong = Vec::new();
    let mut compare = |row: &str, plain: &Codes, other: &Codes, expected: [Is; 2]| {
        let (one, two) = (&plain["Parent"], &other["Parent"]);
        let found = [Is::of(&one.0, &two.0), Is::of(&one.1, &two.1)];
        if found != expected {
            wrong.push(format!("{row}: [exact, template] is {found:?}, not {expected:?}"));
        }
    };
    for (row, change, exact, template) in ROWS {
        let mut draft = Draft::new(&foundry);
        change(&mut draft);
        compare(row, &plain, &draft.codes(), [exact, template]);
    }
    let mut draft = Draft::new(&foundry);
    draft.foundry.via_ir = !via_ir;
    compare("the other way to generate code", &plain, &draft.codes(), [Other, Other]);

    let mut draft = Draft::new(&foundry);
    draft.foundry.bytecode_hash = BytecodeHash::None;
    let without_hash = draft.codes();
    for change in [comment, moved, remapping, interface_in_closure] {
        change(&mut draft);
    }
    compare("all of it without a hash", &without_hash, &draft.codes(), [Same, Same]);
    assert!(wrong.is_empty(), "{column}:\n{}", wrong.join("\n"));
}

/// The rows that change no template, all at once, for the newest compiler.
#[test]
fn noise_in_nested_contracts() {
    for via_ir in [false, true] {
        let foundry = FoundryConfig {
            solc: Some(SolcPin::Version("0.8.37".parse().unwrap())),
            via_ir,
            optimizer: true,
            ..FoundryConfig::empty()
        };
        let mut draft = Draft::new(&foundry);
        let plain = draft.codes();
        for change in [comment, moved, remapping, unrelated_file, interface_in_closure] {
            change(&mut draft);
        }
        let noisy = draft.codes();
        let (plain, noisy) = (&plain["Parent"], &noisy["Parent"]);
        assert_eq!(Is::of(&plain.0, &noisy.0), Other, "exact bytes, viaIR {via_ir}");
        assert_eq!(Is::of(&plain.1, &noisy.1), Same, "templates, viaIR {via_ir}");
    }
}

#[test]
#[ignore = "takes minutes; ./scripts/test --full runs it"]
fn solc_0_8_13() {
    all("0.8.13");
}

#[test]
#[ignore = "takes minutes; ./scripts/test --full runs it"]
fn solc_0_8_20() {
    all("0.8.20");
}

#[test]
#[ignore = "takes minutes; ./scripts/test --full runs it"]
fn solc_0_8_26() {
    all("0.8.26");
}

#[test]
#[ignore = "takes minutes; ./scripts/test --full runs it"]
fn solc_0_8_37() {
    all("0.8.37");
}

fn all(version: &str) {
    for via_ir in [false, true] {
        for optimizer in [false, true] {
            check(version, via_ir, optimizer);
        }
    }
}
