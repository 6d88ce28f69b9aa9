//! Cases on a small artifact made by hand; `tidegate-compile` has them on compiled code.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, hex};
use serde_json::json;
use tidegate_model::Fqn;
use tidegate_model::functions::FunctionMap;
use tidegate_model::release::{Artifact, Code, Span};

use super::*;

const OWNER: [usize; 2] = [10, 60];
const LIBRARY: usize = 95;
const METADATA: usize = 120;
const LENGTH: usize = METADATA + 53;

fn span(start: usize, length: usize) -> Span {
    Span { start, length }
}

fn metadata(hash: u8, patch: u8) -> Vec<u8> {
    let start = hex!("a2646970667358221220").to_vec();
    let end = [&hex!("64736f6c63430008")[..], &[patch], &hex!("0033")].concat();
    [start, vec![hash; 32], end].concat()
}

fn artifact() -> Artifact {
    let mut object = vec![0x5b; LENGTH];
    OWNER.into_iter().for_each(|at| object[at..at + 32].fill(0));
    object[LIBRARY..LIBRARY + 20].fill(0);
    object[METADATA - 1] = 0xfe;
    object[METADATA..].copy_from_slice(&metadata(1, 30));
    let links = BTreeMap::from([(Fqn("src/L.sol:L".to_owned()), vec![span(LIBRARY, 20)])]);
    let creation = [&[0x60; 8][..], &[0; 20], &[0x5b; 4]].concat();
    Artifact {
        fqn: Fqn("src/C.sol:C".to_owned()),
        abi: alloy_json_abi::JsonAbi::new(),
        creation: Code {
            object: creation.into(),
            links: BTreeMap::from([(Fqn("src/L.sol:L".to_owned()), vec![span(8, 20)])]),
            metadata: Vec::new(),
        },
        runtime: Code { object: object.into(), links, metadata: vec![span(METADATA, 53)] },
        immutables: BTreeMap::from([("C.owner".to_owned(), OWNER.map(|at| span(at, 32)).into())]),
        sources: BTreeMap::new(),
        layout: json!({}),
        profile: json!({}),
        layout_notes: Default::default(),
        functions: FunctionMap::new([(5, "dispatch"), (45, "C.f(uint256)"), (70, "C.g()")]),
        upgrades_from: None,
        hazards: None,
    }
}

/// The code that local execution would give.
fn expected(artifact: &Artifact) -> Vec<u8> {
    let mut code = artifact.runtime.object.to_vec();
    OWNER.into_iter().for_each(|at| code[at + 12..at + 32].fill(0x11));
    code[LIBRARY..LIBRARY + 20].fill(0x22);
    code
}

/// The findings after a change to the expected code.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<u8>), findings: &[&str]) {
    let artifact = artifact();
    let expected = expected(&artifact);
    let mut found = expected.clone();
    change(&mut found);
    let found = match_code(&artifact, &expected, &found).findings();
    assert_eq!(found, findings);
}

#[test]
fn each_place_is_named() {
    check(|_| (), &[]);
    check(|code| code[47] = 0, &["C.f(uint256), byte 47: expected 0x5b, found 0x00"]);
    // Two functions beside each other; a run that has an equal byte in it.
    check(
        |code| [43, 45, 49, 50].into_iter().for_each(|at| code[at] = 0),
        &[
            "C.f(uint256), byte 43: expected 0x5b5b5b5b5b5b5b, found 0x005b005b5b5b00",
            "C.g(), byte 50: expected 0x5b, found 0x00",
        ],
    );
    let (own, other) = (Address::repeat_byte(0x11), Address::repeat_byte(0x33));
    check(
        |code| OWNER.into_iter().for_each(|at| code[at + 12..at + 32].fill(0x33)),
        &[&format!("immutable C.owner (2 places): expected {own}, found {other}")],
    );
    check(
        |code| {
            code[OWNER[1]..OWNER[1] + 31].fill(0);
            code[OWNER[1] + 31] = 9;
        },
        &[
            &format!("immutable C.owner: expected {own}, found 9"),
            "immutable C.owner has several values on the chain",
        ],
    );
    let own = Address::repeat_byte(0x22);
    check(
        |code| code[LIBRARY..LIBRARY + 20].fill(0x33),
        &[&format!("library L: expected {own}, found {other}")],
    );
}

