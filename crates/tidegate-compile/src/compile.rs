//! From a project and the contracts of a plan to their artifacts.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_json_abi::{Error, JsonAbi};
use serde_json::Value;
use tidegate_model::Fqn;
use tidegate_model::release::{Artifact, Compiler};

use crate::artifact::{self, ArtifactError, Linked};
use crate::cache::Slot;
use crate::error::CompileError;
use crate::foundry::FoundryConfig;
use crate::groups::{self, Group};
use crate::input::{self, Inputs};
use crate::names::{self, Text};
use crate::output::{self, Diagnostic, Output, Said};
use crate::request::CompileRequest;
use crate::roots::{Root, Search};
use crate::solc::{Finder, FoundCompiler, with_pin};
use crate::sources::{self, Closure, SourceError};
use crate::unit::{self, Unit, UnitError};
use crate::version;
use crate::vyper::{self, Modules};

/// The contracts asked for and every library that they link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileOutput {
    /// The artifacts, by normalised name.
    pub artifacts: BTreeMap<Fqn, Artifact>,
    /// The normalised name of each contract asked for, by the name it was asked for with.
    pub roots: BTreeMap<String, Fqn>,
    /// For each artifact the libraries that it links, directly or not, each before those that
    /// link it.
    pub libraries: BTreeMap<Fqn, Vec<Fqn>>,
    /// The errors of every contract of the sources, as an ABI of nothing else. They only name what
    /// fails; no digest has them.
    pub errors: JsonAbi,
    /// The compilers used, the newest first.
    pub compilers: Vec<Compiler>,
    /// The compiler's warnings, as it formats them, and settings that an old one does not know.
    pub warnings: Vec<String>,
}

/// Compiles contracts and the libraries that they link.
///
/// The result depends on the sources in the contracts' closure, `foundry.toml`, and the
/// compiler; not on where the project lies or what else is in it.
///
/// # Effects
/// Reads sources, runs the compiler, and writes into the cache folder.
///
/// # Errors
/// If a contract or source cannot be found or lies outside the project, no compiler fits, or
/// the compiler rejects the sources.
pub fn compile(request: &CompileRequest<'_>) -> Result<CompileOutput, CompileError> {
    let Prepared { named, names, groups, vyper } = prepare(request)?;
    let fqn = |root: &Root| artifact::fqn(&root.full(), &names);
    let mut output = CompileOutput {
        artifacts: BTreeMap::new(),
        roots: named.iter().map(|(name, root)| ((*name).to_owned(), fqn(root))).collect(),
        libraries: BTreeMap::new(),
        errors: JsonAbi::new(),
        compilers: Vec::new(),
        warnings: Vec::new(),
    };
    for group in groups {
        let unit = group.unit(request.cache_dir)?;
        let linked = group.linked(&unit, &names)?;
        check_version(&group.compiler, linked.artifacts.values(), request.cache_dir)?;
        for (fqn, artifact) in linked.artifacts {
            // One library may be linked from contracts of several compilers.
            if artifact::add(&mut output.artifacts, artifact).is_err() {
                return Err(CompileError::SeveralCompilers { fqn });
            }
        }
        output.libraries.extend(linked.libraries);
        output.compilers.push(group.compiler.compiler);
        output.know(unit.errors);
        output.warn(group.warnings.into_iter().chain(unit.warnings));
    }
    if let Some(compiled) = vyper::compile(request, &vyper, &names)? {
        for artifact in compiled.artifacts {
            let fqn = artifact.fqn.clone();
            output.libraries.insert(fqn.clone(), Vec::new());
            if artifact::add(&mut output.artifacts, artifact).is_err() {
                return Err(
                    ArtifactError::OneName { fqn, contracts: several(&vyper, &names) }.into()
                );
            }
        }
        output.compilers.push(compiled.compiler);
        output.warn(compiled.warnings);
    }
    output.artifacts.values().try_for_each(Artifact::check_masks)?;
    Ok(output)
}

