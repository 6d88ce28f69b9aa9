//! Finds the Vyper compiler, and what of it is executed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use semver::Version;
use tidegate_model::release::Compiler;

use super::error::VyperError;
use crate::digest;
use crate::driver::{Driver, Program, Protocol};
use crate::files;
use crate::foundry::FoundryConfig;
use crate::repository::outermost_repository;
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
    /// What compilations are kept under: everything that was executed.
    pub(super) key: B256,
}

/// The most entries of a folder of installed packages.
const ENTRIES_MAX: usize = 10_000;
/// The most bytes of the beginning of a script.
const SHEBANG_BYTES_MAX: u64 = 64 << 10;

/// Packages of every Python environment that Vyper does not need. They differ from machine to
/// machine, so they are in no digest, and the program below keeps them from being imported.
const NOT_IMPORTED: [&str; 5] = ["pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack"];

/// Starts Vyper from one folder of packages and nothing else: no `.pth` file, no folder of the
/// user or of the working directory, no variable, and no bytecode that lies beside the sources.
const START: &str = "\
import sys
sys.path.append(sys.argv.pop(1))
for name in ('pip', 'setuptools', 'wheel', 'pkg_resources', '_distutils_hack'):
    sys.modules[name] = None
from vyper.cli.vyper_compile import _parse_cli_args
sys.argv[0] = 'vyper'
sys.exit(_parse_cli_args())
";

/// A program that is Vyper, and what of it counts.
struct Opened {
    program: Program,
    /// Of the program; or of every file of its packages that can be imported, and of Python.
    sha256: B256,
    /// Of how it is started.
    runs: B256,
}

/// Follows a program to what it executes.
#[expect(clippy::disallowed_methods, reason = "the compiler runs in another folder")]
fn open(path: &Path, root: &Path, cache_dir: &Path) -> Result<Opened, VyperError> {
    let failed = |source| VyperError::Digest { source };
    let mut start = files::beginning(path, SHEBANG_BYTES_MAX).map_err(failed)?;
    if !start.starts_with(b"#!") {
        // On Windows it is a program that starts Python, and does not say from where.
        if cfg!(windows) {
            return Err(VyperError::NotWhole { path: path.to_owned() });
        }
        let sha256 = digest::of_file(path, COMPILER_BYTES_MAX, cache_dir).map_err(failed)?;
        let program = Program::Plain { path: path.to_owned(), args: Vec::new() };
        return Ok(Opened { program, sha256, runs: sha256 });
    }
    start.truncate(start.iter().position(|byte| *byte == b'\n').unwrap_or(start.len()));
    let line = String::from_utf8_lossy(&start).into_owned();
    let not_whole = || VyperError::NotWhole { path: path.to_owned() };
    let python = python(&line, path).ok_or_else(not_whole)?;
    if python.starts_with(outermost_repository(root)) {
        return Err(VyperError::Python { path: path.to_owned(), python });
    }
    let packages = packages(path).ok_or_else(not_whole)?;
    let counts = |name: &str| {
        let first = name.split('/').next().unwrap_or_default();
        let package = first.split(['-', '.']).next().unwrap_or_default();
        !NOT_IMPORTED.contains(&package)
            && !name.ends_with(".pth")
            && !name.split('/').any(|part| part == "__pycache__")
            && !["RECORD", "INSTALLER", "REQUESTED", "direct_url.json"]
                .iter()
                .any(|list| name.split_once(".dist-info/").is_some_and(|(_, file)| file == *list))
    };
    let tree = digest::of_tree(&packages, counts, cache_dir).map_err(failed)?;
    let binary = digest::of_file(&python, COMPILER_BYTES_MAX, cache_dir).map_err(failed)?;
    let sha256 = digest::of_both(tree, binary);
    let mut kept = OsString::from("pycache_prefix=");
    let folder = cache_dir.join(format!("python-{}", hex::encode(&sha256[..8])));
    kept.push(std::path::absolute(&folder).unwrap_or(folder));
    let words = ["-I", "-S", "-X", "utf8", "-X"].map(OsString::from);
    let mut args: Vec<OsString> = words.into();
    args.extend([kept, "-c".into(), START.into(), packages.into_os_string()]);
    let program = Program::Plain { path: python, args };
    Ok(Opened { program, sha256, runs: keccak256(START) })
}

/// The Python that a script names: the program itself, not the environment's own name for it, whose
/// configuration could lead elsewhere, and not what a search would find. Where the script leaves it
/// to a search, its own environment's is meant.
fn python(line: &str, script: &Path) -> Option<PathBuf> {
    let mut words = line.trim_start_matches("#!").split_whitespace();
    let mut program = PathBuf::from(words.next()?);
    if program.ends_with("env") {
        program = script.canonicalize().ok()?.parent()?.join(words.next()?);
    }
    let found = Some(program).filter(|program| program.is_absolute())?.canonicalize().ok()?;
    let is_python = found.file_name()?.to_str()?.starts_with("python");
    // A script in its place would choose by the working directory, as version managers do.
    let start = files::beginning(&found, SHEBANG_BYTES_MAX).ok()?;
    (is_python && !start.starts_with(b"#!")).then_some(found)
}

