//! Initialisers that a plan leaves open: whoever calls one first decides what it sets.
//!
//! They are found by trial: the plan runs, and then a stranger calls each function that is an
//! initialiser by its name. One that fails may have been given the wrong arguments, so what is not
//! found is not shown to be closed.

use std::collections::BTreeSet;

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt, Specifier};
use alloy_json_abi::Function;
use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use tidegate_evm::{EvmError, Sandbox, Tx};
use tidegate_model::plan::{Action, Step};
use tidegate_model::ports::StateSnapshot;
use tidegate_model::release::Release;

use crate::execute::start;
use crate::expected::When;
use crate::resolve::Resolved;
use crate::uninitialized::{changes, is_open_name};
use crate::upgraded::all;

/// Who calls it.
const STRANGER: Address = address!("7469646567617465000000000000000000057a7e");
/// `owner()`.
const OWNER: [u8; 4] = hex!("8da5cb5b");
/// `hasRole(bytes32,address)`.
const HAS_ROLE: [u8; 4] = hex!("91d14854");
/// The most contracts that an initialiser is given in place of an address.
const CONTRACTS_MAX: usize = 8;

/// An initialiser that anybody may call once a plan has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOpen {
    /// The step that puts its contract behind a proxy.
    pub step: String,
    /// Its signature.
    pub function: String,
    /// Whether whoever calls it owns the proxy then, or has its first role.
    pub owns: bool,
    /// Whether the step was executed before, so that it is open on the chain.
    pub stands: bool,
}

/// The initialisers of the contracts that a plan puts behind proxies, of those that a stranger can
/// call after it. What stands has to be open there too.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn left_open(
    release: &Release,
    resolved: &Resolved,
    snapshot: &StateSnapshot,
) -> Result<Vec<LeftOpen>, EvmError> {
    let mut run = start(resolved, snapshot, When::After);
    if !run.ops()?.faults.is_empty() {
        return Ok(Vec::new());
    }
    let live = Sandbox::at(snapshot);
    let given = contracts(resolved);
    let mut tries = Vec::new();
    for step in &release.plan.steps {
        let contract = match &step.action {
            Action::Create(create) if create.proxy.is_some() => &create.contract,
            Action::Upgrade(upgrade) => &upgrade.contract,
            Action::Create(_) | Action::Call(_) => continue,
        };
        let Some(place) = resolved.places.get(&step.name) else { continue };
        let functions = release.artifact(contract).into_iter().flat_map(|a| a.abi.functions());
        let open = functions.filter(|f| changes(f.state_mutability) && is_open_name(&f.name));
        tries.extend(open.map(|function| (step, place.address, function)));
    }
    let found = all(tries.into_iter().map(|(step, at, function)| {
        let stands = stands(resolved, &live, step)?;
        let owns = calls(&run.sandbox, at, function, &given)?;
        let there = if stands { calls(&live, at, function, &given)? } else { owns };
        let (step, function) = (step.name.clone(), function.signature());
        let open = owns.filter(|_| there.is_some());
        Ok(open.map(|owns| LeftOpen { step, function, owns, stands }))
    }))?;
    Ok(found.into_iter().flatten().collect())
}

/// Whether a step was executed: its proxy is there, with its contract behind it.
fn stands(resolved: &Resolved, live: &Sandbox<'_>, step: &Step) -> Result<bool, EvmError> {
    let Some(place) = resolved.places.get(&step.name) else { return Ok(false) };
    match resolved.starts.iter().find(|start| start.step == step.name) {
        Some(start) => {
            let held = live.storage(start.address, U256::from_be_bytes(start.slot.0))?;
            Ok(place.implementation == Some(Address::from_word(held.into())))
        }
        None => Ok(!live.code(place.address)?.is_empty()),
    }
}

/// Whether a stranger's call succeeds and changes what the proxy stores; with whether the stranger
/// owns it then, and did not before.
fn calls(
    sandbox: &Sandbox<'_>,
    at: Address,
    function: &Function,
    given: &BTreeSet<Address>,
) -> Result<Option<bool>, EvmError> {
    let tried = all(calldata(function, given).into_iter().map(|data| {
        let mut after = sandbox.clone();
        let outcome = after.transact(&Tx::call(STRANGER, at, data))?;
        let changed = outcome.diff.accounts.get(&at).is_some_and(|diff| !diff.slots.is_empty());
        match outcome.is_success() && changed {
            true => Ok(Some(owns(&after, at)? && !owns(sandbox, at)?)),
            false => Ok(None),
        }
    }))?;
    Ok(tried.into_iter().flatten().max())
}

fn owns(sandbox: &Sandbox<'_>, at: Address) -> Result<bool, EvmError> {
    let owner = sandbox.call(STRANGER, at, OWNER.to_vec())?;
    let role = [&HAS_ROLE[..], &[0; 32], STRANGER.into_word().as_slice()].concat();
    let role = sandbox.call(STRANGER, at, role)?;
    let answers = |outcome: tidegate_evm::Outcome, word: B256| {
        outcome.is_success() && outcome.output.as_ref() == word.as_slice()
    };
    Ok(answers(owner, STRANGER.into_word()) || answers(role, B256::with_last_byte(1)))
}

/// The contracts that a plan names and makes: an initialiser may ask what it is given.
fn contracts(resolved: &Resolved) -> BTreeSet<Address> {
    let made = resolved.places.values().map(|place| place.address);
    resolved.outside.values().copied().chain(made).take(CONTRACTS_MAX).collect()
}

/// The calls that are tried: with the stranger for every address, then with a contract for each
/// but the last, then for each.
fn calldata(function: &Function, given: &BTreeSet<Address>) -> BTreeSet<Bytes> {
    let kinds: Option<Vec<DynSolType>> =
        function.inputs.iter().map(|input| input.resolve().ok()).collect();
    let Some(kinds) = kinds else { return BTreeSet::new() };
    let of = |lead: Address, last: Address, number: u8| {
        let is_last = |index| !kinds[index + 1..].contains(&DynSolType::Address);
        let values = kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| value(kind, if is_last(index) { last } else { lead }, number));
        function.abi_encode_input(&values.collect::<Vec<_>>()).ok().map(Bytes::from)
    };
    let own = [of(STRANGER, STRANGER, 1), of(STRANGER, STRANGER, 0)];
    let others = given.iter().flat_map(|at| [of(*at, STRANGER, 1), of(*at, *at, 1)]);
    own.into_iter().chain(others).flatten().collect()
}

fn value(kind: &DynSolType, address: Address, number: u8) -> DynSolValue {
    let inner = |kind: &DynSolType| value(kind, address, number);
    match kind {
        DynSolType::Bool => DynSolValue::Bool(number == 1),
        DynSolType::Int(bits) => {
            DynSolValue::Int(alloy_primitives::I256::from_raw(U256::from(number)), *bits)
        }
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::from(number), *bits),
        DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(B256::ZERO, *size),
        DynSolType::Address => DynSolValue::Address(address),
        DynSolType::Function => DynSolValue::Function(alloy_primitives::Function::ZERO),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String("x".to_owned()),
        DynSolType::Array(of) => DynSolValue::Array(vec![inner(of)]),
        DynSolType::FixedArray(of, count) => DynSolValue::FixedArray(vec![inner(of); *count]),
        DynSolType::Tuple(of) => DynSolValue::Tuple(of.iter().map(inner).collect()),
        DynSolType::CustomStruct { tuple, .. } => {
            DynSolValue::Tuple(tuple.iter().map(inner).collect())
        }
    }
}

#[cfg(test)]
mod tests;
