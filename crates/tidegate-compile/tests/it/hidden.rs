//! What assembly places in storage: named, unless it belongs to something that is declared.

use std::collections::BTreeMap;

use tidegate_model::release::Artifact;

use crate::project::{Project, artifact};

mod keys;
mod namespaces;
mod packages;

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
    function layout() internal pure returns (Layout storage l) { assembly { l.slot := SLOT } }
    bytes32 constant SLOT = 0x138f85e11ae0b4ea28acd29eab6d1f82a436dc245a23a6d136bec9ef3e4b4a00;
}
library Beside {
    function put(Slots.AddressSlot storage, uint256 x) internal { assembly { sstore(0x77, x) } }
    function lay(Slots.AddressSlot storage) internal pure returns (Tokens.Layout storage l) {
        assembly { l.slot := 0x99 }
    }
    function get(bool) internal pure returns (Slots.AddressSlot storage r) {
        assembly { r.slot := 3 }
    }
    function set(bytes32 slot) internal pure returns (Slots.AddressSlot storage r) {
        slot = 0;
        assembly { r.slot := slot }
    }
}
type Number is uint256;
function plus(Number a, Number b) pure returns (Number) {
    function() pure g;
    function() internal w = unseen;
    assembly { g := w }
    g();
    return Number.wrap(Number.unwrap(a) + Number.unwrap(b));
}
function unseen() { assembly { sstore(0x55, 1) } }
using { plus as + } for Number global;
contract Other {
    function set() external { assembly { sstore(1, 2) } }
}
";

