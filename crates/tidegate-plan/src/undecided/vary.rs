//! A plan once more, with something else around it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_evm::{EvmError, Sandbox};
use tidegate_model::ports::{AccountState, StateKey};

use super::{Other, Read, STRANGE};
use crate::expected::{Created, Expected};
use crate::resolve::{Op, OpKind};
use crate::run::{Before, Run};

/// A plan that is run once more with something else around it.
pub(super) struct Trial<'t, 'a> {
    pub(super) run: &'t Run<'a>,
    pub(super) created: &'t BTreeMap<Address, Created>,
    pub(super) missing: BTreeSet<StateKey>,
}

impl<'a> Trial<'_, 'a> {
    /// The operation whose contract is another one then, while nothing fails.
    pub(super) fn changes(&mut self, others: &[(Read, &Other)]) -> Option<String> {
        let sandbox = others.iter().try_fold(self.run.sandbox.clone(), |sandbox, (read, other)| {
            changed(sandbox, *read, other)
        });
        let before = others.iter().find_map(|(read, other)| match (read, other) {
            (Read::Used(op, at, slot), Other::Word(word)) => {
                Some((*op, Before::Slot(*at, *slot, *word)))
            }
            _ => None,
        });
        self.run_with(sandbox, before)
    }

    /// The call that anybody can make first, after which a contract holds something else.
    pub(super) fn calls_of_others(&mut self, expected: &Expected) -> Option<String> {
        for (index, op) in self.run.resolved.ops.iter().enumerate() {
            let OpKind::Call { to, .. } = op.kind else { continue };
            // Nobody comes between what only the executor can create and what follows.
            let guarded = |op: &Op| match op.kind {
                OpKind::Create { guarded, address, .. } => guarded.is_some() && address == to,
                OpKind::Call { .. } => false,
            };
            let is_guarded = self.run.resolved.ops.iter().any(guarded);
            if is_guarded || !expected.created.contains_key(&to) {
                continue;
            }
            let sandbox = Ok(self.run.sandbox.clone());
            if let Some(other) = self.run_with(sandbox, Some((index, Before::Call(STRANGE)))) {
                return Some(format!(
                    "anybody can make the call {} first, and then {other} holds something else: \
                     let only the owner call it, or add an `expect` that shows what it leaves",
                    op.id
                ));
            }
        }
        None
    }

    fn run_with(
        &mut self,
        sandbox: Result<Sandbox<'a>, EvmError>,
        before: Option<(usize, Before)>,
    ) -> Option<String> {
        let ran = sandbox
            .and_then(|sandbox| Run { sandbox, before, contexts: false, ..self.run.clone() }.ops());
        let found = match ran {
            Ok(found) if found.faults.is_empty() => found.created,
            Err(EvmError::Missing(keys)) => {
                self.missing.extend(keys);
                return None;
            }
            // The plan fails, and so would the batch.
            Ok(_) | Err(_) => return None,
        };
        let all = self.created.iter().chain(&found);
        let mut other = all.filter(|(at, _)| match (self.created.get(*at), found.get(*at)) {
            (Some(made), Some(other)) => {
                let mut slots = made.slots.keys().chain(other.slots.keys());
                let differs = |slot: &U256| {
                    let (one, other) = (last(made, slot), last(other, slot));
                    // What strangers left there is theirs, as long as nothing follows from it.
                    let left = matches!(
                        before,
                        Some((_, Before::Slot(of, poked, word)))
                            if (of, poked, word) == (**at, *slot, other)
                    );
                    one != other && !left
                };
                made.code != other.code || slots.any(differs)
            }
            _ => true,
        });
        other.next().map(|(_, made)| made.op.clone())
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
