use std::path::Path;

use super::Home;
use super::checkout::{committed, git};
use crate::history::{History, first_commit_with};
use crate::write_atomic;

fn below(folder: &Path) -> History {
    History::below(folder, |name| name.ends_with(".json").then_some(16)).unwrap()
}

fn gone(history: &History) -> Vec<(&str, Vec<&str>)> {
    let text = |bytes: &Vec<u8>| std::str::from_utf8(bytes).unwrap().to_owned();
    let all = history.gone.iter();
    all.map(|(path, all)| {
        let all = all.iter().map(|bytes| &*Box::leak(text(bytes).into_boxed_str())).collect();
        (path.as_str(), all)
    })
    .collect()
}

fn commit(root: &Path, message: &str) {
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", message]);
}

#[test]
fn what_commits_had_and_the_folder_has_not_is_found_in_every_clone() {
    let home = Home::new();
    let base = home.dir.path().canonicalize().unwrap();
    let root = base.join("repo");
    let files = [
        ("sub/d/s/a.json", "a"),
        ("sub/d/s/b.json", "b"),
        ("sub/d/n/b.json", "b"),
        ("sub/d/s/large.json", "more than 16 bytes"),
        ("sub/d/s/x.txt", "x"),
        ("other/d/s/c.json", "c"),
    ];
    committed(&root, &files);
    let folder = root.join("sub/d");
    assert_eq!(below(&folder), History::default());

    // Not committed, committed, on a branch that was merged, altered, and altered back.
    std::fs::remove_file(folder.join("s/a.json")).unwrap();
    assert_eq!(gone(&below(&folder)), [("s/a.json", vec!["a"])]);
    write_atomic(&folder.join("s/b.json"), b"2").unwrap();
    std::fs::remove_file(folder.join("s/large.json")).unwrap();
    std::fs::remove_file(folder.join("s/x.txt")).unwrap();
    commit(&root, "two");
    git(&root, &["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    write_atomic(&folder.join("s/side.json"), b"side").unwrap();
    commit(&root, "side");
    std::fs::remove_file(folder.join("s/side.json")).unwrap();
    commit(&root, "not");
    git(&root, &["checkout", "--quiet", "main"]);
    assert_eq!(gone(&below(&folder)), [("s/a.json", vec!["a"]), ("s/b.json", vec!["b"])]);
    git(&root, &["merge", "--quiet", "--message", "both", "side"]);
    let found = below(&folder);
    let expected =
        [("s/a.json", vec!["a"]), ("s/b.json", vec!["b"]), ("s/side.json", vec!["side"])];
    assert_eq!((gone(&found), found.is_cut), (expected.to_vec(), false));

    // The same in a clone, packed, and where the whole folder is gone.
    let (from, to) = (root.display().to_string(), base.join("clone"));
    git(&base, &["clone", "--quiet", &from, "clone"]);
    git(&to, &["gc", "--quiet"]);
    assert_eq!(below(&to.join("sub/d")), found);
    std::fs::remove_dir_all(to.join("sub")).unwrap();
    let all = below(&to.join("sub/d"));
    assert_eq!(
        all.gone.keys().collect::<Vec<_>>(),
        ["n/b.json", "s/a.json", "s/b.json", "s/side.json"]
    );

    // A clone without the older commits says so.
    git(&base, &["clone", "--quiet", "--depth", "1", &format!("file://{from}"), "shallow"]);
    let shallow = below(&base.join("shallow/sub/d"));
    assert_eq!((gone(&shallow), shallow.is_cut), (vec![], true));
}

#[test]
fn a_file_is_first_in_one_commit() {
    let home = Home::new();
    let root = &home.dir.path().canonicalize().unwrap().join("repo");
    committed(root, &[("a", "a")]);
    assert_eq!(first_commit_with(&root.join("d/x")).unwrap(), None);
    let mut commits = Vec::new();
    for text in ["1", "2"] {
        write_atomic(&root.join("d/x"), text.as_bytes()).unwrap();
        commit(root, text);
        commits.push(git(root, &["rev-parse", "HEAD"]));
    }
    assert_eq!(first_commit_with(&root.join("d/x")).unwrap().as_ref(), commits.first());
    write_atomic(&root.join("d/y"), b"y").unwrap();
    assert_eq!(first_commit_with(&root.join("d/y")).unwrap(), None, "it is not committed");
    assert_eq!(first_commit_with(&home.dir.path().join("z")).unwrap(), None);
}

#[test]
fn without_a_repository_or_a_commit_nothing_is_gone() {
    let home = Home::new();
    let base = home.dir.path().canonicalize().unwrap();
    assert_eq!(below(&base.join("deployments")), History::default());
    git(&base, &["init", "--quiet"]);
    assert_eq!(below(&base.join("deployments")), History::default());
}
