//! Finds the Vyper compiler, and what of it is executed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex, keccak256};
use semver::Version;
use tidegate_model::release::Compiler;

use super::VyperError;
use crate::digest;
use crate::driver::{Driver, Program, Protocol};
use crate::files;
use crate::foundry::FoundryConfig;
use crate::places::repository_root;
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

/// What every environment has beside Vyper and what it needs. It differs from machine to machine,
/// so it is in no digest, and the program below keeps it from being imported.
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
    /// Of the program, or of every file of its packages that can be imported.
    sha256: B256,
    /// Of what runs it.
    runs: B256,
}

/// Follows a program to what it executes.
fn open(
    path: &Path,
    root: &Path,
    sources: &CompilerSources,
    cache_dir: &Path,
) -> Result<Opened, VyperError> {
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
    let python = python(&line, root, sources).ok_or_else(not_whole)?;
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
    let sha256 = digest::of_tree(&packages, counts, cache_dir).map_err(failed)?;
    let python_digest = digest::of_file(&python, COMPILER_BYTES_MAX, cache_dir).map_err(failed)?;
    let mut kept = OsString::from("pycache_prefix=");
    let folder = cache_dir.join(format!("python-{}", hex::encode(&sha256[..8])));
    kept.push(std::path::absolute(&folder).unwrap_or(folder));
    let words = ["-I", "-S", "-X", "utf8", "-X"].map(OsString::from);
    let mut args: Vec<OsString> = words.into();
    args.extend([kept, "-c".into(), START.into(), packages.into_os_string()]);
    let runs = keccak256([keccak256(START), python_digest].concat());
    Ok(Opened { program: Program::Plain { path: python, args }, sha256, runs })
}

/// The Python that a script asks for; not one that the repository brings along, and not the
/// environment's own name for it, whose configuration could lead elsewhere.
fn python(line: &str, root: &Path, sources: &CompilerSources) -> Option<PathBuf> {
    let mut words = line.trim_start_matches("#!").split_whitespace();
    let mut program = PathBuf::from(words.next()?);
    if program.ends_with("env") {
        let name = words.next()?;
        let system = ["/usr/bin", "/bin", "/usr/local/bin"].map(PathBuf::from);
        let folders = sources.path.iter().filter(|dir| dir.is_absolute()).chain(&system);
        program = folders.map(|dir| dir.join(name)).find(|path| path.is_file())?;
    }
    let found = program.canonicalize().ok()?;
    let is_python = found.file_name()?.to_str()?.starts_with("python");
    (is_python && !found.starts_with(repository_root(root))).then_some(found)
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
    let Opened { program, sha256, runs } = open(&path, root, sources, cache_dir)?;
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
    use crate::builds::Trusted;
    use crate::testing::{project, write};

    const SITE: &str = "lib/python3.11/site-packages";

    fn sources() -> CompilerSources {
        CompilerSources {
            explicit: None,
            foundry_dirs: Vec::new(),
            path: Vec::new(),
            npm_packages: Vec::new(),
            node: None,
            trusted: Trusted::default(),
        }
    }

    /// The digest of a program in an environment, seen from a project elsewhere.
    fn digest_in(folder: &Path, cache: &Path) -> Result<B256, VyperError> {
        let elsewhere = tempfile::tempdir().expect("the machine has a folder for such");
        let opened = open(&folder.join("bin/vyper"), elsewhere.path(), &sources(), cache)?;
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
        ] {
            let path = env.path().join(SITE).join(file);
            let kept = std::fs::read(&path).ok();
            write(env.path(), &format!("{SITE}/{file}"), "#!/usr/bin/env python3\nother");
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
        for line in ["#!/bin/sh", "#!/usr/bin/env bash", "#!/nowhere/python3"] {
            let env = project(&[("bin/vyper", line), (&format!("{SITE}/vyper/__init__.py"), "")]);
            let error = digest_in(env.path(), cache.path()).unwrap_err();
            assert!(matches!(error, VyperError::NotWhole { .. }), "{line}: {error:?}");
        }
        // A Python that the repository brings along.
        let env = project(&[("python3", "\x7fELF"), (&format!("{SITE}/vyper/__init__.py"), "")]);
        let python = env.path().join("python3");
        write(env.path(), "bin/vyper", &format!("#!{}\n", python.display()));
        let path = env.path().join("bin/vyper");
        let opened = open(&path, env.path(), &sources(), cache.path());
        assert!(matches!(opened.err(), Some(VyperError::NotWhole { .. })));
    }
}
