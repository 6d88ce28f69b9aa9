//! `cargo xtask tidy`: the rules of this repository that no other tool checks.

mod circles;
mod dependencies;
mod docs;
mod exports;
mod floors;
mod items;
mod module;
mod modules;
mod names;
mod pure;
mod signatures;
mod tokens;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tidegate_testkit::repo_root;

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;
use crate::tidy::modules::{Modules, Sources};

const LINE_COLUMNS_MAX: usize = 100;
/// A word this long, such as a URL or a hexadecimal constant, may make its line too long.
const WORD_COLUMNS_MIN: usize = 60;
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
const SCRIPT_LINES_MAX: usize = 5;
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What no Rust file says, and why. Written in pieces, so that this file does not say it either.
const BANNED_IN_RUST: [(&str, &str); 4] = [
    (concat!("#[", "ignore]"), "a test runs, is removed, or says why only --full runs it"),
    (concat!("#[", "allow("), "say #[expect(lint, reason)] instead"),
    (concat!("#![", "allow("), "say #![expect(lint, reason)] instead"),
    (concat!("todo", "!("), "what is not built is an error that says so"),
];

/// Paths of one machine; those of Kim, who is in the examples, are nobody's.
const BANNED_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

const EXAMPLE_HOME: &str = concat!("/ho", "me/kim/");

/// Where packages came from, in a lock file.
const BANNED_IN_LOCKS: &str = concat!("\"resol", "ved\": \"http");

/// One thing to put right: a file, a line counted from 1 (0: the whole file), and what is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    path: String,
    line: usize,
    what: String,
}

/// Checks every file that git knows or would add, and prints what is wrong.
pub(crate) fn run() -> XtaskResult {
    let root = repo_root();
    let mut complaints = Vec::new();
    let paths = files(&root)?;
    let (mut sources, mut manifests) = (Sources::new(), Sources::new());
    for path in &paths {
        let file = root.join(path);
        if file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= FILE_BYTES_MAX)
            && let Ok(text) = std::fs::read_to_string(&file)
        {
            check_file(path, &text, &mut complaints);
            if path.ends_with(".rs") {
                sources.insert(path.clone(), text);
            } else if path.ends_with("Cargo.toml") {
                manifests.insert(path.clone(), text);
            }
        }
    }
    check_manifests(&manifests, &mut complaints);
    let largest = check_crates(&sources, &mut complaints);
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    check_architecture(&crates(&paths), &architecture, &mut complaints);
    for Complaint { path, line, what } in &complaints {
        say(format!("{path}:{line}: {what}"));
    }
    for (name, floors) in floors::CRATES {
        say(format!("floors {} {}", name.trim_start_matches("tidegate-"), floors.len()));
    }
    say(format!("circles max {largest}"));
    if complaints.is_empty() { Ok(()) } else { Err(XtaskError::Untidy(complaints.len())) }
}

fn files(root: &Path) -> XtaskResult<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let run = |source| XtaskError::Run { program: "git".to_owned(), source };
    let done = git.output().map_err(run)?;
    if !done.status.success() {
        return Err(XtaskError::Check("git ls-files"));
    }
    let listed = String::from_utf8_lossy(&done.stdout).into_owned();
    let paths: BTreeSet<_> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    Ok(paths.into_iter().map(str::to_owned).collect())
}

/// What others may use of a library and is not documented, each with its file.
fn undocumented(root: &str, sources: &Sources) -> Vec<(String, String)> {
    let folder = root.trim_end_matches("lib.rs");
    let is_tried = |path: &str| path.contains("/tests/") || path.ends_with("/tests.rs");
    let own = sources.iter().filter(|(path, _)| path.starts_with(folder) && !is_tried(path));
    let missing = own.flat_map(|(path, text)| {
        let names = docs::undocumented(text).unwrap_or_default().into_iter();
        names.map(|name| (path.clone(), format!("`{name}` is public and has no documentation")))
    });
    missing.collect()
}

