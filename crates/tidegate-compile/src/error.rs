//! Why a compilation has no artifacts.

use std::path::PathBuf;

use tidegate_model::Fqn;
use tidegate_model::masks::MaskError;
use tidegate_model::release::Compiler;

use crate::artifact::ArtifactError;
use crate::driver::DriverError;
use crate::names::NameError;
use crate::roots::RootError;
use crate::solc::FindCompilerError;
use crate::sources::SourceError;
use crate::unit::UnitError;
use crate::vyper::VyperError;

/// A failed compilation, from finding the compiler to making artifacts.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// No contract was asked for.
    #[error("cannot compile: no contract is named")]
    NothingNamed,
    /// A contract in Vyper cannot be compiled.
    #[error(transparent)]
    Vyper(#[from] VyperError),
    /// A contract cannot be found.
    #[error(transparent)]
    Root(#[from] RootError),
    /// A source cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A source has no name that is equal in every clone.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is no compiler.
    #[error(transparent)]
    FindCompiler(#[from] FindCompilerError),
    /// The compiler does not run to its end.
    #[error("cannot run the compiler {}", compiler.version)]
    Run {
        compiler: Compiler,
        #[source]
        source: DriverError,
    },
    /// The compiler is not the one that the cache takes it for.
    #[error(
        "cannot trust the cache: it takes the compiler for {}, and {} was compiled by {found}; \
         delete {}",
        taken_for, fqn, kept.display()
    )]
    OtherVersion {
        /// The version that the cache takes it for.
        taken_for: String,
        fqn: Fqn,
        /// The version in the contract's metadata.
        found: String,
        /// The file that says otherwise.
        kept: PathBuf,
    },
    /// The compiler finds errors in the sources.
    #[error("cannot compile the sources\n\n{}", messages.join("\n"))]
    Rejected {
        /// The errors, as the compiler formats them.
        messages: Vec<String>,
    },
    /// A library is linked into contracts of several compilers, which make other code of it.
    #[error(
        "cannot link the library {fqn}: contracts that link it are built by several compilers, \
         and each makes other code of it; pin one with `solc` in foundry.toml"
    )]
    SeveralCompilers { fqn: Fqn },
    /// The compiler's answer cannot be used.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// A contract has no artifact.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The compiler's answer leaves code open that it should not.
    #[error(transparent)]
    Mask(#[from] MaskError),
}
