//! Every operation of a plan, executed locally in order: expected code and storage.
//!
//! Nothing here is copied from a chain or an explorer. The addresses that the plan creates are
//! taken as empty, so that the same run serves before the deployment, after it, and where a
//! stranger came first; other contracts are read from the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, address};
use tidegate_evm::{CREATE2_PROXY_CODE, EvmError, Sandbox};
use tidegate_model::Head;
use tidegate_model::ports::StateSnapshot;
use tidegate_model::record::SlotValue;

use crate::choices::refuse_choices;
use crate::expected::{Expected, When};
use crate::foreign::refuse_unnamed;
use crate::open::refuse_open;
use crate::outside::vary as vary_outside;
use crate::resolve::{CREATE2_PROXY, Resolved};
use crate::run::{NOTHING, PLENTY, Run, cleared};
use crate::senders::{refuse_gas, refuse_senders, tight, warm};
use crate::tight::refuse_tight;
use crate::times::{refuse_decided, refuse_moments};
use crate::undecided::refuse_undecided;
use crate::upgraded::refuse_upgraded;

/// The distance of the far run, in seconds: further than any proposal holds.
const SECS_FAR: u64 = 60 * 86_400;
const BLOCKS_FAR: u64 = SECS_FAR / 12;
/// The sender of the second run's transactions.
const SOMEBODY: Address = address!("7469646567617465000000000000000000009192");

/// Executes every operation and check of a plan on a snapshot, and says what is wrong with it: what
/// depends on who sends it, what it reads that it does not name, and what others decide.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn expected_code(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    when: When,
) -> Result<Expected, EvmError> {
    expected_of(start(resolved, snapshot, when))
}

/// The same of a plan of which some operations were executed already: their calls may fail now, and
/// a step of which nothing is due is not checked again. All else must hold as before the first one.
///
/// # Errors
/// As [`expected_code`].
pub fn expected_rest(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    done: &BTreeSet<String>,
) -> Result<Expected, EvmError> {
    let plain = start(resolved, snapshot, When::Before);
    // What it spent on those it need not have now.
    let sandbox = plain.sandbox.clone().with_balance(resolved.executor.address(), PLENTY);
    expected_of(Run { done, sandbox, ..plain })
}

fn expected_of(plain: Run<'_>) -> Result<Expected, EvmError> {
    let (resolved, when) = (plain.resolved, plain.when);
    let first = Run { check: true, contexts: true, ..plain.clone() };
    let mut run = first.clone();
    let mut expected = run.ops()?;
    refuse_upgraded(&plain, &mut expected)?;
    slots(&run, &mut expected)?;
    let found = expected.clone();
    let head = plain.sandbox.env().head;
    let mut later = Run { sandbox: plain.sandbox.clone().later(), ..plain.clone() };
    let (later, then) = (later.ops()?, later.sandbox.env().head);
    compare(&mut expected, &later);
    vary_outside(&mut expected.outside, &later.outside);
    if when == When::Before && expected.faults.is_empty() {
        refuse_moments(&plain, &later, &mut expected)?;
    }
    let mut far = Run { sandbox: far(plain.sandbox.clone()), ..plain.clone() };
    let (far, in_the_end) = (far.ops()?, far.sandbox.env().head);
    if far.faults.is_empty() && far.skipped == expected.skipped {
        vary(&mut expected, &far);
        vary_outside(&mut expected.outside, &far.outside);
    }
    let mut sent = Run { origin: SOMEBODY, ..plain.clone() };
    let by_somebody = sent.ops()?;
    if expected.faults.is_empty() {
        refuse_senders(&run, (&sent, &by_somebody), &mut expected);
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_choices(&plain, &found, &mut expected)?;
    }
    for (other, then) in [(&later, then), (&far, in_the_end)] {
        if when == When::Before && expected.faults.is_empty() {
            refuse_decided(&found, (other, then), head, &mut expected);
        }
    }
    if expected.faults.is_empty() {
        let with_less = Run { gas: tight(&expected.gas), ..plain.clone() }.ops()?;
        let sandbox = plain.sandbox.clone().with_warm(warm(&expected));
        let with_warm = Run { sandbox, ..plain }.ops()?;
        let ways = [(with_less, "the gas that is left"), (with_warm, "what reading costs")];
        for (otherwise, what) in &ways {
            refuse_gas(&run, &found, (otherwise, what), &mut expected);
        }
    }
    if expected.faults.is_empty() {
        refuse_unnamed(resolved, &run.sandbox, &mut expected)?;
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_open(resolved, &mut expected);
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_unrepeatable(&run, &mut expected)?;
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_undecided(&first, &run.reads, &found.created, &mut expected)?;
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_tight(&first, &mut expected)?;
    }
    Ok(expected)
}

