//! Upgrade safety against OpenZeppelin's upgrades-core: the same pairs of contracts through both,
//! as they stand in `tests/safety/pairs.txt`.

use std::collections::BTreeSet;

use tidegate_gates::{Layout, LayoutProblem, compare_layouts, hazards_behind, is_remark};
use tidegate_model::hazard::HazardKind;
use tidegate_model::plan::ProxyKind;
use tidegate_model::release::Artifact;
use tidegate_testkit::repo_root;

use crate::upgrades_core::{Difference, Pair, compare, problem_word, verdict};

const DIFFERENCES: [Difference; 8] = [
    (
        "an immutable of a base that the contract allows as reachable",
        "state-variable-immutable b",
        "what comes from a package cannot be annotated there: the contract that inherits it allows \
         it in its own source",
    ),
    ("a constructor of a base that the contract allows as reachable", "constructor B", "as above"),
    (
        "an internal function in a structure in a mapping",
        "internal-function-storage f",
        "the layout says so as well, since the upgrade replaces the code that it is a place in",
    ),
    ("an internal function in a namespace", "internal-function-storage f", "as above"),
    (
        "a linked library of a base that the contract allows",
        "external-library-linking L",
        "only what is deployed is judged: the base alone, which links it too, is not",
    ),
    (
        "a delegatecall of a library's function that is named as a value",
        "ok",
        "whoever names a function can call it",
    ),
    ("a delegatecall in a library's modifier", "ok", "it runs with the function that has it"),
    ("a selfdestruct in assembly", "ok", "it ends the implementation like any other one"),
];

/// What every source begins with.
const PRELUDE: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
abstract contract Initializable {
    modifier initializer() { _; }
    modifier onlyInitializing() { _; }
    modifier reinitializer(uint64) { _; }
    function _disableInitializers() internal {}
}
abstract contract Uups { function upgradeToAndCall(address, bytes memory) public payable {} }
";

/// Each pair, and the proxy that its contracts stand behind.
fn pairs() -> Vec<(Pair, ProxyKind)> {
    let text = std::fs::read_to_string(repo_root().join("tests/safety/pairs.txt")).unwrap();
    let pair = |pair: &str| {
        let (head, rest) = pair.split_once('\n').unwrap();
        let (name, kind) = head.split_once(" | ").unwrap_or_else(|| panic!("{head}: no kind"));
        let (expected, source) = rest.split_once('\n').unwrap();
        let without = |mark: &str| {
            let lines = source.lines().filter(|line| !line.ends_with(mark));
            let lines = lines.map(|line| line.trim_end_matches(" //+").trim_end_matches(" //-"));
            format!("{PRELUDE}{}\n", lines.collect::<Vec<_>>().join("\n"))
        };
        let kind: ProxyKind = serde_json::from_value(serde_json::json!(kind)).unwrap();
        let versions = [without(" //+"), without(" //-")];
        let (name, expected) = (name.to_owned(), expected.to_owned());
        (Pair { name, expected, versions, beside: vec![("kind", kind.name().to_owned())] }, kind)
    };
    text.split("\n= ").skip(1).map(pair).collect()
}

/// What ours refuses.
fn refused(kind: ProxyKind, [before, after]: [&Artifact; 2]) -> String {
    let hazards = hazards_behind(kind, after).into_iter();
    let hazards = hazards.filter(|hazard| !hazard.allowed && !is_remark(hazard));
    let mut words: BTreeSet<String> = hazards
        .map(|hazard| match hazard.kind {
            // Theirs names no contract of these.
            HazardKind::MissingPublicUpgradeto | HazardKind::MissingInitializer => {
                hazard.kind.name().to_owned()
            }
            kind => format!("{} {}", kind.name(), hazard.name).trim().to_owned(),
        })
        .collect();
    let layouts = [before, after].map(|artifact| Layout::of(artifact).unwrap());
    words.extend(compare_layouts(&layouts[0], &layouts[1]).iter().map(layout_words));
    verdict(words)
}

fn layout_words(problem: &LayoutProblem) -> String {
    format!("{} {}", problem_word(problem.kind), problem.variable)
}

#[test]
fn differential_upgrade_safety_with_upgrades_core() {
    let (pairs, kinds): (Vec<_>, Vec<_>) = pairs().into_iter().unzip();
    compare("safety", &pairs, &DIFFERENCES, |number, versions| refused(kinds[number], versions));
}
