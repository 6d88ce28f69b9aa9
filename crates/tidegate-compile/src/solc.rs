//! Finds a Solidity compiler on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, keccak256};
#[cfg(feature = "svm-solc")]
use foundry_compilers::{error::SolcError, solc::Solc};
use semver::Version;
use tidegate_model::release::Compiler;

use crate::builds::{self, Trusted};
use crate::digest;
use crate::driver::{Driver, DriverError, Program, Protocol};
use crate::files::{self, FileError};
use crate::foundry::{FoundryConfig, SolcPin};
use crate::loader::{self, NodeCompiler};
use crate::pragma::Range;
use crate::version::LongVersion;

/// Places where compilers are searched, in the order in which equal versions are tried: the
/// explicit one, Foundry's folders, `PATH`, npm packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerSources {
    /// The compiler that the person named: a binary, or the folder of an npm package `solc`. It
    /// is used or refused, never skipped.
    pub explicit: Option<PathBuf>,
    /// Foundry's install folders, which hold `<version>/solc-<version>`.
    pub foundry_dirs: Vec<PathBuf>,
    /// The entries of `PATH`.
    pub path: Vec<PathBuf>,
    /// Folders that may hold the npm package `solc`: see [`npm_candidates`].
    pub npm_packages: Vec<PathBuf>,
    /// The `node` binary that runs an npm package; without it, they are not tried.
    pub node: Option<PathBuf>,
    /// The compilers that may run beside official builds.
    pub trusted: Trusted,
}

/// The compiler versions that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one that `foundry.toml` pins.
    Exactly(Version),
    /// One that all of these allow, which are the pragmas of the sources and what the project says,
    /// each once and in the order of their texts.
    Within(Vec<Range>),
}

impl Wanted {
    /// Whether the requirement accepts a version. Platform and commit are ignored.
    pub(crate) fn allows(&self, version: &Version) -> bool {
        let plain = Version { build: semver::BuildMetadata::EMPTY, ..version.clone() };
        match self {
            Self::Exactly(wanted) => *wanted == plain,
            Self::Within(ranges) => ranges.iter().all(|range| range.allows(&plain)),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(version) => write!(f, "version {version}"),
            Self::Within(reqs) if reqs.is_empty() => f.write_str("any version"),
            Self::Within(reqs) => {
                let texts: Vec<_> = reqs.iter().map(ToString::to_string).collect();
                write!(f, "a version within {}", texts.join(" and "))
            }
        }
    }
}

/// A compiler that was found, and whose version is known.
#[derive(Debug, Clone)]
pub struct FoundCompiler {
    /// Its long version and digest, as a release records them.
    pub compiler: Compiler,
    /// The path of the binary, or of the npm package's folder.
    pub location: PathBuf,
    /// The file that the digest is of.
    binary: PathBuf,
    /// The digest over everything that is executed, which compilations are kept under.
    pub(crate) key: B256,
    pub(crate) driver: Driver,
    pub(crate) version: LongVersion,
}

impl FoundCompiler {
    /// Reads the compiler whole and compares its digest, before it makes anything that is kept
    /// under that digest.
    pub(crate) fn check_digest(&self) -> Result<(), FindCompilerError> {
        let sha256 = files::sha256(&self.binary, COMPILER_BYTES_MAX)
            .map_err(|source| FindCompilerError::Digest { source })?;
        if sha256 == self.compiler.sha256 {
            return Ok(());
        }
        Err(FindCompilerError::Changed { path: self.binary.clone(), known: self.compiler.sha256 })
    }
}

