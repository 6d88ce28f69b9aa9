//! Where the code puts structures that are namespaces, and what compilers of before say of it.

use alloy_primitives::U256;
use tidegate_compile::{FoundryConfig, SolcPin};

use super::hidden;
use crate::project::{Project, artifact};

const RIGHT: &str = "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500";
const WRONG: &str = "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab501";

/// Contracts with a namespace `example.main`, and whether they put it at its slot.
const CASES: [(&str, bool); 17] = [
    ("uint256 constant S = RIGHT; AT(S)", true),
    ("uint256 constant S = WRONG; AT(S)", false),
    ("AT(RIGHT)", true),
    ("AT(7)", false),
    ("AT(add(WRONG, not(0)))", true),
    ("bytes32 constant S = HASH(\"example.main\"); LOCAL(S)", true),
    ("bytes32 constant S = HASH(\"example.Main\"); LOCAL(S)", false),
    ("bytes32 constant S = bytes32(erc7201(\"example.main\")); LOCAL(S)", true),
    ("bytes32 constant S = keccak256(\"example.main\"); LOCAL(S)", false),
    (
        "bytes32 constant S = keccak256(abi.encodePacked(bytes32(\"example.main\"))); LOCAL(S)",
        false,
    ),
    ("function s() internal pure virtual returns (bytes32) { return RIGHT; } LOCAL(s())", true),
    ("function s() internal pure virtual returns (bytes32) { return WRONG; } LOCAL(s())", false),
    ("function s() internal view returns (bytes32) { return blockhash(1); } LOCAL(s())", false),
    (
        "bytes32 constant S = RIGHT; function at() internal view returns (L storage l) \
      { bytes32 s = S; if (msg.sender == address(0)) s = 0; assembly { l.slot := s } }",
        false,
    ),
    (
        "bytes32 constant S = RIGHT; function at() internal view returns (L storage l) \
      { bytes32 s = S; assembly { if caller() { s := 3 } } assembly { l.slot := s } }",
        false,
    ),
    (
        "function to(bytes32 s) internal pure returns (L storage l) { assembly { l.slot := s } } \
      function at() internal pure returns (L storage) { return to(RIGHT); }",
        false,
    ),
    (
        "L own; function at() internal view returns (L storage l) \
      { assembly { l.slot := own.slot } }",
        true,
    ),
];

fn contract(number: usize, body: &str) -> String {
    let function = "function at() internal view returns (L storage l)";
    let (rest, at) = match (body.split_once("AT("), body.split_once("LOCAL(")) {
        (_, Some((rest, slot))) => {
            let slot = slot.strip_suffix(')').unwrap();
            (rest, format!("{function} {{ bytes32 s = {slot}; assembly {{ l.slot := s }} }}"))
        }
        (Some((rest, slot)), _) => {
            let slot = slot.strip_suffix(')').unwrap();
            (rest, format!("{function} {{ assembly {{ l.slot := {slot} }} }}"))
        }
        _ => (body, String::new()),
    };
    let text = rest.replace("HASH(\"", "keccak256(abi.encode(uint256(keccak256(\"");
    let text = text.replace("ain\");", "ain\")) - 1)) & ~bytes32(uint256(0xff));");
    let text = match body.contains("HASH(") {
        true => text,
        false => rest.to_owned(),
    };
    let text = [text, at].concat().replace("RIGHT", RIGHT).replace("WRONG", WRONG);
    format!(
        "contract C{number} {{ /** @custom:storage-location erc7201:example.main */ \
         struct L {{ uint256 a; uint256 b; }} {text} \
         function f() external {{ at().a = 1; }} }}\n"
    )
}

#[test]
fn a_namespace_that_is_not_at_its_slot_is_named() {
    let mut source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n".to_owned();
    for (number, (body, _)) in CASES.iter().enumerate() {
        source += &contract(number, body);
    }
    let names: Vec<_> = (0..CASES.len()).map(|number| format!("C{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let output = Project::new(&[("src/T.sol", &source)]).compile(&names);
    for (number, (body, is_right)) in CASES.iter().enumerate() {
        let found = hidden(artifact(&output, &format!("src/T.sol:C{number}")));
        let expected = if *is_right { String::new() } else { format!("C{number}.L") };
        assert_eq!(found, expected, "{body}");
    }
    let notes = &artifact(&output, "src/T.sol:C1").layout_notes;
    assert_eq!(notes.slots["C1.L"], [WRONG.parse::<U256>().unwrap()].into());
}

#[test]
fn who_overrides_the_function_that_says_the_slot_moves_the_namespace() {
    let base = contract(
        0,
        "function s() internal pure virtual returns (bytes32) { return RIGHT; } \
                            LOCAL(s())",
    );
    let source = format!(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n{base}\
         contract D is C0 {{ function s() internal pure override returns (bytes32) \
         {{ return {WRONG}; }} }} contract E is C0 {{ function s() internal pure override \
         returns (bytes32) {{ return super.s(); }} }}"
    );
    let output = Project::new(&[("src/T.sol", &source)]).compile(&["C0", "D", "E"]);
    let found = |name: &str| hidden(artifact(&output, &format!("src/T.sol:{name}")));
    assert_eq!(["C0", "D", "E"].map(found), ["", "C0.L", "C0.L"]);
}

/// A namespace whose formula nobody knows is where the code puts it; that is noted.
#[test]
fn the_slot_of_another_formula_is_noted() {
    let source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\ncontract C { \
                  /// @custom:storage-location other:main\n struct L { uint256 a; } \
                  function f() external { L storage l; assembly { l.slot := 9 } l.a = 1; } }";
    let output = Project::new(&[("src/T.sol", source)]).compile(&["C"]);
    let notes = &artifact(&output, "src/T.sol:C").layout_notes;
    assert!(notes.hidden.is_empty(), "{notes:?}");
    assert_eq!(notes.slots["other:main"], [U256::from(9)].into());
}

/// Before 0.6.0 assembly is text in the syntax tree, and before 0.7.0 slots have other names.
#[test]
fn compilers_of_before_are_read() {
    let found = |version: &str, body: &str| {
        let mut project = Project::new(&[("src/C.sol", &format!("contract C {{ {body} }}"))]);
        project.foundry = FoundryConfig {
            solc: Some(SolcPin::Version(version.parse().unwrap())),
            ..FoundryConfig::empty()
        };
        hidden(artifact(&project.compile(&["C"]), "src/C.sol:C"))
    };
    let word = "uint256 a; function f() external { assembly { sstore(0x77, 1) } }";
    let own = "uint256 a; function f() external { assembly { sstore(a_slot, 1) } }";
    let read =
        "uint256 a; function f() external returns (uint256 x) { assembly { x := sload(9) } }";
    let layout = "struct L { uint256 p; uint256 q; } function f() external { L storage l; \
                  assembly { l_slot := 0x77 } l.q = 1; }";
    assert_eq!([word, own, read].map(|body| found("0.5.16", body)), ["C.f", "C.f", ""]);
    assert_eq!([word, own, read, layout].map(|body| found("0.6.6", body)), ["C.f", "", "", "C.L"]);
    assert_eq!(found("0.7.6", word), "C.f");
}