/// The contracts in Vyper that share a name with another one.
fn several(vyper: &BTreeMap<Root, Modules>, names: &BTreeMap<String, String>) -> Vec<String> {
    let fqn = |root: &Root| artifact::fqn(&root.full(), names);
    let shared = |root: &&Root| vyper.keys().any(|o| o != *root && fqn(o) == fqn(root));
    vyper.keys().filter(shared).map(Root::full).collect()
}

impl CompileOutput {
    /// Adds the errors of a unit. One that cannot be read only stays without its name.
    fn know(&mut self, errors: Vec<Value>) {
        for error in errors.into_iter().filter_map(|error| serde_json::from_value(error).ok()) {
            let error: Error = error;
            let of_name = self.errors.errors.entry(error.name.clone()).or_default();
            if !of_name.contains(&error) {
                of_name.push(error);
            }
        }
    }

    /// Adds what is not said yet.
    fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        for text in warnings {
            if !self.warnings.contains(&text) {
                self.warnings.push(text);
            }
        }
    }
}

/// Everything that is known before a compiler runs: contracts, source names and groups.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    /// The contracts by the name they were asked for with.
    pub(crate) named: BTreeMap<&'a str, Root>,
    /// The normalised names of all sources.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) groups: Vec<Group>,
    /// The contracts in Vyper, each with its own closure.
    pub(crate) vyper: BTreeMap<Root, Modules>,
}

pub(crate) fn prepare<'a>(request: &CompileRequest<'a>) -> Result<Prepared<'a>, CompileError> {
    let CompileRequest { root, foundry, .. } = *request;
    if request.contracts.is_empty() {
        return Err(CompileError::NothingNamed);
    }
    let mut named: BTreeMap<&str, Root> = BTreeMap::new();
    let search = Search::new(root, foundry);
    for name in request.contracts {
        named.insert(name, search.find(name)?);
    }
    let mut roots: Vec<Root> = named.values().cloned().collect();
    roots.sort();
    roots.dedup();
    let Closures { solidity: closure, vyper } = closures(root, foundry, &roots)?;
    roots.retain(|root| !vyper.contains_key(root));
    let names = names::normalise(root, foundry, texts(&closure, &vyper))?;
    let compilers = with_pin(request.compilers, root, foundry.solc.as_ref());
    let mut finder = Finder::new(&compilers, request.cache_dir);
    let groups = groups::by_compiler(root, &roots, &closure, foundry, &mut finder)?;
    Ok(Prepared { named, names, groups, vyper })
}

/// The sources of some contracts, by language: Solidity's together, Vyper's each for itself.
#[derive(Debug)]
pub(crate) struct Closures {
    pub(crate) solidity: Closure,
    pub(crate) vyper: BTreeMap<Root, Modules>,
}

pub(crate) fn closures(
    root: &Path,
    foundry: &FoundryConfig,
    contracts: &[Root],
) -> Result<Closures, SourceError> {
    let in_vyper = |contract: &&Root| vyper::is_vyper(&contract.source);
    let (of_vyper, others): (Vec<&Root>, Vec<&Root>) = contracts.iter().partition(in_vyper);
    let solidity = sources::closure(root, foundry, others.iter().map(|r| r.source.clone()))?;
    let closure =
        |contract: &Root| Ok((contract.clone(), vyper::closure(root, foundry, &contract.source)?));
    Ok(Closures { solidity, vyper: of_vyper.into_iter().map(closure).collect::<Result<_, _>>()? })
}

/// Every source with its text and what it imports, once for each closure that it stands in.
pub(crate) fn texts<'a>(
    solidity: &'a Closure,
    vyper: &'a BTreeMap<Root, Modules>,
) -> impl Iterator<Item = Text<'a>> {
    let solidity = solidity.iter().map(|(name, source)| Text {
        source: name,
        content: &source.content,
        imports: source.imports.iter().map(|import| Some(import.as_str())).collect(),
    });
    solidity.chain(vyper.values().flatten().map(|(name, module)| Text {
        source: name,
        content: &module.content,
        imports: module.imports.values().map(Option::as_deref).collect(),
    }))
}

