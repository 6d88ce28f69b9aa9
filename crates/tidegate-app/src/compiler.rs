//! Where compilers may be on this machine.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use tidegate_compile::{
    BytecodeHash, CompileError, CompileOutput, CompileRequest, CompilerSources, Difference,
    FindCompilerError, FoundryConfig, FoundryError, Profile, RootError, Trusted, VyperError,
    compile, find_node, minimal, npm_candidates, published_by,
};
use tidegate_model::release::Compiler;
use tidegate_model::units::counted;
use tidegate_plan::config::CompilerConfig;
use tidegate_store::write_atomic;

use crate::dotenv::{self, Dotenv};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::packages;
use crate::project::Project;
use crate::settings::Environment;

/// Compiles contracts of the project, as `tidegate.toml` names them.
pub(crate) fn run(project: &Project, contracts: &[String]) -> AppResult<CompileOutput> {
    with_request(project, contracts, |request| {
        let mut output = compile(request)?;
        output.warnings.extend(unwritten(request.foundry));
        Ok(output)
    })
}

/// Remappings that only the folders of this checkout give.
fn unwritten(foundry: &FoundryConfig) -> Option<String> {
    let found = foundry.detected.len();
    let all: Vec<String> = foundry.remappings.iter().map(ToString::to_string).collect();
    (found > 0).then(|| {
        format!(
            "{} found in the folders of dependencies, where another checkout may have others; \
             write them down: under [compiler] in tidegate.toml {}",
            counted(found, "remapping"),
            as_list(&all)
        )
    })
}

/// Compiles each contract from its own sources alone, and says where that gives other code.
pub(crate) fn differences(project: &Project, contracts: &[String]) -> AppResult<Vec<Difference>> {
    with_request(project, contracts, minimal)
}

