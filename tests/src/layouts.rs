//! Layout rules against OpenZeppelin's upgrades-core: the same pairs of contracts through both,
//! as they stand in `tests/layouts/pairs.txt`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use tidegate_compile::{
    BytecodeHash, CompileRequest, CompilerSources, FoundryConfig, Trusted, compile,
};
use tidegate_gates::{Layout, LayoutProblem, ProblemKind, TypeFault, compare_layouts};
use tidegate_testkit::{Tools, repo_root};

/// Where upgrades-core says otherwise: the pair, what it says, and why ours is right.
const DIFFERENCES: [(&str, &str, &str); 16] = [
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
];

/// Two versions of a contract, and what is wrong with the step from one to the other.
struct Pair {
    name: String,
    expected: String,
    versions: [String; 2],
}

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

fn folder(number: usize) -> String {
    format!("{number:03}")
}

#[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What our rules say of each pair, from sources to problems.
fn ours(root: &Path, tools: &Tools, count: usize) -> Vec<Vec<LayoutProblem>> {
    let name = |number: usize, version: &str| format!("{}/{version}.sol:C", folder(number));
    let contracts: Vec<_> =
        (0..count).flat_map(|number| [name(number, "V1"), name(number, "V2")]).collect();
    let compilers = CompilerSources {
        explicit: None,
        foundry_dirs: Vec::new(),
        path: Vec::new(),
        npm_packages: vec![tools.solc.clone()],
        node: Some(tools.node.clone()),
        trusted: Trusted::default(),
    };
    let cache = tempfile::tempdir().unwrap();
    // Without a hash in the code, one run of the compiler is enough.
    let foundry = FoundryConfig {
        src: ".".to_owned(),
        bytecode_hash: BytecodeHash::None,
        ..FoundryConfig::empty()
    };
    let request = CompileRequest {
        root,
        foundry: &foundry,
        contracts: &contracts,
        compilers: &compilers,
        cache_dir: cache.path(),
    };
    let output = compile(&request).unwrap_or_else(|error| panic!("failed to {error}: {error:?}"));
    let layout = |name: &str| Layout::of(&output.artifacts[&output.roots[name]]).unwrap();
    let pairs = contracts.chunks(2);
    pairs.map(|pair| compare_layouts(&layout(&pair[0]), &layout(&pair[1]))).collect()
}

/// What upgrades-core says of each pair.
fn theirs(root: &Path, tools: &Tools) -> Vec<String> {
    let check = repo_root().join("tests/layouts/check.mjs");
    let Output { status, stdout, stderr } =
        Command::new(&tools.node).arg(check).arg(root).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let lines = String::from_utf8(stdout).unwrap();
    let numbered = lines.lines().enumerate().map(|(number, line)| {
        let (pair, verdict) = line.split_once('\t').unwrap();
        assert_eq!(pair, folder(number));
        verdict.to_owned()
    });
    numbered.collect()
}

/// Problems in the words of upgrades-core.
fn words(problems: &[LayoutProblem]) -> String {
    let words = problems.iter().map(|problem| {
        let kind = match problem.kind {
            ProblemKind::Inserted => "insert",
            ProblemKind::Deleted => "delete",
            ProblemKind::Replaced => "replace",
            ProblemKind::Renamed => "rename",
            ProblemKind::Retyped => "typechange",
            ProblemKind::Moved => "layoutchange",
            ProblemKind::NamespaceDeleted => "delete-namespace",
            ProblemKind::NamespaceRepeated => "duplicate-namespace",
            ProblemKind::Clash => "clash",
        };
        let inside: Vec<_> = problem.inside.iter().map(|fault| fault_words(*fault)).collect();
        let inside =
            if inside.is_empty() { String::new() } else { [": ", &inside.join(": ")].concat() };
        format!("{kind} {}{inside}", problem.variable)
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { "ok".to_owned() } else { words.join("; ") }
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
    const PAIRS_MIN: usize = 60;
    let pairs = pairs();
    assert!(pairs.len() >= PAIRS_MIN);
    let (root, tools) = (tempfile::tempdir().unwrap(), Tools::here().unwrap());
    for (number, pair) in pairs.iter().enumerate() {
        for (version, text) in ["V1", "V2"].iter().zip(&pair.versions) {
            write(&root.path().join(folder(number)).join(format!("{version}.sol")), text);
        }
    }
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| theirs(root.path(), &tools));
        (ours(root.path(), &tools, pairs.len()), theirs.join().unwrap())
    });
    assert_eq!((ours.len(), theirs.len()), (pairs.len(), pairs.len()));

    let mut wrong = Vec::new();
    let mut differences = BTreeMap::new();
    for ((pair, ours), theirs) in pairs.iter().zip(&ours).zip(&theirs) {
        let ours = words(ours);
        if ours != pair.expected {
            wrong.push(format!("{}: {ours}, not {}; theirs: {theirs}", pair.name, pair.expected));
        }
        if ours != *theirs {
            differences.insert(pair.name.as_str(), theirs.as_str());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let known = DIFFERENCES.iter().map(|(name, theirs, _)| (*name, *theirs)).collect();
    assert_eq!(differences, known, "what upgrades-core says otherwise");
}