/// The contracts that a plan creates in a block with this number and time, with everything that
/// depends on these. It serves to compare two networks at one moment: no check is made and nothing
/// is judged.
///
/// # Errors
/// As [`expected_code`].
pub fn expected_in(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    when: When,
    block: Head,
) -> Result<Expected, EvmError> {
    let plain = start(resolved, snapshot, when);
    let sandbox = plain.sandbox.clone().in_block(block.block.number, block.timestamp);
    Run { sandbox, ..plain }.ops()
}

/// The same as long after as a comparison looks.
pub(crate) fn far(sandbox: Sandbox<'_>) -> Sandbox<'_> {
    let head = sandbox.env().head;
    let number = head.block.number.saturating_add(BLOCKS_FAR);
    sandbox.in_block(number, head.timestamp.saturating_add(SECS_FAR))
}

/// A run that has not begun: what the plan creates is not there.
pub(crate) fn start<'a>(
    resolved: &'a Resolved,
    snapshot: &'a StateSnapshot,
    when: When,
) -> Run<'a> {
    let sandbox = Sandbox::at(snapshot).with_code(CREATE2_PROXY, CREATE2_PROXY_CODE.to_vec());
    let sandbox = sandbox.with_errors(resolved.errors.clone());
    let addresses = resolved.creations().map(|(_, address, _)| address);
    let executor = resolved.executor.address();
    let sandbox = match when {
        When::Before => sandbox,
        // What it spent then it need not have now.
        When::After => sandbox.with_balance(executor, PLENTY),
    };
    Run {
        resolved,
        when,
        done: &NOTHING,
        check: false,
        contexts: false,
        origin: resolved.executor.address(),
        sandbox: cleared(sandbox, addresses),
        gas: BTreeMap::new(),
        before: None,
        stands: None,
        effects: Vec::new(),
        reads: Vec::new(),
    }
}

fn slots(run: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    for watch in &run.resolved.slots {
        let slot = U256::from_be_bytes(watch.slot.0);
        let found = B256::from(run.sandbox.storage(watch.address, slot)?);
        let value = watch.value.unwrap_or(found);
        if run.when == When::Before && value != found && expected.faults.is_empty() {
            let (name, at) = (watch.name, watch.address);
            expected.faults.push(format!("leaves {found} in {name} of {at}, not {value}"));
        }
        expected.slots.push(SlotValue { address: watch.address, slot: watch.slot, value });
    }
    Ok(())
}

/// Drops what depends on when the plan runs; code must not, and it must run later too.
fn compare(expected: &mut Expected, later: &Expected) {
    if expected.faults.is_empty() {
        let late = later.faults.iter().map(|fault| format!("{fault}, if it runs an hour later"));
        expected.faults.extend(late);
    }
    vary(expected, later);
}

/// Drops what is otherwise at another time.
fn vary(expected: &mut Expected, later: &Expected) {
    for (address, created) in &mut expected.created {
        let other = later.created.get(address);
        if other.is_none_or(|other| other.code != created.code) && expected.faults.is_empty() {
            let fault = "makes code that depends on the block";
            expected.faults.push(format!("{} {fault}", created.op));
        }
        let other = other.map(|other| &other.slots);
        let same =
            |slot: &U256, values: &Vec<U256>| other.and_then(|o| o.get(slot)) == Some(values);
        let varying = created.slots.iter().filter(|(slot, values)| !same(slot, values));
        created.varying.extend(varying.map(|(slot, _)| *slot));
        let new = other.into_iter().flat_map(BTreeMap::keys);
        created.varying.extend(new.filter(|slot| !created.slots.contains_key(*slot)));
        created.slots.retain(|slot, values| same(slot, values));
    }
}

/// Refuses a plan that makes something else once it has run: afterwards nothing could say what it
/// made, and so nothing could compare it.
fn refuse_unrepeatable(run: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    let sandbox = cleared(run.sandbox.clone(), expected.created.keys().copied());
    let sandbox = sandbox.with_balance(run.resolved.executor.address(), PLENTY);
    let (when, check, contexts) = (When::After, false, false);
    let again = Run { when, check, contexts, sandbox, ..run.clone() }.ops()?;
    let missing = expected
        .created
        .iter()
        .find(|(at, made)| again.created.get(*at).is_none_or(|other| other.code != made.code));
    if let Some((at, made)) = missing {
        expected.faults.push(format!(
            "{} at {at} depends on state outside the plan that its own creation changes, so it \
             could not be compared with anything later; let a contract of the plan create it",
            made.op
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