#[test]
fn metadata_counts_only_where_the_build_has_it() {
    let only = "only metadata differs (1 region): the code is the audited one, but ";
    check(
        |code| code[METADATA..].copy_from_slice(&metadata(2, 30)),
        &[&format!("{only}source text, names or settings are others than those compiled here")],
    );
    check(
        |code| code[METADATA..].copy_from_slice(&metadata(2, 29)),
        &[&format!("{only}its compiler says 0.8.29, expected 0.8.30")],
    );
    // Left away, with and without the byte in front of it.
    let without = format!("{only}it was built without metadata");
    check(|code| code.truncate(METADATA), &[&without]);
    check(|code| code.truncate(METADATA - 1), &[&without]);
    // One byte of its CBOR is no longer CBOR.
    check(
        |code| code[METADATA] = 0xa3,
        &["metadata 1 at byte 120 holds something else: expected \
           0xa2646970667358221220010101010101… (53 bytes), found \
           0xa3646970667358221220010101010101… (53 bytes)"],
    );
    // Other metadata around other code excuses nothing, and comes last.
    check(
        |code| {
            code[METADATA..].copy_from_slice(&metadata(2, 30));
            code[116..118].fill(0);
        },
        &["C.g(), byte 116: expected 0x5b5b, found 0x0000", "metadata 1 at byte 120 differs"],
    );
    // What looks like metadata elsewhere is code.
    check(
        |code| code[5..9].copy_from_slice(&hex!("a1646970")),
        &["C.f(uint256), byte 5: expected 0x5b5b5b5b, found 0xa1646970"],
    );
    let fake = |code: &mut Vec<u8>| {
        code.truncate(METADATA - 60);
        code.extend(metadata(7, 30));
        code.extend([0xfe; 7]);
        code.extend(metadata(1, 30));
    };
    let artifact = artifact();
    let expected = expected(&artifact);
    let mut found = expected.clone();
    fake(&mut found);
    assert_eq!(found.len(), expected.len());
    assert!(matches!(match_code(&artifact, &expected, &found), CodeMatch::Different(_)));
}

#[test]
fn other_kinds_of_accounts_are_told_apart() {
    let to = Address::repeat_byte(0x44);
    let delegation = [&hex!("ef0100")[..], to.as_slice()].concat();
    let minimal =
        [&hex!("363d3d373d3d3d363d73")[..], to.as_slice(), &hex!("5af43d82803e903d91602b57fd5bf3")]
            .concat();
    let artifact = artifact();
    let expected = expected(&artifact);
    for (found, outcome) in [
        (Vec::new(), CodeMatch::NotDeployed),
        (delegation, CodeMatch::Delegation { to }),
        (minimal.clone(), CodeMatch::MinimalProxy { target: to }),
    ] {
        assert_eq!(match_code(&artifact, &expected, &found), outcome);
        assert_eq!(match_other(&found), outcome);
    }
    // Where one is expected, it is compared as any code.
    assert_eq!(match_code(&artifact, &minimal, &minimal), CodeMatch::Same);
    assert_eq!(match_code(&artifact, &minimal, &[]), CodeMatch::NotDeployed);
    let mut artifact = artifact;
    artifact.immutables =
        BTreeMap::from([("MinimalProxy.implementation".to_owned(), vec![span(10, 20)])]);
    artifact.runtime =
        Code { object: minimal.clone().into(), links: BTreeMap::new(), metadata: Vec::new() };
    let mut other = minimal.clone();
    other[10..30].fill(0x55);
    let other_to = Address::repeat_byte(0x55);
    assert_eq!(
        match_code(&artifact, &minimal, &other).findings(),
        [format!("immutable MinimalProxy.implementation: expected {to}, found {other_to}")]
    );
    assert_eq!(match_other(&[0x60]).findings(), ["other code stands there"]);
    let CodeMatch::Different(other) = match_other(&[0x60, 0x01]) else { panic!("other code") };
    assert_eq!((other.found_length, other.expected_length), (2, None));
}

