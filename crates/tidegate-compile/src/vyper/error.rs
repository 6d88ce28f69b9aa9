//! Why a contract in Vyper cannot be compiled.

use std::path::PathBuf;

use alloy_primitives::B256;
use semver::Version;

use super::trailer::TrailerError;
use crate::driver::DriverError;
use crate::files::FileError;
use crate::layout::LayoutError;
use crate::output::OutputError;

/// Why a contract in Vyper cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum VyperError {
    /// There is no compiler.
    #[error("find the Vyper compiler for {contract}: there is no `vyper` on PATH")]
    NotFound {
        /// The contract.
        contract: String,
    },
    /// The compiler that `foundry.toml` names is not there.
    #[error("use the Vyper compiler that foundry.toml names: there is no {}", path.display())]
    NoFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// What it executes cannot be told.
    #[error(
        "use the compiler {}: it is no program by itself, and no script whose first line names a \
         Python program, with packages in one folder beside it",
        path.display()
    )]
    NotWhole {
        /// The compiler.
        path: PathBuf,
    },
    /// Whoever writes the repository chooses what runs it.
    #[error(
        "use the compiler {}: its Python {} lies in the git repository around the project",
        path.display(),
        python.display()
    )]
    Python {
        /// The compiler.
        path: PathBuf,
        /// What runs it.
        python: PathBuf,
    },
    /// Nobody here trusts it; there are no official builds that are known by digest.
    #[error("use the compiler {}: you do not trust its digest {sha256} yet", path.display())]
    NotTrusted {
        /// The compiler.
        path: PathBuf,
        /// The digest over everything of it that is executed.
        sha256: B256,
    },
    /// The compiler's file cannot be read.
    #[error("digest the Vyper compiler")]
    Digest {
        /// Why.
        #[source]
        source: FileError,
    },
    /// The compiler does not say its version.
    #[error("ask the compiler {} for its version", path.display())]
    NoAnswer {
        /// The compiler.
        path: PathBuf,
        /// Why.
        #[source]
        source: DriverError,
    },
    /// The compiler does not say enough.
    #[error(
        "use the compiler {}: Vyper {version} does not report storage layouts, as 0.4.1 and \
         later do",
        path.display()
    )]
    TooOld {
        /// The compiler.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
    /// The compiler's answer cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The trailer of the creation code cannot be used.
    #[error("tell the metadata of {contract} from its code")]
    Trailer {
        /// The contract.
        contract: String,
        /// Why.
        #[source]
        source: TrailerError,
    },
    /// What a comment changes is not what it should change.
    #[error(
        "tell the metadata of {contract} from its code: with another comment, byte {at} should \
         be what it is, or should not"
    )]
    Unlocated {
        /// The contract.
        contract: String,
        /// The byte.
        at: usize,
    },
    /// The storage layout cannot be made.
    #[error("make the storage layout of {contract}")]
    Layout {
        /// The contract.
        contract: String,
        /// Why.
        #[source]
        source: LayoutError,
    },
}