fn with_request<T>(
    project: &Project,
    contracts: &[String],
    run: impl FnOnce(&CompileRequest<'_>) -> Result<T, CompileError>,
) -> AppResult<T> {
    if project.is_bundle() {
        return Err(AppError::config(
            "this folder came from a bundle and has no sources to compile",
        )
        .hint("check out the project's sources, and run this there"));
    }
    // Before the folders of dependencies are looked through, which may take a while as well.
    let _busy = project.front.busy(format!("compiling {}", counted(contracts.len(), "contract")));
    let foundry = settings(project)?;
    let explicit = project.config.solc.as_ref().map(|solc| project.root.join(solc));
    let compilers = sources(&project.env, &project.root, explicit, &foundry)?;
    let cache_dir = cache_dir(&project.env)?;
    let request = CompileRequest {
        root: &project.root,
        foundry: &foundry,
        contracts,
        compilers: &compilers,
        cache_dir: &cache_dir,
    };
    run(&request).map_err(|error| {
        let is_absent = matches!(error, CompileError::Root(_) | CompileError::Source(_));
        match packages::missing(&project.root, &foundry.libs).filter(|_| is_absent) {
            Some(hint) => AppError::new(Kind::Config, error).hint(hint),
            None => error.into(),
        }
    })
}

/// Where the sources lie and how they are compiled: as a profile of `foundry.toml` says, or
/// `[compiler]` alone.
pub(crate) fn settings(project: &Project) -> AppResult<FoundryConfig> {
    let written = &project.config.compiler;
    let beside = project.root.join(FOUNDRY_TOML).exists();
    if written.is_own() || (written.remappings.is_some() && !beside) {
        return own(project, written);
    }
    let foundry = FoundryConfig::load_profile(&project.root, written.profile.as_deref())
        .map_err(|error| missing(&project.root, error))?;
    let dotenv = dotenv::read(&project.root).or_kind(Kind::Config)?;
    refuse_dotenv(&dotenv)?;
    if written.profile.is_none() {
        same_profile(project, &foundry, dotenv)?;
    }
    match &written.remappings {
        Some(list) => foundry.as_pinned(&project.root, list),
        None => foundry.as_detected(&project.root),
    }
    .map_err(|error| missing(&project.root, error))
}

/// What forge builds here must be what is built here: the environment, or `.env`, may name another
/// profile.
fn same_profile(project: &Project, foundry: &FoundryConfig, dotenv: Dotenv) -> AppResult {
    let named = project.env.get("FOUNDRY_PROFILE").map(str::to_owned);
    let (other, place) = match (named, dotenv.profile) {
        (Some(other), _) => (other, ""),
        (None, Some(other)) => (other, " in .env, which forge reads"),
        (None, None) => return Ok(()),
    };
    match FoundryConfig::load_profile(&project.root, Some(&other)) {
        Ok(settings) if settings == *foundry => Ok(()),
        // Forge takes the default one then.
        Err(FoundryError::NoProfile { .. }) => Ok(()),
        Ok(_) | Err(_) => Err(AppError::config(format!(
            "FOUNDRY_PROFILE is {other}{place}, and that profile of foundry.toml has other \
             settings than the default one"
        ))
        .hint(
            "say which one is deployed: under [compiler] in tidegate.toml write `profile = \
             \"default\"` or another one's name",
        )),
    }
}

/// Refuses what forge would take from `.env`: no commit has it.
fn refuse_dotenv(dotenv: &Dotenv) -> AppResult {
    let Some(name) = &dotenv.shaping else { return Ok(()) };
    Err(AppError::config(format!(
        "{name} is set in .env, which forge reads and a release does not"
    ))
    .hint("write that setting in foundry.toml, which is committed, and remove it from .env"))
}

/// Whether there is anything to compile: a folder that took a bundle has only what it says.
pub(crate) fn has_sources(project: &Project) -> bool {
    if project.is_bundle() {
        return false;
    }
    let written = &project.config.compiler;
    let own =
        written.is_own() && settings(project).is_ok_and(|s| project.root.join(&s.src).is_dir());
    own || project.root.join(FOUNDRY_TOML).exists()
}

/// `foundry.toml` cannot be read, or is not there.
pub(crate) fn missing(root: &Path, error: FoundryError) -> AppError {
    let uninstalled = packages::missing(root, &[]);
    let hint = match &error {
        FoundryError::Pinned { .. } | FoundryError::Chance { .. } if uninstalled.is_some() => {
            uninstalled.unwrap_or_default()
        }
        FoundryError::Pinned { now, .. } => format!(
            "if that is right, write them down: under [compiler] in tidegate.toml {}",
            as_list(now)
        ),
        FoundryError::Chance { one, .. } => {
            format!("write the one that is meant: in foundry.toml, `remappings = [\"{one}\"]`")
        }
        FoundryError::FolderOutside { .. } => {
            "name a folder of the same git repository, such as \"../node_modules\"".to_owned()
        }
        _ => {
            "Tidegate reads sources, remappings and compiler settings from foundry.toml".to_owned()
        }
    };
    let error = AppError::new(Kind::Config, error);
    if hardhat_config(root).is_some() && !root.join(FOUNDRY_TOML).exists() {
        return error.hint(
            "Tidegate does not run a Hardhat configuration; write src, version and optimizer_runs \
             under [compiler]",
        );
    }
    error.hint(hint)
}

/// A list as it stands in `tidegate.toml`.
fn as_list(remappings: &[String]) -> String {
    let quoted: Vec<_> = remappings.iter().map(|text| format!("{text:?}")).collect();
    format!("remappings = [{}]", quoted.join(", "))
}

/// The file that makes a folder a Hardhat project.
pub(crate) fn hardhat_config(root: &Path) -> Option<PathBuf> {
    let names = ["hardhat.config.ts", "hardhat.config.js", "hardhat.config.cjs"];
    names.into_iter().map(|name| root.join(name)).find(|path| path.is_file())
}

const FOUNDRY_TOML: &str = "foundry.toml";

fn own(project: &Project, written: &CompilerConfig) -> AppResult<FoundryConfig> {
    if written.profile.is_some() || project.root.join(FOUNDRY_TOML).exists() {
        return Err(AppError::config(
            "[compiler] in tidegate.toml repeats settings of foundry.toml, or names its profile",
        )
        .hint(
            "keep one of them: with foundry.toml, [compiler] may only have `solc`, `profile` and \
             `remappings`",
        ));
    }
    let bytecode_hash = written.bytecode_hash.as_deref().map(|name| {
        BytecodeHash::of_name(name).ok_or_else(|| {
            AppError::config(format!("[compiler] bytecode_hash: `{name}` is not a kind of hash"))
                .hint("write \"ipfs\", \"bzzr1\" or \"none\"")
        })
    });
    let profile = Profile {
        src: written.src.clone(),
        libs: written.libs.clone(),
        remappings: written.remappings.clone(),
        solc: written.version.clone(),
        optimizer: written.optimizer,
        optimizer_runs: written.optimizer_runs,
        via_ir: written.via_ir,
        evm_version: written.evm_version.clone(),
        bytecode_hash: bytecode_hash.transpose()?,
        use_literal_content: written.use_literal_content,
        ..Profile::default()
    };
    FoundryConfig::from_profile(profile, Path::new("tidegate.toml")).or_kind(Kind::Config)
}

/// The compilers that may be used, in order.
pub(crate) fn sources(
    env: &Environment,
    root: &Path,
    explicit: Option<PathBuf>,
    foundry: &FoundryConfig,
) -> AppResult<CompilerSources> {
    Ok(CompilerSources {
        explicit,
        foundry_dirs: env.svm_dirs(),
        node: find_node(&env.path_dirs(), root),
        path: env.path_dirs(),
        npm_packages: npm_candidates(root, foundry),
        trusted: Trusted::load(&trusted(env)?).or_kind(Kind::Config)?,
    })
}

/// The list of compilers that may run beside official builds.
fn trusted(env: &Environment) -> AppResult<PathBuf> {
    Ok(env.home()?.join("compilers.toml"))
}

/// Lets a compiler run on this machine, by its digest.
pub fn trust(env: &Environment, sha256: B256) -> AppResult {
    let path = trusted(env)?;
    let list = Trusted::load(&path).map(|list| list.with(sha256)).or_kind(Kind::Config)?;
    let text = list.to_text().or_kind(Kind::Internal)?;
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)
}

