//! A throwaway project and the compiler that the repository's tests use.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;
use tidegate_compile::{
    CompileError, CompileOutput, CompileRequest, CompilerSources, Difference, FoundryConfig,
    Remapping, Trusted, VyperError, compile, minimal, npm_candidates,
};
use tidegate_model::Fqn;
use tidegate_model::release::Artifact;

/// A project in a folder of its own.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) dir: TempDir,
    pub(crate) foundry: FoundryConfig,
}

impl Project {
    /// A project with these files and an optimizing compiler.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let foundry = FoundryConfig {
            optimizer: true,
            remappings: vec![Remapping::parse("@dep/=lib/dep/src/").unwrap()],
            evm_version: Some("cancun".to_owned()),
            ..FoundryConfig::empty()
        };
        let project = Self { dir, foundry };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own throwaway file")]
        std::fs::write(path, text).unwrap();
    }

    /// Puts a text in place of another one, which has to be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root().join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn try_compile(&self, contracts: &[&str]) -> Result<CompileOutput, CompileError> {
        compile_in(self.root(), &self.foundry, contracts)
    }

    pub(crate) fn compile(&self, contracts: &[&str]) -> CompileOutput {
        self.try_compile(contracts).unwrap_or_else(|error| panic!("failed to {error}: {error:?}"))
    }
}

/// Compiles contracts of any project.
pub(crate) fn compile_in(
    root: &Path,
    foundry: &FoundryConfig,
    contracts: &[&str],
) -> Result<CompileOutput, CompileError> {
    with_request(root, foundry, contracts, compile)
}

/// Compiles each contract of a project from its own sources alone.
pub(crate) fn minimal_in(
    root: &Path,
    foundry: &FoundryConfig,
    contracts: &[&str],
) -> Result<Vec<Difference>, CompileError> {
    with_request(root, foundry, contracts, minimal)
}

fn with_request<T>(
    root: &Path,
    foundry: &FoundryConfig,
    contracts: &[&str],
    run: impl Fn(&CompileRequest<'_>) -> Result<T, CompileError>,
) -> Result<T, CompileError> {
    let cache_dir = cache_dir();
    let contracts: Vec<String> = contracts.iter().map(|name| (*name).to_owned()).collect();
    let compilers = compilers();
    let contracts = contracts.as_slice();
    trusting(&CompileRequest { root, foundry, contracts, compilers: &compilers, cache_dir }, run)
}

/// As somebody who trusts whichever Vyper there is.
pub(crate) fn trusting<T>(
    request: &CompileRequest<'_>,
    run: impl Fn(&CompileRequest<'_>) -> Result<T, CompileError>,
) -> Result<T, CompileError> {
    match run(request) {
        Err(CompileError::Vyper(VyperError::NotTrusted { sha256, .. })) => {
            let trusted = request.compilers.trusted.clone().with(sha256);
            let compilers = CompilerSources { trusted, ..request.compilers.clone() };
            run(&CompileRequest { compilers: &compilers, ..*request })
        }
        done => done,
    }
}

/// A folder that keeps the compiler's wrapper from run to run. Compilations are shared between
/// tests but made anew in each run, or a change of this crate would not be tested.
fn cache_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tidegate-compile");
        std::fs::create_dir_all(&dir).unwrap();
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                std::fs::remove_file(path).unwrap();
            }
        }
        dir
    })
}

/// The npm packages that `npm ci --prefix tests` installs.
pub(crate) fn compilers() -> CompilerSources {
    let npm_packages = npm_candidates(&repository(), &FoundryConfig::empty());
    let there = npm_packages.iter().any(|package| package.is_dir());
    assert!(there, "the compilers are missing: run `npm ci --prefix tests`");
    CompilerSources {
        explicit: None,
        foundry_dirs: Vec::new(),
        path: Vec::new(),
        npm_packages,
        node: Some(tidegate_testkit::Tools::here().unwrap().node),
        trusted: Trusted::default(),
    }
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The artifact of a contract, by its normalised name.
#[track_caller]
pub(crate) fn artifact<'a>(output: &'a CompileOutput, fqn: &str) -> &'a Artifact {
    let names: Vec<_> = output.artifacts.keys().collect();
    output.artifacts.get(&Fqn(fqn.to_owned())).unwrap_or_else(|| panic!("no {fqn}: {names:?}"))
}
