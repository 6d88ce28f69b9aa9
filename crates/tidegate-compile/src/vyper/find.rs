//! Finds the Vyper compiler.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use semver::Version;
use sha2::{Digest, Sha256};
use tidegate_model::release::Compiler;

use super::VyperError;
use crate::driver::{Driver, Protocol};
use crate::files::{self, FileError};
use crate::foundry::FoundryConfig;
use crate::solc::{COMPILER_BYTES_MAX, CompilerSources};
use crate::version::LongVersion;

/// The first version that reports storage layouts where standard JSON is asked for.
const LAYOUTS_SINCE: Version = Version::new(0, 4, 1);

/// A compiler that was found, and whose version is known.
#[derive(Debug)]
pub(crate) struct FoundVyper {
    pub(super) driver: Driver,
    pub(super) version: LongVersion,
    pub(crate) compiler: Compiler,
    /// What compilations are kept under.
    pub(super) key: B256,
}

/// The most bytes of a list of installed files.
const RECORD_BYTES_MAX: u64 = 4 << 20;
/// The most entries of a folder of installed packages.
const ENTRIES_MAX: usize = 10_000;

/// The digest of a compiler, and whether it is one of all of it. What Python runs is a few lines
/// that never change; which files it leads to, and the digest of each, pip has written down.
fn digest(program: &Path) -> Result<(B256, bool), FileError> {
    const SCRIPT: &[u8] = b"#!";
    let mut digests = vec![files::sha256(program, COMPILER_BYTES_MAX)?];
    let io = |source| FileError::Io { action: "read", path: program.to_owned(), source };
    let mut start = Vec::new();
    File::open(program).map_err(io)?.take(2).read_to_end(&mut start).map_err(io)?;
    // On Windows it is a program that runs such lines, which stand behind its own code.
    if start != SCRIPT && !cfg!(windows) {
        return Ok((digests[0], true));
    }
    for record in records(program) {
        digests.push(files::sha256(&record, RECORD_BYTES_MAX)?);
    }
    match digests.as_slice() {
        [script] => Ok((*script, false)),
        several => Ok((B256::from_slice(&Sha256::digest(several.concat())), true)),
    }
}

/// Pip's lists of the files of Vyper, in the environment that has this program.
fn records(program: &Path) -> Vec<PathBuf> {
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let Some(prefix) = program.parent().and_then(Path::parent) else { return Vec::new() };
    let below = |folder: &Path, is_wanted: fn(&str) -> bool| {
        let entries = folder.read_dir().into_iter().flatten().take(ENTRIES_MAX).flatten();
        let wanted = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_wanted));
        wanted.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let pythons = below(&prefix.join("lib"), |name| name.starts_with("python3"));
    let packages =
        pythons.iter().flat_map(|p| ["site-packages", "dist-packages"].map(|d| p.join(d)));
    let is_vyper = |name: &str| name.starts_with("vyper-") && name.ends_with(".dist-info");
    let mut records: Vec<_> = packages
        .flat_map(|folder| below(&folder, is_vyper))
        .map(|folder| folder.join("RECORD"))
        .filter(|record| record.is_file())
        .collect();
    records.sort();
    records
}

/// The compiler that `foundry.toml` names, or the first on `PATH`.
pub(super) fn find(
    root: &Path,
    foundry: &FoundryConfig,
    sources: &CompilerSources,
    cache_dir: &Path,
    contract: &str,
) -> Result<FoundVyper, VyperError> {
    let name = if cfg!(windows) { "vyper.exe" } else { "vyper" };
    let path: PathBuf = match &foundry.vyper.path {
        Some(path) => Some(root.join(path))
            .filter(|path| path.is_file())
            .ok_or_else(|| VyperError::NoFile { path: root.join(path) })?,
        None => {
            let mut places = sources.path.iter().map(|folder| folder.join(name));
            let there = places.find(|path| path.is_file());
            there.ok_or_else(|| VyperError::NotFound { contract: contract.to_owned() })?
        }
    };
    let (sha256, whole) = digest(&path).map_err(|source| VyperError::Digest { source })?;
    let driver = Driver { program: path.clone(), args: Vec::new(), protocol: Protocol::Once };
    let kept = cache_dir.join(format!("vyper-{}.version", hex::encode(sha256)));
    let version = LongVersion::of_vyper(&driver, whole.then_some(kept.as_path()))
        .map_err(|source| VyperError::NoAnswer { path: path.clone(), source })?;
    if version.plain < LAYOUTS_SINCE {
        return Err(VyperError::TooOld { path, version: version.plain });
    }
    let key = keccak256([sha256, keccak256(&version.text)].concat());
    let compiler = Compiler { version: format!("vyper {}", version.text), sha256 };
    Ok(FoundVyper { driver, version, compiler, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{project, write};

    #[test]
    fn the_digest_is_of_what_python_runs() {
        let record = "lib/python3.11/site-packages/vyper-0.4.3.dist-info/RECORD";
        let root = project(&[("bin/vyper", "#!/usr/bin/python3\n"), ("bin/native", "\x7fELF")]);
        let of = |name: &str| digest(&root.path().join(name)).unwrap();
        let (bare, whole) = of("bin/vyper");
        assert!(!whole, "a few lines of Python");
        assert!(of("bin/native").1);
        write(root.path(), record, "vyper/__init__.py,sha256=1,9\n");
        let (one, whole) = of("bin/vyper");
        assert!(whole && one != bare);
        write(root.path(), record, "vyper/__init__.py,sha256=2,9\n");
        assert_ne!(of("bin/vyper").0, one);
    }
}
