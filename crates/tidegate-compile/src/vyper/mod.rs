//! Contracts in Vyper: found, compiled and reduced to the same artifacts as those in Solidity.
//!
//! Each contract is compiled from its own closure alone, so that nothing else can reach its code.
//! Metadata is one hash in the creation code, and immutables stand behind the runtime code.

mod error;
mod find;
mod functions;
#[cfg(test)]
mod fuzz;
mod imports;
mod input;
mod layout;
mod output;
mod sources;
mod trailer;
mod tree;
mod types;
mod unit;

use std::collections::BTreeMap;
use std::convert::Infallible;

use alloy_primitives::keccak256;
use foundry_compilers::artifacts::EvmVersion;
use semver::Version;
use tidegate_model::release::{Artifact, Code, Compiler};

use crate::artifact::{ArtifactError, fqn};
use crate::cache::Slot;
use crate::error::CompileError;
use crate::foundry::FoundryConfig;
use crate::output::Diagnostic;
use crate::request::CompileRequest;
use crate::roots::Root;

pub use error::VyperError;
use find::FoundVyper;
pub(crate) use imports::constructor;
use output::Answer;
pub(crate) use sources::{Modules, closure, contract_of, is_vyper};
pub use trailer::TrailerError;
use unit::{Place, VyperUnit};

/// The result of compiling the contracts in Vyper.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) compiler: Compiler,
    pub(crate) warnings: Vec<String>,
}

/// Compiles contracts, each from its own closure; none if there are none.
pub(crate) fn compile(
    request: &CompileRequest<'_>,
    closures: &BTreeMap<Root, Modules>,
    names: &BTreeMap<String, String>,
) -> Result<Option<Compiled>, CompileError> {
    let Some(first) = closures.keys().next() else { return Ok(None) };
    let CompileRequest { root, foundry, compilers, cache_dir, .. } = *request;
    let vyper = find::find(root, foundry, compilers, cache_dir, &first.full())?;
    let (foundry, mut warnings) = fitted(foundry, &vyper.version.plain);
    let mut artifacts = Vec::new();
    for (root, modules) in closures {
        let inputs = input::inputs(modules, &root.source, &foundry);
        let slot = Slot::new(cache_dir, [&inputs.build, &inputs.contrast], vyper.key);
        let unit = match slot.load::<VyperUnit>() {
            Some(unit) => unit,
            None => {
                let place = Place {
                    source: &root.source,
                    name: &root.contract,
                    modules,
                    foundry: &foundry,
                    version: &vyper.version,
                };
                let [build, contrast] = ask(&vyper, [&inputs.build, &inputs.contrast])?;
                let unit = unit::reduce(place, build, &contrast)?;
                slot.store(&unit);
                unit
            }
        };
        warnings.extend(unit.warnings.iter().cloned());
        artifacts.push(artifact(root, unit, modules, names)?);
    }
    Ok(Some(Compiled { artifacts, compiler: vyper.compiler, warnings }))
}

/// One answer for each input, asked for side by side.
fn ask(vyper: &FoundVyper, inputs: [&str; 2]) -> Result<[Answer; 2], CompileError> {
    let answer = |input| {
        let mut whole = Vec::new();
        let taken = vyper.driver.ask(&[input], |answer| {
            whole = answer;
            Ok::<(), Infallible>(())
        });
        taken.map(|Ok(())| whole)
    };
    let [build, contrast] = inputs;
    let (build, contrast) = std::thread::scope(|scope| {
        let contrast = scope.spawn(|| answer(contrast));
        (answer(build), contrast.join())
    });
    let contrast = contrast.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let failed = |source| CompileError::Run { compiler: vyper.compiler.clone(), source };
    Ok([accepted(&build.map_err(failed)?)?, accepted(&contrast.map_err(failed)?)?])
}

fn accepted(answer: &[u8]) -> Result<Answer, CompileError> {
    let answer = output::parse(answer).map_err(VyperError::Output)?;
    if answer.errors.iter().any(Diagnostic::is_error) {
        let errors = answer.errors.into_iter().filter(Diagnostic::is_error);
        return Err(CompileError::Rejected {
            messages: errors.map(Diagnostic::into_text).collect(),
        });
    }
    Ok(answer)
}

fn artifact(
    root: &Root,
    unit: VyperUnit,
    modules: &Modules,
    names: &BTreeMap<String, String>,
) -> Result<Artifact, ArtifactError> {
    let contract = root.full();
    let abi = serde_json::from_value(unit.abi)
        .map_err(|source| ArtifactError::Abi { contract: contract.clone(), source })?;
    let named = |name: &String| names.get(name).unwrap_or(name).clone();
    let sources = modules
        .iter()
        .map(|(name, module)| (named(name), keccak256(module.content.as_bytes())))
        .collect();
    let code = |object, metadata| Code { object, links: BTreeMap::new(), metadata };
    Ok(Artifact {
        fqn: fqn(&contract, names),
        abi,
        creation: code(unit.creation, unit.integrity.into_iter().collect()),
        runtime: code(unit.runtime, Vec::new()),
        immutables: unit.immutables,
        sources,
        layout: unit.layout,
        layout_notes: unit.layout_notes,
        profile: unit.profile,
        functions: unit.functions,
        upgrades_from: None,
        hazards: None,
    })
}

/// EVM versions by the first compiler here that knows them.
const EVM_VERSIONS: [(EvmVersion, Version); 5] = [
    (EvmVersion::London, Version::new(0, 4, 1)),
    (EvmVersion::Paris, Version::new(0, 4, 1)),
    (EvmVersion::Shanghai, Version::new(0, 4, 1)),
    (EvmVersion::Cancun, Version::new(0, 4, 1)),
    (EvmVersion::Prague, Version::new(0, 4, 3)),
];

/// As with Solidity, a compiler gets the newest EVM version that it knows of those up to the one
/// that is written.
fn fitted(foundry: &FoundryConfig, version: &Version) -> (FoundryConfig, Vec<String>) {
    let mut fitted = foundry.clone();
    let mut warnings = Vec::new();
    let written = foundry.evm_version.as_deref().and_then(|text| text.parse::<EvmVersion>().ok());
    if let Some(evm) = written {
        let usable = |(known, since): &&(EvmVersion, Version)| *known <= evm && since <= version;
        let known = EVM_VERSIONS.iter().filter(usable).map(|(known, _)| *known).max();
        fitted.evm_version = known.map(|evm| evm.as_str().to_owned());
        if known != Some(evm) {
            let known = known.map_or("its default", |evm| evm.as_str());
            warnings.push(format!("vyper {version} does not know {evm}: `evm_version` is {known}"));
        }
    }
    (fitted, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_gets_an_evm_version_that_it_knows() {
        for (version, written, expected) in [
            (Version::new(0, 4, 3), "prague", Some("prague")),
            (Version::new(0, 4, 3), "osaka", Some("prague")),
            (Version::new(0, 4, 1), "prague", Some("cancun")),
            (Version::new(0, 4, 1), "london", Some("london")),
            (Version::new(0, 4, 3), "istanbul", None),
        ] {
            let foundry =
                FoundryConfig { evm_version: Some(written.to_owned()), ..FoundryConfig::empty() };
            let (fitted, warnings) = fitted(&foundry, &version);
            assert_eq!(fitted.evm_version.as_deref(), expected, "{version} {written}");
            assert_eq!(warnings.len(), usize::from(expected != Some(written)), "{warnings:?}");
        }
    }
}
