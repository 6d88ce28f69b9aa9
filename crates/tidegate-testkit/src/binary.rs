//! The `tidegate` binary that tests and the demo run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::{TestkitError, Tools};

/// What the binary is made from, below the repository's root.
const SOURCES: [&str; 3] = ["crates", "contracts/helper", "Cargo.lock"];
const DEPTH_MAX: usize = 16;

/// The `tidegate` binary beside the running program, built from the sources as they are.
#[derive(Debug, Clone)]
pub struct Binary {
    path: PathBuf,
}

impl Binary {
    /// The binary in the target folder of the running program. Where a source is newer, cargo
    /// builds it first, so that no test speaks of an old one.
    ///
    /// # Errors
    /// If it cannot be built.
    pub fn here(tools: &Tools) -> Result<Self, TestkitError> {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        if let Some(path) = BUILT.get() {
            return Ok(Self { path: path.clone() });
        }
        let path = beside_this_program()?;
        if !is_current(&path, &tools.root) {
            build(&tools.root)?;
        }
        if !path.is_file() {
            return Err(TestkitError::Missing { what: "tidegate".to_owned(), path });
        }
        Ok(Self { path: BUILT.get_or_init(|| path).clone() })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Tests run from `target/<profile>/deps`, other programs from `target/<profile>`.
fn beside_this_program() -> Result<PathBuf, TestkitError> {
    let run = |source| TestkitError::Run { program: "tidegate".to_owned(), source };
    let program = std::env::current_exe().map_err(run)?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.join(format!("tidegate{}", std::env::consts::EXE_SUFFIX)))
}

fn is_current(binary: &Path, root: &Path) -> bool {
    let built = binary.metadata().and_then(|meta| meta.modified());
    built.is_ok_and(|built| !SOURCES.iter().any(|s| newer(&root.join(s), built, DEPTH_MAX)))
}

fn newer(path: &Path, than: SystemTime, depth: usize) -> bool {
    let Ok(meta) = path.metadata() else { return false };
    if !meta.is_dir() {
        return meta.modified().is_ok_and(|modified| modified > than);
    }
    let Ok(entries) = path.read_dir() else { return false };
    depth > 0 && entries.flatten().any(|entry| newer(&entry.path(), than, depth - 1))
}

/// The whole workspace's features are those that its tests are built with, so nothing that is
/// built for them is built again.
fn build(root: &Path) -> Result<(), TestkitError> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["build", "--quiet", "--workspace", "--bin", "tidegate"]);
    let run = |source| TestkitError::Run { program: "cargo".to_owned(), source };
    let done = cargo.output().map_err(run)?;
    if done.status.success() {
        return Ok(());
    }
    Err(TestkitError::Ended {
        program: "cargo".to_owned(),
        status: done.status.to_string(),
        output: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}
