//! The contracts that a broadcast created, by name and compiled.

use std::collections::BTreeMap;

use tidegate_compile::{
    CompileOutput, CompileRequest, compile, deployable_contracts, find_contract,
};
use tidegate_scaffold::broadcast::{Broadcast, Sent};
use tidegate_scaffold::{Contracts, Known, is_initcode_of, steps};

use super::Place;
use crate::compiler;
use crate::error::AppResult;

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
    let Place { env, root, foundry } = *place;
    let compilers = compiler::sources(env, root, None, foundry)?;
    let cache_dir = compiler::cache_dir(env)?;
    let (compilers, cache_dir) = (&compilers, &cache_dir);
    Ok(compile(&CompileRequest { root, foundry, contracts, compilers, cache_dir })?)
}

/// Names by their initcode the creations whose contract the file does not name.
pub(super) fn name_unnamed(place: &Place<'_>, run: &mut Broadcast, contracts: &mut Contracts) {
    let is_unnamed = |sent: &&mut Sent| sent.contract.is_none() && sent.creation().is_some();
    if !run.sent.iter_mut().any(|sent| is_unnamed(&sent)) {
        return;
    }
    let Ok(declared) = deployable_contracts(place.root, place.foundry) else { return };
    let full = |written: &str| find_contract(place.root, place.foundry, written).ok();
    let found: Vec<_> =
        declared.iter().filter_map(|one| Some((one, full(&one.written)?))).collect();
    let names: Vec<_> = found.iter().map(|(_, full)| full.clone()).collect();
    let Ok(output) = compiled(place, &names) else { return };
    for sent in run.sent.iter_mut().filter(is_unnamed) {
        let Some(initcode) = sent.creation().map(|(_, initcode)| initcode.to_vec()) else {
            continue;
        };
        let of = found.iter().find_map(|(one, full)| {
            let artifact = output.artifacts.get(output.roots.get(full)?)?;
            is_initcode_of(&artifact.creation, &initcode).then_some((one, artifact))
        });
        if let Some((one, artifact)) = of {
            let compiled = Some((artifact.abi.clone(), artifact.creation.clone()));
            let known = Known { written: one.written.clone(), compiled };
            contracts.entry(one.name.clone()).or_insert(known);
            sent.contract = Some(one.name.clone());
        }
    }
}
