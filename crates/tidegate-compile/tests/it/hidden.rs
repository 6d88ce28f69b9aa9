//! What assembly places in storage: named, unless it belongs to something that is declared.

use std::collections::BTreeMap;

use tidegate_model::release::Artifact;

use crate::project::{Project, artifact};

const PRELUDE: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
library Tokens {
    struct Layout { uint256 next; mapping(uint256 => address) owners; }
    bytes32 internal constant SLOT = keccak256('tokens');
    function layout() internal pure returns (Layout storage l) {
        bytes32 slot = SLOT;
        assembly { l.slot := slot }
    }
    function at(bytes32 slot) internal pure returns (Layout storage l) {
        assembly { l.slot := slot }
    }
    function inAll() internal pure returns (Layout storage l) { assembly { l.slot := 7 } }
    function mint() external { layout().next++; }
    modifier counted() { layout().next++; _; }
    function once() internal counted {}
}
library Slots {
    struct AddressSlot { address value; }
    function get(bytes32 slot) internal pure returns (AddressSlot storage r) {
        assembly { r.slot := slot }
    }
    function fixedOne() internal pure returns (AddressSlot storage r) { assembly { r.slot := 9 } }
    function item(AddressSlot[] storage all, uint256 i)
        internal pure returns (AddressSlot storage r) {
        assembly { mstore(0, all.slot) r.slot := add(keccak256(0, 32), i) }
    }
}
library Named {
    /// @custom:storage-location erc7201:named
    struct Layout { uint256 x; }
    function layout() internal pure returns (Layout storage l) { assembly { l.slot := 5 } }
}
contract Other {
    function set() external { assembly { sstore(1, 2) } }
}
";

/// A contract's body, and what it stores unseen.
const CASES: [(&str, &str); 21] = [
    ("function f() external { Tokens.layout().next = 1; }", "Tokens.Layout"),
    ("uint256 a; function f() external { Tokens.layout().next = a; }", "Tokens.Layout"),
    ("function f() external { Tokens.at(keccak256('x')).next = 1; }", "Tokens.Layout"),
    ("function f() external { Tokens.mint(); }", "Tokens.Layout"),
    ("function f() external { Tokens.once(); }", "Tokens.Layout"),
    (
        "function f() external { function () internal pure returns (Tokens.Layout storage) g = \
         Tokens.inAll; g().next = 1; }",
        "Tokens.Layout",
    ),
    ("modifier m() { Tokens.layout().next++; _; } function f() external m {}", "Tokens.Layout"),
    ("constructor() { Tokens.layout().next = 1; }", "Tokens.Layout"),
    (
        "struct Own { uint256 x; } function f() external { Own storage o; \
         assembly { o.slot := 3 } o.x = 1; }",
        "C.Own",
    ),
    (
        "function m() internal pure returns (mapping(uint256 => uint256) storage r) \
         { assembly { r.slot := 3 } } function f() external { m()[1] = 2; }",
        "C.m",
    ),
    ("function f() external { assembly { sstore(0x1234, 1) } }", "C.f"),
    ("function f() external { assembly { let slot_ := 4 sstore(slot_, 1) } }", "C.f"),
    ("uint256 a; function f() external { assembly { sstore(a.slot, 1) } }", ""),
    ("uint256[2] a; function f() external { assembly { sstore(add(a.slot, 1), 1) } }", ""),
    ("function f() external { assembly { tstore(0x1234, 1) } }", ""),
    ("function f() external { Slots.get(keccak256('x')).value = address(1); }", ""),
    ("function f() external { Slots.fixedOne().value = address(1); }", "Slots.AddressSlot"),
    ("Slots.AddressSlot[] a; function f() external { Slots.item(a, 1).value = address(1); }", ""),
    ("function f() external { Named.layout().x = 1; }", ""),
    ("function f() external { new Other().set(); }", ""),
    ("function f() external pure returns (bytes32) { return Tokens.SLOT; }", ""),
];

fn hidden(artifact: &Artifact) -> String {
    let names: Vec<_> = artifact.layout_notes.hidden.keys().map(String::as_str).collect();
    names.join(", ")
}

#[test]
fn what_assembly_places_is_named() {
    let mut source = PRELUDE.to_owned();
    for (number, (body, _)) in CASES.iter().enumerate() {
        source += &format!("contract C{number} {{ {body} }}\n").replace("C.", "");
    }
    let names: Vec<_> = (0..CASES.len()).map(|number| format!("C{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let output = Project::new(&[("src/T.sol", &source)]).compile(&names);
    let found: BTreeMap<usize, String> = (0..CASES.len())
        .map(|number| {
            let found = hidden(artifact(&output, &format!("src/T.sol:C{number}")));
            (number, found.replace(&format!("C{number}."), "C."))
        })
        .collect();
    for (number, (body, expected)) in CASES.iter().enumerate() {
        assert_eq!(found[&number], *expected, "{body}");
    }
}

#[test]
fn what_the_source_says_to_keep_is_noted_with_its_reason() {
    let source = format!(
        "{PRELUDE}/// @title A\n/// @custom:tidegate-keeps-storage Tokens.Layout the package is\n\
         /// the same in both versions\n/// @custom:tidegate-keeps-storage C.f\n\
         contract C {{ function f() external {{ Tokens.layout(); \
         assembly {{ sstore(1, 2) }} }} }}\n"
    );
    let output = Project::new(&[("src/T.sol", &source)]).compile(&["C"]);
    let artifact = artifact(&output, "src/T.sol:C");
    let why = "the package is the same in both versions".to_owned();
    let expected = [("C.f".to_owned(), None), ("Tokens.Layout".to_owned(), Some(why))];
    assert_eq!(artifact.layout_notes.hidden, expected.into());
    assert_eq!(artifact.layout_document()["notes"]["hidden"]["C.f"], serde_json::Value::Null);
}
