//! From compiled contracts to artifacts under their normalised names.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, keccak256};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::Fqn;
use tidegate_model::release::{Artifact, Code, Span};

use crate::sources::Closure;
use crate::unit::{Compiled, CompiledCode, Unit};

/// Why a contract has no artifact.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is an interface, an abstract contract, or not there.
    #[error("use the contract {name}: it has no code, as an interface or abstract contract")]
    NotDeployable {
        /// The contract.
        name: String,
    },
    /// A library that has to be linked was not compiled.
    #[error("link {library} into {contract}: the compiler gave no code for it")]
    LibraryMissing {
        /// The library.
        library: String,
        /// What links it.
        contract: String,
    },
    /// Libraries link each other, so none can be created first.
    #[error("order the libraries of {contract}: {library} needs itself")]
    LibraryCycle {
        /// The contract.
        contract: String,
        /// A library on the cycle.
        library: String,
    },
    /// The compiler's metadata cannot be read.
    #[error("read the metadata of {contract}")]
    Metadata {
        /// The contract.
        contract: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The ABI cannot be read.
    #[error("read the ABI of {contract}")]
    Abi {
        /// The contract.
        contract: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The metadata speaks of another source than the one that was compiled.
    #[error("check the sources of {contract}: {source_name} is not the file that was compiled")]
    SourceMismatch {
        /// The contract.
        contract: String,
        /// The source.
        source_name: String,
    },
}

/// The artifacts of some contracts and of every library that they link.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) artifacts: BTreeMap<Fqn, Artifact>,
    /// For each artifact, its libraries, each before those that link it.
    pub(crate) libraries: BTreeMap<Fqn, Vec<Fqn>>,
}

/// Makes the artifacts of these contracts, given as `source:Name`.
pub(crate) fn artifacts<'a>(
    unit: &Unit,
    closure: &Closure,
    names: &BTreeMap<String, String>,
    contracts: impl IntoIterator<Item = &'a str>,
) -> Result<Linked, ArtifactError> {
    let mut linked = Linked { artifacts: BTreeMap::new(), libraries: BTreeMap::new() };
    let mut open: BTreeSet<String> = contracts.into_iter().map(str::to_owned).collect();
    while let Some(contract) = open.pop_first() {
        let compiled = unit.contracts.get(&contract);
        let not_deployable = || ArtifactError::NotDeployable { name: contract.clone() };
        let compiled = compiled.ok_or_else(not_deployable)?;
        let libraries = libraries(unit, &contract)?;
        let fqn = fqn(&contract, names);
        let artifact = artifact(&contract, &fqn, compiled, closure, names)?;
        linked.artifacts.insert(fqn.clone(), artifact);
        let ordered = libraries.iter().map(|library| self::fqn(library, names)).collect();
        linked.libraries.insert(fqn, ordered);
        let new = |name: &String| !linked.artifacts.contains_key(&self::fqn(name, names));
        open.extend(libraries.into_iter().filter(new));
    }
    Ok(linked)
}

/// The normalised name of `source:Name`.
pub(crate) fn fqn(contract: &str, names: &BTreeMap<String, String>) -> Fqn {
    let (source, name) = contract.rsplit_once(':').unwrap_or(("", contract));
    let source = names.get(source).map_or(source, String::as_str);
    Fqn(format!("{source}:{name}"))
}

/// The libraries that a contract links, and those that they link, each before its users.
fn libraries(unit: &Unit, contract: &str) -> Result<Vec<String>, ArtifactError> {
    fn visit<'a>(
        unit: &'a Unit,
        root: &str,
        name: &'a str,
        path: &mut Vec<&'a str>,
        ordered: &mut Vec<String>,
    ) -> Result<(), ArtifactError> {
        let compiled = unit.contracts.get(name).ok_or_else(|| ArtifactError::LibraryMissing {
            library: name.to_owned(),
            contract: root.to_owned(),
        })?;
        path.push(name);
        let direct: BTreeSet<&String> =
            compiled.creation.links.keys().chain(compiled.runtime.links.keys()).collect();
        for library in direct {
            if path.contains(&library.as_str()) {
                let (contract, library) = (root.to_owned(), library.clone());
                return Err(ArtifactError::LibraryCycle { contract, library });
            }
            if !ordered.contains(library) {
                visit(unit, root, library, path, ordered)?;
                ordered.push(library.clone());
            }
        }
        path.pop();
        Ok(())
    }
    let mut ordered = Vec::new();
    visit(unit, contract, contract, &mut Vec::new(), &mut ordered)?;
    Ok(ordered)
}

