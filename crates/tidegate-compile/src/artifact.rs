//! From compiled contracts to artifacts under their normalised names.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, keccak256};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::Fqn;
use tidegate_model::hazard::Hazard;
use tidegate_model::release::{Artifact, Code, Span};

use crate::sources::Closure;
use crate::unit::{Compiled, CompiledCode, Unit};

/// A contract whose compiler output cannot become an artifact.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is an interface, an abstract contract, or not there.
    #[error("cannot use the contract {name}: it has no code, as an interface or abstract contract")]
    NotDeployable { name: String },
    /// A library that has to be linked was not compiled.
    #[error("cannot link {library} into {contract}: the compiler gave no code for it")]
    LibraryMissing { library: String, contract: String },
    /// Libraries link each other, so none can be created first.
    #[error("cannot order the libraries of {contract}: {library} depends on itself")]
    LibraryCycle {
        contract: String,
        /// A library on the cycle.
        library: String,
    },
    /// The compiler's metadata cannot be read.
    #[error("cannot read the metadata of {contract}")]
    Metadata {
        contract: String,
        #[source]
        source: serde_json::Error,
    },
    /// The ABI cannot be read.
    #[error("cannot read the ABI of {contract}")]
    Abi {
        contract: String,
        #[source]
        source: serde_json::Error,
    },
    /// Several contracts have one name, and are not the same in every byte.
    #[error(
        "the name {fqn} is ambiguous: {} have it, and each compiles to different code",
        contracts.join(" and ")
    )]
    OneName {
        fqn: Fqn,
        /// Each, as the compiler knows it.
        contracts: Vec<String>,
    },
    /// Two variables of one contract have one name.
    #[error(
        "cannot name the immutables of {contract}: {first} and {second} are both called {name}"
    )]
    OneVariable {
        contract: String,
        name: String,
        /// One of them, as the compiler knows it.
        first: String,
        second: String,
    },
    /// The metadata speaks of another source than the one that was compiled.
    #[error(
        "cannot check the sources of {contract}: {source_name} is not the file that was \
         compiled"
    )]
    SourceMismatch { contract: String, source_name: String },
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
    // By the compiler's name, since two of those may be one of ours.
    let mut done: BTreeMap<String, Fqn> = BTreeMap::new();
    while let Some(contract) = open.pop_first() {
        let compiled = unit.contracts.get(&contract);
        let not_deployable = || ArtifactError::NotDeployable { name: contract.clone() };
        let compiled = compiled.ok_or_else(not_deployable)?;
        let libraries = libraries(unit, &contract)?;
        let fqn = fqn(&contract, names);
        let artifact = artifact(&contract, &fqn, compiled, closure, names)?;
        if add(&mut linked.artifacts, artifact).is_err() {
            let others = done.into_iter().filter(|(_, other)| *other == fqn);
            let contracts = others.map(|(name, _)| name).chain([contract]).collect();
            return Err(ArtifactError::OneName { fqn, contracts });
        }
        let ordered = libraries.iter().map(|library| self::fqn(library, names)).collect();
        linked.libraries.insert(fqn.clone(), ordered);
        done.insert(contract, fqn);
        open.extend(libraries.into_iter().filter(|name| !done.contains_key(name)));
    }
    Ok(linked)
}

/// Adds an artifact, which must be the one that has its name already, if there is one.
pub(crate) fn add(
    artifacts: &mut BTreeMap<Fqn, Artifact>,
    artifact: Artifact,
) -> Result<(), Box<Artifact>> {
    match artifacts.get(&artifact.fqn) {
        Some(other) if *other != artifact => Err(Box::new(artifact)),
        Some(_) => Ok(()),
        None => {
            artifacts.insert(artifact.fqn.clone(), artifact);
            Ok(())
        }
    }
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
        immutables: immutables(contract, &compiled.immutables, names)?,
        sources,
        layout: compiled.layout.clone(),
        layout_notes: compiled.layout_notes.clone(),
        profile: metadata.profile(),
        functions: compiled.functions.clone(),
        upgrades_from: compiled.upgrades_from.clone(),
        hazards: Some(compiled.hazards.iter().map(|hazard| named(hazard, names)).collect()),
    })
}

/// A hazard whose place has our name of the source.
fn named(hazard: &Hazard, names: &BTreeMap<String, String>) -> Hazard {
    Hazard { at: fqn(&hazard.at, names).0, ..hazard.clone() }
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
    // Libraries of one name are the same in every byte, so one address is right for all places.
    let mut links: BTreeMap<Fqn, Vec<Span>> = BTreeMap::new();
    for (name, spans) in &compiled.links {
        let all = links.entry(fqn(name, names)).or_default();
        all.extend(spans);
        all.sort_unstable();
    }
    Code { object: compiled.object.clone(), links, metadata: compiled.metadata.clone() }
}

