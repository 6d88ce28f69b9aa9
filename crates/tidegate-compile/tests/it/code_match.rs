//! What stands on a chain beside what was compiled, by the compilers of several years.

use alloy_primitives::{Address, hex};
use tidegate_compile::{BytecodeHash, CompileOutput, CompileRequest, CompilerSources, compile};
use tidegate_gates::code_match::{CodeMatch, match_code};
use tidegate_model::release::{Artifact, Span};

use crate::project::{Project, artifact, compilers, repository};

/// Each function has a constant of its own, by which its code is found.
const SOURCE: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity >=0.7.6 <0.9.0;

interface IToken {
    function balanceOf(address) external view returns (uint256);
}

library Math {
    function scale(uint256 x) external returns (uint256) {
        return x ^ 0xdeadbe01;
    }
}

library Guard {
    function check(uint256 x) internal pure {
        require(x != 0xdeadbe02, "guard");
    }
}

contract Base {
    address internal immutable owner;
    uint256 internal total;

    constructor(address owner_) {
        owner = owner_;
    }

    modifier only() {
        require(total != 0xdeadbe03 && msg.sender == owner, "only");
        _;
    }

    function sweep(address payable to) external only {
        total ^= 0xdeadbe04;
        to.transfer(address(this).balance);
    }
}

contract Vault is Base {
    uint256 public immutable cap;
    IToken public token;

    constructor(address owner_, uint256 cap_) Base(owner_) {
        cap = cap_;
    }

    receive() external payable {
        total ^= 0xdeadbe05;
    }

    function deposit(uint256 amount) external {
        require(amount < cap, "cap");
        Guard.check(amount);
        total ^= Math.scale(amount) ^ 0xdeadbe06;
    }

    function use_(IToken next, bytes calldata why) external only {
        total ^= 0xdeadbe07 ^ why.length ^ cap;
        token = next;
    }
}
"#;

const FUNCTIONS: [(&str, u8); 6] = [
    ("Guard.check(uint256)", 2),
    ("Base.only", 3),
    ("Base.sweep(address payable)", 4),
    ("Vault.receive()", 5),
    ("Vault.deposit(uint256)", 6),
    ("Vault.use_(IToken,bytes)", 7),
];

const VAULT: &str = "src/Vault.sol:Vault";
const MATH: &str = "src/Vault.sol:Math";
const OWNER: Address = Address::repeat_byte(0xa1);
const MATH_ADDRESS: Address = Address::repeat_byte(0xb2);

fn project() -> Project {
    let mut project = Project::new(&[("src/Vault.sol", SOURCE)]);
    project.foundry.evm_version = None;
    project
}

fn compile_by(project: &Project, package: &str) -> CompileOutput {
    let package = repository().join("tests/node_modules").join(package);
    let sources = CompilerSources { npm_packages: vec![package], ..compilers() };
    let request = CompileRequest {
        root: project.root(),
        foundry: &project.foundry,
        contracts: &["Vault".to_owned()],
        compilers: &sources,
        cache_dir: &project.root().join("cache"),
    };
    compile(&request).unwrap_or_else(|error| panic!("failed to {error}: {error:?}"))
}

/// The code with its values, as a constructor leaves it.
fn deployed(artifact: &Artifact) -> Vec<u8> {
    let mut code = artifact.runtime.object.to_vec();
    let mut fill = |span: &Span, value: &[u8]| {
        let end = span.start + span.length;
        code[end - value.len()..end].copy_from_slice(value);
    };
    for (name, spans) in &artifact.immutables {
        let value = if name == "Vault.cap" { &[9][..] } else { OWNER.as_slice() };
        spans.iter().for_each(|span| fill(span, value));
    }
    for span in artifact.runtime.links.values().flatten() {
        fill(span, MATH_ADDRESS.as_slice());
    }
    if artifact.runtime.object.starts_with(&[0x73, 0, 0]) {
        fill(&Span { start: 1, length: 20 }, OWNER.as_slice());
    }
    code
}

fn place_of(code: &[u8], constant: u8) -> usize {
    let constant = [0x63, 0xde, 0xad, 0xbe, constant];
    code.windows(5).position(|window| window == constant).unwrap() + 4
}

