//! A table of pairs of contracts through our rules and through OpenZeppelin's upgrades-core.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use tidegate_compile::{
    BytecodeHash, CompileOutput, CompileRequest, CompilerSources, FoundryConfig, Trusted, compile,
};
use tidegate_gates::ProblemKind;
use tidegate_model::release::Artifact;
use tidegate_testkit::{Tools, repo_root};

/// Two versions of a contract `C`, and what is wrong with the step from one to the other.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) expected: String,
    pub(crate) versions: [String; 2],
    /// Files that theirs reads beside the versions.
    pub(crate) beside: Vec<(&'static str, String)>,
}

/// Where upgrades-core says otherwise: the pair, what it says, and why ours is right.
pub(crate) type Difference = (&'static str, &'static str, &'static str);

const PAIRS_MIN: usize = 60;

/// Judges each pair by `ours`, which is given its place in the table, and by `check.mjs` of this
/// folder of tests. Ours must be what the table expects, and theirs but where it is known why not.
pub(crate) fn compare(
    table: &str,
    pairs: &[Pair],
    known: &[Difference],
    ours: impl Fn(usize, [&Artifact; 2]) -> String,
) {
    assert!(pairs.len() >= PAIRS_MIN, "{}", pairs.len());
    let (root, tools) = (tempfile::tempdir().unwrap(), Tools::here().unwrap());
    for (number, pair) in pairs.iter().enumerate() {
        let folder = root.path().join(folder(number));
        for (version, text) in ["V1", "V2"].iter().zip(&pair.versions) {
            write(&folder.join(format!("{version}.sol")), text);
        }
        pair.beside.iter().for_each(|(name, text)| write(&folder.join(name), text));
    }
    let (output, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| theirs(table, root.path(), &tools));
        (compiled(root.path(), &tools, pairs.len()), theirs.join().unwrap())
    });
    assert_eq!(theirs.len(), pairs.len());
    let artifact =
        |number: usize, version: &str| &output.artifacts[&output.roots[&contract(number, version)]];
    let mut wrong = Vec::new();
    let mut differences = BTreeMap::new();
    for (number, (pair, theirs)) in pairs.iter().zip(&theirs).enumerate() {
        let ours = ours(number, [artifact(number, "V1"), artifact(number, "V2")]);
        if ours != pair.expected {
            wrong.push(format!("{}: {ours}, not {}; theirs: {theirs}", pair.name, pair.expected));
        }
        if ours != *theirs {
            differences.insert(pair.name.as_str(), theirs.as_str());
        }
    }
    println!("differential rows {} differ {}", pairs.len(), differences.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    let known = known.iter().map(|(name, theirs, _)| (*name, *theirs)).collect();
    assert_eq!(differences, known, "what upgrades-core says otherwise");
}

/// The word of upgrades-core for a problem of layouts.
pub(crate) const fn problem_word(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Inserted => "insert",
        ProblemKind::Deleted => "delete",
        ProblemKind::Replaced => "replace",
        ProblemKind::Renamed => "rename",
        ProblemKind::Retyped => "typechange",
        ProblemKind::Moved => "layoutchange",
        ProblemKind::NamespaceDeleted => "delete-namespace",
        ProblemKind::NamespaceRepeated => "duplicate-namespace",
        ProblemKind::Clash => "clash",
    }
}

/// Several findings as one verdict.
pub(crate) fn verdict(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<_> = words.into_iter().collect();
    if words.is_empty() { "ok".to_owned() } else { words.join("; ") }
}

fn folder(number: usize) -> String {
    format!("{number:03}")
}

fn contract(number: usize, version: &str) -> String {
    format!("{}/{version}.sol:C", folder(number))
}

#[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn compiled(root: &Path, tools: &Tools, count: usize) -> CompileOutput {
    let contracts: Vec<_> =
        (0..count).flat_map(|number| [contract(number, "V1"), contract(number, "V2")]).collect();
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
    compile(&request).unwrap_or_else(|error| panic!("failed to {error}: {error:?}"))
}

fn theirs(table: &str, root: &Path, tools: &Tools) -> Vec<String> {
    let check = repo_root().join(format!("tests/{table}/check.mjs"));
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
