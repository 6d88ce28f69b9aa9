//! The pinned Vyper compiler, for tests of contracts in Vyper.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::output;
use crate::{TestkitError, files};

/// The pinned versions.
const REQUIREMENTS: &str = "tests/requirements.txt";
/// Where they are installed, with a copy of that file once they all are.
const FOLDER: &str = "target/vyper";

/// The `vyper` that tests use, in a Python environment of its own below `target/`; installed there
/// if it is missing or of other versions.
///
/// # Errors
/// If Python or its `pip` is not there or fails. Tests that need it are left out then, and say so.
pub fn vyper(root: &Path) -> Result<PathBuf, TestkitError> {
    let folder = root.join(FOLDER);
    let (programs, suffix) = if cfg!(windows) { ("Scripts", ".exe") } else { ("bin", "") };
    let program = |name: &str| folder.join(programs).join(format!("{name}{suffix}"));
    let requirements = root.join(REQUIREMENTS);
    let wanted = files::read_text(&requirements)?;
    let installed = folder.join("requirements.txt");
    let is_installed = || files::read_text(&installed).is_ok_and(|present| present == wanted);
    if is_installed() {
        return Ok(program("vyper"));
    }
    // Test processes start side by side: one of them installs.
    let read = |source| TestkitError::Read { path: requirements.clone(), source };
    let held = File::open(&requirements).map_err(read)?;
    held.lock().map_err(read)?;
    if !is_installed() {
        let mut python = Command::new(if cfg!(windows) { "python" } else { "python3" });
        output(python.args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        output(pip.arg("-r").arg(&requirements))?;
        files::write(&installed, wanted.as_bytes())?;
    }
    Ok(program("vyper"))
}