/// A contract's body, and what it stores unseen.
const CASES: [(&str, &str); 53] = [
    ("function f() external { Tokens.layout().next = 1; }", "Tokens.Layout"),
    ("uint256 a; function f() external { Tokens.layout().next = a; }", "Tokens.Layout"),
    ("function f() external { Tokens.at(keccak256('x')).next = 1; }", "Tokens.Layout"),
    ("function f() external { Tokens.mint(); }", "Tokens.Layout"),
    ("function f() external { Tokens.once(); }", "Tokens.Layout"),
    (
        "function f() external { function () internal pure returns (Tokens.Layout storage) g = \
         Tokens.inAll; g().next = 1; }",
        "C.f, Tokens.Layout",
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
    // A place in storage that a function is given says nothing of what else it does.
    ("Slots.AddressSlot a; function f() external { Beside.put(a, 1); }", "Beside.put"),
    ("Slots.AddressSlot a; function f() external { Beside.lay(a).next = 1; }", "Tokens.Layout"),
    ("function f() external { Beside.get(true).value = address(1); }", "Slots.AddressSlot"),
    ("function f() external { Beside.set(0).value = address(1); }", "Slots.AddressSlot"),
    // Nor does the slot of a variable say anything of what is made from it.
    ("uint256 a; function f(uint256 i) external { assembly { sstore(add(a.slot, i), 1) } }", "C.f"),
    ("uint256 a; function f() external { assembly { sstore(add(a.slot, 1), 1) } }", "C.f"),
    ("uint256[2] a; function f() external { assembly { sstore(add(a.slot, 2), 1) } }", "C.f"),
    ("uint256 a; function f() external { assembly { sstore(xor(a.slot, 1), 1) } }", "C.f"),
    (
        "uint256 a; function f() external { assembly { let s := xor(a.slot, 1) sstore(s, 1) } }",
        "C.f",
    ),
    (
        "uint256 a; function f() external { assembly { mstore(0, a.slot) \
      sstore(keccak256(0, 32), 1) } }",
        "C.f",
    ),
    (
        "uint256[] a; function f() external { assembly { mstore(0, a.slot) mstore(0, 9) \
      sstore(keccak256(0, 32), 1) } }",
        "C.f",
    ),
    (
        "uint256[] a; function f() external { assembly { mstore(0, a.slot) mstore(16, 9) \
      sstore(keccak256(0, 32), 1) } }",
        "C.f",
    ),
    (
        "uint256[] a; function f() external { assembly { mstore(0, a.slot) mstore(0, \
      keccak256(0, 32)) \
      sstore(keccak256(0, 32), 1) } }",
        "C.f",
    ),
    (
        "mapping(uint256 => uint256) a; function f() external { assembly { mstore(32, a.slot) \
      sstore(add(keccak256(0, 64), 1), 1) } }",
        "C.f",
    ),
    (
        "uint256 a; function f(bool b) external { assembly { let s := 9 if b { s := a.slot } \
      sstore(s, 1) } }",
        "C.f",
    ),
    (
        "uint256 a; function f() external { assembly { let s := a.slot for {} 1 {} { sstore(s, 1) \
      s := 9 } } }",
        "C.f",
    ),
    (
        "uint256 a; struct P { uint256 a; uint256 b; } P p; function f() external { P \
      storage q = p; \
      assembly { q.slot := add(q.slot, 10) } q.b = 1; }",
        "C.P",
    ),
    (
        "struct P { uint256 a; uint256 b; } uint256 a; function f() external { P storage q; \
      assembly { q.slot := a.slot } q.b = 1; }",
        "C.P",
    ),
    ("uint256 transient t; function f() external { assembly { sstore(t.slot, 1) } }", "C.f"),
    ("Number a; function f(Number x) external { a = x + x; }", "unseen"),
    (
        "struct L { uint256 a; uint256 b; } function id(bytes32 x) private pure returns (bytes32) \
      { return x; } function at() internal pure returns (L storage) { \
      function(bytes32) pure returns (bytes32) i = id; function(bytes32) pure returns (L \
      storage) o; \
      assembly { o := i } return o(0); } function f() external { at().a = 1; }",
        "C.at",
    ),
    (
        "struct L { uint256 a; } struct H { function(L storage) f; } function set(L \
      storage l) private \
      { l.a = 1; } struct B { function(bytes32) f; } function f() external { H memory h = H(set); \
      B memory b; assembly { b := h } b.f(0); }",
        "C.f",
    ),
    // What is a declared variable's own.
    ("uint256 a; function f() external { assembly { let s := a.slot sstore(s, 1) } }", ""),
    (
        "uint256[] a; function f(uint256 i) external { assembly { mstore(0, a.slot) \
      sstore(add(keccak256(0, 32), i), 1) } }",
        "",
    ),
    (
        "uint256[] a; function f(uint256 x) external { assembly { let l := sload(a.slot) \
      sstore(a.slot, add(l, 1)) mstore(0, a.slot) sstore(add(keccak256(0, 32), l), x) } }",
        "",
    ),
    (
        "mapping(address => uint256) a; function f() external { assembly { mstore(0, caller()) \
      mstore(32, a.slot) sstore(keccak256(0, 64), 1) } }",
        "",
    ),
    (
        "mapping(uint256 => mapping(uint256 => uint256)) a; function f() external { assembly { \
      mstore(32, a.slot) mstore(32, keccak256(0, 64)) mstore(0, 1) sstore(keccak256(0, 64), 1) } }",
        "",
    ),
    (
        "bytes a; function f() external { assembly { mstore(0, a.slot) \
      sstore(keccak256(0, 32), 1) } }",
        "",
    ),
    (
        "uint256 a; function f() external { assembly { let s := a.slot if calldatasize() \
      { s := a.slot } \
      sstore(s, 1) } }",
        "",
    ),
    // What the standard has for the code behind a proxy.
    (
        "uint256 constant I = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc; \
      function f() external { assembly { let s := I sstore(s, 1) } }",
        "",
    ),
    (
        "function f() external { function() internal g = h; function() internal w; \
      assembly { w := g } w(); } function h() internal {}",
        "",
    ),
    ("function f(bytes32 s) external { assembly { sstore(s, 1) } }", "C.f"),
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
