//! A plan once more, with something else around it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_evm::{EvmError, Sandbox};
use tidegate_model::ports::{AccountState, StateKey};

use super::{Other, Read};
use crate::expected::{Created, Expected};
use crate::kept::Outside;
use crate::outside::slot_of;
use crate::run::{Poked, Run};

/// A plan that is run once more with something else around it.
pub(super) struct Trial<'t, 'a> {
    pub(super) run: &'t Run<'a>,
    pub(super) created: &'t BTreeMap<Address, Created>,
    pub(super) outside: &'t Outside,
    /// Slots that say whose code runs: another one does nothing, and shows nothing.
    pub(super) points: &'t BTreeSet<Read>,
    pub(super) missing: BTreeSet<StateKey>,
}

/// The result of a trial.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// The same, as far as the state that is here tells.
    Same,
    /// The contract of this operation is another one, or holds something else.
    Other(String),
    /// The plan fails, and so would the batch.
    Fails(String),
}

impl Trial<'_, '_> {
    /// What is another one then, while nothing fails: an operation's contract, or a slot of one
    /// that is there already.
    pub(super) fn changes(&mut self, others: &[(Read, &Other)]) -> Option<String> {
        let sandbox = others.iter().try_fold(self.run.sandbox.clone(), |sandbox, (read, other)| {
            changed(sandbox, *read, other)
        });
        let before = others.iter().find_map(|(read, other)| match (read, other) {
            (Read::Used(op, at, slot), Other::Word(word)) => {
                Some((*op, Poked { at: *at, slot: *slot, word: *word }))
            }
            _ => None,
        });
        let run = match sandbox {
            Ok(sandbox) => Run { sandbox, before, ..self.run.clone() },
            Err(error) => {
                self.failed(error);
                return None;
            }
        };
        let found = self.found(run).ok()?;
        let op = self.other_made(&found, before);
        if op.is_some() || others.iter().any(|(read, _)| self.points.contains(read)) {
            return op;
        }
        let (at, slot) = self.other_outside(&found, others)?;
        Some(slot_of(self.run.resolved, at, slot))
    }

    /// Runs the plan as it is given, and compares it with what it makes otherwise.
    pub(super) fn ran(&mut self, run: Run<'_>) -> Ran {
        let before = run.before;
        match self.found(run) {
            Ok(found) => self.other_made(&found, before).map_or(Ran::Same, Ran::Other),
            Err(ran) => ran,
        }
    }

    /// The result of a run, if nothing fails in it.
    pub(super) fn found(&mut self, run: Run<'_>) -> Result<Expected, Ran> {
        let mut run = Run { contexts: false, ..run };
        let found = run.ops().map_err(|error| self.failed(error))?;
        match found.faults.first() {
            Some(fault) => Err(Ran::Fails(fault.clone())),
            None => Ok(found),
        }
    }

    /// The operation whose contract is another one.
    fn other_made(&self, found: &Expected, before: Option<(usize, Poked)>) -> Option<String> {
        let all = self.created.iter().chain(&found.created);
        let mut other =
            all.filter(|(at, _)| match (self.created.get(*at), found.created.get(*at)) {
                (Some(made), Some(other)) => {
                    let mut slots = made.slots.keys().chain(other.slots.keys());
                    let differs = |slot: &U256| {
                        let (one, other) = (last(made, slot), last(other, slot));
                        // What strangers left there is theirs, as long as nothing follows from it.
                        let left = before.is_some_and(|(_, poked)| {
                            (poked.at, poked.slot, poked.word) == (**at, *slot, other)
                        });
                        one != other && !left
                    };
                    made.code != other.code || slots.any(differs)
                }
                _ => true,
            });
        other.next().map(|(_, made)| made.op.clone())
    }

    /// The result of a run that failed. Missing state is noted, to be fetched before anything is
    /// said.
    pub(super) fn failed(&mut self, error: EvmError) -> Ran {
        match error {
            EvmError::Missing(keys) => {
                self.missing.extend(keys);
                Ran::Same
            }
            error => Ran::Fails(error.to_string()),
        }
    }
}

fn last(made: &Created, slot: &U256) -> U256 {
    made.slots.get(slot).and_then(|values| values.last()).copied().unwrap_or_default()
}

fn changed<'a>(sandbox: Sandbox<'a>, read: Read, other: &Other) -> Result<Sandbox<'a>, EvmError> {
    Ok(match (read, other) {
        (Read::Slot(at, slot), Other::Word(word)) => sandbox.with_slot(at, slot, *word),
        (Read::Balance(at), Other::Word(word)) => {
            let AccountState { nonce, code, .. } = sandbox.account(at)?;
            match nonce == 0 && code.is_empty() {
                // A contract of the plan can still be created there.
                true => sandbox
                    .with_account(at, AccountState { balance: *word, ..AccountState::default() }),
                false => sandbox.with_balance(at, *word),
            }
        }
        (Read::Code(at), Other::Code(code)) => sandbox.with_code(at, code.clone()),
        (_, Other::Word(_) | Other::Code(_)) => sandbox,
    })
}
