//! What a plan puts behind proxies and beacons by other steps than those with `upgrade`: nobody
//! compares its storage and nobody judges whether it is safe there.
//!
//! It is found in what operations write, whatever function they call and whoever calls the proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use alloy_primitives::{Address, B256, U256, hex};
use tidegate_evm::{EvmError, Sandbox};
use tidegate_model::ports::StateSnapshot;

use crate::execute::start;
use crate::expected::{Expected, When};
use crate::resolve::{CREATE2_PROXY, HELPER, Op, OpKind, Resolved, Start};
use crate::run::Run;
use crate::slots::{
    ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT, OLD_ADMIN_SLOT, OLD_IMPLEMENTATION_SLOT,
    PROXIABLE_SLOT,
};

/// The slots by which proxies find their code and who may change it, with their names.
const POINTERS: [(B256, &str); 6] = [
    (IMPLEMENTATION_SLOT, "the implementation slot"),
    (BEACON_SLOT, "the beacon slot"),
    (ADMIN_SLOT, "the admin slot"),
    (PROXIABLE_SLOT, "the implementation slot of ERC-1822"),
    (OLD_IMPLEMENTATION_SLOT, "the implementation slot of before ERC-1967"),
    (OLD_ADMIN_SLOT, "the admin slot of before ERC-1967"),
];
/// `implementation()`, which a beacon is asked.
const IMPLEMENTATION: [u8; 4] = hex!("5c60da1b");
const WRITTEN: &str = "new code comes behind what stands by a step with `upgrade`, whose storage \
                       is compared and whose safety is judged";
const ADMINISTERED: &str = "no plan changes who administers a proxy that stands: let its admin do \
                            so";

/// What a plan puts behind proxies and beacons though no step with `upgrade` says so, one sentence
/// each, wherever it is in its execution: calls that fail by now are left out.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn upgraded_otherwise(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
) -> Result<Vec<String>, EvmError> {
    found(start(resolved, snapshot, When::After))
}

/// Refuses a plan that does.
pub(crate) fn refuse_upgraded(plain: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    expected.faults.extend(found(plain.clone())?);
    Ok(())
}

fn found(mut run: Run<'_>) -> Result<Vec<String>, EvmError> {
    let resolved = run.resolved;
    let (mut found, mut past) = (Vec::new(), Past::default());
    for op in &resolved.ops {
        let (before, mut own) = (run.sandbox.clone(), Expected::default());
        if run.one(op, &mut own)?.is_some() {
            break;
        }
        if own.skipped.is_empty() {
            past.borrowed.extend(own.seen.borrowed.iter().copied());
            let changed = run.effects.last().map(|(_, diff)| diff);
            let changed = changed
                .into_iter()
                .flat_map(|diff| &diff.accounts)
                .flat_map(|(at, account)| account.slots.keys().map(move |slot| (*at, *slot)));
            let written: BTreeSet<_> = changed.chain(own.seen.written.iter().copied()).collect();
            let is_new = |at: &Address| own.created.contains_key(at);
            let written = written.into_iter().filter(|(at, _)| !is_new(at)).collect();
            let step = Step { resolved, op, before: &before, after: &run.sandbox, past: &past };
            found.extend(step.found(&written)?);
        }
        past.made.extend(own.created.into_iter().map(|(at, made)| (at, made.op)));
    }
    Ok(found)
}

/// What was before an operation.
#[derive(Default)]
struct Past {
    /// The contracts that operations before it created, with their names.
    made: BTreeMap<Address, String>,
    /// Accounts and whose code they have run as their own, in this operation too.
    borrowed: BTreeSet<(Address, Address)>,
}

/// One operation, with the state around it.
struct Step<'a, 's> {
    resolved: &'a Resolved,
    op: &'a Op,
    before: &'a Sandbox<'s>,
    after: &'a Sandbox<'s>,
    past: &'a Past,
}

impl Step<'_, '_> {
    fn found(&self, written: &BTreeSet<(Address, U256)>) -> Result<Vec<String>, EvmError> {
        let (mut found, mut told) = (Vec::new(), BTreeSet::new());
        for (at, slot) in written {
            if let Some(fault) = self.pointer(*at, *slot)? {
                found.push(fault);
                told.insert(*at);
            }
        }
        let asked = self.asked(written)?;
        let asked: Vec<_> = asked.difference(&told).copied().collect();
        let answers = |sandbox| all(asked.iter().map(|at| answer(self.resolved, sandbox, *at)));
        let (before, after) = (answers(self.before)?, answers(self.after)?);
        for (at, (before, after)) in asked.iter().zip(before.into_iter().zip(after)) {
            let upgrades = self.upgrade().is_some_and(|start| start.address == *at);
            let Some(code) = before.filter(|_| before != after && !upgrades) else { continue };
            if self.before.code(code)?.is_empty() {
                continue;
            }
            let now = after.map_or_else(|| "nothing".to_owned(), |after| after.to_string());
            let what = format!("has {} answer `implementation()` with {now}", self.name(*at));
            found.push(self.fault(what, WRITTEN));
        }
        Ok(found)
    }