impl Group {
    /// The compiled unit of this group, from the cache or from the compiler.
    pub(crate) fn unit(&self, cache_dir: &Path) -> Result<Unit, CompileError> {
        let inputs = input::inputs(&self.closure, &self.foundry, &self.roots);
        let all = [&inputs.build].into_iter().chain(&inputs.contrast);
        let slot = Slot::new(cache_dir, all, self.compiler.key);
        if let Some(unit) = slot.load() {
            return Ok(unit);
        }
        let unit = run(&self.compiler, &inputs, &self.closure)?;
        slot.store(&unit);
        Ok(unit)
    }

    /// The artifacts of its contracts and of all libraries that they link.
    pub(crate) fn linked(
        &self,
        unit: &Unit,
        names: &BTreeMap<String, String>,
    ) -> Result<Linked, ArtifactError> {
        let contracts: Vec<String> = self.roots.iter().map(Root::full).collect();
        artifact::artifacts(unit, &self.closure, names, contracts.iter().map(String::as_str))
    }
}

/// The version of the compiler is kept from run to run, and every contract says it again.
fn check_version<'a>(
    compiler: &FoundCompiler,
    artifacts: impl IntoIterator<Item = &'a Artifact>,
    cache_dir: &Path,
) -> Result<(), CompileError> {
    for artifact in artifacts {
        let found = artifact.profile["longVersion"].as_str().unwrap_or_default();
        if !compiler.version.is_called(found) {
            return Err(CompileError::OtherVersion {
                taken_for: compiler.compiler.version.clone(),
                fqn: artifact.fqn.clone(),
                found: found.to_owned(),
                kept: version::kept_at(compiler.compiler.sha256, cache_dir),
            });
        }
    }
    Ok(())
}

/// A reason to take no further answer from the compiler.
enum Stop {
    /// What there is suffices.
    Enough,
    Refused(CompileError),
}

/// Runs the build and, unless the build itself shows where all metadata is, its contrast.
fn run(compiler: &FoundCompiler, inputs: &Inputs, closure: &Closure) -> Result<Unit, CompileError> {
    let both: Vec<&str> =
        [&inputs.build].into_iter().chain(&inputs.contrast).map(String::as_str).collect();
    compiler.check_digest()?;
    let mut outputs = Vec::with_capacity(both.len());
    let asked = compiler.driver.ask(&both, |answer| {
        outputs.push(accepted(&answer).map_err(Stop::Refused)?);
        let enough = outputs.len() == 1 && outputs.iter().all(unit::shows_its_metadata);
        if enough { Err(Stop::Enough) } else { Ok(()) }
    });
    let failed = |source| CompileError::Run { compiler: compiler.compiler.clone(), source };
    if let Err(Stop::Refused(error)) = asked.map_err(failed)? {
        return Err(error);
    }
    let mut outputs = outputs.into_iter();
    let build = outputs.next().expect("there is an output for each input");
    let contrast = outputs.next();
    let version = &compiler.version.plain;
    let unit = unit::reduce(&build, contrast.as_ref().unwrap_or(&build), closure, version)?;
    Ok(Unit { warnings: build.errors.into_iter().map(Diagnostic::into_text).collect(), ..unit })
}

/// One output for each input. The first one that the compiler rejects ends it.
pub(crate) fn ask(compiler: &FoundCompiler, inputs: &[&str]) -> Result<Vec<Output>, CompileError> {
    compiler.check_digest()?;
    let mut outputs = Vec::with_capacity(inputs.len());
    let asked = compiler.driver.ask(inputs, |answer| {
        outputs.push(accepted(&answer)?);
        Ok::<_, CompileError>(())
    });
    let compiler = || compiler.compiler.clone();
    asked.map_err(|source| CompileError::Run { compiler: compiler(), source })??;
    Ok(outputs)
}

/// What a compiler says is wrong comes first: where it gave up, contracts lack what it makes last.
fn accepted(answer: &[u8]) -> Result<Output, CompileError> {
    let Said { errors } = output::parse(answer).map_err(UnitError::Output)?;
    if errors.iter().any(Diagnostic::is_error) {
        let errors = errors.into_iter().filter(Diagnostic::is_error);
        return Err(CompileError::Rejected {
            messages: errors.map(Diagnostic::into_text).collect(),
        });
    }
    Ok(output::parse(answer).map_err(UnitError::Output)?)
}