#[test]
fn code_of_another_length_parts_somewhere() {
    let text = |found, rest: &str| format!("{found} bytes of code, expected {LENGTH}; {rest}");
    check(|code| code.truncate(48), &[&text(48, "it ends early, in C.f(uint256)")]);
    check(|code| code.push(0), &[&text(LENGTH + 1, "the rest is added at its end")]);
    check(|code| code.insert(96, 1), &[&text(LENGTH + 1, "they part at byte 96, in library L")]);
}

#[test]
fn nothing_is_known_of_code_that_is_not_the_compilers() {
    let artifact = artifact();
    let mut own = expected(&artifact);
    own[0] = 1;
    let mut found = own.clone();
    found[OWNER[0] + 31] = 7;
    assert_eq!(
        match_code(&artifact, &own, &found).findings(),
        ["code of an unknown function, byte 41: expected 0x11, found 0x07"]
    );
    assert_eq!(Transformations::of(&artifact, &[], &own), None);
}

#[test]
fn many_differences_are_counted_and_some_are_kept() {
    let mut artifact = artifact();
    artifact.functions = FunctionMap::new((0..60).map(|n| (1, if n % 2 == 0 { "a" } else { "b" })));
    artifact.immutables.clear();
    let expected = artifact.runtime.object.to_vec();
    let mut found = expected.clone();
    found[..40].fill(1);
    let outcome = match_code(&artifact, &expected, &found);
    let CodeMatch::Different(differences) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((differences.count, differences.mismatches.len()), (40, MISMATCHES_MAX));
    assert_eq!(outcome.findings().last().unwrap(), "24 more differences elsewhere");
    assert!(outcome.summary().ends_with("; and 14 more"), "{}", outcome.summary());
}

#[test]
fn transformations_are_sourcifys() {
    let artifact = artifact();
    let runtime = expected(&artifact);
    let library = Address::repeat_byte(0x22);
    let mut initcode = artifact.creation.object.to_vec();
    initcode[8..28].copy_from_slice(library.as_slice());
    initcode.extend([0xab; 32]);
    let transformations = Transformations::of(&artifact, &initcode, &runtime).unwrap();
    let owner = Address::repeat_byte(0x11).into_word();
    assert_eq!(
        serde_json::to_value(&transformations).unwrap(),
        json!({
            "runtime": {
                "list": [
                    {"type": "replace", "reason": "immutable", "offset": 10, "id": "C.owner"},
                    {"type": "replace", "reason": "immutable", "offset": 60, "id": "C.owner"},
                    {"type": "replace", "reason": "library", "offset": 95, "id": "src/L.sol:L"},
                ],
                "values": {
                    "libraries": {"src/L.sol:L": Bytes::copy_from_slice(library.as_slice())},
                    "immutables": {"C.owner": owner},
                },
            },
            "creation": {
                "list": [
                    {"type": "replace", "reason": "library", "offset": 8, "id": "src/L.sol:L"},
                    {"type": "insert", "reason": "constructorArguments", "offset": 32},
                ],
                "values": {
                    "libraries": {"src/L.sol:L": Bytes::copy_from_slice(library.as_slice())},
                    "constructorArguments": Bytes::from(vec![0xab; 32]),
                },
            },
        })
    );
    // The code of a build with other metadata.
    let mut other = runtime;
    other[METADATA..].copy_from_slice(&metadata(2, 30));
    let transformations = Transformations::of(&artifact, &initcode, &other).unwrap();
    let last = transformations.runtime.list.last().unwrap();
    assert_eq!((last.reason, last.id.as_deref()), ("cborAuxdata", Some("1")));
    assert_eq!(Transformations::of(&artifact, &initcode[..20], &other), None);
}
