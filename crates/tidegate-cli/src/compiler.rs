//! Where compilers may be on this machine.

use std::path::PathBuf;

use tidegate_compile::{
    CompileError, CompileOutput, CompileRequest, CompilerSources, FindCompilerError, FoundryConfig,
    compile, npm_candidates,
};

use crate::error::{CliError, CliResult, Kind};
use crate::project::Project;
use crate::settings::Environment;

/// Compiles contracts of the project, as `tidegate.toml` names them.
pub(crate) fn run(project: &Project, contracts: &[String]) -> CliResult<CompileOutput> {
    let foundry = FoundryConfig::load(&project.root).map_err(|error| {
        CliError::new(Kind::Config, error)
            .hint("Tidegate reads sources, remappings and compiler settings from foundry.toml")
    })?;
    let compilers = sources(project, &foundry);
    let cache_dir = cache_dir(project);
    let request = CompileRequest {
        root: &project.root,
        foundry: &foundry,
        contracts,
        compilers: &compilers,
        cache_dir: &cache_dir,
    };
    Ok(compile(&request)?)
}

/// The compilers that may be used, in order.
pub(crate) fn sources(project: &Project, foundry: &FoundryConfig) -> CompilerSources {
    let explicit = project.config.solc.as_ref().map(|solc| project.root.join(solc));
    CompilerSources {
        explicit,
        foundry_dirs: project.env.svm_dirs(),
        node: node(&project.env),
        path: project.env.path_dirs(),
        npm_packages: npm_candidates(&project.root, foundry),
    }
}

fn node(env: &Environment) -> Option<PathBuf> {
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    env.path_dirs().into_iter().map(|dir| dir.join(name)).find(|path| path.is_file())
}

fn cache_dir(project: &Project) -> PathBuf {
    let local = project.layout.local_dir().join("compile");
    project.env.cache_dir().map_or(local, |cache| cache.join("compile"))
}

impl From<CompileError> for CliError {
    fn from(error: CompileError) -> Self {
        let hint = match &error {
            CompileError::FindCompiler(FindCompilerError::NoneFits { .. }) => {
                "install one: `npm install solc@VERSION`, Foundry's `forge build`, or name it \
                 under [compiler] solc"
            }
            CompileError::Root(_) => "contracts are named `Vault` or `path/Vault.sol:Vault`",
            _ => "",
        };
        let error = Self::new(Kind::Config, error);
        if hint.is_empty() { error } else { error.hint(hint) }
    }
}