/// By `Contract.variable`; where two bases of one name have a variable of one name, by
/// `path:Contract.variable`.
fn immutables(
    contract: &str,
    compiled: &BTreeMap<String, Vec<Span>>,
    names: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Vec<Span>>, ArtifactError> {
    let short = |name: &str| name.rsplit_once(':').map_or(name, |(_, short)| short).to_owned();
    let unique = |name: &str| compiled.keys().filter(|k| short(k) == short(name)).count() == 1;
    let mut found: BTreeMap<String, (&String, Vec<Span>)> = BTreeMap::new();
    for (full, spans) in compiled {
        let name = if unique(full) { short(full) } else { fqn(full, names).0 };
        if let Some((first, _)) = found.insert(name.clone(), (full, spans.clone())) {
            return Err(ArtifactError::OneVariable {
                contract: contract.to_owned(),
                name,
                first: first.clone(),
                second: full.clone(),
            });
        }
    }
    Ok(found.into_iter().map(|(name, (_, spans))| (name, spans)).collect())
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
    /// Anything but the compiler's own `default`.
    debug: Option<Value>,
}

#[derive(Deserialize)]
struct MetadataOptimizer {
    /// Missing where `details` are given that are those of neither answer.
    enabled: Option<bool>,
    runs: u64,
    details: Option<Value>,
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
    /// The hash that the compiler puts into the code where its metadata names none.
    fn own_hash(&self) -> &'static str {
        let old = ["0.4.", "0.5."].iter().any(|version| self.compiler.version.starts_with(version));
        if old { "bzzr1" } else { "ipfs" }
    }

    /// The `compilerProfile`: what the compiler says it did. Its version here ends at the
    /// commit, so that native and WebAssembly builds of one compiler agree.
    fn profile(&self) -> Value {
        let settings = &self.settings;
        let mut optimizer = json!({"runs": settings.optimizer.runs});
        if let Some(enabled) = settings.optimizer.enabled {
            optimizer["enabled"] = json!(enabled);
        }
        if let Some(details) = &settings.optimizer.details {
            optimizer["details"] = details.clone();
        }
        let mut profile = json!({
            "compiler": "solc",
            "longVersion": self.compiler.version,
            "evmVersion": settings.evm_version,
            "optimizer": optimizer,
            "viaIR": settings.via_ir,
            "bytecodeHash": settings.metadata.bytecode_hash.as_deref().unwrap_or(self.own_hash()),
            "appendCBOR": settings.metadata.append_cbor.unwrap_or(true),
            "language": self.language,
        });
        if let Some(debug) = &settings.debug {
            profile["debug"] = debug.clone();
        }
        profile
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
            upgrades_from: None,
            hazards: Vec::new(),
        }
    }

    fn unit(contracts: &[(&str, &[&str])]) -> Unit {
        let compiled = |(name, links): &(&str, &[&str])| ((*name).to_owned(), linking(links));
        Unit {
            contracts: contracts.iter().map(compiled).collect(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
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
        assert_eq!(immutables("s:C", &compiled, &names).unwrap(), expected);
        let copies = ["lib/p/B.sol:Base.x", "lib/q/B.sol:Base.x"];
        let compiled = copies.map(|name| (name.to_owned(), span(1))).into();
        let name = |path: &str| (path.to_owned(), "dep:p/B.sol".to_owned());
        let error = immutables("s:C", &compiled, &["lib/p/B.sol", "lib/q/B.sol"].map(name).into());
        assert!(matches!(error, Err(ArtifactError::OneVariable { .. })));
    }

    /// Two of the compiler's names are one of ours: allowed for what is the same in every byte.
    #[test]
    fn one_name_is_one_contract() {
        let names = ["lib/p/L.sol", "lib/q/L.sol"];
        let names = names.map(|name| (name.to_owned(), "dep:p/L.sol".to_owned())).into();
        let metadata = |evm: &str| {
            json!({"compiler": {"version": "0.8.30"}, "language": "Solidity", "sources": {},
                "settings": {"evmVersion": evm, "optimizer": {"enabled": true, "runs": 200}}})
            .to_string()
        };
        let made = |evm: &str| {
            let library = |evm: &str| Compiled { metadata: metadata(evm), ..linking(&[]) };
            let user = linking(&["lib/p/L.sol:L", "lib/q/L.sol:L"]);
            let contracts = [
                ("s:C".to_owned(), Compiled { metadata: metadata("paris"), ..user }),
                ("lib/p/L.sol:L".to_owned(), library("paris")),
                ("lib/q/L.sol:L".to_owned(), library(evm)),
            ];
            let unit =
                Unit { contracts: contracts.into(), errors: Vec::new(), warnings: Vec::new() };
            artifacts(&unit, &Closure::new(), &names, ["s:C"])
        };
        assert_eq!(made("paris").unwrap().artifacts.len(), 2);
        let error = made("london").unwrap_err().to_string();
        let says = "the name dep:p/L.sol:L is ambiguous: lib/p/L.sol:L and lib/q/L.sol:L have it";
        assert!(error.starts_with(says), "{error}");
    }
}