/// The findings after a change to the code.
fn findings(artifact: &Artifact, change: impl FnOnce(&mut Vec<u8>)) -> Vec<String> {
    let expected = deployed(artifact);
    let mut found = expected.clone();
    change(&mut found);
    match_code(artifact, &expected, &found).findings()
}

#[track_caller]
fn check_functions(package: &str, via_ir: bool, optimizer: bool) {
    let mut project = project();
    (project.foundry.via_ir, project.foundry.optimizer) = (via_ir, optimizer);
    // One run of the compiler is enough here.
    project.foundry.bytecode_hash = BytecodeHash::None;
    let output = compile_by(&project, package);
    let case = format!("{package}, via IR: {via_ir}, optimizer: {optimizer}");
    let vault = artifact(&output, VAULT);
    let math = artifact(&output, MATH);
    let cases = FUNCTIONS.map(|(function, constant)| (vault, function, constant));
    for (artifact, function, constant) in
        cases.into_iter().chain([(math, "Math.scale(uint256)", 1)])
    {
        let at = place_of(&artifact.runtime.object, constant);
        let findings = findings(artifact, |code| code[at] ^= 0xff);
        let other = constant ^ 0xff;
        assert_eq!(
            findings,
            [format!("{function}, byte {at}: expected 0x{constant:02x}, found 0x{other:02x}")],
            "{case}"
        );
    }
    let found = findings(math, |code| {
        let at = code.windows(20).position(|window| window == OWNER.as_slice()).unwrap();
        code[at..at + 20].fill(0xc3);
    });
    let other = Address::repeat_byte(0xc3);
    let expected = format!("the library's own address: expected {OWNER}, found {other}");
    assert_eq!(found, [expected], "{case}");
}

#[test]
fn one_other_byte_names_its_function() {
    check_functions("solc-0.7.6", false, true);
    check_functions("solc", false, false);
    check_functions("solc-0.8.13", true, true);
    check_functions("solc", true, true);
}

#[test]
fn parameters_libraries_and_metadata_are_told_apart() {
    let project = project();
    let output = compile_by(&project, "solc");
    let vault = artifact(&output, VAULT);
    let spans = &vault.immutables["Vault.cap"];
    assert!(spans.len() > 1, "{spans:?}");
    let last = |span: &Span| span.start + span.length - 1;
    let found = findings(vault, |code| spans.iter().for_each(|span| code[last(span)] = 8));
    let count = spans.len();
    assert_eq!(found, [format!("immutable Vault.cap ({count} places): expected 9, found 8")]);
    let found = findings(vault, |code| code[last(&spans[0])] = 8);
    assert_eq!(
        found,
        [
            "immutable Vault.cap: expected 9, found 8",
            "immutable Vault.cap has several values on the chain"
        ]
    );
    let other = Address::repeat_byte(0xc3);
    let link = vault.runtime.links.values().flatten().next().unwrap();
    let found = findings(vault, |code| code[link.start..link.start + 20].fill(0xc3));
    assert_eq!(found, [format!("library Math: expected {MATH_ADDRESS}, found {other}")]);

    // The same code, from other source text.
    project.edit("src/Vault.sol", "interface", "// A remark.\ninterface");
    let noisy = compile_by(&project, "solc");
    let noisy = deployed(artifact(&noisy, VAULT));
    let expected = deployed(vault);
    let outcome = match_code(vault, &expected, &noisy);
    assert!(matches!(&outcome, CodeMatch::MetadataOnly { regions } if regions.len() == 1));
    // And with another constant in it.
    let at = place_of(&expected, 6);
    let mut changed = noisy.clone();
    changed[at] = 0;
    let [first, second] = match_code(vault, &expected, &changed).findings().try_into().unwrap();
    assert!(first.starts_with("Vault.deposit(uint256), byte "), "{first}");
    assert!(second.starts_with("metadata 1 at byte"), "{second}");
    // What looks like metadata, in place of code.
    let metadata = vault.runtime.metadata.last().unwrap();
    let mut fake = expected.clone();
    let from = metadata.start - metadata.length;
    fake.copy_within(metadata.start..metadata.start + metadata.length, from);
    let outcome = match_code(vault, &expected, &fake);
    assert!(matches!(outcome, CodeMatch::Different(_)), "{}", hex::encode(fake));
}