/// A compiler, who published it, and its digest.
pub fn described(compiler: &Compiler) -> String {
    let from = published_by(compiler.sha256).unwrap_or("what is trusted here");
    format!("{} from {from}, sha256 {}", compiler.version, compiler.sha256)
}

/// Where compilations are kept: never in the project, where anybody could have put them.
pub(crate) fn cache_dir(env: &Environment) -> AppResult<PathBuf> {
    match env.cache_dir() {
        Some(cache) => Ok(cache.join("compile")),
        None => Ok(env.home()?.join("cache/compile")),
    }
}

const INSTALL: &str = "install one: `npm install solc@VERSION`, Foundry's `forge build`, or name \
                       it under [compiler] solc";

impl From<CompileError> for AppError {
    fn from(error: CompileError) -> Self {
        let hint = match &error {
            CompileError::FindCompiler(FindCompilerError::NotTrusted { sha256, .. })
            | CompileError::Vyper(VyperError::NotTrusted { sha256, .. }) => {
                let hint = format!(
                    "if you trust it, run `tidegate doctor --trust-compiler \
                                    {sha256}`"
                );
                return Self::new(Kind::Config, error).hint(hint);
            }
            CompileError::FindCompiler(FindCompilerError::NoneFits { untrusted, .. }) => {
                let trust = untrusted.iter().map(|sha256| {
                    format!("if you trust it, run `tidegate doctor --trust-compiler {sha256}`")
                });
                let hints: Vec<_> = std::iter::once(INSTALL.to_owned()).chain(trust).collect();
                return hints.into_iter().fold(Self::new(Kind::Config, error), Self::hint);
            }
            CompileError::FindCompiler(FindCompilerError::Changed { .. }) => {
                "run the command again; if that does not help, delete the cached compilations"
            }
            CompileError::Vyper(VyperError::NotFound { .. } | VyperError::TooOld { .. }) => {
                "install one: `pip install vyper`, or name it in foundry.toml: \
                 `vyper = { path = \"PATH\" }`"
            }
            CompileError::Vyper(VyperError::NotWhole { .. } | VyperError::Python { .. }) => {
                "make an environment with a Python of this machine, `python3 -m venv FOLDER`, \
                 install vyper in it, and name it in foundry.toml: `vyper = { path = \
                 \"FOLDER/bin/vyper\" }`; if your home folder is a repository, take the system's \
                 Python"
            }
            CompileError::Root(RootError::Ambiguous { candidates, .. }) => {
                let one = candidates.first().map_or("PATH:NAME", String::as_str);
                let hint = format!("name the one that is meant in full, such as `{one}`");
                return Self::new(Kind::Config, error).hint(hint);
            }
            CompileError::Root(_) => {
                "write `Vault` or `path/Vault.sol:Vault`; for a contract of a package, install \
                 the packages first, such as with `npm ci`"
            }
            _ => "",
        };
        let error = Self::new(Kind::Config, error);
        if hint.is_empty() { error } else { error.hint(hint) }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{folder, opened};

    /// A cold compilation takes a while, and so does the search before it.
    #[test]
    fn what_is_compiled_is_told_before_anything_is_looked_for() {
        let config = "[project]\nname = \"v\"\nversion = \"1\"\n";
        let root = folder(&[("tidegate.toml", config)]);
        let (project, front) = opened(root.path(), &[]);
        // There is no foundry.toml, which is found out first.
        let contracts = ["A".to_owned(), "B".to_owned()];
        assert!(super::run(&project, &contracts).is_err());
        assert_eq!(*front.begun.lock().unwrap(), ["compiling 2 contracts"]);
    }
}
