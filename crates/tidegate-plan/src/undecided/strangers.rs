//! Strangers who make the plan's own calls before the batch does.
//!
//! Whoever knows the plan can create what is not guarded at the same address, with its salt through
//! the CREATE2 proxy, and then call it. A call that works once, for whoever comes first, makes the
//! batch fail for good: address and salt are in the plan that was audited and soaked.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use tidegate_evm::{Sandbox, Tx};

use super::STRANGE;
use super::vary::{Ran, Trial};
use crate::expected::{Created, Expected, When};
use crate::resolve::{Executor, Op, OpKind, Resolved};
use crate::run::{NOTHING, PLENTY, Run, cleared};

/// The advice for a call of a contract of the plan.
const OWN: &str = "let only the owner call it, put it into the constructor or a proxy's `init`, \
                   or leave out the contract's `guarded = false`";
/// The advice for a call of anything else.
const OUTSIDE: &str = "let a contract of the plan make it, which looks first whether it is done, \
                       or leave it out of the plan, since anybody can make it later";
/// The advice for a creation.
const IN_ORDER: &str = "leave out its `guarded = false`, or have its constructor require that \
                        what it asks is there";
/// The bytes of a call before its arguments.
const SELECTOR_BYTES: usize = 4;

/// The state after strangers acted before the plan.
#[derive(Clone)]
struct Ahead<'a> {
    sandbox: Sandbox<'a>,
    made: BTreeMap<Address, Created>,
}

/// What anybody can do before the batch, after which the plan fails or a contract holds something
/// else: one of its creations alone, or one of its calls.
pub(super) fn what_others_do_first(
    trial: &mut Trial<'_, '_>,
    expected: &Expected,
) -> Option<String> {
    let run = trial.run;
    let sandbox = cleared(run.sandbox.clone(), expected.created.keys().copied());
    let sandbox = sandbox.with_balance(STRANGE, PLENTY);
    let alone: Vec<_> = run.resolved.ops.iter().map(|op| alone(run.resolved, op)).collect();
    let none = Ahead { sandbox, made: BTreeMap::new() };
    created_first(trial, &none, &alone).or_else(|| called_first(trial, expected, none, &alone))
}

/// A creation before all that comes before it in the plan.
fn created_first<'a>(
    trial: &mut Trial<'_, '_>,
    none: &Ahead<'a>,
    alone: &'a [Resolved],
) -> Option<String> {
    for (op, alone) in trial.run.resolved.ops.iter().zip(alone).skip(1) {
        let mut ahead = none.clone();
        ahead.create(trial, alone);
        if ahead.made.is_empty() {
            continue;
        }
        if let Some(then) = then(ahead.followed(trial)) {
            return Some(format!(
                "anybody can create {} first, and then {then}: {IN_ORDER}",
                op.id
            ));
        }
    }
    None
}

/// A call, after all that strangers can create before it, and after all that they can create and
/// call; with the plan's own arguments, and with the caller where they name who acts.
fn called_first<'a>(
    trial: &mut Trial<'_, '_>,
    expected: &Expected,
    mut bare: Ahead<'a>,
    alone: &'a [Resolved],
) -> Option<String> {
    let run = trial.run;
    let executor = run.resolved.executor.address();
    let mut used: Option<Ahead<'_>> = None;
    for (op, alone) in run.resolved.ops.iter().zip(alone) {
        let OpKind::Call { to, value, data, .. } = &op.kind else {
            for ahead in [Some(&mut bare), used.as_mut()].into_iter().flatten() {
                ahead.create(trial, alone);
            }
            continue;
        };
        let mut called = Vec::new();
        for ahead in [Some(&bare), used.as_ref()].into_iter().flatten() {
            for data in [with_caller(data, executor), Some(data.clone())].into_iter().flatten() {
                called.extend(ahead.call(trial, *to, *value, data));
            }
        }
        let is_outside = run.resolved.outside.values().any(|named| named == to);
        let is_made = expected.created.contains_key(to);
        let instead = if is_made && !is_outside { OWN } else { OUTSIDE };
        for ahead in &called {
            let ran = ahead.followed(trial);
            // A mock is on no target, where the call is tried on what stands there.
            if matches!(ran, Ran::Fails(_)) && is_made && is_outside {
                continue;
            }
            if let Some(then) = then(ran) {
                let op = &op.id;
                return Some(format!(
                    "anybody can make the call {op} first, and then {then}: {instead}"
                ));
            }
        }
        used = called.pop().or(used);
    }
    None
}

impl<'a> Ahead<'a> {
    /// Creates what this plan of one operation does, where a stranger can.
    fn create(&mut self, trial: &mut Trial<'_, '_>, alone: &'a Resolved) {
        let guarded = |op: &Op| matches!(op.kind, OpKind::Create { guarded: Some(_), .. });
        if alone.ops.iter().any(guarded) {
            return;
        }
        let mut run = Run {
            resolved: alone,
            when: When::After,
            done: &NOTHING,
            check: false,
            contexts: false,
            origin: STRANGE,
            sandbox: self.sandbox.clone(),
            gas: BTreeMap::new(),
            before: None,
            stands: None,
            effects: Vec::new(),
            reads: Vec::new(),
        };
        match run.ops() {
            Ok(found) if found.faults.is_empty() => {
                self.sandbox = run.sandbox;
                self.made.extend(found.created);
            }
            Ok(_) => {}
            Err(error) => {
                trial.failed(error);
            }
        }
    }

    /// The whole plan after it.
    fn followed(&self, trial: &mut Trial<'_, '_>) -> Ran {
        let (sandbox, stands) = (self.sandbox.clone(), Some(self.made.clone()));
        trial.ran(Run { sandbox, stands, ..trial.run.clone() })
    }

    /// What is there after a stranger's call, where it succeeds and changes anything.
    fn call(
        &self,
        trial: &mut Trial<'_, '_>,
        to: Address,
        value: U256,
        data: Bytes,
    ) -> Option<Self> {
        let mut after = self.clone();
        match after.sandbox.transact(&Tx { value, ..Tx::call(STRANGE, to, data) }) {
            Ok(outcome) => {
                let changes = outcome.diff.accounts.keys().any(|at| *at != STRANGE);
                (outcome.is_success() && changes).then_some(after)
            }
            Err(error) => {
                trial.failed(error);
                None
            }
        }
    }
}

/// One operation as a stranger's plan.
fn alone(resolved: &Resolved, op: &Op) -> Resolved {
    Resolved {
        executor: Executor::Key(STRANGE),
        ops: vec![op.clone()],
        checks: Vec::new(),
        ..resolved.clone()
    }
}

/// The call with who calls it in place of who acts, where its arguments name that one.
fn with_caller(data: &Bytes, executor: Address) -> Option<Bytes> {
    let (selector, words) = data.split_at_checked(SELECTOR_BYTES)?;
    let replaced = words.chunks(32).map(|word| match word == executor.into_word().as_slice() {
        true => STRANGE.into_word().to_vec(),
        false => word.to_vec(),
    });
    let other: Bytes = [selector.to_vec()].into_iter().chain(replaced).flatten().collect();
    (other != *data).then_some(other)
}

/// What follows, if anything does.
fn then(ran: Ran) -> Option<String> {
    match ran {
        Ran::Same => None,
        Ran::Fails(why) => Some(format!("the plan fails for good ({why})")),
        Ran::Other(other) => Some(format!("{other} holds something else")),
    }
}
