//! Expected code and storage: every operation of a plan, executed locally in order.
//!
//! Nothing here is copied from a chain or an explorer. The addresses that the plan creates are
//! taken as empty, so that the same run serves before the deployment, after it, and where a
//! stranger came first; other contracts are read from the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use tidegate_evm::{CREATE2_PROXY_CODE, EvmError, Leaves, Made, Sandbox, Seen, can_destroy_itself};
use tidegate_model::Head;
use tidegate_model::ports::{AccountState, StateSnapshot};
use tidegate_model::record::SlotValue;

use crate::choices::{Aside, Asking, refuse_choices};
use crate::foreign::refuse_unnamed;
use crate::open::refuse_open;
use crate::outside::{Outside, vary as vary_outside};
use crate::resolve::{CREATE2_PROXY, Resolved};
use crate::run::Run;
use crate::senders::{refuse_gas, refuse_senders, tight, warm};
use crate::tight::refuse_tight;
use crate::times::{refuse_decided, refuse_moments};
use crate::undecided::refuse_undecided;

/// One contract as local execution creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The operation; of a contract that another one creates, with `+` and a number behind it, in
    /// the order of creation.
    pub op: String,
    /// Its runtime code.
    pub code: Bytes,
    /// keccak256 of that code.
    pub code_hash: B256,
    /// Whether another contract creates it, such as the admin of a transparent proxy, or a factory
    /// that a step calls.
    pub nested: bool,
    /// What its slots may hold in the block of its creation: what the constructor leaves there,
    /// and what the rest of the plan makes of it. Slots that depend on when it runs are left out.
    pub slots: BTreeMap<U256, Vec<U256>>,
    /// The slots that are left out.
    pub varying: BTreeSet<U256>,
    /// Its nonce right after its creation.
    pub nonce: u64,
    /// Its balance then, in wei.
    pub balance: U256,
    /// How many events it has logged then.
    pub logs: usize,
}

impl Created {
    /// What its slots hold right after its creation.
    pub fn slots_at_first(&self) -> BTreeMap<U256, U256> {
        let first = |(slot, values): (&U256, &Vec<U256>)| Some((*slot, *values.first()?));
        self.slots.iter().filter_map(first).collect()
    }

    /// Whether an operation creates it, or has it created.
    pub fn is_of(&self, op: &str) -> bool {
        let rest = self.op.strip_prefix(op);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
    }

    /// What its slots hold when the plan is done.
    pub fn leaves(&self) -> Leaves {
        let last = |(slot, values): (&U256, &Vec<U256>)| Some((*slot, *values.last()?));
        let slots = self.slots.iter().filter_map(last).collect();
        Leaves { slots, varying: self.varying.clone() }
    }
}

/// What a plan leaves on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Every created contract, by address.
    pub created: BTreeMap<Address, Created>,
    /// The watched slots with what they must hold, sorted.
    pub slots: Vec<SlotValue>,
    /// The slots of other contracts that the operations read or wrote.
    pub outside: Outside,
    /// What the operations looked at.
    pub seen: Seen,
    /// What externals ask of the transaction or its block where contracts of the plan rest on it.
    pub asking: Vec<Asking>,
    /// The same where nothing of the plan does so yet.
    pub(crate) aside: Vec<Aside>,
    /// Which contract created which, in which operation, in order.
    pub made: Vec<(String, Made)>,
    /// Gas of each operation, in order, as local execution measured it.
    pub gas: Vec<(String, u64)>,
    /// Calls that fail now though they may have run before, and why: only under [`When::After`].
    pub skipped: BTreeMap<String, String>,
    /// Operations that failed, checks that do not hold and constructors that depend on who runs
    /// them, one sentence each.
    pub faults: Vec<String>,
}

impl Expected {
    /// Whether the code of a contract that an operation creates, or has created, can come to
    /// `SELFDESTRUCT`, as far as its instructions show.
    pub fn can_end(&self, op: &str) -> bool {
        let mut made = self.created.values().filter(|made| made.is_of(op));
        made.any(|made| can_destroy_itself(&made.code))
    }
}

/// What an executor has whose plan ran already, in wei.
pub(crate) const PLENTY: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

/// How far ahead it is looked for what turns at a date: further than any proposal holds.
const SECS_FAR: u64 = 60 * 86_400;
const BLOCKS_FAR: u64 = SECS_FAR / 12;
/// Who sends the transactions of another run.
const SOMEBODY: Address = address!("7469646567617465000000000000000000009192");

/// When a plan is executed locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before it ran: every operation and check must hold.
    Before,
    /// After it ran: externals may have moved on, so calls may fail and checks are not repeated.
    After,
}

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
    let plain = start(resolved, snapshot, when);
    let first = Run { check: true, contexts: true, ..plain.clone() };
    let mut run = first.clone();
    let mut expected = run.ops()?;
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
    let (number, time) = (head.block.number + BLOCKS_FAR, head.timestamp + SECS_FAR);
    let mut far = Run { sandbox: plain.sandbox.clone().in_block(number, time), ..plain.clone() };
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

/// What a plan creates in a block with this number and time, whatever depends on them included. So
/// two networks can be compared in one moment. Checks are not made, and nothing is judged.
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

/// A run that has not begun: what the plan creates is not there.
fn start<'a>(resolved: &'a Resolved, snapshot: &'a StateSnapshot, when: When) -> Run<'a> {
    let sandbox = Sandbox::at(snapshot).with_code(CREATE2_PROXY, CREATE2_PROXY_CODE.to_vec());
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

pub(crate) fn cleared<'a>(
    sandbox: Sandbox<'a>,
    addresses: impl Iterator<Item = Address>,
) -> Sandbox<'a> {
    addresses.fold(sandbox, |sandbox, at| sandbox.with_account(at, AccountState::default()))
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
