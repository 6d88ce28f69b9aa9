//! Whether code depends on nothing but a contract's own sources.
//!
//! A compiler has given other code for the same sources and settings when unrelated files were
//! compiled along (argotorg/solidity#13791, #14250, #14494). The metadata of both compilations is
//! the same then, so whoever rebuilds a contract from it gets code that was never deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::Bytes;
use tidegate_model::Fqn;

use crate::artifact;
use crate::cache::Slot;
use crate::compile::{Prepared, ask, prepare};
use crate::error::CompileError;
use crate::groups::Group;
use crate::input;
use crate::request::CompileRequest;
use crate::unit::UnitError;

/// Code that is another one if a contract is compiled from its own sources alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The fqn of the contract.
    pub fqn: Fqn,
    /// Creation or runtime code.
    pub part: Part,
    /// The first byte that differs; the end of the shorter one if it is the other's beginning.
    pub at: usize,
}

/// The two codes of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The code that creates it.
    Creation,
    /// The code that it has then.
    Runtime,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Creation => "creation",
            Part::Runtime => "runtime",
        };
        write!(f, "{part} code of {} from byte {} on", self.fqn, self.at)
    }
}

/// Compiles each contract of a request, and each library that it links, from its own sources
/// alone, and says where the code is not, byte by byte, what [`compile`](crate::compile) gives.
/// Metadata is compared too: it lists a contract's own sources only, so the same settings have to
/// give the same.
///
/// Contracts whose own sources are all there are have nothing to be compiled without, and are
/// taken from the compilation. So are contracts in Vyper: [`compile`](crate::compile) gives the
/// compiler one contract at a time, with its own sources and no others.
///
/// # Effects
/// As [`compile`](crate::compile); all closures are compiled by one process where the compiler
/// is npm's.
///
/// # Errors
/// As [`compile`](crate::compile).
pub fn minimal(request: &CompileRequest<'_>) -> Result<Vec<Difference>, CompileError> {
    let prepared = prepare(request)?;
    let mut differences = Vec::new();
    for group in &prepared.groups {
        differences.extend(of_group(request, &prepared, group)?);
    }
    Ok(differences)
}

/// Creation and runtime code by `source:Name`.
type Codes = BTreeMap<String, [Bytes; 2]>;

fn of_group(
    request: &CompileRequest<'_>,
    prepared: &Prepared<'_>,
    group: &Group,
) -> Result<Vec<Difference>, CompileError> {
    let unit = group.unit(request.cache_dir)?;
    let needed = group.linked(&unit, &prepared.names)?.artifacts;
    let needed = |name: &str| needed.contains_key(&artifact::fqn(name, &prepared.names));
    let mut by_sources: BTreeMap<BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (name, compiled) in unit.contracts.iter().filter(|(name, _)| needed(name)) {
        let sources = artifact::own_sources(name, compiled)?;
        if sources.len() < group.closure.len() {
            by_sources.entry(sources).or_default().push(name);
        }
    }
    let alone = codes(request, group, &by_sources)?;
    let mut differences = Vec::new();
    for (name, [creation, runtime]) in &alone {
        let together = &unit.contracts[name];
        let fqn = artifact::fqn(name, &prepared.names);
        for (part, one, other) in [
            (Part::Creation, creation, &together.creation.object),
            (Part::Runtime, runtime, &together.runtime.object),
        ] {
            let at = first_difference(one, other);
            differences.extend(at.map(|at| Difference { fqn: fqn.clone(), part, at }));
        }
    }
    Ok(differences)
}

/// The codes of all contracts, those of one closure compiled together.
fn codes(
    request: &CompileRequest<'_>,
    group: &Group,
    by_sources: &BTreeMap<BTreeSet<String>, Vec<&str>>,
) -> Result<Codes, CompileError> {
    let mut codes = Codes::new();
    let mut open = Vec::new();
    for (sources, contracts) in by_sources {
        let own = group.closure.iter().filter(|(name, _)| sources.contains(*name));
        let own = own.map(|(name, source)| (name.clone(), source.clone())).collect();
        let input = input::alone(&own, &group.foundry, contracts);
        let slot = Slot::new(request.cache_dir, [&input], group.compiler.key);
        match slot.load::<Codes>() {
            Some(kept) => codes.extend(kept),
            None => open.push((input, slot, contracts)),
        }
    }
    if open.is_empty() {
        return Ok(codes);
    }
    let inputs: Vec<&str> = open.iter().map(|(input, ..)| input.as_str()).collect();
    let outputs = ask(&group.compiler, &inputs)?;
    for ((_, slot, contracts), output) in open.iter().zip(outputs) {
        let mut made = Codes::new();
        for name in *contracts {
            let evm = output.evm(name).map_err(UnitError::Output)?;
            let code = |code: &crate::output::Bytecode| code.unlinked(name).map(|c| c.bytes.into());
            let creation = code(&evm.bytecode).map_err(UnitError::Output)?;
            let runtime = code(&evm.deployed_bytecode).map_err(UnitError::Output)?;
            made.insert((*name).to_owned(), [creation, runtime]);
        }
        slot.store(&made);
        codes.extend(made);
    }
    Ok(codes)
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let at = one.iter().zip(other).position(|(a, b)| a != b);
    at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_place() {
        let at = first_difference;
        assert_eq!(at(b"abc", b"abc"), None);
        assert_eq!(at(b"abc", b"abd"), Some(2));
        assert_eq!(at(b"abc", b"ab"), Some(2));
        assert_eq!(at(b"", b"a"), Some(0));
    }
}