/// No compiler of the required version that may be run.
#[derive(Debug, thiserror::Error)]
pub enum FindCompilerError {
    #[error("cannot find a Solidity compiler, {wanted}{}", list(.tried))]
    NoneFits {
        /// The required soak, in seconds.
        wanted: Wanted,
        /// What was found instead, one line each.
        tried: Vec<String>,
        /// Of those, what would have to be trusted first.
        untrusted: Vec<B256>,
    },
    /// It is no official build, and nobody here trusts it.
    #[error(
        "cannot use the compiler {}: its SHA-256 {sha256} is neither that of an official build \
         nor one that you trust",
        path.display()
    )]
    NotTrusted { path: PathBuf, sha256: B256 },
    /// The compiler that the person named has another version.
    #[error(
        "cannot use the compiler {}: it is {version}, and the project asks for {wanted}",
        path.display()
    )]
    ExplicitUnfit {
        path: PathBuf,
        version: Version,
        /// The required soak, in seconds.
        wanted: Wanted,
    },
    /// A compiler does not say its version.
    #[error("cannot ask the compiler {} for its version", path.display())]
    NoAnswer {
        path: PathBuf,
        #[source]
        source: DriverError,
    },
    /// The npm package needs node.
    #[error(
        "cannot run the compiler {}: it is an npm package, and PATH has no `node` outside of the \
         git repository around the project; if your home folder is a repository, install Node 20 \
         or newer elsewhere, such as below /usr/local",
        path.display()
    )]
    NoNode { path: PathBuf },
    /// The compiler's binary cannot be read.
    #[error("cannot digest the compiler")]
    Digest {
        #[source]
        source: FileError,
    },
    /// It is not the file that it was taken for.
    #[error("cannot use the compiler {}: its SHA-256 is no longer {known}", path.display())]
    Changed {
        path: PathBuf,
        /// The digest that was kept of it.
        known: B256,
    },
    #[cfg(feature = "svm-solc")]
    #[error("cannot install the compiler {version}")]
    Install {
        version: Version,
        #[source]
        source: Box<SolcError>,
    },
}

/// The most bytes of a compiler's binary.
pub(crate) const COMPILER_BYTES_MAX: u64 = 512 << 20;

/// The most entries read of a folder that may hold compilers.
const ENTRIES_MAX: usize = 10_000;

/// Finds the compiler: the explicit one, or else the highest version that will do, and among
/// those that are equally high the first source's.
///
/// # Effects
/// Runs candidates that are trusted and not official with `--version`, and keeps what they say and
/// the script for npm packages in `cache_dir`.
///
/// # Errors
/// If nothing fits, or the explicit compiler does not work or fit.
pub fn find_compiler(
    sources: &CompilerSources,
    wanted: &Wanted,
    cache_dir: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    Finder::new(sources, cache_dir).find(wanted)
}

