//! Drives the compilers of Solidity and Vyper and turns what they say into artifacts.
//!
//! From a project's sources and `foundry.toml` to [`tidegate_model::release::Artifact`]s: names
//! that mean the same in every clone, code with every metadata region located, and storage
//! layouts with their ERC-7201 namespaces. The digests of `docs/formats.md` are computed from
//! these by the model.
//!
//! [`compile`] is the way in. It never touches a chain or, unless the feature `svm-solc` is on,
//! the network; it reads no environment variable and no clock.

mod artifact;
mod ast;
mod auto;
mod auxdata;
mod builds;
mod cache;
mod compile;
mod declared;
mod digest;
mod driver;
mod error;
mod files;
mod foundry;
#[cfg(test)]
mod fuzz;
mod groups;
mod hidden;
mod input;
mod known;
mod layout;
mod loader;
mod minimal;
mod names;
mod notes;
mod output;
mod places;
mod pragma;
mod profile;
mod reach;
mod remapping;
mod repository;
mod request;
mod roots;
mod safety;
mod scope;
mod solc;
mod source_map;
mod sources;
#[cfg(test)]
mod testing;
mod types;
mod unit;
mod version;
mod vyper;

pub use artifact::ArtifactError;
pub use auxdata::AuxdataError;
pub use builds::{Trusted, TrustedError, published_by};
pub use compile::{CompileOutput, compile};
pub use declared::{Behind, Declared, Deployable, Initializer, deployable_contracts};
pub use driver::DriverError;
pub use error::CompileError;
pub use files::FileError;
pub use foundry::{
    BytecodeHash, Detected, FoundryConfig, FoundryError, Rules, SolcPin, shapes_code,
};
pub use layout::LayoutError;
pub use loader::find_node;
pub use minimal::{Difference, Part, minimal};
pub use names::NameError;
pub use output::OutputError;
pub use pragma::Range;
pub use profile::{Profile, VyperSettings};
pub use remapping::{Remapping, RemappingError};
pub use request::CompileRequest;
pub use roots::{RootError, find_contract};
pub use scope::{SourcePlace, source_places};
pub use solc::{
    CompilerSources, FindCompilerError, FoundCompiler, Wanted, find_compiler, npm_candidates,
};
pub use sources::SourceError;
pub use unit::UnitError;
pub use vyper::{TrailerError, VyperError};
