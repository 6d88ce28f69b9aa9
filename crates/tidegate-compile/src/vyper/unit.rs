//! One Vyper contract as compiled, reduced to what its artifact is made of. It is what the cache
//! keeps.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_model::functions::FunctionMap;
use tidegate_model::release::{LayoutNotes, Span};

use super::error::VyperError;
use super::functions::{Sources, of_code};
use super::layout;
use super::output::Answer;
use super::sources::Modules;
use super::trailer::{self, TrailerError};
use super::types::Scope;
use crate::foundry::FoundryConfig;
use crate::output::{Diagnostic, OutputError};
use crate::version::LongVersion;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VyperUnit {
    pub(super) abi: Value,
    pub(super) creation: Bytes,
    /// Where the hash of the sources stands in the creation code.
    pub(super) integrity: Option<Span>,
    /// The runtime code, and zeros where creation puts the immutables: behind it.
    pub(super) runtime: Bytes,
    pub(super) immutables: BTreeMap<String, Vec<Span>>,
    pub(super) layout: Value,
    pub(super) layout_notes: LayoutNotes,
    pub(super) functions: FunctionMap,
    pub(super) profile: Value,
    pub(super) warnings: Vec<String>,
}

/// The inputs from which one contract's artifact is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The source of the contract.
    pub(super) source: &'a str,
    /// Its name.
    pub(super) name: &'a str,
    pub(super) modules: &'a Modules,
    pub(super) foundry: &'a FoundryConfig,
    pub(super) version: &'a LongVersion,
}

/// Reduces a build, with its contrast at hand.
pub(super) fn reduce(
    place: Place<'_>,
    build: Answer,
    contrast: &Answer,
) -> Result<VyperUnit, VyperError> {
    let Place { source, name, modules, version, .. } = place;
    let missing = |what| OutputError::Missing { contract: source.to_owned(), what };
    let output = build.contract(source)?;
    let (creation, plain) = (output.creation(source)?, output.runtime(source)?);
    let trailer_error = |error| VyperError::Trailer { contract: source.to_owned(), source: error };
    let trailer = tidegate_model::trailer::read(&creation)
        .ok_or(TrailerError::Missing)
        .map_err(trailer_error)?;
    trailer::check(&trailer, &version.plain, plain.len()).map_err(trailer_error)?;
    let other = contrast.contract(source)?;
    let others = [other.creation(source)?, other.runtime(source)?];
    check_contrast(source, [&creation, &plain], [&others[0], &others[1]], trailer.integrity)?;

    let length = trailer.immutables;
    if length > IMMUTABLES_BYTES_MAX {
        return Err(OutputError::OutOfBounds { contract: source.to_owned() }.into());
    }
    let reported = &output.layout["code_layout"];
    let immutables = layout::immutables(reported, name, plain.len(), length)
        .ok_or_else(|| OutputError::OutOfBounds { contract: source.to_owned() })?;
    let runtime = [&plain[..], &vec![0; length]].concat();

    let trees = build.sources.iter().filter_map(|(name, s)| Some((name.as_str(), s.ast.as_ref()?)));
    let trees: BTreeMap<_, _> = trees.collect();
    let tree = trees.get(source).ok_or_else(|| missing("the syntax tree"))?;
    let profile = profile(&place, &tree.settings);
    let mut scope = Scope::new(modules, trees);
    let storage = &output.layout["storage_layout"];
    let (layout, layout_notes) = layout::canonical(storage, source, &mut scope)
        .map_err(|error| VyperError::Layout { contract: source.to_owned(), source: error })?;
    let numbered = build.sources.iter().filter_map(|(name, source)| {
        let file = name.rsplit('/').next().unwrap_or(name);
        Some((source.id, (file.split('.').next()?, source.ast.as_ref()?)))
    });
    let numbered: Sources<'_> = numbered.collect();
    let data = trailer.data.iter().fold(0_usize, |sum, bytes| sum.saturating_add(*bytes));
    let functions = output.source_map().map(|map| of_code(plain.len(), data, map, &numbered));
    let functions = functions.unwrap_or_default();
    let abi = output.abi.clone().ok_or_else(|| missing("the ABI"))?;
    let warnings = build.errors.into_iter().map(Diagnostic::into_text).collect();
    Ok(VyperUnit {
        abi,
        creation,
        integrity: trailer.integrity,
        runtime: runtime.into(),
        immutables,
        layout,
        layout_notes,
        functions,
        profile,
        warnings,
    })
}