/// Checks how the files of each crate hang together and what it shows, and gives the number of
/// files of the largest circle of imports.
fn check_crates(sources: &Sources, complaints: &mut Vec<Complaint>) -> usize {
    let is_root = |path: &&String| {
        let is_crate = path.starts_with("crates/") || path.starts_with("xtask/");
        is_crate && (path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs"))
    };
    let mut largest = 0;
    let said = exports::said(sources);
    for root in sources.keys().filter(is_root) {
        let modules = match Modules::read(root, sources) {
            Ok(modules) => modules,
            Err((path, error)) => {
                complaints.push(Complaint { path, line: 0, what: error.to_string() });
                continue;
            }
        };
        let (files, mut found) = circles::check(&circles::imports(&modules));
        largest = largest.max(files);
        for module in modules.all.values() {
            found.extend(module.hides.iter().map(|what| (module.file.clone(), what.clone())));
        }
        let name = root.trim_start_matches("crates/").split('/').next().unwrap_or_default();
        if let Some((_, floors)) = floors::CRATES.iter().find(|(of, _)| *of == name) {
            found.extend(floors::check(&modules, floors));
        }
        if pure::CRATES.contains(&name) {
            found.extend(pure::check(&modules));
        }
        if root.ends_with("/lib.rs") {
            found.extend(undocumented(root, sources));
            let unused = exports::unused(root, &modules, &said).into_iter();
            found.extend(unused.map(|(path, name)| {
                (path, format!("`{name}` is public, and nothing outside the crate names it"))
            }));
        }
        let complaint = |(path, what)| Complaint { path, line: 0, what };
        complaints.extend(found.into_iter().map(complaint));
    }
    largest
}

/// Checks what the crates depend on.
fn check_manifests(manifests: &Sources, complaints: &mut Vec<Complaint>) {
    let workspace = manifests.get("Cargo.toml").map_or("", String::as_str);
    for (path, text) in manifests {
        let found = dependencies::check(text, workspace);
        let found = found.unwrap_or_else(|error| vec![error.to_string()]);
        let complaint = |what| Complaint { path: path.clone(), line: 0, what };
        complaints.extend(found.into_iter().map(complaint));
    }
}

/// The names of the workspace's crates, which are those of their folders.
fn crates(paths: &[String]) -> BTreeSet<String> {
    let manifests = paths.iter().filter_map(|path| path.strip_suffix("/Cargo.toml"));
    let name = |folder: &str| match folder {
        "tests" => "tidegate-tests".to_owned(),
        "tests/app" => "tidegate-app-tests".to_owned(),
        other => other.trim_start_matches("crates/").to_owned(),
    };
    manifests.map(name).collect()
}

fn check_architecture(crates: &BTreeSet<String>, text: &str, complaints: &mut Vec<Complaint>) {
    for name in crates.iter().filter(|name| !text.contains(&format!("`{name}`"))) {
        complaints.push(Complaint {
            path: "ARCHITECTURE.md".to_owned(),
            line: 0,
            what: format!("the crate `{name}` is not in the code map"),
        });
    }
}

fn check_file(path: &str, text: &str, complaints: &mut Vec<Complaint>) {
    let mut complain = |line: usize, what: String| {
        complaints.push(Complaint { path: path.to_owned(), line, what });
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_lock = name.ends_with("-lock.json") || name.ends_with(".lock");
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.replace(EXAMPLE_HOME, "");
        if let Some(banned) = BANNED_PATHS.iter().find(|banned| line.contains(*banned)) {
            complain(number, format!("`{banned}` is a path of one machine"));
        }
        if is_lock && line.contains(BANNED_IN_LOCKS) {
            complain(number, "a lock file does not say where packages come from".to_owned());
        }
    }
    let is_script = text.starts_with("#!") && text.lines().next().is_some_and(is_shell);
    if (is_script || name.ends_with(".sh")) && text.lines().count() > SCRIPT_LINES_MAX {
        let what = format!("a shell script has at most {SCRIPT_LINES_MAX} lines; write an xtask");
        complain(0, what);
    }
    if name.ends_with(".rs") {
        check_rust(path, text, &mut complain);
    }
}

fn is_shell(first_line: &str) -> bool {
    let interpreter = first_line.rsplit(['/', ' ']).next().unwrap_or_default();
    ["sh", "bash", "dash", "zsh"].contains(&interpreter)
}

fn check_rust(path: &str, text: &str, complain: &mut impl FnMut(usize, String)) {
    for (number, line) in (1..).zip(text.lines()) {
        let columns = line.chars().count();
        if columns > LINE_COLUMNS_MAX && !has_long_word(line) {
            complain(number, format!("{columns} columns, at most {LINE_COLUMNS_MAX}"));
        }
        for (banned, why) in BANNED_IN_RUST {
            if line.contains(banned) {
                complain(number, format!("`{banned}`: {why}"));
            }
        }
    }
    for (number, lines) in long_functions(text) {
        complain(number, format!("a function of {lines} lines, at most {FUNCTION_LINES_MAX}"));
    }
    let lines = lines_without_tests(text);
    if !is_test(path) && lines > FILE_LINES_MAX {
        complain(0, format!("{lines} lines, at most {FILE_LINES_MAX}"));
    }
}

fn has_long_word(line: &str) -> bool {
    line.split_whitespace().any(|word| word.chars().count() >= WORD_COLUMNS_MIN)
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Lines before the unit tests, which stand last.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

/// Where a function that is too long begins, and its lines. The text is as rustfmt leaves it: a
/// body ends with the first brace in the column of its `fn`.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let mut long = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !begins_function(line) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let close = format!("{indent}}}");
        let rest = &lines[index..];
        let body = rest.iter().position(|line| line.ends_with('{') || line.ends_with('}'));
        let declared = rest.iter().position(|line| line.ends_with(';'));
        let has_body = body.is_some_and(|body| declared.is_none_or(|declared| body < declared));
        let end = rest.iter().position(|line| *line == close);
        if let Some(end) = end.filter(|_| has_body && !line.ends_with('}')) {
            let count = end + 1;
            if count > FUNCTION_LINES_MAX {
                long.push((index + 1, count));
            }
        }
    }
    long
}

