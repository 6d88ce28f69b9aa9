//! Why a contract in Vyper cannot be compiled.

use std::path::PathBuf;

use alloy_primitives::B256;
use semver::Version;

use super::trailer::TrailerError;
use crate::driver::DriverError;
use crate::files::FileError;
use crate::layout::LayoutError;
use crate::output::OutputError;

/// A contract in Vyper that cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum VyperError {
    /// There is no compiler.
    #[error("cannot find the Vyper compiler for {contract}: there is no `vyper` on PATH")]
    NotFound { contract: String },
    /// The compiler that `foundry.toml` names is not there.
    #[error(
        "cannot use the Vyper compiler that foundry.toml names: there is no \
         {}",
        path.display()
    )]
    NoFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// What it executes cannot be told.
    #[error(
        "cannot use the compiler {}: it is no program by itself, and no script whose first line \
         names a Python program, with packages in one folder beside it",
        path.display()
    )]
    NotWhole { path: PathBuf },
    /// Whoever writes the repository chooses what runs it.
    #[error(
        "cannot use the compiler {}: its Python {} lies in the git repository around the project",
        path.display(),
        python.display()
    )]
    Python { path: PathBuf, python: PathBuf },
    /// Nobody here trusts it; there are no official builds that are known by digest.
    #[error("cannot use the compiler {}: you do not trust its digest {sha256} yet", path.display())]
    NotTrusted {
        path: PathBuf,
        /// The digest over everything of it that is executed.
        sha256: B256,
    },
    /// The compiler's file cannot be read.
    #[error("cannot digest the Vyper compiler")]
    Digest {
        #[source]
        source: FileError,
    },
    /// The compiler does not say its version.
    #[error("cannot ask the compiler {} for its version", path.display())]
    NoAnswer {
        path: PathBuf,
        #[source]
        source: DriverError,
    },
    /// The compiler does not say enough.
    #[error(
        "cannot use the compiler {}: Vyper {version} does not report storage layouts, as 0.4.1 and \
         later do",
        path.display()
    )]
    TooOld { path: PathBuf, version: Version },
    /// The compiler's answer cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The trailer of the creation code cannot be used.
    #[error("cannot tell the metadata of {contract} from its code")]
    Trailer {
        contract: String,
        #[source]
        source: TrailerError,
    },
    /// What a comment changes is not what it should change.
    #[error(
        "cannot tell the metadata of {contract} from its code: with another comment, byte {at} \
         should be what it is, or should not"
    )]
    Unlocated { contract: String, at: usize },
    /// The storage layout cannot be made.
    #[error("cannot make the storage layout of {contract}")]
    Layout {
        contract: String,
        #[source]
        source: LayoutError,
    },
}