/// Finds compilers, and looks at each only once.
#[derive(Debug)]
pub(crate) struct Finder<'a> {
    sources: &'a CompilerSources,
    cache_dir: &'a Path,
    opened: BTreeMap<PathBuf, FoundCompiler>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(sources: &'a CompilerSources, cache_dir: &'a Path) -> Self {
        Self { sources, cache_dir, opened: BTreeMap::new() }
    }

    /// Whether every search ends with the same compiler, or none.
    pub(crate) fn has_one_compiler(&self) -> bool {
        self.sources.explicit.is_some()
    }

    pub(crate) fn find(&mut self, wanted: &Wanted) -> Result<FoundCompiler, FindCompilerError> {
        if let Some(path) = &self.sources.explicit {
            return self.explicit(path, wanted);
        }
        let (mut found, errors) = self.all();
        let mut tried: Vec<_> = errors.iter().map(with_causes).collect();
        let untrusted = errors.iter().filter_map(|error| match error {
            FindCompilerError::NotTrusted { sha256, .. } => Some(*sha256),
            _ => None,
        });
        found.sort_by(|a, b| b.version.plain.cmp(&a.version.plain));
        if let Some(one) = found.iter().find(|one| wanted.allows(&one.version.plain)) {
            return Ok(one.clone());
        }
        let version =
            |one: &FoundCompiler| format!("{} is {}", one.location.display(), one.compiler.version);
        tried.extend(found.iter().map(version));
        let instead = Instead { tried, untrusted: untrusted.collect() };
        none_fits(wanted, instead, &self.sources.trusted, self.cache_dir)
    }

    /// The versions that there are.
    pub(crate) fn versions(&mut self) -> BTreeSet<Version> {
        self.all().0.into_iter().map(|one| one.version.plain).collect()
    }

    /// The compilers that work, in the order of their sources, and what is wrong with the others.
    fn all(&mut self) -> (Vec<FoundCompiler>, Vec<FindCompilerError>) {
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for candidate in candidates(self.sources) {
            match self.open(&candidate) {
                Ok(one) => found.push(one),
                // One that is broken must not hide one that works further down the list.
                Err(error) => errors.push(error),
            }
        }
        (found, errors)
    }

    fn explicit(
        &mut self,
        path: &Path,
        wanted: &Wanted,
    ) -> Result<FoundCompiler, FindCompilerError> {
        let candidate = if path.is_dir() {
            Candidate::Npm(path.to_owned())
        } else {
            Candidate::Native(path.to_owned())
        };
        let found = self.open(&candidate)?;
        if wanted.allows(&found.version.plain) {
            return Ok(found);
        }
        Err(FindCompilerError::ExplicitUnfit {
            path: path.to_owned(),
            version: found.version.plain,
            wanted: wanted.clone(),
        })
    }

    fn open(&mut self, candidate: &Candidate) -> Result<FoundCompiler, FindCompilerError> {
        if let Some(found) = self.opened.get(candidate.path()) {
            return Ok(found.clone());
        }
        let found = match candidate {
            Candidate::Native(path) => open_native(path, &self.sources.trusted, self.cache_dir),
            Candidate::Npm(package) => open_npm(package, self.sources, self.cache_dir),
        }?;
        self.opened.insert(candidate.path().to_owned(), found.clone());
        Ok(found)
    }
}

/// The folders in which a project's npm packages `solc` may be: also under another name that
/// starts with `solc-`, as npm installs several versions side by side.
pub fn npm_candidates(root: &Path, foundry: &FoundryConfig) -> Vec<PathBuf> {
    let libs = foundry.libs.iter().map(String::as_str);
    let mut folders = Vec::new();
    for folder in ["node_modules", "tests/node_modules"].into_iter().chain(libs) {
        let folder = root.join(folder);
        let mut packages = vec![folder.join("solc")];
        packages.extend(aliases(&folder));
        for package in packages {
            if !folders.contains(&package) {
                folders.push(package);
            }
        }
    }
    folders
}

/// The folders that may hold npm's `solc` under another name, sorted.
fn aliases(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let named = |entry: &std::fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|name| name.starts_with("solc-"))
    };
    let entries = entries.take(ENTRIES_MAX).filter_map(Result::ok).filter(named);
    let mut packages: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    packages.retain(|package| package.join("soljson.js").is_file());
    packages.sort();
    packages
}

/// The compiler sources of a project whose `foundry.toml` names a binary.
pub(crate) fn with_pin(
    sources: &CompilerSources,
    root: &Path,
    pin: Option<&SolcPin>,
) -> CompilerSources {
    let pinned = match pin {
        Some(SolcPin::Path(path)) => Some(root.join(path)),
        Some(SolcPin::Version(_) | SolcPin::Range(_)) | None => None,
    };
    CompilerSources { explicit: sources.explicit.clone().or(pinned), ..sources.clone() }
}

/// An error with its causes on one line, as only its text is kept.
fn with_causes(error: &FindCompilerError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let line = error.to_string();
        let line = line.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        text += &format!(": {line}");
        cause = error.source();
    }
    text
}

/// What there is beside the compiler that is wanted.
struct Instead {
    tried: Vec<String>,
    untrusted: Vec<B256>,
}

