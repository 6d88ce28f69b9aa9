//! Settings, layouts and versions against forge: the same projects built by both, as they stand in
//! `tests/forge/projects.txt`. What forge would deploy we deploy byte for byte, or refuse.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use alloy_primitives::hex;
use serde_json::Value;
use tidegate_compile::{CompileRequest, CompilerSources, FoundryConfig, Trusted, compile};
use tidegate_testkit::{Tools, repo_root};

/// Compilers beside the newest one, as npm installs them for tests.
const OLDER: [&str; 3] = ["0.7.6", "0.8.13", "0.8.20"];
/// The newest two, as both sides see them.
const NEWER: [(&str, &str); 2] = [("0.8.26", "solc-0.8.26"), ("0.8.37", "solc")];

/// A project, and what is said of it.
struct Row {
    name: String,
    /// A word of the reason why we refuse it.
    refused: Option<String>,
    profile: Option<String>,
    files: Vec<(String, String)>,
    links: Vec<(String, String)>,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(repo_root().join("tests/forge/projects.txt")).unwrap();
    text.split("\n= ").skip(1).map(row).collect()
}

fn row(text: &str) -> Row {
    let (head, body) = text.split_once('\n').unwrap();
    let (name, refused) = match head.rsplit_once(" refused ") {
        Some((name, word)) => (name, Some(word.to_owned())),
        None => (head, None),
    };
    let said = name.rsplit_once(" profile ").filter(|(_, profile)| !profile.contains(' '));
    let profile = said.map(|(_, profile)| profile.to_owned());
    let mut row =
        Row { name: name.to_owned(), refused, profile, files: Vec::new(), links: Vec::new() };
    for line in body.lines() {
        if let Some(file) = line.strip_prefix("== ") {
            row.files.push((file.to_owned(), String::new()));
        } else if let Some(link) = line.strip_prefix("=> ") {
            let (link, target) = link.split_once(' ').unwrap();
            row.links.push((link.to_owned(), target.to_owned()));
        } else {
            let (_, text) = row.files.last_mut().unwrap();
            // A return that would be seen in no editor.
            text.push_str(&line.replace('␍', "\r"));
            text.push('\n');
        }
    }
    row
}

#[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

impl Row {
    /// Writes it into a folder that is a git repository, below its top.
    fn write(&self, top: &Path) -> PathBuf {
        std::fs::create_dir_all(top.join(".git")).unwrap();
        let project = top.join("project");
        for (name, text) in &self.files {
            let sol = name.ends_with(".sol") && !text.contains("pragma solidity");
            let pragma = if sol { "pragma solidity >=0.7.0;\n" } else { "" };
            let license =
                if name.ends_with(".sol") { "// SPDX-License-Identifier: MIT\n" } else { "" };
            write(&project.join(name), &format!("{license}{pragma}{text}"));
        }
        for (link, target) in &self.links {
            let link = project.join(link);
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        project
    }
}

/// What both sides are run with.
struct Bench {
    tools: Tools,
    /// Where answers are kept from run to run.
    kept: PathBuf,
    home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let tools = Tools::here().unwrap();
        let kept = tools.root.join("target/differential");
        let home = tempfile::tempdir().unwrap();
        let older = OLDER.map(|version| (version.to_owned(), format!("solc-{version}")));
        let newer = NEWER.map(|(version, package)| (version.to_owned(), package.to_owned()));
        for (version, package) in older.into_iter().chain(newer) {
            let path = home.path().join(format!(".svm/{version}/solc-{version}"));
            write(&path, &wrapper(&tools, &version, &package, &kept.join("answers")));
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { tools, kept, home }
    }

    /// The creation code of `A`, and how many contracts of this name and source there are.
    fn forge(&self, project: &Path, row: &Row) -> Result<Vec<(String, String)>, String> {
        let mut forge = Command::new(&self.tools.forge);
        forge.args(["build", "--offline", "--no-cache"]).current_dir(project);
        forge.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        forge.envs(row.profile.iter().map(|profile| ("FOUNDRY_PROFILE", profile)));
        let done = forge.output().unwrap();
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        let mut found = Vec::new();
        for folder in project.join("out").read_dir().unwrap().map(Result::unwrap) {
            let Ok(text) = std::fs::read_to_string(folder.path().join("A.json")) else { continue };
            let artifact: Value = serde_json::from_str(&text).unwrap();
            let target = &artifact["metadata"]["settings"]["compilationTarget"];
            let source = target.as_object().unwrap().keys().next().unwrap().clone();
            let object = artifact["bytecode"]["object"].as_str().unwrap();
            found.push((source, unlinked(object.trim_start_matches("0x"))));
        }
        Ok(found)
    }