/// The folder of packages that has Vyper, in the environment of this program.
fn packages(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    let lib = program.parent()?.parent()?.join("lib");
    let entries = lib.read_dir().ok()?.take(ENTRIES_MAX).flatten();
    let pythons = entries.map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3"))
    });
    let mut folders: Vec<_> = pythons
        .flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.join(name)))
        .filter(|folder| folder.join("vyper").is_dir())
        .collect();
    folders.sort();
    folders.pop()
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
    let Opened { program, sha256, runs } = open(&path, root, cache_dir)?;
    if !sources.trusted.holds(sha256) {
        return Err(VyperError::NotTrusted { path, sha256 });
    }
    let folder = files::empty_folder(cache_dir);
    let folder = folder.map_err(|source| VyperError::Digest { source })?;
    let driver = Driver { program, protocol: Protocol::Once, folder };
    let kept = cache_dir.join(format!("vyper-{}.version", hex::encode(sha256)));
    let version = LongVersion::of_vyper(&driver, &kept)
        .map_err(|source| VyperError::NoAnswer { path: path.clone(), source })?;
    if version.plain < LAYOUTS_SINCE {
        return Err(VyperError::TooOld { path, version: version.plain });
    }
    let key = keccak256([sha256, runs, keccak256(&version.text)].concat());
    let compiler = Compiler { version: format!("vyper {}", version.text), sha256 };
    Ok(FoundVyper { driver, version, compiler, key })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::{project, write};

    const SITE: &str = "lib/python3.11/site-packages";
    const SCRIPT: &str = "#!/usr/bin/env python3\nother";

    /// The digest of a program in an environment, seen from a project elsewhere.
    fn digest_in(folder: &Path, cache: &Path) -> Result<B256, VyperError> {
        let elsewhere = tempfile::tempdir().expect("the machine has a folder for such");
        let opened = open(&folder.join("bin/vyper"), elsewhere.path(), cache)?;
        Ok(opened.sha256)
    }

    #[test]
    fn every_file_that_can_be_imported_counts_and_no_other() {
        let env = project(&[
            ("bin/vyper", "#!/usr/bin/env python3\nimport evil\n"),
            (&format!("{SITE}/vyper/__init__.py"), "a"),
            (&format!("{SITE}/vyper/data/x.txt"), "a"),
            (&format!("{SITE}/lark/lexer.so"), "a"),
            (&format!("{SITE}/vyper-0.4.3.dist-info/METADATA"), "a"),
            (&format!("{SITE}/sitecustomize.py"), "a"),
            (&format!("{SITE}/vyper-0.4.3.dist-info/RECORD"), "a"),
            (&format!("{SITE}/pip/__init__.py"), "a"),
            (&format!("{SITE}/setuptools-70.0.dist-info/METADATA"), "a"),
            (&format!("{SITE}/evil.pth"), "a"),
            (&format!("{SITE}/vyper/__pycache__/x.cpython-311.pyc"), "a"),
        ]);
        write(env.path(), "bin/python3", "a Python");
        let cache = tempfile::tempdir().unwrap();
        let of = || digest_in(env.path(), cache.path()).unwrap();
        let first = of();
        for (file, counts) in [
            ("vyper/__init__.py", true),
            ("vyper/data/x.txt", true),
            ("lark/lexer.so", true),
            ("vyper-0.4.3.dist-info/METADATA", true),
            ("sitecustomize.py", true),
            ("new/__init__.py", true),
            ("vyper-0.4.3.dist-info/RECORD", false),
            ("pip/__init__.py", false),
            ("setuptools-70.0.dist-info/METADATA", false),
            ("evil.pth", false),
            ("vyper/__pycache__/x.cpython-311.pyc", false),
            ("../../../bin/vyper", false),
            ("../../../bin/python3", true),
        ] {
            let path = env.path().join(SITE).join(file);
            let kept = std::fs::read(&path).ok();
            let other = if file.ends_with("python3") { "other" } else { SCRIPT };
            write(env.path(), &format!("{SITE}/{file}"), other);
            assert_eq!(of() != first, counts, "{file}");
            match kept {
                Some(bytes) => files::write(&path, &bytes, files::Access::Data).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        std::os::unix::fs::symlink("/etc", env.path().join(SITE).join("linked")).unwrap();
        assert!(digest_in(env.path(), cache.path()).is_err(), "a link");
    }

    #[test]
    fn what_a_script_runs_is_known_or_it_is_refused() {
        let cache = tempfile::tempdir().unwrap();
        let machine = project(&[("python3", "a Python"), ("python9", "#!/bin/sh\n")]);
        let named = |name: &str| format!("#!{}\n", machine.path().join(name).display());
        let there = |line: &str| {
            project(&[("bin/vyper", line), (&format!("{SITE}/vyper/__init__.py"), "")])
        };
        let env = there(&named("python3"));
        digest_in(env.path(), cache.path()).unwrap();
        for line in [
            "#!/bin/sh",
            "#!/usr/bin/env bash",
            "#!/nowhere/python3",
            // Whatever a search finds, and what depends on the working directory.
            "#!/usr/bin/env python3",
            "#!python3",
            // A program that chooses one.
            &named("python9"),
        ] {
            let error = digest_in(there(line).path(), cache.path()).unwrap_err();
            assert!(matches!(error, VyperError::NotWhole { .. }), "{line}: {error:?}");
        }
    }

    #[test]
    fn python_is_not_from_a_repository_around_the_project() {
        let cache = tempfile::tempdir().unwrap();
        let outer = project(&[(&format!("{SITE}/vyper/__init__.py"), "")]);
        for folder in [".git", "inner/.git", "inner/project"] {
            std::fs::create_dir_all(outer.path().join(folder)).unwrap();
        }
        for place in ["inner/project/python3", "inner/python3", "python3"] {
            write(outer.path(), place, "a Python");
            let line = format!("#!{}\n", outer.path().join(place).display());
            write(outer.path(), "bin/vyper", &line);
            let path = outer.path().join("bin/vyper");
            let opened = open(&path, &outer.path().join("inner/project"), cache.path());
            assert!(matches!(opened.err(), Some(VyperError::Python { .. })), "{place}");
        }
    }
}
