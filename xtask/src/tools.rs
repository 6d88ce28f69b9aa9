//! Programs that some checks run, and that no lock file has. Each is built once, in one version,
//! below `target/tools/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

/// Says which dependencies are used nowhere.
pub(crate) const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };
/// Says which dependencies are not as `deny.toml` has them.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Puts faults into code. Another version makes other mutants.
pub(crate) const MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0" };

/// Where `cargo-deny fetch db` keeps known vulnerabilities; `deny.toml` names it too.
const ADVISORIES: &str = "target/tools/advisories";

/// A program of other people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    /// The program, if it was built in this version.
    pub(crate) fn find(self, root: &Path) -> Option<PathBuf> {
        Some(self.folder(root).join("bin").join(self.name)).filter(|path| path.is_file())
    }

    /// The program, which is built now if it was not.
    pub(crate) fn built(self, root: &Path) -> XtaskResult<PathBuf> {
        if let Some(path) = self.find(root) {
            return Ok(path);
        }
        let mut install = Command::new("cargo");
        install.args(["install", self.name, "--version", self.version, "--locked", "--force"]);
        done(install.arg("--root").arg(self.folder(root)))?;
        self.find(root).ok_or(XtaskError::Check("the installation of a program"))
    }

    fn folder(self, root: &Path) -> PathBuf {
        root.join("target/tools").join(format!("{}-{}", self.name, self.version))
    }
}

/// What this project depends on: nothing for no use, and nothing that `deny.toml` forbids. What
/// cannot be checked is said; `build` builds the programs that are not there.
pub(crate) fn dependencies(root: &Path, build: bool) -> XtaskResult {
    let find = |tool: Tool| if build { tool.built(root).map(Some) } else { Ok(tool.find(root)) };
    let skipped = |what: &str, how: &str| say(format!("skipped: {what}; {how}"));
    match find(MACHETE)? {
        Some(machete) => done(Command::new(machete).arg(".").current_dir(root))?,
        None => skipped("dependencies for no use", "`./scripts/test --full` builds cargo-machete"),
    }
    let Some(deny) = find(DENY)? else {
        skipped("licences, bans and sources", "`./scripts/test --full` builds cargo-deny");
        return Ok(());
    };
    let check = |more: &[&str]| {
        let mut check = Command::new(&deny);
        done(check.args(["--workspace", "--locked"]).args(more).current_dir(root))
    };
    check(&["check", "bans", "licenses", "sources"])?;
    if has_advisories(&root.join(ADVISORIES)) {
        return check(&["--offline", "check", "advisories"]);
    }
    let fetch = format!("`{} fetch db` brings their database", deny.display());
    skipped("known vulnerabilities", &fetch);
    Ok(())
}

/// Whether a database was fetched; the lock beside it alone is none.
fn has_advisories(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.is_dir())
}

/// Runs a program, its output on ours. An exit code other than 0 fails.
pub(crate) fn done(command: &mut Command) -> XtaskResult {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|source| not_run(command, source))?;
    if status.success() { Ok(()) } else { Err(XtaskError::Check("it")) }
}

/// The error of a program that could not be started.
pub(crate) fn not_run(command: &Command, source: std::io::Error) -> XtaskError {
    let program = command.get_program().to_string_lossy().into_owned();
    XtaskError::Run { program, source }
}

#[cfg(test)]
mod tests {
    use tidegate_testkit::repo_root;

    use super::*;

    #[test]
    fn a_program_of_another_version_is_not_taken() {
        let root = tempfile::tempdir().unwrap();
        let bin = DENY.folder(root.path()).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        assert_eq!(DENY.find(root.path()), None);
        std::fs::File::create(bin.join("cargo-deny")).unwrap();
        assert!(DENY.find(root.path()).is_some());
        assert_eq!(Tool { version: "0.0.1", ..DENY }.find(root.path()), None);
        assert_eq!(MACHETE.find(root.path()), None);
    }

    #[test]
    fn vulnerabilities_are_looked_up_where_they_are_kept() {
        let deny = std::fs::read_to_string(repo_root().join("deny.toml")).unwrap();
        let deny: toml::Table = deny.parse().unwrap();
        assert_eq!(deny["advisories"]["db-path"].as_str(), Some(ADVISORIES));
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("db.lock")).unwrap();
        assert!(!has_advisories(folder.path()) && !has_advisories(&folder.path().join("none")));
        std::fs::create_dir(folder.path().join("advisory-db")).unwrap();
        assert!(has_advisories(folder.path()));
    }
}