fn artifact(
    contract: &str,
    fqn: &Fqn,
    compiled: &Compiled,
    closure: &Closure,
    names: &BTreeMap<String, String>,
) -> Result<Artifact, ArtifactError> {
    let owned = || contract.to_owned();
    let metadata: Metadata = serde_json::from_str(&compiled.metadata)
        .map_err(|source| ArtifactError::Metadata { contract: owned(), source })?;
    let abi: JsonAbi = serde_json::from_value(compiled.abi.clone())
        .map_err(|source| ArtifactError::Abi { contract: owned(), source })?;
    let mut sources = BTreeMap::new();
    for (source, digest) in &metadata.sources {
        let present = closure.get(source).map(|source| keccak256(source.content.as_bytes()));
        if present != Some(digest.keccak256) {
            let source_name = source.clone();
            return Err(ArtifactError::SourceMismatch { contract: owned(), source_name });
        }
        let name = names.get(source).unwrap_or(source);
        sources.insert(name.clone(), digest.keccak256);
    }
    Ok(Artifact {
        fqn: fqn.clone(),
        abi,
        creation: code(&compiled.creation, names),
        runtime: code(&compiled.runtime, names),
        immutables: immutables(&compiled.immutables, names),
        sources,
        layout: compiled.layout.clone(),
        layout_notes: compiled.layout_notes.clone(),
        profile: metadata.profile(),
        functions: compiled.functions.clone(),
    })
}

/// The sources that a contract's metadata lists, by the compiler's names.
pub(crate) fn own_sources(
    contract: &str,
    compiled: &Compiled,
) -> Result<BTreeSet<String>, ArtifactError> {
    let metadata: Metadata = serde_json::from_str(&compiled.metadata)
        .map_err(|source| ArtifactError::Metadata { contract: contract.to_owned(), source })?;
    Ok(metadata.sources.into_keys().collect())
}

fn code(compiled: &CompiledCode, names: &BTreeMap<String, String>) -> Code {
    let links = compiled.links.iter().map(|(name, spans)| (fqn(name, names), spans.clone()));
    Code {
        object: compiled.object.clone(),
        links: links.collect(),
        metadata: compiled.metadata.clone(),
    }
}

/// By `Contract.variable`; where two bases of one name have a variable of one name, by
/// `path:Contract.variable`.
fn immutables(
    compiled: &BTreeMap<String, Vec<Span>>,
    names: &BTreeMap<String, String>,
) -> BTreeMap<String, Vec<Span>> {
    let short = |name: &str| name.rsplit_once(':').map_or(name, |(_, short)| short).to_owned();
    let unique = |name: &str| compiled.keys().filter(|k| short(k) == short(name)).count() == 1;
    let named = |name: &str| if unique(name) { short(name) } else { fqn(name, names).0 };
    compiled.iter().map(|(name, spans)| (named(name), spans.clone())).collect()
}

#[derive(Deserialize)]
struct Metadata {
    compiler: MetadataCompiler,
    language: String,
    settings: MetadataSettings,
    sources: BTreeMap<String, MetadataSource>,
}