    /// What is wrong with a write, if it is one by which a proxy finds its code.
    fn pointer(&self, at: Address, slot: U256) -> Result<Option<String>, EvmError> {
        let (before, after) = (self.before.storage(at, slot)?, self.after.storage(at, slot)?);
        let place = B256::from(slot);
        let runs = |word: U256| {
            let code = Address::from_word(word.into());
            !word.is_zero() && self.past.borrowed.contains(&(at, code))
        };
        let watched = |watch: &&crate::resolve::Watch| watch.address == at && watch.slot == place;
        let watched = self.resolved.slots.iter().find(watched);
        let known = POINTERS.iter().find(|(pointer, _)| *pointer == place).map(|(_, name)| *name);
        let name = match known.or(watched.map(|watch| watch.name)) {
            Some(name) => name.to_owned(),
            None if before != after && runs(before) => {
                format!("slot {slot:#x}, whose code it runs,")
            }
            None => return Ok(None),
        };
        let is_admin = [ADMIN_SLOT, OLD_ADMIN_SLOT].contains(&place);
        let made = self.past.made.contains_key(&at);
        // Of what the plan makes without saying what is behind it, the first one is no upgrade.
        let is_free = made && watched.is_none() && (before.is_zero() || is_admin);
        if is_free || self.is_said(at, place, after) {
            return Ok(None);
        }
        let word = Address::from_word(after.into());
        let what = format!("puts {word} in {name} of {}", self.name(at));
        Ok(Some(self.fault(what, if is_admin { ADMINISTERED } else { WRITTEN })))
    }

    /// Whether the operation is an upgrade that says so.
    fn is_said(&self, at: Address, slot: B256, after: U256) -> bool {
        let Some(start) = self.upgrade() else { return false };
        let made = self.resolved.places.get(&start.step).and_then(|place| place.implementation);
        (start.address, start.slot) == (at, slot)
            && made.is_some_and(|made| U256::from_be_bytes(made.into_word().0) == after)
    }

    fn upgrade(&self) -> Option<&Start> {
        let is_call = matches!(self.op.kind, OpKind::Call { .. });
        self.resolved.starts.iter().find(|start| is_call && start.step == self.op.id)
    }

    /// The accounts that are asked what is behind them: those that stand and were written, and the
    /// beacons of proxies that the plan names or that ran.
    fn asked(&self, written: &BTreeSet<(Address, U256)>) -> Result<BTreeSet<Address>, EvmError> {
        let made = |at: &Address| self.past.made.contains_key(at);
        let own = [HELPER, CREATE2_PROXY, self.resolved.executor.address()];
        let stands = |at: &Address| !made(at) && !own.contains(at);
        let mut asked: BTreeSet<_> = written.iter().map(|(at, _)| *at).filter(stands).collect();
        if asked.is_empty() {
            return Ok(asked);
        }
        let ran = self.past.borrowed.iter().map(|(context, _)| *context);
        let named = self.resolved.outside.values().copied();
        let proxies: BTreeSet<_> = ran.chain(named).filter(stands).collect();
        let slot = U256::from_be_bytes(BEACON_SLOT.0);
        let held = proxies.into_iter().map(|proxy| self.before.storage(proxy, slot));
        let beacons = all(held)?.into_iter().filter(|word| !word.is_zero());
        asked.extend(beacons.map(|word| Address::from_word(word.into())).filter(stands));
        Ok(asked)
    }

    fn name(&self, at: Address) -> String {
        let mut outside = self.resolved.outside.iter();
        if let Some(op) = self.past.made.get(&at) {
            return format!("{op} at {at}");
        }
        match outside.find(|(_, named)| **named == at) {
            Some((name, _)) => format!("@{name} at {at}"),
            None => at.to_string(),
        }
    }

    fn fault(&self, what: impl Display, way: &str) -> String {
        format!("{} {what}, and no step with `upgrade` says so: {way}", self.op.id)
    }
}

/// What an account says is behind it, if it says so.
fn answer(
    resolved: &Resolved,
    sandbox: &Sandbox<'_>,
    at: Address,
) -> Result<Option<Address>, EvmError> {
    let outcome = sandbox.call(resolved.executor.address(), at, IMPLEMENTATION.to_vec())?;
    let word = <[u8; 32]>::try_from(outcome.output.as_ref()).ok();
    let address = word.filter(|word| outcome.is_success() && word[..12] == [0; 12]);
    Ok(address.map(|word| Address::from_word(word.into())).filter(|at| !at.is_zero()))
}

/// Every value, or everything that they lack.
pub(crate) fn all<T>(
    results: impl Iterator<Item = Result<T, EvmError>>,
) -> Result<Vec<T>, EvmError> {
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(EvmError::Missing(keys)) => missing.extend(keys),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() { Ok(values) } else { Err(EvmError::Missing(missing)) }
}

#[cfg(test)]
mod tests;
