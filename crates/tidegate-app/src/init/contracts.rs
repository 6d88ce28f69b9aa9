//! The contracts that a broadcast created, by name and compiled.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_compile::{
    CompileOutput, CompileRequest, Deployable, FoundryConfig, compile, deployable_contracts,
    find_contract,
};
use tidegate_model::units::counted;
use tidegate_scaffold::broadcast::{Broadcast, Sent};
use tidegate_scaffold::{Contracts, Draft, Known, is_initcode_of, steps};

use super::Place;
use crate::compiler;
use crate::error::{AppResult, Kind, OrKind};
use crate::text::escape;

/// The most contracts that are proposed as steps.
const CONTRACTS_MAX: usize = 40;

/// The contracts that a broadcast created, compiled if they compile; else a note with the reason.
pub(super) fn created(place: &Place<'_>, run: &Broadcast) -> (Contracts, Option<String>) {
    let Place { root, foundry, .. } = *place;
    let mut found = BTreeMap::new();
    for sent in &run.sent {
        if sent.creation().is_none() {
            continue;
        }
        let Some(name) = &sent.contract else { continue };
        let known = steps::PROXY_SOURCES.iter().find(|(proxy, _)| proxy == name);
        let written = known.map_or(name.as_str(), |(_, source)| source);
        if let Ok(full) = find_contract(root, foundry, written) {
            found.insert(name.clone(), (written.to_owned(), full));
        }
    }
    let unknown = |(name, (written, _)): (&String, &(String, String))| {
        (name.clone(), Known { written: written.clone(), compiled: None })
    };
    let mut contracts: Contracts = found.iter().map(unknown).collect();
    if found.is_empty() {
        return (contracts, None);
    }
    let named: Vec<_> = found.values().map(|(_, full)| full.clone()).collect();
    let output = match compiled(place, &named) {
        Ok(output) => output,
        Err(error) => {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            let note = format!("arguments are not decoded, as nothing compiles: {first}");
            return (contracts, Some(note));
        }
    };
    for (name, (_, full)) in &found {
        let artifact = output.roots.get(full).and_then(|fqn| output.artifacts.get(fqn));
        if let (Some(artifact), Some(known)) = (artifact, contracts.get_mut(name)) {
            known.compiled = Some((artifact.abi.clone(), artifact.creation.clone()));
        }
    }
    (contracts, None)
}

fn compiled(place: &Place<'_>, contracts: &[String]) -> AppResult<CompileOutput> {
    let Place { env, root, foundry, front } = *place;
    let _busy = front.busy(format!("compiling {}", counted(contracts.len(), "contract")));
    let compilers = compiler::sources(env, root, None, foundry)?;
    let cache_dir = compiler::cache_dir(env)?;
    let (compilers, cache_dir) = (&compilers, &cache_dir);
    Ok(compile(&CompileRequest { root, foundry, contracts, compilers, cache_dir })?)
}

/// Names by their initcode the creations whose contract the file does not name. Where that cannot
/// be done, or not for sure, the reasons.
pub(super) fn name_unnamed(
    place: &Place<'_>,
    run: &mut Broadcast,
    contracts: &mut Contracts,
) -> Vec<String> {
    let is_unnamed = |sent: &&mut Sent| sent.contract.is_none() && sent.creation().is_some();
    if !run.sent.iter_mut().any(|sent| is_unnamed(&sent)) {
        return Vec::new();
    }
    let (found, output) = match candidates(place) {
        Ok(candidates) => candidates,
        Err(error) => {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            let what = "contracts that the broadcast does not name are not told by their code";
            return vec![format!("{what}: {first}")];
        }
    };
    let mut notes = Vec::new();
    for sent in run.sent.iter_mut().filter(is_unnamed) {
        let Some(initcode) = sent.creation().map(|(_, initcode)| initcode.to_vec()) else {
            continue;
        };
        let mut of = found.iter().filter_map(|(one, full)| {
            let artifact = output.artifacts.get(output.roots.get(full)?)?;
            is_initcode_of(&artifact.creation, &initcode).then_some((one, artifact))
        });
        let Some((one, artifact)) = of.next() else { continue };
        let hash: String = sent.hash.to_string().chars().take(10).collect();
        let others: Vec<_> = of.map(|(other, _)| format!("`{}`", other.written)).collect();
        if !others.is_empty() {
            let (name, others) = (&one.written, others.join(", "));
            let same =
                format!("transaction {hash} is taken for `{name}`; its code is also that of");
            notes.push(format!("{same} {others}"));
        }
        let compiled = Some((artifact.abi.clone(), artifact.creation.clone()));
        let known = Known { written: one.written.clone(), compiled };
        let known = contracts.entry(one.name.clone()).or_insert(known);
        if is_same(place, &known.written, &one.written) {
            sent.contract = Some(one.name.clone());
        } else {
            let (name, other) = (&one.written, &known.written);
            notes.push(format!("transaction {hash} created `{name}`, not `{other}` of that name"));
        }
    }
    notes
}

fn is_same(place: &Place<'_>, one: &str, other: &str) -> bool {
    let full = |written: &str| find_contract(place.root, place.foundry, written).ok();
    one == other || (full(one).is_some() && full(one) == full(other))
}

/// Contracts with their full names, and what the compiler makes of them.
type Candidates = (Vec<(Deployable, String)>, CompileOutput);

/// The contracts of the sources that can be created, compiled.
fn candidates(place: &Place<'_>) -> AppResult<Candidates> {
    let declared = deployable_contracts(place.root, place.foundry).or_kind(Kind::Config)?;
    let full = |written: &str| find_contract(place.root, place.foundry, written).ok();
    let found = declared.contracts.into_iter();
    let found: Vec<_> = found
        .filter_map(|one| {
            let full = full(&one.written)?;
            Some((one, full))
        })
        .collect();
    let names: Vec<_> = found.iter().map(|(_, full)| full.clone()).collect();
    let output = compiled(place, &names)?;
    Ok((found, output))
}

/// Steps for what the sources declare, and notes on what they leave open.
pub(super) fn of_sources(root: &Path, foundry: &FoundryConfig) -> AppResult<(Draft, Vec<String>)> {
    let declared = deployable_contracts(root, foundry).or_kind(Kind::Config)?;
    let mut contracts = declared.contracts;
    let more = contracts.split_off(contracts.len().min(CONTRACTS_MAX));
    let mut notes = Vec::new();
    if !more.is_empty() {
        let names: Vec<_> = more.iter().map(|contract| &*contract.written).collect();
        let first = format!("only the first {CONTRACTS_MAX} contracts are steps");
        notes.push(format!("{first}; not among them: {}", names.join(", ")));
    }
    for file in declared.unread {
        let file = escape(&file);
        notes.push(format!("{file} cannot be parsed, so its contracts are not proposed"));
    }
    let [(proxy, source), _] = steps::PROXY_SOURCES;
    let uups = |contract: &Deployable| contract.behind.as_ref().is_some_and(|b| b.uups);
    if contracts.iter().any(uups) && find_contract(root, foundry, source).is_err() {
        notes.push(format!(
            "OpenZeppelin's {proxy} is not among the dependencies, and UUPS proxies are made of \
             it: install @openzeppelin/contracts, or name another one with `proxy_contract`"
        ));
    }
    Ok((steps::from_sources(&contracts), notes))
}
