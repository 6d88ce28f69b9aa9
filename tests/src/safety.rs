//! Upgrade safety against OpenZeppelin's upgrades-core: the same pairs of contracts through both,
//! as they stand in `tests/safety/pairs.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use tidegate_compile::{
    BytecodeHash, CompileRequest, CompilerSources, FoundryConfig, Trusted, compile,
};
use tidegate_gates::{
    Layout, LayoutProblem, ProblemKind, compare_layouts, hazards_behind, is_remark,
};
use tidegate_model::hazard::HazardKind;
use tidegate_model::plan::ProxyKind;
use tidegate_model::release::Artifact;
use tidegate_testkit::{Tools, repo_root};

/// Where upgrades-core says otherwise: the pair, what it says, and why ours is right.
const DIFFERENCES: [(&str, &str, &str); 6] = [
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

/// Two versions of a contract, the proxy they stand behind, and what is refused of the second.
struct Pair {
    name: String,
    kind: ProxyKind,
    expected: String,
    versions: [String; 2],
}

fn pairs() -> Vec<Pair> {
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
        let kind = serde_json::from_value(serde_json::json!(kind)).unwrap();
        let versions = [without(" //+"), without(" //-")];
        Pair { name: name.to_owned(), kind, expected: expected.to_owned(), versions }
    };
    text.split("\n= ").skip(1).map(pair).collect()
}

fn folder(number: usize) -> String {
    format!("{number:03}")
}

#[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What ours refuses of each pair.
fn ours(root: &Path, tools: &Tools, pairs: &[Pair]) -> Vec<String> {
    let name = |number: usize, version: &str| format!("{}/{version}.sol:C", folder(number));
    let contracts: Vec<_> =
        (0..pairs.len()).flat_map(|number| [name(number, "V1"), name(number, "V2")]).collect();
    let compilers = CompilerSources {
        explicit: None,
        foundry_dirs: Vec::new(),
        path: Vec::new(),
        npm_packages: vec![tools.solc.clone()],
        node: Some(tools.node.clone()),
        trusted: Trusted::default(),
    };
    let cache = tempfile::tempdir().unwrap();
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
    let artifact = |name: &str| &output.artifacts[&output.roots[name]];
    let versions = contracts.chunks(2).map(|pair| [artifact(&pair[0]), artifact(&pair[1])]);
    pairs.iter().zip(versions).map(|(pair, versions)| refused(pair.kind, versions)).collect()
}

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
    let words: Vec<_> = words.into_iter().collect();
    if words.is_empty() { "ok".to_owned() } else { words.join("; ") }
}

fn layout_words(problem: &LayoutProblem) -> String {
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
    format!("{kind} {}", problem.variable)
}

/// What upgrades-core refuses of each pair.
fn theirs(root: &Path, tools: &Tools) -> Vec<String> {
    let check = repo_root().join("tests/safety/check.mjs");
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

#[test]
fn differential_upgrade_safety_with_upgrades_core() {
    const PAIRS_MIN: usize = 60;
    let pairs = pairs();
    assert!(pairs.len() >= PAIRS_MIN, "{}", pairs.len());
    let (root, tools) = (tempfile::tempdir().unwrap(), Tools::here().unwrap());
    for (number, pair) in pairs.iter().enumerate() {
        let folder = root.path().join(folder(number));
        for (version, text) in ["V1", "V2"].iter().zip(&pair.versions) {
            write(&folder.join(format!("{version}.sol")), text);
        }
        write(&folder.join("kind"), pair.kind.name());
    }
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| theirs(root.path(), &tools));
        (ours(root.path(), &tools, &pairs), theirs.join().unwrap())
    });
    assert_eq!((ours.len(), theirs.len()), (pairs.len(), pairs.len()));
    let mut wrong = Vec::new();
    let mut differences = BTreeMap::new();
    for ((pair, ours), theirs) in pairs.iter().zip(&ours).zip(&theirs) {
        if *ours != pair.expected {
            wrong.push(format!("{}: {ours}, not {}; theirs: {theirs}", pair.name, pair.expected));
        }
        if ours != theirs {
            differences.insert(pair.name.as_str(), theirs.as_str());
        }
    }
    println!("differential rows {} differ {}", pairs.len(), differences.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    let known = DIFFERENCES.iter().map(|(name, theirs, _)| (*name, *theirs)).collect();
    assert_eq!(differences, known, "what upgrades-core says otherwise");
}
