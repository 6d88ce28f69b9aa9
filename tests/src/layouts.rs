//! Layout rules against OpenZeppelin's upgrades-core: the same pairs of contracts through both,
//! as they stand in `tests/layouts/pairs.txt`.

use tidegate_gates::{Layout, LayoutProblem, TypeFault, compare_layouts};
use tidegate_testkit::repo_root;

use crate::upgrades_core::{Difference, Pair, compare, problem_word, verdict};

const DIFFERENCES: [Difference; 18] = [
    (
        "a variable in room that packing left, and one that moves the next",
        "layoutchange d",
        "what is behind as many as there were counts as added at the end, though it covers another",
    ),
    (
        "a member with a declared rename",
        "typechange s: struct members; typechange m: mapping value: struct members",
        "annotations above members are not read, as the compiler does not report them",
    ),
    ("a member with a declared retype", "typechange s: array value: struct members", "as above"),
    ("a member of a namespace with a declared rename", "rename b", "as above"),
    (
        "a user-defined type stands for a signed number",
        "ok",
        "only sizes are compared; without the name, the same change is refused",
    ),
    (
        "an internal function stays",
        "ok",
        "it is refused elsewhere, as `internal-function-storage`; here nothing else looks at it",
    ),
    ("a structure that holds itself stays", "recursion", "such types are not compared at all"),
    ("a structure that holds itself changes", "recursion", "as above"),
    ("a structure in a mapping grows and is in an array of itself", "recursion", "as above"),
    ("a structure in a mapping grows and is in a mapping of itself", "recursion", "as above"),
    (
        "a namespace of a library changes",
        "ok",
        "only namespaces of contracts are looked at; libraries and files have them as often",
    ),
    ("a namespace of a file changes", "ok", "as above"),
    ("a namespace of a library is gone", "ok", "as above"),
    (
        "a structure grows at the end and says why",
        "typechange s: struct members",
        "the annotation is ours: the reason is part of the sources that auditors sign",
    ),
    (
        "a structure grows into what stands behind it and says why",
        "typechange s: struct members; layoutchange x",
        "as above; what moves is refused",
    ),
    (
        "a base slot at a namespace of a base",
        "ok",
        "only namespaces of the contract that has the base slot are looked at",
    ),
    (
        "assembly writes a word where a variable is",
        "ok",
        "what assembly places is not looked at; a known slot that something has is damaged",
    ),
    ("assembly places a structure where a namespace is", "ok", "as above"),
];

fn pairs() -> Vec<Pair> {
    let text = std::fs::read_to_string(repo_root().join("tests/layouts/pairs.txt")).unwrap();
    let pairs = text.split("\n= ").skip(1).map(|pair| {
        let (name, rest) = pair.split_once('\n').unwrap();
        let (expected, rest) = rest.split_once('\n').unwrap();
        let (before, after) = rest.split_once("\n-\n").unwrap_or_else(|| panic!("{name}: no -"));
        Pair {
            name: name.to_owned(),
            expected: expected.to_owned(),
            versions: [before, after].map(source),
            beside: Vec::new(),
        }
    });
    pairs.collect()
}

/// A version as a source file.
fn source(version: &str) -> String {
    let whole = version.lines().any(|line| line.starts_with("contract C "));
    let contracts =
        if whole { version.to_owned() } else { format!("contract C {{\n{version}\n}}") };
    format!("// SPDX-License-Identifier: MIT\npragma solidity ^0.8.20;\n\n{contracts}\n")
}

/// Problems in the words of upgrades-core.
fn words(problems: &[LayoutProblem]) -> String {
    let words = problems.iter().map(|problem| {
        let kind = problem_word(problem.kind);
        let inside: Vec<_> = problem.inside.iter().map(|fault| fault_words(*fault)).collect();
        let inside =
            if inside.is_empty() { String::new() } else { [": ", &inside.join(": ")].concat() };
        format!("{kind} {}{inside}", problem.variable)
    });
    verdict(words)
}

const fn fault_words(fault: TypeFault) -> &'static str {
    match fault {
        TypeFault::Mismatch => "obvious mismatch",
        TypeFault::Resized => "type resize",
        TypeFault::Visibility => "visibility change",
        TypeFault::InternalFunction => "internal function",
        TypeFault::MappingKey => "mapping key",
        TypeFault::MappingValue => "mapping value",
        TypeFault::ArrayElement => "array value",
        TypeFault::ArrayShorter => "array shrink",
        TypeFault::ArrayLonger => "array grow",
        TypeFault::ArrayDynamic => "array dynamic",
        TypeFault::StructMembers => "struct members",
        TypeFault::EnumMembers => "enum members",
        TypeFault::Unknown => "missing members",
    }
}

#[test]
fn upgrades_core_says_the_same_but_where_it_is_known_why_not() {
    compare("layouts", &pairs(), &DIFFERENCES, |_, versions| {
        let [before, after] = versions.map(|artifact| Layout::of(artifact).unwrap());
        words(&compare_layouts(&before, &after))
    });
}
