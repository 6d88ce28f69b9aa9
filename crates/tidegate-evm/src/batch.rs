//! A Safe's batch as whoever sends it would run it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, Bytes, U256, address};

use crate::diff::AccountDiff;
use crate::env::TX_GAS_MAX;
use crate::error::EvmError;
use crate::outcome::{Made, Outcome};
use crate::reach::Trespass;
use crate::sandbox::Sandbox;
use crate::tx::Delegate;

/// Accounts that no chain has: somebody who sends, and somebody's contract that passes it on.
const SENDER: Address = address!("7469646567617465000000000000000000005e4d");
const PASSER: Address = address!("7469646567617465000000000000000000009a55");

/// A promotion's batch as a Safe runs it, with the slot values that its contracts must have
/// afterwards.
#[derive(Debug, Clone)]
pub struct Batch<'b> {
    /// The Safe's address.
    pub account: Address,
    /// The account whose code runs: MultiSendCallOnly.
    pub code_at: Address,
    /// The batch's calldata.
    pub data: Bytes,
    /// The helper, which only the batch's own calls may reach.
    pub helper: Address,
    /// Every contract that it may create, with what its slots hold in the end: all that are not
    /// zero, but those that depend on the block.
    pub leaves: &'b BTreeMap<Address, Leaves>,
}

/// Slot values of one contract after execution, by slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leaves {
    /// Slots that are not zero.
    pub slots: BTreeMap<U256, U256>,
    /// Slots of which nothing is known.
    pub varying: BTreeSet<U256>,
}

/// A batch that must not be proposed or signed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchFault {
    Fails(String),
    /// Something that it calls reaches the Safe or the helper, or changes them.
    Reaches(Trespass),
    /// It creates a contract that nobody expects.
    Creates(Made),
    /// What stands there already makes it leave something else.
    Leaves {
        at: Address,
        slot: U256,
        /// What it would hold.
        found: U256,
        /// What the plan alone leaves there.
        expected: U256,
    },
    /// What it does depends on who sends it.
    Depends {
        /// What follows from that.
        what: String,
    },
}

impl Sandbox<'_> {
    /// Runs a batch as the Safe itself, as somebody who sends it, and as somebody whose contract
    /// passes it on: all must leave the same. The sandbox is left as it is. Returns what the first
    /// one did.
    ///
    /// # Errors
    /// Where there is no outcome; see [`EvmError`].
    pub fn batch(&self, batch: &Batch<'_>) -> Result<Result<Outcome, BatchFault>, EvmError> {
        let mut after = self.clone();
        let own = after.batch_by(batch, batch.account, batch.account)?;
        if !own.is_success() {
            return Ok(Err(BatchFault::Fails(own.why().to_string())));
        }
        if let Some(trespass) = own.trespasses(batch.account, batch.helper).first() {
            return Ok(Err(BatchFault::Reaches(*trespass)));
        }
        if let Some(made) = own.created.iter().find(|made| !batch.leaves.contains_key(&made.at)) {
            return Ok(Err(BatchFault::Creates(*made)));
        }
        for (at, leaves) in batch.leaves {
            let changed = own.diff.accounts.get(at).into_iter().flat_map(|diff| diff.slots.keys());
            let slots: BTreeSet<_> = leaves.slots.keys().chain(changed).collect();
            for slot in slots.into_iter().filter(|slot| !leaves.varying.contains(*slot)) {
                let expected = leaves.slots.get(slot).copied().unwrap_or_default();
                let (at, slot, found) = (*at, *slot, after.storage(*at, *slot)?);
                if found != expected {
                    return Ok(Err(BatchFault::Leaves { at, slot, found, expected }));
                }
            }
        }
        for (origin, caller) in [(SENDER, SENDER), (SENDER, PASSER)] {
            let other = self.clone().batch_by(batch, origin, caller)?;
            let what = match other.trespasses(batch.account, batch.helper).first() {
                _ if !other.is_success() => Some(format!("it fails: {}", other.why())),
                Some(trespass) => Some(trespass.to_string()),
                None => differs(&own, &other, [batch.account, SENDER, PASSER]),
            };
            if let Some(what) = what {
                return Ok(Err(BatchFault::Depends { what }));
            }
        }
        Ok(Ok(own))
    }

    /// The call of a batch at which it fails, counted from 0. `first` gives the calldata of so many
    /// of its calls; a batch that fails goes on failing with more of them.
    ///
    /// # Errors
    /// Where there is no outcome; see [`EvmError`].
    pub fn failing_call(
        &self,
        batch: &Batch<'_>,
        calls: usize,
        first: impl Fn(usize) -> Bytes,
    ) -> Result<usize, EvmError> {
        let (mut runs, mut fails) = (0, calls.max(1));
        while fails - runs > 1 {
            let half = runs.midpoint(fails);
            let part = Batch { data: first(half), ..batch.clone() };
            match self.clone().batch_by(&part, batch.account, batch.account)?.is_success() {
                true => runs = half,
                false => fails = half,
            }
        }
        Ok(runs)
    }

    fn batch_by(
        &mut self,
        batch: &Batch<'_>,
        origin: Address,
        caller: Address,
    ) -> Result<Outcome, EvmError> {
        self.delegate(&Delegate {
            origin,
            caller,
            account: batch.account,
            code_at: batch.code_at,
            data: batch.data.clone(),
            gas_limit: TX_GAS_MAX,
            watched: vec![batch.account, batch.helper],
        })
    }
}

/// The first difference of two runs, beside the nonces of those who may send.
fn differs(one: &Outcome, other: &Outcome, senders: [Address; 3]) -> Option<String> {
    if one.logs != other.logs {
        return Some("it logs other events".to_owned());
    }
    let changes = |outcome: &Outcome| -> BTreeMap<Address, AccountDiff> {
        let accounts = outcome.diff.accounts.iter().map(|(at, diff)| {
            let nonce = if senders.contains(at) { None } else { diff.nonce };
            (*at, AccountDiff { nonce, ..diff.clone() })
        });
        accounts.filter(|(_, diff)| !diff.is_empty()).collect()
    };
    let (one, other) = (changes(one), changes(other));
    let at = one.keys().chain(other.keys()).find(|at| one.get(*at) != other.get(*at))?;
    Some(format!("it leaves {at} otherwise"))
}

impl fmt::Display for BatchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(why) => write!(f, "the batch fails in local execution: {why}"),
            Self::Reaches(trespass) => {
                write!(f, "the batch reaches the Safe or the helper by other ways: {trespass}")
            }
            Self::Creates(Made { at, by }) => {
                write!(f, "the batch makes {by} create a contract at {at}, which no step names")
            }
            Self::Leaves { at, slot, found, expected } => write!(
                f,
                "after the batch slot {slot:#x} of {at} would hold {found:#x}, where the plan \
                 alone leaves {expected:#x}: somebody created or used what it rests on"
            ),
            Self::Depends { what } => {
                write!(f, "what the batch does depends on who sends it (tx.origin): {what}")
            }
        }
    }
}
