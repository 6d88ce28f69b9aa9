//! What construction reads outside the plan: refused where the plan does not name it, and shown by
//! an `expect` where it decides what a contract holds.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, address};
use serde_json::Value;
use tidegate_evm::{EvmError, Sandbox};
use tidegate_model::ports::StateKey;

use crate::expected::{Expected, Run};
use crate::resolve::{CREATE2_PROXY, HELPER, Resolved};

/// The most slots outside the plan that are varied one by one.
const READS_MAX: usize = 64;
/// The last address that may be a precompile's.
const PRECOMPILE_MAX: U256 = U256::from_limbs([0x1ff, 0, 0, 0]);
/// A word that no chain holds, in place of an address or a number.
const STRANGE: Address = address!("7469646567617465000000000000000000057a7e");

/// Refuses a plan whose own code, while it is created and set up, looks at an account that the plan
/// does not name: whoever controls that one decides what is created.
pub(crate) fn refuse_unnamed(
    resolved: &Resolved,
    sandbox: &Sandbox<'_>,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let params: BTreeSet<Address> = resolved.params.values().flat_map(addresses).collect();
    let mut unnamed = BTreeMap::new();
    for look in &expected.seen.looks {
        let Some(made) = expected.created.get(&look.from) else { continue };
        let precompile = U256::from_be_slice(look.at.as_slice()) <= PRECOMPILE_MAX;
        if precompile || is_named(resolved, expected, look.at) {
            continue;
        }
        // Whether an owner is a key or a contract may be asked; what a contract answers may not.
        if params.contains(&look.at) && (!look.runs || sandbox.code(look.at)?.is_empty()) {
            continue;
        }
        unnamed.entry(look.at).or_insert_with(|| made.op.clone());
    }
    if expected.seen.is_cut {
        expected.faults.push("reads more than can be followed".to_owned());
    }
    for (at, op) in unnamed {
        expected.faults.push(format!(
            "{op} reads {at}, which is neither in the plan nor under [externals]: who controls it \
             would decide what is created"
        ));
    }
    Ok(())
}

fn is_named(resolved: &Resolved, expected: &Expected, at: Address) -> bool {
    expected.created.contains_key(&at)
        || [HELPER, CREATE2_PROXY, resolved.executor.address()].contains(&at)
        || resolved.outside.values().any(|named| *named == at)
}

/// The addresses in a value in normal form.
fn addresses(value: &Value) -> Vec<Address> {
    match value {
        Value::String(text) => text.parse::<Address>().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(addresses).collect(),
        _ => Vec::new(),
    }
}

/// Refuses a plan of which a created contract would hold something else if a slot outside the plan
/// did, while no operation and no `expect` fails then: the batch would not notice a change between
/// signature and execution.
pub(crate) fn refuse_undecided(run: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    let outside = |(at, _): &&(Address, U256)| {
        *at != run.resolved.executor.address() && !expected.created.contains_key(at)
    };
    let reads: Vec<_> = expected.seen.slots.iter().filter(outside).copied().collect();
    if reads.is_empty() {
        return Ok(());
    }
    let mut missing = Vec::new();
    let all = varied(run, &reads, |value| value ^ U256::ONE);
    if leaves(all, &mut missing, expected) == Leaves::Same {
        return Ok(());
    }
    if reads.len() > READS_MAX {
        if !missing.is_empty() {
            return Err(EvmError::Missing(missing));
        }
        let count = reads.len();
        expected.faults.push(format!(
            "reads {count} slots outside the plan, of which at most {READS_MAX} can be judged"
        ));
        return Ok(());
    }
    let mut found = Vec::new();
    for read in &reads {
        let strange = U256::from_be_slice(STRANGE.as_slice());
        let once =
            [varied(run, &[*read], |value| value ^ U256::ONE), varied(run, &[*read], |_| strange)];
        for once in once {
            if let Leaves::Other(op) = leaves(once, &mut missing, expected) {
                let named = run.resolved.outside.iter().find(|(_, at)| **at == read.0);
                let who = named.map_or(read.0.to_string(), |(name, _)| format!("@{name}"));
                found.push(format!(
                    "{op} holds what {who} decides by slot {}: add an `expect` that shows it, since \
                     it may change before the batch runs",
                    read.1
                ));
                break;
            }
        }
    }
    if !missing.is_empty() {
        return Err(EvmError::Missing(missing));
    }
    expected.faults.extend(found);
    Ok(())
}

/// The plan once more, with these slots holding something else.
fn varied(
    run: &Run<'_>,
    reads: &[(Address, U256)],
    change: impl Fn(U256) -> U256,
) -> Result<Expected, EvmError> {
    let mut sandbox = run.sandbox.clone();
    for (at, slot) in reads {
        let value = sandbox.storage(*at, *slot)?;
        sandbox = sandbox.with_slot(*at, *slot, change(value));
    }
    Run { sandbox, contexts: false, ..*run }.ops()
}

/// What another value outside the plan does.
#[derive(Debug, PartialEq, Eq)]
enum Leaves {
    /// Every created contract is as it was.
    Same,
    /// The plan fails, and so would the batch; or it is not known yet.
    Nothing,
    /// This operation's contract is another one, and nothing fails.
    Other(String),
}

fn leaves(
    found: Result<Expected, EvmError>,
    missing: &mut Vec<StateKey>,
    expected: &Expected,
) -> Leaves {
    let found = match found {
        Ok(found) if found.faults.is_empty() => found,
        Err(EvmError::Missing(keys)) => {
            missing.extend(keys);
            return Leaves::Nothing;
        }
        Ok(_) | Err(_) => return Leaves::Nothing,
    };
    let other = expected.created.iter().find(|(at, made)| {
        let Some(other) = found.created.get(*at) else { return true };
        // Slots that depend on when the plan runs are in neither.
        let same = |slot: &U256| {
            made.varying.contains(slot) || other.slots.get(slot) == made.slots.get(slot)
        };
        other.code != made.code || !made.slots.keys().chain(other.slots.keys()).all(same)
    });
    other.map_or(Leaves::Same, |(_, made)| Leaves::Other(made.op.clone()))
}
