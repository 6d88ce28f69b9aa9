//! What a compilation is asked for.

use std::path::Path;

use crate::foundry::FoundryConfig;
use crate::solc::CompilerSources;

/// Input of one compilation: the contracts, the project's settings, and where compilers are looked
/// for.
#[derive(Debug, Clone, Copy)]
pub struct CompileRequest<'a> {
    /// The project's root; every source is inside it.
    pub root: &'a Path,
    /// The project's compiler settings.
    pub foundry: &'a FoundryConfig,
    /// The contracts, as people name them: `Vault` (searched in `src`), `path:Vault`, where the
    /// path is one of Solidity or, ending in `.vy`, of Vyper, or an
    /// import path such as `@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy`.
    /// A normalised name works too: `dep:<package>/<path>:Name` where the package lies in a folder
    /// of its own name or is imported by it, and `vendored:<path>:Name`.
    pub contracts: &'a [String],
    /// The places where compilers are searched.
    pub compilers: &'a CompilerSources,
    /// A folder for compilations and the script for npm packages; made if it is missing.
    pub cache_dir: &'a Path,
}
