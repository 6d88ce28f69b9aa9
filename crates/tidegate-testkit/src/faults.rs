//! Faults of the operating system under the real binary: see `faults/faults.c`.

use std::path::{Path, PathBuf};
use std::process::Command;

use alloy_primitives::{hex, keccak256};

use crate::{Person, TestkitError, Tools, files};

const SOURCE: &str = "crates/tidegate-testkit/faults/faults.c";

/// What happens at an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before it.
    KilledBefore,
    /// The process is killed after it.
    KilledAfter,
    /// It does nothing and fails with this number of an error.
    Fails(i32),
}

/// Something that a process does to its machine or to a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Its number in its process.
    pub number: usize,
    /// `write`, `sync`, `cut`, `rename`, `link`, `remove`, or `send` of a signed transaction.
    pub name: String,
    /// The file; of a send nothing.
    pub of: String,
}

/// The library that makes faults, compiled where it is not there yet.
///
/// # Errors
/// If there is no C compiler, or it fails.
pub fn fault_library(tools: &Tools) -> Result<PathBuf, TestkitError> {
    let source = tools.root.join(SOURCE);
    let hash = keccak256(files::read_text(&source)?);
    let name = format!("faults-{}.so", hex::encode(&hash[..8]));
    let kept = tools.root.join("target/testkit").join(name);
    if kept.exists() {
        return Ok(kept);
    }
    let run = |source| TestkitError::Run { program: "cc".to_owned(), source };
    let draft = kept.with_extension(format!("{}.draft", std::process::id()));
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&draft).arg(&source).arg("-ldl");
    let done = compile.output().map_err(run)?;
    if !done.status.success() {
        return Err(TestkitError::Ended {
            program: "cc".to_owned(),
            status: done.status.to_string(),
            output: String::from_utf8_lossy(&done.stderr).into_owned(),
        });
    }
    let write = |source| TestkitError::Write { path: kept.clone(), source };
    std::fs::rename(&draft, &kept).map_err(write)?;
    Ok(kept)
}

/// The effects that a log has, in order.
///
/// # Errors
/// If it cannot be read.
pub fn effects(log: &Path) -> Result<Vec<Effect>, TestkitError> {
    let text = files::read_text(log)?;
    let effect = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let number = words.next()?.parse().ok()?;
        let name = words.next()?.to_owned();
        Some(Effect { number, name, of: words.next().unwrap_or_default().to_owned() })
    };
    Ok(text.lines().filter_map(effect).collect())
}

impl Person {
    /// The same person on a machine that logs the effects of `tidegate`, with a fault at one.
    #[must_use]
    pub fn with_faults(&self, library: &Path, log: &Path, fault: Option<(usize, Fault)>) -> Self {
        let person = self
            .with_variable("LD_PRELOAD", &library.to_string_lossy())
            .with_variable("TIDEGATE_FAULTS_LOG", &log.to_string_lossy());
        let Some((number, fault)) = fault else { return person };
        let kind = match fault {
            Fault::KilledBefore => "before".to_owned(),
            Fault::KilledAfter => "after".to_owned(),
            Fault::Fails(errno) => errno.to_string(),
        };
        person
            .with_variable("TIDEGATE_FAULTS_AT", &number.to_string())
            .with_variable("TIDEGATE_FAULTS_AS", &kind)
    }
}