fn begins_function(line: &str) -> bool {
    const MODIFIERS: [&str; 9] = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "pub(self)",
        "const",
        "async",
        "unsafe",
        "extern",
        "\"C\"",
    ];
    let mut words = line.split_whitespace().skip_while(|word| MODIFIERS.contains(word));
    words.next() == Some("fn") && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
        let mut complaints = Vec::new();
        check_file(path, text, &mut complaints);
        let found: Vec<_> = complaints.iter().map(|c| (c.line, c.what.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((line, what), (expected_line, part)) in found.iter().zip(expected) {
            assert_eq!(line, expected_line, "{what}");
            assert!(what.contains(part), "{what}");
        }
    }

    #[test]
    fn lines_are_at_most_100_columns() {
        let fits = "é ".repeat(50);
        check("a.rs", &fits, &[]);
        check("a.rs", &format!("{fits}\n{fits}x"), &[(2, "101 columns")]);
        check("a.md", &format!("{fits}x"), &[]);
        check("a.rs", &format!("    let x = \"{}\";", "0".repeat(100)), &[]);
    }

    #[test]
    fn words_and_paths_are_banned_where_they_mislead() {
        check("a.rs", concat!("fn a() {}\n#[", "ignore]\n"), &[(2, "a test runs")]);
        check("a.rs", concat!("#[", "allow(dead_code)]"), &[(1, "expect")]);
        check("a.rs", concat!("todo", "!()"), &[(1, "an error that says so")]);
        check("a.md", concat!("todo", "!() in prose"), &[]);
        check("a.md", concat!("see /ho", "me/somebody"), &[(1, "one machine")]);
        check("a.md", concat!("see /ho", "me/kim/vault"), &[]);
        let resolved = concat!("\"resol", "ved\": \"https://x\"");
        check("t/package-lock.json", resolved, &[(1, "lock file")]);
        check("t/other.json", resolved, &[]);
    }

    #[test]
    fn scripts_are_short() {
        let long = "x\n".repeat(SCRIPT_LINES_MAX);
        check("scripts/a", &format!("#!/usr/bin/env bash\n{long}"), &[(0, "write an xtask")]);
        check("a.sh", &format!("{long}x\n"), &[(0, "write an xtask")]);
        check("scripts/a", "#!/bin/sh\nexec x\n", &[]);
        check("a.mjs", &format!("#!/usr/bin/env node\n{long}"), &[]);
    }

    #[test]
    fn functions_are_short() {
        let function = |lines: usize, open: &str| {
            let body = "        x;\n".repeat(lines - 2);
            format!("impl A {{\n    {open}\n{body}    }}\n\n    fn b();\n}}\n")
        };
        for open in ["fn a() {", "pub(crate) async fn a() {", "const fn a() -> [u8; 2] {"] {
            check("a.rs", &function(70, open), &[]);
            check("a.rs", &function(71, open), &[(2, "71 lines")]);
        }
        let declared =
            format!("trait A {{\n    fn a();\n{}    }}\n}}\n", "        x;\n".repeat(99));
        check("a.rs", &declared, &[]);
        let one_line = format!("fn a() {{}}\n{}}}\n", "x;\n".repeat(99));
        check("a.rs", &one_line, &[]);
    }

    #[test]
    fn files_are_short_but_for_their_tests() {
        let long = "x;\n".repeat(FILE_LINES_MAX + 1);
        let fits = "x;\n".repeat(FILE_LINES_MAX);
        check("crates/a/src/a.rs", &long, &[(0, "601 lines")]);
        check("crates/a/tests/a.rs", &long, &[]);
        check("crates/a/src/tests.rs", &long, &[]);
        check("crates/a/src/a.rs", &format!("{fits}#[cfg(test)]\nmod tests {{\n{long}}}\n"), &[]);
    }

    #[test]
    fn nothing_hides_what_a_module_imports() {
        let found = |lib: &str| {
            let texts = [("lib", lib), ("a", ""), ("prelude", "")];
            let file =
                |(name, text): (&str, &str)| (format!("crates/x/src/{name}.rs"), text.into());
            let mut complaints = Vec::new();
            check_crates(&texts.map(file).into(), &mut complaints);
            complaints.len()
        };
        for hidden in [
            "#[path = \"a.rs\"]\nmod prelude;",
            "#[cfg_attr(unix, path = \"a.rs\")]\nmod a;",
            "mod b;",
            "mod a;\nuse a::*;",
            "mod a;\npub(crate) use self::a::*;",
            "fn f() { use std::collections::*; }",
            "fn f() { mod inner { } }",
            "extern crate self as x;",
            "include!(\"a.rs\");",
            "fn f() { std::include!(\"a.rs\") }",
        ] {
            assert!(found(hidden) > 0, "{hidden}");
        }
        for plain in [
            "mod a;\nuse a::b;",
            "mod prelude;\nuse prelude::*;",
            "#[cfg(test)]\nmod tests { use super::*; }",
            "#[cfg(test)]\nextern crate self as x;",
            "const A: &str = include_str!(\"a.rs\");",
        ] {
            assert_eq!(found(plain), 0, "{plain}");
        }
    }

    #[test]
    fn every_crate_is_in_the_code_map() {
        let paths = ["crates/a-b/Cargo.toml", "tests/Cargo.toml", "xtask/Cargo.toml", "Cargo.toml"];
        let crates = crates(&paths.map(str::to_owned));
        let mut complaints = Vec::new();
        check_architecture(&crates, "`a-b`, `tidegate-tests` and xtask", &mut complaints);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].what.contains("`xtask`"));
    }
}
