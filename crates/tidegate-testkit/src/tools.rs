//! Where the pinned tools are that tests run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::TestkitError;

/// Paths of the pinned tools, all absolute and all there.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The repository.
    pub root: PathBuf,
    /// `tests/node_modules`.
    pub node_modules: PathBuf,
    /// The anvil binary.
    pub anvil: PathBuf,
    /// The forge binary.
    pub forge: PathBuf,
    /// The cast binary.
    pub cast: PathBuf,
    /// The folder of npm's `solc` package, with `soljson.js`.
    pub solc: PathBuf,
    /// The node binary.
    pub node: PathBuf,
}

/// The repository that this crate was built in.
pub fn repo_root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.ancestors().nth(2).unwrap_or(crate_dir).to_owned()
}

impl Tools {
    /// The tools of this repository.
    ///
    /// # Errors
    /// See [`Tools::locate`].
    pub fn here() -> Result<Self, TestkitError> {
        Self::locate(&repo_root())
    }

    /// The tools of the repository at `root`. Where `tests/node_modules` is missing, installs it
    /// with `npm ci`.
    ///
    /// # Errors
    /// If a tool is missing or `npm ci` fails.
    pub fn locate(root: &Path) -> Result<Self, TestkitError> {
        let tests = root.join("tests");
        let node_modules = tests.join("node_modules");
        if !node_modules.is_dir() {
            install(&tests, &node_modules)?;
        }
        let tool = |name: &str| {
            let path = foundry_binary(&node_modules, name);
            present(name, path)
        };
        Ok(Self {
            root: root.to_owned(),
            anvil: tool("anvil")?,
            forge: tool("forge")?,
            cast: tool("cast")?,
            solc: present("solc", node_modules.join("solc"))?,
            node: node()?,
            node_modules,
        })
    }
}

fn foundry_binary(node_modules: &Path, name: &str) -> PathBuf {
    let (os, suffix) = match std::env::consts::OS {
        "macos" => ("darwin", ""),
        "windows" => ("win32", ".exe"),
        other => (other, ""),
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    node_modules.join(format!("@foundry-rs/{name}-{os}-{arch}/bin/{name}{suffix}"))
}

fn present(what: &str, path: PathBuf) -> Result<PathBuf, TestkitError> {
    match path.exists() {
        true => Ok(path),
        false => Err(TestkitError::Missing { what: what.to_owned(), path }),
    }
}

/// Test processes start side by side: the lock file's own lock lets one of them install.
fn install(tests: &Path, node_modules: &Path) -> Result<(), TestkitError> {
    let lock = tests.join("package-lock.json");
    let read = |source| TestkitError::Read { path: lock.clone(), source };
    let held = File::open(&lock).map_err(read)?;
    held.lock().map_err(read)?;
    if node_modules.is_dir() {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(tests);
    output(&mut npm).map(|_| ())
}

/// `Command` searches the path for us; the program itself says where it is.
fn node() -> Result<PathBuf, TestkitError> {
    let mut node = Command::new("node");
    node.args(["-p", "process.execPath"]);
    Ok(PathBuf::from(output(&mut node)?.trim()))
}

/// Runs a program to its end; what it wrote.
pub(crate) fn output(command: &mut Command) -> Result<String, TestkitError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| TestkitError::Run { program: program.clone(), source })?;
    match done.status.success() {
        true => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        false => Err(TestkitError::Ended {
            program,
            status: done.status.to_string(),
            output: String::from_utf8_lossy(&done.stderr).into_owned(),
        }),
    }
}