impl Instead {
    fn of(self, wanted: &Wanted) -> FindCompilerError {
        let Self { tried, untrusted } = self;
        FindCompilerError::NoneFits { wanted: wanted.clone(), tried, untrusted }
    }
}

#[cfg(not(feature = "svm-solc"))]
fn none_fits(
    wanted: &Wanted,
    instead: Instead,
    _: &Trusted,
    _: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    Err(instead.of(wanted))
}

#[cfg(feature = "svm-solc")]
fn none_fits(
    wanted: &Wanted,
    instead: Instead,
    trusted: &Trusted,
    cache_dir: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    // Only a pinned version is installed: pragmas would mean another one tomorrow.
    let Wanted::Exactly(version) = wanted else {
        return Err(instead.of(wanted));
    };
    let install = |source: SolcError| FindCompilerError::Install {
        version: version.clone(),
        source: Box::new(source),
    };
    let driver = Solc::find_or_install(version).map_err(install)?;
    open_native(&driver.solc, trusted, cache_dir)
}

#[derive(Debug)]
enum Candidate {
    Native(PathBuf),
    Npm(PathBuf),
}

impl Candidate {
    fn path(&self) -> &Path {
        match self {
            Self::Native(path) | Self::Npm(path) => path,
        }
    }
}

/// The compilers that exist. Their version is known by their digest, not by a name or a
/// `package.json`.
fn candidates(sources: &CompilerSources) -> Vec<Candidate> {
    let installed = sources.foundry_dirs.iter().flat_map(|dir| installed(dir));
    let on_path = sources.path.iter().map(|dir| dir.join("solc")).filter(|file| file.is_file());
    let native = installed.chain(on_path).map(Candidate::Native);
    let npm = sources.npm_packages.iter().filter(|dir| dir.join("soljson.js").is_file());
    native.chain(npm.cloned().map(Candidate::Npm)).collect()
}

fn installed(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = dir.read_dir() else { return Vec::new() };
    let binary = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let path = entry.path().join(format!("solc-{name}"));
        path.is_file().then_some(path)
    };
    entries.take(ENTRIES_MAX).filter_map(|entry| binary(entry.ok()?)).collect()
}

/// The digest of a compiler's file, if it may run.
fn allowed(binary: &Path, trusted: &Trusted, cache_dir: &Path) -> Result<B256, FindCompilerError> {
    let sha256 = digest::of_file(binary, COMPILER_BYTES_MAX, cache_dir)
        .map_err(|source| FindCompilerError::Digest { source })?;
    match builds::official(sha256).is_some() || trusted.holds(sha256) {
        true => Ok(sha256),
        false => Err(FindCompilerError::NotTrusted { path: binary.to_owned(), sha256 }),
    }
}

fn folder(cache_dir: &Path) -> Result<PathBuf, FindCompilerError> {
    files::empty_folder(cache_dir).map_err(|source| FindCompilerError::Digest { source })
}

fn open_native(
    path: &Path,
    trusted: &Trusted,
    cache_dir: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    let sha256 = allowed(path, trusted, cache_dir)?;
    let program = Program::Plain { path: path.to_owned(), args: Vec::new() };
    let driver = Driver { program, protocol: Protocol::Once, folder: folder(cache_dir)? };
    found(driver, path.to_owned(), path.to_owned(), [sha256; 2], cache_dir)
}

/// Of an npm package only `soljson.js` counts, which our own script runs.
fn open_npm(
    package: &Path,
    sources: &CompilerSources,
    cache_dir: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    let location = package.to_owned();
    let failed = |source| FindCompilerError::Digest { source };
    let node = sources.node.clone();
    let node = node.ok_or_else(|| FindCompilerError::NoNode { path: location.clone() })?;
    let soljson = package.join("soljson.js");
    let sha256 = allowed(&soljson, &sources.trusted, cache_dir)?;
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let script = real(loader::place(cache_dir).map_err(failed)?);
    let node_digest = digest::of_file(&node, COMPILER_BYTES_MAX, cache_dir).map_err(failed)?;
    let key = keccak256([sha256, loader::digest(), node_digest].concat());
    let compiler = NodeCompiler { node, script, soljson: real(soljson.clone()), sha256 };
    let program = Program::Node(compiler);
    let driver = Driver { program, protocol: Protocol::Frames, folder: folder(cache_dir)? };
    found(driver, location, soljson, [sha256, key], cache_dir)
}

