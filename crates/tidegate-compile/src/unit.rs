//! One compilation, reduced to what artifacts are made of. It knows sources by the compiler's
//! names and is what the cache keeps.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::functions::FunctionMap;
use tidegate_model::hazard::Hazard;
use tidegate_model::release::{LayoutNotes, Span};

use crate::ast::{Declarations, STORAGE_LOCATION};
use crate::auxdata::{self, AuxdataError, Build};
use crate::layout::{self, LayoutError};
use crate::notes::Notes;
use crate::output::{Bytecode, ContractOutput, Evm, Output, OutputError, check_bounds};
use crate::reach::reached;
use crate::safety;
use crate::source_map::SourceFunctions;
use crate::sources::Closure;

/// Compiler output that cannot be turned into artifacts.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The compiler's answer cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Metadata cannot be told from code.
    #[error("cannot take the metadata out of {contract}")]
    Auxdata {
        contract: String,
        #[source]
        source: AuxdataError,
    },
    /// The storage layout cannot be made.
    #[error("cannot make the storage layout of {contract}")]
    Layout {
        contract: String,
        #[source]
        source: LayoutError,
    },
}

/// Every contract with code that was asked for, by `source:Name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unit {
    pub(crate) contracts: BTreeMap<String, Compiled>,
    /// The errors of every contract of the sources, as in its ABI.
    pub(crate) errors: Vec<Value>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compiled {
    pub(crate) abi: Value,
    pub(crate) creation: CompiledCode,
    pub(crate) runtime: CompiledCode,
    /// By `source:Contract.variable`.
    pub(crate) immutables: BTreeMap<String, Vec<Span>>,
    pub(crate) layout: Value,
    pub(crate) layout_notes: LayoutNotes,
    pub(crate) metadata: String,
    pub(crate) functions: FunctionMap,
    /// What the contract says that it replaces.
    pub(crate) upgrades_from: Option<String>,
    /// Their places have the compiler's names of sources.
    pub(crate) hazards: Vec<Hazard>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompiledCode {
    pub(crate) object: Bytes,
    /// By `source:Library`.
    pub(crate) links: BTreeMap<String, Vec<Span>>,
    pub(crate) metadata: Vec<Span>,
}

/// Reduces the build's output, with the contrast's at hand.
pub(crate) fn reduce(
    build: &Output,
    contrast: &Output,
    closure: &Closure,
    version: &Version,
) -> Result<Unit, UnitError> {
    let trees = build.sources.iter().filter_map(|(name, s)| Some((name.as_str(), s.ast.as_ref()?)));
    let declarations = Declarations::new(trees);
    let functions = SourceFunctions::new(build);
    let mut contracts = BTreeMap::new();
    for (source, outputs) in &build.contracts {
        for (name, output) in outputs {
            let Some(evm) = output.evm.as_ref().filter(|evm| !evm.bytecode.object.is_empty())
            else {
                continue;
            };
            let place = Place { source, name, full: format!("{source}:{name}") };
            refuse_unreported_namespaces(&place, &declarations, closure, version)?;
            let other = contrast.contracts.get(source).and_then(|outputs| outputs.get(name));
            let other = other.ok_or_else(|| place.missing("the contrast build"))?;
            let other = other.evm.as_ref().ok_or_else(|| place.missing("the contrast build"))?;
            let mut compiled = compiled(&place, output, [evm, other], &declarations, closure)?;
            let source_map = &evm.deployed_bytecode.source_map;
            compiled.functions = functions.of_code(&compiled.runtime.object, source_map);
            contracts.insert(place.full, compiled);
        }
    }
    Ok(Unit { contracts, errors: errors(build), warnings: Vec::new() })
}

/// Each error once: contracts that inherit or use one have it in their ABIs too.
fn errors(build: &Output) -> Vec<Value> {
    let contracts = build.contracts.values().flat_map(BTreeMap::values);
    let by_text: BTreeMap<_, _> = contracts
        .flat_map(ContractOutput::errors)
        .map(|error| (error.to_string(), error.clone()))
        .collect();
    by_text.into_values().collect()
}

struct Place<'a> {
    source: &'a str,
    name: &'a str,
    full: String,
}

impl Place<'_> {
    fn missing(&self, what: &'static str) -> OutputError {
        OutputError::Missing { contract: self.full.clone(), what }
    }
}

fn compiled(
    place: &Place<'_>,
    output: &ContractOutput,
    builds: [&Evm; 2],
    declarations: &Declarations<'_>,
    closure: &Closure,
) -> Result<Compiled, UnitError> {
    let contract = &place.full;
    let node = declarations.contract(place.source, place.name);
    let node = node.ok_or_else(|| place.missing("the syntax tree"))?;
    let layout = output.storage_layout.as_ref().ok_or_else(|| place.missing("the layout"))?;
    let mut notes = Notes::new(declarations, closure);
    let layout = layout::canonical(layout, node, declarations, &mut notes)
        .map_err(|source| UnitError::Layout { contract: contract.clone(), source })?;
    let (creation, runtime) = codes(contract, builds)?;
    let immutables = immutables(place, &builds[0].deployed_bytecode, declarations)?;
    for span in immutables.values().flatten() {
        check_bounds(*span, runtime.object.len(), contract)?;
    }
    let links = creation.links.keys().map(|name| name.rsplit(':').next().unwrap_or(name));
    let hazards = safety::hazards(declarations, node, links, closure);
    Ok(Compiled {
        upgrades_from: safety::upgrades_from(node),
        hazards,
        abi: output.abi.clone().ok_or_else(|| place.missing("the ABI"))?,
        creation,
        runtime,
        immutables,
        layout,
        layout_notes: notes.finish(),
        metadata: output.metadata.clone().ok_or_else(|| place.missing("the metadata"))?,
        functions: FunctionMap::default(),
    })
}

