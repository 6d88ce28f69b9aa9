//! `cargo xtask mutants`: faults put into the crates that decide, one at a time. A fault that the
//! unit tests of its own crate let through has survived.
//!
//! Faults are put into a copy below `target/`, so that a run that is broken off leaves none behind.

use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tidegate_testkit::repo_root;

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;
use crate::tools::{MUTANTS, done, not_run};

/// Their code decides, and their tests need neither chain nor process: each crate, and of it the
/// files that are tried.
const TRIED: [(&str, &str); 6] = [
    ("gates", "**"),
    ("safe", "**"),
    ("engine", "**"),
    ("ledger", "**"),
    ("plan", "**"),
    ("app", "recheck/**"),
];

/// Of so many mutants in a hundred at least.
const CAUGHT_PERCENT_MIN: usize = 90;

/// Here none may survive: what they decide nobody looks at again.
const NONE_SURVIVES: [&str; 5] = [
    "crates/tidegate-gates/src/code.rs",
    "crates/tidegate-gates/src/audits/",
    "crates/tidegate-ledger/src/reconcile.rs",
    "crates/tidegate-safe/src/batch.rs",
    "crates/tidegate-safe/src/tx.rs",
];

/// How many parts a whole run has, of which a full check takes one at random.
const PARTS: u64 = 10;

/// What a run came to: the name of each mutant, as `file:line:column: what`.
#[derive(Debug, Default)]
struct Outcome {
    caught: usize,
    survived: Vec<String>,
}

/// Runs one of ten parts, another one each time.
pub(crate) fn tenth() -> XtaskResult {
    let part = std::hash::RandomState::new().build_hasher().finish() % PARTS;
    run(Some(&format!("{part}/{PARTS}")))
}

/// Runs a part, such as `3/10`, or all, and fails if too few are caught. Uncommitted changes are
/// not looked at.
pub(crate) fn run(part: Option<&str>) -> XtaskResult {
    let root = repo_root();
    let folder = root.join("target/mutants");
    let tool = MUTANTS.built(&root)?;
    let tree = tree(&root, &folder)?;
    let mut mutants = Command::new(tool);
    mutants.args(["mutants", "--in-place", "--colors", "never", "--cargo-test-arg=--lib"]);
    mutants.args(["--sharding", "round-robin"]).arg("--output").arg(&folder);
    for (name, files) in TRIED {
        mutants.arg("--package").arg(format!("tidegate-{name}"));
        mutants.arg("--file").arg(format!("crates/tidegate-{name}/src/{files}"));
    }
    if let Some(part) = part {
        say(format!("part {part}; the same again: cargo xtask mutants {part}"));
        mutants.args(["--shard", part]);
    }
    mutants.current_dir(tree).env("CARGO_TARGET_DIR", folder.join("target"));
    mutants.env("CARGO_INCREMENTAL", "1").stdin(Stdio::null());
    let status = mutants.status();
    let status = status.map_err(|source| not_run(&mutants, source))?;
    // 2: some survived, 3: some never ended, which the tests notice.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(XtaskError::Check("cargo-mutants"));
    }
    judge(&outcome(&folder.join("mutants.out"))?)
}

/// The last commit, checked out beside the build; only what differs is written.
fn tree(root: &Path, folder: &Path) -> XtaskResult<PathBuf> {
    let tree = folder.join("tree");
    done(Command::new("git").args(["init", "--quiet"]).arg(&tree))?;
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&tree).args(args);
        git
    };
    done(git(&["fetch", "--quiet", "--depth", "1"]).arg(root).arg("HEAD"))?;
    done(&mut git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]))?;
    Ok(tree)
}

fn outcome(folder: &Path) -> XtaskResult<Outcome> {
    let lines = |name: &str| -> XtaskResult<Vec<String>> {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|source| XtaskError::File { path, source })?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let caught = lines("caught.txt")?.len() + lines("timeout.txt")?.len();
    Ok(Outcome { caught, survived: lines("missed.txt")? })
}

fn judge(outcome: &Outcome) -> XtaskResult {
    let Outcome { caught, survived } = outcome;
    let all = caught + survived.len();
    say(format!("{caught} of {all} mutants are caught"));
    if all == 0 {
        return Err(XtaskError::Check("mutants: none was tried"));
    }
    let mut never =
        survived.iter().filter(|name| NONE_SURVIVES.iter().any(|of| name.starts_with(of)));
    if let Some(name) = never.next() {
        say(format!("none may survive here: {name}"));
        return Err(XtaskError::Check("the code that must be tested whole"));
    }
    if caught * 100 < all * CAUGHT_PERCENT_MIN {
        return Err(XtaskError::Check("the part of mutants that must be caught"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_of_ten_are_caught_and_some_code_lets_none_through() {
        let passes = |caught, survived: &[&str]| {
            let survived = survived.iter().map(ToString::to_string).collect();
            judge(&Outcome { caught, survived }).is_ok()
        };
        let other = "crates/tidegate-gates/src/go.rs:1:1: replace > with >= in gate";
        assert!(!passes(0, &[]) && passes(9, &[]) && passes(9, &[other]));
        assert!(!passes(8, &[other]) && !passes(0, &[other]));
        for whole in NONE_SURVIVES {
            assert!(!passes(999, &[other, whole]), "{whole}");
            assert!(repo_root().join(whole).exists(), "{whole}");
        }
    }
}