    /// The creation code of `A`.
    fn ours(&self, project: &Path, row: &Row) -> Result<String, String> {
        let mut packages: Vec<_> = OLDER.iter().map(|version| format!("solc-{version}")).collect();
        packages.extend(NEWER.iter().map(|(_, package)| (*package).to_owned()));
        let compilers = CompilerSources {
            explicit: None,
            foundry_dirs: Vec::new(),
            path: Vec::new(),
            npm_packages: packages.iter().map(|name| self.tools.node_modules.join(name)).collect(),
            node: Some(self.tools.node.clone()),
            trusted: Trusted::default(),
        };
        let foundry = FoundryConfig::load_profile(project, row.profile.as_deref())
            .and_then(|foundry| foundry.as_detected(project))
            .map_err(|error| described(&error))?;
        let contracts = ["A".to_owned()];
        let request = CompileRequest {
            root: project,
            foundry: &foundry,
            contracts: &contracts,
            compilers: &compilers,
            cache_dir: &self.kept.join("compile"),
        };
        let output = compile(&request).map_err(|error| described(&error))?;
        Ok(hex::encode(&output.artifacts[&output.roots["A"]].creation.object))
    }
}

fn described(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|source| format!(": {}", described(source)));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Npm's compiler as forge looks for it. What it answers is kept.
fn wrapper(tools: &Tools, version: &str, package: &str, answers: &Path) -> String {
    let soljson = tools.node_modules.join(package).join("soljson.js");
    let script = tools.root.join("crates/tidegate-compile/src/solcjs.cjs");
    let (node, answers, soljson) = (tools.node.display(), answers.display(), soljson.display());
    let said = format!("Version: {version}+commit.00000000.Linux.g++");
    let run = format!("'{node}' '{}' '{soljson}' $digest --standard-json", script.display());
    format!(
        "#!/bin/sh\n\
         if [ \"$1\" = --version ]; then echo solc; echo '{said}'; exit; fi\n\
         mkdir -p '{answers}'; input=$(mktemp '{answers}/XXXXXXXX'); cat > \"$input\"\n\
         kept='{answers}/{version}-'$(sha256sum < \"$input\" | cut -c1-64)\n\
         if [ ! -f \"$kept\" ]; then\n\
         digest=$(sha256sum '{soljson}' | cut -c1-64)\n\
         {run} < \"$input\" > \"$input.out\" || exit 1\n\
         mv \"$input.out\" \"$kept\"\n\
         fi\n\
         rm -f \"$input\"; cat \"$kept\"\n"
    )
}

/// Zeros where a library's address will stand.
fn unlinked(code: &str) -> String {
    let mut code = code.to_owned();
    while let Some(at) = code.find("__$") {
        code.replace_range(at..at + 40, &"0".repeat(40));
    }
    code
}

/// What is wrong with one row, if anything.
fn judged(bench: &Bench, row: &Row) -> Result<(), String> {
    let top = tempfile::tempdir().unwrap();
    let project = row.write(&top.path().canonicalize().unwrap());
    let theirs = bench.forge(&project, row).map_err(|why| format!("forge fails: {why}"))?;
    let [(source, theirs)] = theirs.as_slice() else {
        return Err(format!("forge makes {} contracts A", theirs.len()));
    };
    match bench.ours(&project, row) {
        Err(why) if row.refused.as_ref().is_some_and(|word| why.contains(word)) => Ok(()),
        Err(why) => Err(format!("we refuse: {why}")),
        Ok(_) if row.refused.is_some() => Err("we refuse nothing".to_owned()),
        Ok(ours) if ours == *theirs => Ok(()),
        Ok(ours) => Err(format!("other code of {source}\n  forge {theirs}\n  ours  {ours}")),
    }
}

#[test]
fn differential_forge() {
    let bench = Bench::new();
    let rows = rows();
    let open = Mutex::new(rows.iter());
    let differing: Mutex<BTreeMap<&str, String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(row) = open.lock().unwrap().next() else { break };
                    if let Err(why) = judged(&bench, row) {
                        differing.lock().unwrap().insert(&row.name, why);
                    }
                }
            });
        }
    });
    let differing = differing.into_inner().unwrap();
    let all: Vec<_> = differing.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    println!("differential rows {} differ {}", rows.len(), differing.len());
    assert!(rows.len() >= 40);
    assert!(differing.is_empty(), "{}", all.join("\n"));
}
