//! Constants by which code finds what it stores.

use std::collections::BTreeMap;

use alloy_primitives::{U256, keccak256};

use crate::project::{Project, artifact};

const SLOTS: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
library Slots {
    struct Word { uint256 value; }
    function at(bytes32 slot) internal pure returns (Word storage r) {
        assembly { r.slot := slot }
    }
    function hidden(bytes32 slot) internal view returns (uint256) { return at(slot).value; }
}
";

/// A contract's body, and its constants, each with the text of which it is the hash.
const CASES: [(&str, &[(&str, &str)]); 15] = [
    (
        "bytes32 constant FEE = keccak256('fee');
         function f() external { Slots.at(FEE).value = 1; }",
        &[("C.FEE", "fee")],
    ),
    (
        "using Slots for bytes32; bytes32 constant FEE = keccak256('fee');
         function f() external { FEE.at().value = 1; }",
        &[("C.FEE", "fee")],
    ),
    ("function f() external { Slots.at(keccak256('fee')).value = 1; }", &[("C.f", "fee")]),
    (
        "bytes32 constant FEE = keccak256('fee');
         function f() external view returns (uint256) { return Slots.hidden(FEE); }",
        &[("C.FEE", "fee")],
    ),
    (
        "bytes32 constant FEE = keccak256('fee'); bytes32 constant CAP = keccak256('cap');
         function own(uint256 x, bytes32 k) private { Slots.at(k).value = x; }
         function f() external { own(1, FEE); own(2, CAP); }",
        &[("C.CAP", "cap"), ("C.FEE", "fee")],
    ),
    (
        "bytes32 constant FEE = keccak256('fee');
         function f(uint256 id) external { Slots.at(keccak256(abi.encode(FEE, id))).value = 1; }",
        &[("C.FEE", "fee")],
    ),
    (
        "function f(uint256 id) external {
            Slots.at(keccak256(abi.encodePacked('fee', id))).value = 1; }",
        &[("C.f", "fee")],
    ),
    (
        "mapping(bytes32 => uint256) all; bytes32 constant FEE = keccak256('fee');
         function f() external { all[FEE] = 1; }",
        &[("C.FEE", "fee")],
    ),
    (
        "mapping(address => mapping(bytes32 => uint256)) all;
         function f() external { all[msg.sender][keccak256('fee')] = 1; }",
        &[("C.f", "fee")],
    ),
    // What is found by nothing of these.
    ("mapping(bytes32 => uint256) all; function f() external { all[0] = 1; }", &[]),
    (
        "mapping(bytes32 => mapping(uint256 => uint256)) all;
         function f(bytes32 k) external { all[k][7] = 1; }",
        &[],
    ),
    (
        "bytes32 constant ROLE = keccak256('role'); mapping(bytes32 => uint256) all;
         function set(bytes32 k) private { all[k] = 1; } function f() external { set(ROLE); }",
        &[("C.ROLE", "role")],
    ),
    (
        "struct RoleData { uint256 x; } mapping(bytes32 => RoleData) all;
         bytes32 constant ROLE = keccak256('role');
         function set(bytes32 k) private { all[k].x = 1; } function f() external { set(ROLE); }",
        &[],
    ),
    (
        "bytes32 constant IMPLEMENTATION = bytes32(uint256(keccak256('eip1967.proxy.implementation'\
         )) - 1); function f() external { Slots.at(IMPLEMENTATION).value = 1; }",
        &[],
    ),
    (
        "bytes32 constant TYPE = keccak256('T(uint256 x)');
         function f() external pure returns (bytes32) { return keccak256(abi.encode(TYPE, 1)); }",
        &[],
    ),
];

#[test]
fn constants_that_lead_to_what_is_stored_are_noted() {
    let name = |index: usize| format!("src/C{index}.sol");
    let sources = CASES.iter().map(|(body, _)| format!("{SLOTS}contract C {{ {body} }}\n"));
    let sources: Vec<_> = sources.enumerate().map(|(index, text)| (name(index), text)).collect();
    let files: Vec<_> = sources.iter().map(|(name, text)| (&**name, &**text)).collect();
    let project = Project::new(&files);
    let wanted: Vec<_> = (0..CASES.len()).map(|index| format!("{}:C", name(index))).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    let output = project.compile(&wanted);
    for (fqn, (body, expected)) in wanted.iter().zip(CASES) {
        let keys: BTreeMap<_, _> = artifact(&output, fqn).layout_notes.keys.clone();
        let hash = |text: &str| U256::from_be_bytes(keccak256(text).0);
        let expected =
            expected.iter().map(|(name, text)| ((*name).to_owned(), [hash(text)].into()));
        assert_eq!(keys, expected.collect::<BTreeMap<_, _>>(), "{body}");
    }
}
