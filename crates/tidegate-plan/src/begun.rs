//! A plan of which some operations were executed already: what the rest does to what stands, and
//! what its checks may return by now.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};
use tidegate_evm::{CREATE2_PROXY_CODE, EvmError, Sandbox};
use tidegate_model::ports::StateSnapshot;

use crate::execute::{far, start};
use crate::expected::{Expected, When};
use crate::resolve::{CREATE2_PROXY, Check, Resolved};
use crate::run::{PLENTY, Run, cleared};

/// What the operations that are still due do to the state as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// What each slot holds that they change, and the last operation that changed it.
    pub writes: BTreeMap<(Address, U256), (String, U256)>,
    /// How the first of them fails that fails.
    pub fault: Option<String>,
}

/// Executes what is due on the snapshot as it is, with all that stands there.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn due(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    done: &BTreeSet<String>,
) -> Result<Due, EvmError> {
    let sandbox = Sandbox::at(snapshot).with_code(CREATE2_PROXY, CREATE2_PROXY_CODE.to_vec());
    let sandbox = sandbox.with_balance(resolved.executor.address(), PLENTY);
    let sandbox = sandbox.with_errors(resolved.errors.clone());
    // What stands is not made room for.
    let stands = Some(BTreeMap::new());
    let mut run = Run { sandbox, stands, ..start(resolved, snapshot, When::Before) };
    let (mut due, mut expected) = (Due::default(), Expected::default());
    for op in resolved.ops.iter().filter(|op| !done.contains(&op.id)) {
        if let Some(fault) = run.one(op, &mut expected)? {
            due.fault = Some(format!("{} {fault}", op.id));
            break;
        }
    }
    for (op, diff) in run.effects {
        for (at, account) in diff.accounts {
            let slots = account.slots.into_iter();
            due.writes.extend(slots.map(|(slot, change)| ((at, slot), (op.clone(), change.after))));
        }
    }
    Ok(due)
}

/// What a check returns by now where its step is there already: later operations of the same plan
/// may have changed it since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Later {
    /// Nothing of the plan has changed it.
    #[default]
    Same,
    /// This; `None` is a revert.
    Answers(Option<Bytes>),
    /// What depends on when the plan ran, or how often.
    Varies,
}

impl Later {
    /// Whether the plan's own operations explain an answer; `None` is a revert.
    pub fn explains(&self, answer: Option<&Bytes>) -> bool {
        match self {
            Self::Same => false,
            Self::Answers(own) => own.as_ref() == answer,
            Self::Varies => true,
        }
    }
}

/// What each check of a plan, in order, returns now that `done` is executed. Of a step of which
/// something is due it is nothing but its own value.
///
/// # Errors
/// As [`due`].
pub fn later(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    done: &BTreeSet<String>,
) -> Result<Vec<Later>, EvmError> {
    let plain = start(resolved, snapshot, When::After);
    let mut first = plain.clone();
    let now = answers(&mut first, done)?;
    // A counter elsewhere goes on from what it is now; nothing says from where it came.
    let made = resolved.creations().map(|(_, address, _)| address);
    let again = cleared(first.sandbox.clone(), made);
    let otherwise = [again, plain.sandbox.clone().later(), far(plain.sandbox.clone())];
    let mut others = Vec::new();
    for sandbox in otherwise {
        others.push(answers(&mut Run { sandbox, ..plain.clone() }, done)?);
    }
    let later = now.into_iter().enumerate().map(|(index, own)| {
        let others = || others.iter().map(|other| &other[index]);
        if !own.is_moved() && !others().any(Answers::is_moved) {
            Later::Same
        } else if others().all(|other| other.now == own.now) {
            Later::Answers(own.now.flatten())
        } else {
            Later::Varies
        }
    });
    Ok(later.collect())
}

/// The answers to one check; nothing where something of its step is due, `None` in them where it
/// reverts.
#[derive(Clone, Default)]
struct Answers {
    /// When its step is done.
    at_step: Option<Option<Bytes>>,
    /// When all is done that is.
    now: Option<Option<Bytes>>,
}

impl Answers {
    fn is_moved(&self) -> bool {
        self.at_step != self.now
    }
}

fn answers(run: &mut Run<'_>, done: &BTreeSet<String>) -> Result<Vec<Answers>, EvmError> {
    let Resolved { ops, checks, .. } = run.resolved;
    let mut answers = vec![Answers::default(); checks.len()];
    let mut expected = Expected::default();
    let is_there = |step: &str| {
        let mut of = ops.iter().filter(|op| op.step == step);
        of.all(|op| done.contains(&op.id))
    };
    for (index, op) in ops.iter().enumerate().filter(|(_, op)| done.contains(&op.id)) {
        run.one(op, &mut expected)?;
        let is_last = ops.get(index + 1).is_none_or(|next| next.step != op.step);
        if is_last && is_there(&op.step) {
            for (check, of) in checks.iter().zip(&mut answers).filter(|(c, _)| c.step == op.step) {
                of.at_step = Some(answer(run, check)?);
            }
        }
    }
    for (check, of) in checks.iter().zip(&mut answers).filter(|(_, of)| of.at_step.is_some()) {
        of.now = Some(answer(run, check)?);
    }
    Ok(answers)
}

fn answer(run: &Run<'_>, check: &Check) -> Result<Option<Bytes>, EvmError> {
    let executor = run.resolved.executor.address();
    let outcome = run.sandbox.call(executor, check.to, check.data.clone())?;
    Ok(outcome.is_success().then_some(outcome.output))
}

#[cfg(test)]
mod tests;