/// The most bytes of immutables. With them, code has to stay below the limit of chains.
const IMMUTABLES_BYTES_MAX: usize = 1 << 20;

/// Refuses code that depends on a comment anywhere but in the hash of the sources, or has a hash
/// of something else where that should be: only what is proven to be the hash is masked.
fn check_contrast(
    contract: &str,
    build: [&[u8]; 2],
    contrast: [&[u8]; 2],
    integrity: Option<Span>,
) -> Result<(), VyperError> {
    let unlocated = |at| VyperError::Unlocated { contract: contract.to_owned(), at };
    for (part, (first, second)) in build.into_iter().zip(contrast).enumerate() {
        let hash = integrity.filter(|_| part == 0).map_or(0..0, |s| s.start..s.start + s.length);
        if first.len() != second.len() {
            return Err(unlocated(first.len().min(second.len())));
        }
        let differs = |at: &usize| first[*at] != second[*at];
        if let Some(at) = (0..first.len()).find(|at| differs(at) && !hash.contains(at)) {
            return Err(unlocated(at));
        }
        if !hash.is_empty() && !hash.clone().any(|at| differs(&at)) {
            return Err(unlocated(hash.start));
        }
    }
    Ok(())
}

/// The `compilerProfile`: what the compiler was told, by settings or by pragmas.
fn profile(place: &Place<'_>, pragmas: &Value) -> Value {
    const DEFAULT: &str = "default";
    let vyper = &place.foundry.vyper;
    let told = |setting: Option<&str>, pragma: &str| {
        setting.or_else(|| pragmas[pragma].as_str()).unwrap_or(DEFAULT).to_owned()
    };
    let experimental = vyper.experimental_codegen;
    let pragma = || pragmas["experimental_codegen"].as_bool();
    json!({
        "compiler": "vyper",
        "longVersion": place.version.text,
        "evmVersion": told(place.foundry.evm_version.as_deref(), "evm_version"),
        "optimize": told(vyper.optimize.as_deref(), "optimize"),
        "experimentalCodegen": experimental.or_else(pragma).unwrap_or(false),
        "enableDecimals": pragmas["enable_decimals"].as_bool().unwrap_or(false),
        "language": "Vyper",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hash_of_the_sources_may_follow_a_comment() {
        let build = [1, 2, 3, 9, 9, 4];
        let check = |contrast: &[u8], runtime: &[u8]| {
            let span = Some(Span { start: 3, length: 2 });
            match check_contrast("C", [&build, &[7]], [contrast, runtime], span) {
                Err(VyperError::Unlocated { at, .. }) => Some(at),
                other => {
                    assert!(other.is_ok());
                    None
                }
            }
        };
        assert_eq!(check(&[1, 2, 3, 8, 9, 4], &[7]), None);
        assert_eq!(check(&build, &[7]), Some(3), "not a hash of the sources");
        assert_eq!(check(&[1, 0, 3, 8, 8, 4], &[7]), Some(1), "code that follows a comment");
        assert_eq!(check(&[1, 2, 3, 8, 8, 5], &[7]), Some(5), "the trailer itself");
        assert_eq!(check(&[1, 2, 3, 8, 8], &[7]), Some(5), "another length");
        assert_eq!(check(&[1, 2, 3, 8, 8, 4], &[6]), Some(0), "the runtime code");
    }
}