/// Whether the build shows without a contrast where all of its metadata is: each contract has one
/// region, which stands once, and at the end of its code. A contract that creates others has
/// theirs too, and which bytes are theirs only a contrast tells.
pub(crate) fn shows_its_metadata(build: &Output) -> bool {
    let contracts = build.contracts.values().flat_map(BTreeMap::values);
    let built = contracts.filter_map(|output| output.evm.as_ref());
    built.filter(|evm| !evm.bytecode.object.is_empty()).all(|evm| {
        let auxdata = evm.legacy_assembly.as_ref().map(|a| a.auxdata()).unwrap_or_default();
        let [own] = auxdata.as_slice() else { return false };
        let creation = evm.bytecode.unlinked("");
        let runtime = evm.deployed_bytecode.unlinked("");
        let (Ok(creation), Ok(runtime)) = (creation, runtime) else { return false };
        let embedded = auxdata::end_of(&creation.bytes, &runtime.bytes);
        auxdata::ends_once(&runtime.bytes, own, Some(runtime.bytes.len()))
            && auxdata::ends_once(&creation.bytes, own, embedded)
    })
}

fn codes(contract: &str, builds: [&Evm; 2]) -> Result<(CompiledCode, CompiledCode), UnitError> {
    let auxdata =
        builds.map(|evm| evm.legacy_assembly.as_ref().map(|a| a.auxdata()).unwrap_or_default());
    let creation = builds.map(|evm| &evm.bytecode);
    let runtime = builds.map(|evm| &evm.deployed_bytecode);
    let runtime = code(contract, runtime, &auxdata, |code| Some(code.len()))?;
    let embedded = |code: &[u8]| auxdata::end_of(code, &runtime.object);
    let creation = code(contract, creation, &auxdata, embedded)?;
    Ok((creation, runtime))
}

fn code(
    contract: &str,
    builds: [&Bytecode; 2],
    auxdata: &[Vec<Vec<u8>>; 2],
    end: impl Fn(&[u8]) -> Option<usize>,
) -> Result<CompiledCode, UnitError> {
    let first = builds[0].unlinked(contract)?;
    let second = builds[1].unlinked(contract)?;
    let ends: Vec<usize> = end(&first.bytes).into_iter().collect();
    let metadata = auxdata::locate(
        Build { code: &first.bytes, auxdata: &auxdata[0] },
        Build { code: &second.bytes, auxdata: &auxdata[1] },
        &ends,
    );
    let metadata =
        metadata.map_err(|source| UnitError::Auxdata { contract: contract.to_owned(), source })?;
    Ok(CompiledCode { object: first.bytes.into(), links: first.links, metadata })
}

/// Through the intermediate representation, a library's own address is a kind of immutable.
const LIBRARY_ADDRESS: &str = "library_deploy_address";

fn immutables(
    place: &Place<'_>,
    runtime: &Bytecode,
    declarations: &Declarations<'_>,
) -> Result<BTreeMap<String, Vec<Span>>, OutputError> {
    let mut immutables = BTreeMap::new();
    for (id, spans) in &runtime.immutable_references {
        let name = if id == LIBRARY_ADDRESS {
            format!("{}.{LIBRARY_ADDRESS}", place.full)
        } else {
            variable(id, declarations).ok_or_else(|| place.missing("an immutable's declaration"))?
        };
        let mut spans = spans.clone();
        spans.sort_unstable();
        immutables.insert(name, spans);
    }
    Ok(immutables)
}

fn variable(id: &str, declarations: &Declarations<'_>) -> Option<String> {
    let id = id.parse().ok()?;
    let (source, contract) = declarations.place(id)?;
    Some(format!("{source}:{}.{}", contract?, declarations.get(id)?.name))
}

/// The first compiler whose syntax tree has the documentation of structures.
const STRUCT_DOCUMENTATION_SINCE: Version = Version::new(0, 8, 20);

/// With an older compiler, namespaces would be missing from the layout without a word.
fn refuse_unreported_namespaces(
    place: &Place<'_>,
    declarations: &Declarations<'_>,
    closure: &Closure,
    version: &Version,
) -> Result<(), UnitError> {
    if *version >= STRUCT_DOCUMENTATION_SINCE {
        return Ok(());
    }
    let Some(node) = declarations.contract(place.source, place.name) else { return Ok(()) };
    for source in reached(declarations, node).sources {
        if closure.get(source).is_some_and(|s| s.content.contains(STORAGE_LOCATION)) {
            return Err(UnitError::Layout {
                contract: place.full.clone(),
                source: LayoutError::NamespacesUnreported { source_name: source.to_owned() },
            });
        }
    }
    Ok(())
}
