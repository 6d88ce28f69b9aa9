//! Where the sources of a release lie, for whoever recomputes its digests without this program.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::compile::{Closures, closures, texts};
use crate::error::CompileError;
use crate::foundry::FoundryConfig;
use crate::roots::Search;
use crate::{names, places};

/// A source file of a closure: the name that the compiler has for it, and its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SourcePlace {
    /// The name under which the compiler knows it.
    pub source: String,
    /// Its path, relative to the project's root.
    pub file: String,
}

/// Every source in the closure of some contracts, by the name that digests have it under.
///
/// # Errors
/// As [`crate::compile`], up to where the compiler runs.
pub fn source_places(
    root: &Path,
    foundry: &FoundryConfig,
    contracts: &[String],
) -> Result<BTreeMap<String, SourcePlace>, CompileError> {
    let mut named = Vec::new();
    let search = Search::new(root, foundry);
    for name in contracts {
        named.push(search.find(name)?);
    }
    let Closures { solidity, vyper } = closures(root, foundry, &named)?;
    let names = names::normalise(root, foundry, texts(&solidity, &vyper))?;
    let place = |(source, name): (String, String)| {
        let file = places::path_of(root, foundry, &source).unwrap_or_else(|| source.clone());
        (name, SourcePlace { source, file })
    };
    Ok(names.into_iter().map(place).collect())
}