#[derive(Deserialize)]
struct MetadataCompiler {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataSettings {
    evm_version: String,
    optimizer: MetadataOptimizer,
    #[serde(rename = "viaIR", default)]
    via_ir: bool,
    #[serde(default)]
    metadata: MetadataOfMetadata,
}

#[derive(Deserialize)]
struct MetadataOptimizer {
    enabled: bool,
    runs: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataOfMetadata {
    bytecode_hash: Option<String>,
    #[serde(rename = "appendCBOR")]
    append_cbor: Option<bool>,
}

#[derive(Deserialize)]
struct MetadataSource {
    keccak256: B256,
}

impl Metadata {
    /// The `compilerProfile`: what the compiler says it did. Its version here ends at the
    /// commit, so that native and WebAssembly builds of one compiler agree.
    fn profile(&self) -> Value {
        let settings = &self.settings;
        json!({
            "compiler": "solc",
            "longVersion": self.compiler.version,
            "evmVersion": settings.evm_version,
            "optimizer": {"enabled": settings.optimizer.enabled, "runs": settings.optimizer.runs},
            "viaIR": settings.via_ir,
            "bytecodeHash": settings.metadata.bytecode_hash.as_deref().unwrap_or("ipfs"),
            "appendCBOR": settings.metadata.append_cbor.unwrap_or(true),
            "language": self.language,
        })
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::digest::jcs;
    use tidegate_model::release::LayoutNotes;

    use super::*;

    fn linking(libraries: &[&str]) -> Compiled {
        let links = libraries.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        let empty = || CompiledCode {
            object: alloy_primitives::Bytes::new(),
            links: BTreeMap::new(),
            metadata: Vec::new(),
        };
        Compiled {
            abi: json!([]),
            creation: CompiledCode { links, ..empty() },
            runtime: empty(),
            immutables: BTreeMap::new(),
            layout: json!({}),
            layout_notes: LayoutNotes::default(),
            metadata: String::new(),
            functions: tidegate_model::functions::FunctionMap::default(),
        }
    }

    fn unit(contracts: &[(&str, &[&str])]) -> Unit {
        let compiled = |(name, links): &(&str, &[&str])| ((*name).to_owned(), linking(links));
        Unit { contracts: contracts.iter().map(compiled).collect(), warnings: Vec::new() }
    }

    #[test]
    fn libraries_come_before_what_links_them() {
        let unit = unit(&[
            ("s:V", &["s:A", "s:B"]),
            ("s:A", &["s:C"]),
            ("s:B", &["s:C", "s:A"]),
            ("s:C", &[]),
            ("s:X", &["s:Y"]),
            ("s:Y", &["s:Z"]),
            ("s:Z", &["s:Y"]),
            ("s:W", &["s:Gone"]),
        ]);
        assert_eq!(libraries(&unit, "s:V").unwrap(), ["s:C", "s:A", "s:B"]);
        assert_eq!(libraries(&unit, "s:B").unwrap(), ["s:C", "s:A"]);
        let error = libraries(&unit, "s:X").unwrap_err();
        assert!(matches!(error, ArtifactError::LibraryCycle { .. }), "{error:?}");
        let error = libraries(&unit, "s:W").unwrap_err();
        assert!(matches!(error, ArtifactError::LibraryMissing { .. }), "{error:?}");
    }

    #[test]
    fn the_profile_is_what_the_compiler_says_it_did() {
        let metadata = r#"{"compiler": {"version": "0.8.30+commit.73712a01"}, "version": 1,
            "language": "Solidity", "output": {}, "sources": {},
            "settings": {"compilationTarget": {}, "evmVersion": "prague", "libraries": {},
                "metadata": {"bytecodeHash": "ipfs"}, "remappings": [],
                "optimizer": {"enabled": true, "runs": 4294967295}}}"#;
        let metadata: Metadata = serde_json::from_str(metadata).unwrap();
        let text = jcs("profile", &metadata.profile()).unwrap();
        let expected = [
            r#"{"appendCBOR":true,"bytecodeHash":"ipfs","compiler":"solc","evmVersion":"prague","#,
            r#""language":"Solidity","longVersion":"0.8.30+commit.73712a01","#,
            r#""optimizer":{"enabled":true,"runs":4294967295},"viaIR":false}"#,
        ];
        assert_eq!(String::from_utf8(text).unwrap(), expected.concat());
    }

    #[test]
    fn immutables_of_one_name_are_kept_apart() {
        let names = BTreeMap::from([("lib/p/B.sol".to_owned(), "dep:p/B.sol".to_owned())]);
        let span = |start| vec![Span { start, length: 32 }];
        let compiled = BTreeMap::from([
            ("src/A.sol:Base.x".to_owned(), span(1)),
            ("lib/p/B.sol:Base.x".to_owned(), span(2)),
            ("lib/p/B.sol:Base.y".to_owned(), span(3)),
        ]);
        let expected = BTreeMap::from([
            ("src/A.sol:Base.x".to_owned(), span(1)),
            ("dep:p/B.sol:Base.x".to_owned(), span(2)),
            ("Base.y".to_owned(), span(3)),
        ]);
        assert_eq!(immutables(&compiled, &names), expected);
    }
}
