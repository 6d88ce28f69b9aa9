use std::path::Path;
use std::process::Command;

use super::Home;
use crate::checkout::Checkout;
use crate::write_atomic;

/// Runs git as a person does, to make what is read.
pub(super) fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let allowed = ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"];
    let mut command = Command::new("git");
    command.current_dir(folder).args(identity).args(allowed).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(super) fn committed(folder: &Path, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        write_atomic(&folder.join(name), text.as_bytes()).unwrap();
    }
    git(folder, &["init", "--quiet"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "one"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn read(folder: &Path) -> Checkout {
    Checkout::read(folder).unwrap().unwrap()
}

#[test]
fn what_differs_from_the_commit_is_named() {
    let home = Home::new();
    let root = &home.dir.path().canonicalize().unwrap().join("repo");
    let commit = committed(root, &[("src/A.sol", "a"), ("src/b/B.sol", "b"), ("c", "c")]);
    git(root, &["remote", "add", "origin", "https://me:token@example.org/team/vault.git"]);
    let clean = read(&root.join("src/b"));
    assert_eq!((clean.root.as_path(), &clean.commit), (root.as_path(), &commit));
    assert_eq!(clean.repository.as_deref(), Some("https://example.org/team/vault.git"));
    assert_eq!(clean.changed, [""; 0]);
    assert!(!clean.lacks(&root.join("src/A.sol")));

    // Staged or not does not matter; what is compiled is the file.
    write_atomic(&root.join("src/A.sol"), b"other").unwrap();
    git(root, &["add", "src/A.sol"]);
    std::fs::remove_file(root.join("c")).unwrap();
    write_atomic(&root.join("src/New.sol"), b"n").unwrap();
    let dirty = read(root);
    assert_eq!(
        (dirty.commit, dirty.changed.as_slice()),
        (commit, &["c", "src/A.sol"].map(str::to_owned)[..])
    );
    let dirty = read(root);
    assert!(dirty.lacks(&root.join("src/A.sol")) && dirty.lacks(&root.join("src/New.sol")));
    assert!(!dirty.lacks(&root.join("src/b/B.sol")) && dirty.lacks(Path::new("/elsewhere")));
    // Packed objects and references are the same.
    git(root, &["gc", "--quiet"]);
    assert_eq!(read(root), dirty);
}

#[test]
fn no_program_of_a_checkout_is_run() {
    let home = Home::new();
    let root = &home.dir.path().canonicalize().unwrap().join("repo");
    committed(root, &[("a.txt", "a\n"), (".gitattributes", "*.txt filter=evil text\n")]);
    let mark = home.dir.path().join("ran");
    let evil = format!("touch {}", mark.display());
    for key in [
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "diff.external",
        "credential.helper",
        "alias.status",
        "uploadpack.packObjectsHook",
    ] {
        let config = root.join(".git/config");
        git(root, &["config", "--file", &config.to_string_lossy(), key, &evil]);
    }
    git(
        root,
        &[
            "config",
            "--file",
            &root.join(".git/config").to_string_lossy(),
            "core.hooksPath",
            "hooks",
        ],
    );
    let hook = root.join("hooks/post-index-change");
    write_atomic(&hook, format!("#!/bin/sh\n{evil}\n").as_bytes()).unwrap();
    write_atomic(&root.join("a.txt"), b"a\r\n").unwrap();
    // git would call it unchanged once line ends are converted; its bytes are others.
    assert_eq!(read(root).changed, ["a.txt"]);
    assert!(!mark.exists(), "something was run");
}

#[test]
fn work_trees_and_submodules_are_followed() {
    let home = Home::new();
    let base = home.dir.path().canonicalize().unwrap();
    let (lib, root) = (base.join("lib"), base.join("repo"));
    committed(&lib, &[("L.sol", "l")]);
    committed(&root, &[("A.sol", "a")]);
    git(&root, &["submodule", "--quiet", "add", &lib.to_string_lossy(), "lib/l"]);
    git(&root, &["commit", "--quiet", "--message", "two"]);
    let clean = read(&root);
    assert_eq!(clean.changed, [""; 0]);
    assert!(!clean.lacks(&root.join("lib/l/L.sol")));
    write_atomic(&root.join("lib/l/L.sol"), b"other").unwrap();
    assert_eq!(read(&root).changed, ["lib/l/L.sol"]);
    git(&root.join("lib/l"), &["commit", "--quiet", "--all", "--message", "three"]);
    assert_eq!(read(&root).changed, ["lib/l"]);

    let other = base.join("other");
    git(&root, &["worktree", "add", "--quiet", &other.to_string_lossy(), "HEAD"]);
    assert_eq!(read(&other).commit, read(&root).commit);
    assert!(Checkout::read(&base).unwrap().is_none());
    git(&base, &["init", "--quiet", "empty"]);
    assert!(Checkout::read(&base.join("empty")).unwrap().is_none(), "nothing is committed yet");
}