fn found(
    driver: Driver,
    location: PathBuf,
    binary: PathBuf,
    [sha256, key]: [B256; 2],
    cache_dir: &Path,
) -> Result<FoundCompiler, FindCompilerError> {
    let version = LongVersion::of(&driver, sha256, cache_dir)
        .map_err(|source| FindCompilerError::NoAnswer { path: location.clone(), source })?;
    let compiler = Compiler { version: version.text.clone(), sha256 };
    Ok(FoundCompiler { compiler, location, binary, key, driver, version })
}

fn list(tried: &[String]) -> String {
    tried.iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> CompilerSources {
        CompilerSources {
            explicit: None,
            foundry_dirs: Vec::new(),
            path: Vec::new(),
            npm_packages: Vec::new(),
            node: None,
            trusted: Trusted::default(),
        }
    }

    /// A program that says it is a compiler of this version.
    #[cfg(unix)]
    fn pretend(path: &Path, version: &str) -> B256 {
        let text = format!("#!/bin/sh\necho solc\necho 'Version: {version}'\n");
        files::write(path, text.as_bytes(), files::Access::Program).unwrap();
        files::sha256(path, COMPILER_BYTES_MAX).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn what_is_neither_official_nor_trusted_is_never_started() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mark) = (dir.path().join("solc"), dir.path().join("ran"));
        let text = format!("#!/bin/sh\ntouch {}\necho 'Version: 0.8.30+c'\n", mark.display());
        files::write(&path, text.as_bytes(), files::Access::Program).unwrap();
        let sources = CompilerSources { path: vec![dir.path().to_owned()], ..nowhere() };
        let error = find_compiler(&sources, &within("*"), dir.path()).unwrap_err();
        assert!(error.to_string().contains("neither that of an official build"), "{error}");
        let named = CompilerSources { explicit: Some(path.clone()), ..nowhere() };
        let error = find_compiler(&named, &within("*"), dir.path()).unwrap_err();
        let FindCompilerError::NotTrusted { sha256, .. } = error else { panic!("{error:?}") };
        assert!(!mark.exists(), "it was started");
        // Whoever searches is told what to trust.
        let error = find_compiler(&sources, &within("*"), dir.path()).unwrap_err();
        let FindCompilerError::NoneFits { untrusted, .. } = error else { panic!("{error:?}") };
        assert_eq!(untrusted, [sha256]);

        let trusted = CompilerSources { trusted: Trusted::default().with(sha256), ..named };
        find_compiler(&trusted, &within("*"), dir.path()).unwrap();
        assert!(mark.exists());
        // It runs where there is no file that it could read instead of an input.
        let said = "'Version: 0.8.30+c'";
        let text = text.replace(said, "Version: 0.8.30+in$(ls -A | wc -l | tr -d ' ')");
        files::write(&path, text.as_bytes(), files::Access::Program).unwrap();
        let sha256 = files::sha256(&path, COMPILER_BYTES_MAX).unwrap();
        let trusted = CompilerSources { trusted: Trusted::default().with(sha256), ..trusted };
        let found = find_compiler(&trusted, &within("*"), dir.path()).unwrap();
        assert_eq!(found.compiler.version, "0.8.30+in0");
        // Trust is for these bytes, not for the path.
        files::write(&path, format!("{text}#").as_bytes(), files::Access::Program).unwrap();
        let error = find_compiler(&trusted, &within("*"), dir.path()).unwrap_err();
        assert!(matches!(error, FindCompilerError::NotTrusted { .. }), "{error:?}");
    }

    fn within(text: &str) -> Wanted {
        Wanted::Within(vec![Range::parse(text).unwrap()])
    }

    #[test]
    fn wanted_ignores_the_platform() {
        let native: Version = "0.8.30+commit.73712a01.Linux.gcc".parse().unwrap();
        assert!(Wanted::Exactly(Version::new(0, 8, 30)).allows(&native));
        assert!(!Wanted::Exactly(Version::new(0, 8, 29)).allows(&native));
        assert!(within("^0.8.20").allows(&native));
        assert!(!within("<0.8.30").allows(&native));
        assert!(Wanted::Within(Vec::new()).allows(&native));
    }

    #[cfg(unix)]
    #[test]
    fn the_highest_version_of_the_first_source_wins() {
        let dir = tempfile::tempdir().unwrap();
        let svm = dir.path().join("svm");
        let bin = dir.path().join("bin");
        let mut trusted = Trusted::default();
        for version in ["0.8.9", "0.8.20", "0.8.30"] {
            let path = svm.join(version).join(format!("solc-{version}"));
            trusted = trusted.with(pretend(&path, &format!("{version}+c")));
        }
        trusted = trusted.with(pretend(&bin.join("solc"), "0.8.31+commit.00000001.Linux.g++"));
        let sources =
            CompilerSources { foundry_dirs: vec![svm], path: vec![bin], trusted, ..nowhere() };
        let find = |wanted: &Wanted| find_compiler(&sources, wanted, dir.path());

        assert_eq!(find(&within("<0.8.31")).unwrap().compiler.version, "0.8.30+c");
        assert_eq!(find(&within("<0.8.30")).unwrap().compiler.version, "0.8.20+c");
        let on_path = find(&within(">=0.8.0")).unwrap();
        assert_eq!(on_path.compiler.version, "0.8.31+commit.00000001.Linux.g++");
        let equal = sources.path[0].join("solc");
        pretend(&equal, "0.8.30+d");
        assert_eq!(find(&within(">=0.8.0")).unwrap().compiler.version, "0.8.30+c");
        let error = find(&Wanted::Exactly(Version::new(0, 8, 1))).unwrap_err().to_string();
        assert!(error.contains("version 0.8.1") && error.contains("is 0.8.20"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_explicit_compiler_is_used_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("mine");
        let trusted = Trusted::default().with(pretend(&named, "0.8.5+c"));
        let broken = dir.path().join("bin/solc");
        files::write(&broken, b"#!/bin/sh\nexit 1\n", files::Access::Program).unwrap();
        let trusted = trusted.with(files::sha256(&broken, 1_000).unwrap());
        let nowhere = || CompilerSources { trusted: trusted.clone(), ..nowhere() };

        let sources = CompilerSources { explicit: Some(named.clone()), ..nowhere() };
        let found = find_compiler(&sources, &within("^0.8.0"), dir.path()).unwrap();
        assert_eq!(found.location, named);
        assert_eq!(found.compiler.sha256, files::sha256(&named, 1_000).unwrap());
        let error = find_compiler(&sources, &within("^0.8.6"), dir.path()).unwrap_err();
        assert!(matches!(error, FindCompilerError::ExplicitUnfit { .. }), "{error:?}");

        let path = vec![dir.path().join("bin")];
        let sources = CompilerSources { path, ..nowhere() };
        let error = find_compiler(&sources, &within("*"), dir.path()).unwrap_err();
        assert!(matches!(error, FindCompilerError::NoneFits { .. }), "{error:?}");
        let sources = CompilerSources { explicit: Some(broken), ..nowhere() };
        let error = find_compiler(&sources, &within("*"), dir.path()).unwrap_err();
        assert!(matches!(error, FindCompilerError::NoAnswer { .. }), "{error:?}");
    }
}
