//! `cargo xtask ci`: every check, in the order in which they cost time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use tidegate_testkit::fuzz::{FUZZ_SECS, SEEDS};
use tidegate_testkit::{Tools, repo_root, solc_wrapper, vyper};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;
use crate::{mutants, tidy, tools};

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What every change is checked by.
    Quick,
    /// Also what is slow: the contracts' tests on the committed bytes, the linter's, the tests of
    /// the compilers, protocols that take a compiler long, fuzzing with new values, and a tenth of
    /// the mutants.
    Full,
}

/// Runs the checks; ends with the first that fails.
#[expect(clippy::disallowed_methods, reason = "how long a step takes")]
pub(crate) fn run(scope: Scope) -> XtaskResult {
    let root = repo_root();
    let started = Instant::now();
    step("set-up", || set_up(&root))?;
    let tools = Tools::locate(&root)?;
    let cargo = |args: &[&str]| call(Path::new("cargo"), args, &root, &[]);
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("tidy", tidy::run)?;
    step("dependencies", || tools::dependencies(&root, scope == Scope::Full))?;
    step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    })?;
    step("contracts", || contracts(&tools, scope))?;
    step("helper contract", || {
        call(&tools.node, &["contracts/helper/build.mjs", "--check"], &root, &[])
    })?;
    step("tests", || tests(&root))?;
    if scope == Scope::Full {
        step("compilers", || {
            let tests = ["test", "--package", "tidegate-compile", "--test", "it"];
            cargo(&[&tests[..], &["--", "--ignored"]].concat())
        })?;
        step("fuzz", || fuzz(&root))?;
        step("simulation", || simulation(&root))?;
        step("mutants", mutants::tenth)?;
        step("large protocols", || {
            let tests = ["test", "--package", "tidegate-tests", "--test", "e2e"];
            cargo(&[&tests[..], &["--", "--ignored"]].concat())
        })?;
    }
    say(format!("\nAll checks passed in {} s.", started.elapsed().as_secs()));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a step takes")]
fn step(name: &'static str, check: impl FnOnce() -> XtaskResult) -> XtaskResult {
    say(format!("\n== {name}"));
    let started = Instant::now();
    let outcome = check();
    let secs = started.elapsed().as_secs_f32();
    match &outcome {
        Ok(()) => say(format!("== {name}: {secs:.1} s")),
        Err(_) => say(format!("== {name}: FAILED after {secs:.1} s")),
    }
    outcome.map_err(|error| match error {
        XtaskError::Check(_) => XtaskError::Check(name),
        other => other,
    })
}

/// Runs a program in the repository.
fn call(program: &Path, args: &[&str], root: &Path, variables: &[(&str, &str)]) -> XtaskResult {
    let mut command = Command::new(program);
    tools::done(command.args(args).current_dir(root).envs(variables.iter().copied()))
}

/// Installs what the tests run against, if that is not what the lock file says.
fn set_up(root: &Path) -> XtaskResult {
    let tests = root.join("tests");
    let read = |name: &str| {
        let text = std::fs::read_to_string(tests.join(name)).unwrap_or_default();
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let wanted = read("package-lock.json");
    if !is_installed(&wanted, &read("node_modules/.package-lock.json")) {
        let args = ["ci", "--no-audit", "--no-fund", "--prefix", "tests"];
        call(Path::new("npm"), &args, root, &[])?;
    }
    if let Err(error) = vyper(root) {
        say(format!("tests of contracts in Vyper are left out: failed to {error}"));
    }
    Ok(())
}

/// Whether npm's note of what it installed is what the lock file asks for. Packages for other
/// platforms are optional and not there.
fn is_installed(lock: &Value, installed: &Value) -> bool {
    let packages = |document: &Value| document["packages"].as_object().cloned();
    let (Some(wanted), Some(installed)) = (packages(lock), packages(installed)) else {
        return false;
    };
    let same =
        |a: &Value, b: &Value| a["version"] == b["version"] && a["integrity"] == b["integrity"];
    let mut named = wanted.iter().filter(|(path, _)| !path.is_empty());
    named.all(|(path, package)| match installed.get(path) {
        Some(there) => same(package, there),
        None => package["optional"] == true,
    })
}

fn contracts(tools: &Tools, scope: Scope) -> XtaskResult {
    let solc = solc_wrapper(tools)?;
    let solc = solc.to_string_lossy();
    let forge = |args: &[&str], variables: &[(&str, &str)]| {
        call(&tools.forge, args, &tools.root, variables)
    };
    forge(&["fmt", "--check"], &[])?;
    forge(&["test", "--offline", "--use", &solc], &[])?;
    if scope == Scope::Full {
        let committed = ["test", "--offline", "--use", &solc, "--match-contract", "TidegateTest"];
        forge(&committed, &[("COMMITTED", "true")])?;
        forge(&["lint", "--offline"], &[("FOUNDRY_SOLC", &solc)])?;
    }
    Ok(())
}

/// One process a test binary: the end-to-end cases share a world of chains.
fn tests(root: &Path) -> XtaskResult {
    let variables = [("INSTA_UPDATE", "no"), ("INSTA_FORCE_PASS", "0")];
    call(&PathBuf::from("cargo"), &["test", "--workspace", "--no-fail-fast"], root, &variables)
}

/// Each fuzz target for a while. A check of a change runs them with the other tests, for a second.
fn fuzz(root: &Path) -> XtaskResult {
    const TARGET_SECS: &str = "60";
    let cargo = |args: &[&str]| call(Path::new("cargo"), args, root, &[(FUZZ_SECS, TARGET_SECS)]);
    cargo(&["test", "-p", "tidegate-compile", "--lib", "--", "fuzz::"])?;
    cargo(&["test", "-p", "tidegate-plan", "-p", "tidegate-gates", "--test", "fuzz"])
}

/// Deployments under faults, by many more seeds than a check of a change tries.
fn simulation(root: &Path) -> XtaskResult {
    const COUNT: &str = "500";
    let args = ["test", "-p", "tidegate-engine", "--lib", "--", "simulation::"];
    call(Path::new("cargo"), &args, root, &[(SEEDS, COUNT)])
}

/// The crash matrix in full, each suite with its line, and the simulation.
pub(crate) fn crash_matrix() -> XtaskResult {
    let root = repo_root();
    let cargo = |args: &[&str]| call(Path::new("cargo"), args, &root, &[]);
    cargo(&["build", "--workspace", "--bin", "tidegate"])?;
    let tests = ["test", "--package", "tidegate-tests", "--test", "e2e", "--", "matrix::"];
    cargo(&[&tests[..], &["--include-ignored"]].concat())?;
    simulation(&root)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_lock_file_says_counts_as_installed() {
        let package = |version: &str| json!({"version": version, "integrity": version});
        let lock = json!({"packages": {
            "": {"name": "x"},
            "node_modules/a": package("1"),
            "node_modules/b": {"version": "2", "integrity": "2", "optional": true},
        }});
        let installed = |packages: Value| json!({"packages": packages});
        for (packages, expected) in [
            (json!({"node_modules/a": package("1")}), true),
            (json!({"node_modules/a": package("1"), "node_modules/b": package("2")}), true),
            (json!({"node_modules/a": package("1"), "node_modules/b": package("3")}), false),
            (json!({"node_modules/a": package("2")}), false),
            (json!({}), false),
        ] {
            assert_eq!(is_installed(&lock, &installed(packages.clone())), expected, "{packages}");
        }
        assert!(!is_installed(&lock, &Value::Null));
        assert!(!is_installed(&Value::Null, &installed(json!({}))));
    }
}
