//! Calls that were made, and whose effect is gone.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use tidegate_evm::{EvmError, Sandbox, Tx};
use tidegate_model::ports::StateSnapshot;

use crate::expected::Expected;
use crate::resolve::{Op, OpKind, Resolved};
use crate::run::PLENTY;

/// A slot that a call set and that holds something else now. Made again, the call would set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undone<'a> {
    /// The call.
    pub op: &'a str,
    /// The contract.
    pub at: Address,
    pub slot: U256,
    /// What it holds.
    pub holds: U256,
    /// What the plan leaves there.
    pub leaves: U256,
}

/// The slots that calls among `done` would set to what the plan leaves there, if they were made
/// again on the snapshot as it is.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn undone<'a>(
    resolved: &'a Resolved,
    expected: &Expected,
    snapshot: &StateSnapshot,
    done: &BTreeSet<String>,
) -> Result<Vec<Undone<'a>>, EvmError> {
    let executor = resolved.executor.address();
    let standing =
        Sandbox::at(snapshot).with_balance(executor, PLENTY).with_errors(resolved.errors.clone());
    let mut undone = Vec::new();
    for Op { id, kind, .. } in resolved.ops.iter().filter(|op| done.contains(&op.id)) {
        let OpKind::Call { to, value, data, .. } = kind else { continue };
        let tx = Tx { value: *value, ..Tx::call(executor, *to, data.clone()) };
        let mut sandbox = standing.clone();
        let outcome = sandbox.transact(&tx)?;
        if !outcome.is_success() {
            continue;
        }
        let again = sandbox.transact(&tx)?.diff.accounts;
        for (at, account) in outcome.diff.accounts {
            // What an outside contract holds may be after the call already: one that adds would add
            // once more.
            let adds = |slot: &U256| {
                let moved = again.get(&at).is_some_and(|account| account.slots.contains_key(slot));
                moved && !expected.created.contains_key(&at)
            };
            let sets = account.slots.into_iter().filter(|(slot, change)| {
                leaves(expected, at, *slot) == Some(change.after) && !adds(slot)
            });
            undone.extend(sets.map(|(slot, change)| Undone {
                op: id,
                at,
                slot,
                holds: change.before,
                leaves: change.after,
            }));
        }
    }
    Ok(undone)
}

/// What the plan leaves in a slot, where that does not depend on when it runs.
fn leaves(expected: &Expected, at: Address, slot: U256) -> Option<U256> {
    match expected.created.get(&at) {
        Some(created) => created.slots.get(&slot)?.last().copied(),
        None => {
            let kept = expected.outside.get(&(at, slot)).filter(|kept| !kept.varies)?;
            Some(kept.after)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;
    use crate::expected::When;
    use crate::trial::{OTHER, World, at, call, creation, leaving, plan_of};

    /// What a call is found to have lost, of a contract with this code that holds a number.
    fn lost(code: &[u8], holds: u64, done: &[&str]) -> Vec<(Address, U256, U256)> {
        let made = creation("box", leaving(code), false);
        let place = at(&made);
        let plan = plan_of(vec![made, call("set", place)]);
        let mut world = World::of(&[]);
        world.code.insert(place, code.to_vec());
        world.slots.insert((place, U256::ZERO), U256::from(holds));
        let expected = world.found(&plan, When::After);
        let done = done.iter().map(|op| (*op).to_owned()).collect();
        let found: Vec<_> = world.settled(|snapshot| {
            Ok(undone(&plan, &expected, snapshot, &done)?
                .into_iter()
                .map(|undone| (undone.at, undone.holds, undone.leaves))
                .collect())
        });
        assert!(found.iter().all(|(at, ..)| *at == place), "{found:?}");
        found
    }

    #[test]
    fn what_a_call_set_and_somebody_changed_is_undone() {
        const SETS_SEVEN: [u8; 4] = hex!("60075f55");
        let word = U256::from::<u64>;
        let [(_, holds, leaves)] = lost(&SETS_SEVEN, 9, &["box", "set"])[..] else { panic!() };
        assert_eq!((holds, leaves), (word(9), word(7)));
        assert_eq!(lost(&SETS_SEVEN, 7, &["box", "set"]), [], "it holds");
        assert_eq!(lost(&SETS_SEVEN, 9, &["box"]), [], "it is still to be made");
    }

    #[test]
    fn what_no_repetition_brings_back_is_none_of_it() {
        let counts = hex!("5f546001015f55");
        assert_eq!(lost(&counts, 5, &["box", "set"]), [], "a counter goes on");
        assert_eq!(lost(&counts, 0, &["box", "set"]).len(), 1, "but for one that was reset");
        assert_eq!(lost(&hex!("425f55"), 9, &["box", "set"]), [], "the time");
        // It fails once its slot is set, as an initializer does.
        let once = hex!("5f54156009575f5ffd5b60075f55");
        assert_eq!(lost(&once, 9, &["box", "set"]), []);
    }

    #[test]
    fn contracts_outside_the_plan_lose_it_too() {
        let mut world = World::of(&hex!("60075f55"));
        let mut plan = plan_of(vec![call("set", OTHER)]);
        plan.outside.insert("feed".to_owned(), OTHER);
        let done: BTreeSet<String> = ["set".to_owned()].into();
        assert_eq!(count(&mut world, &plan, &done, 9), 1);
        assert_eq!(count(&mut world, &plan, &done, 7), 0);
        // One that adds would add once more.
        let mut world = World::of(&hex!("5f546001015f55"));
        assert_eq!(count(&mut world, &plan, &done, 9), 0);
    }

    fn count(world: &mut World, plan: &Resolved, done: &BTreeSet<String>, holds: u64) -> usize {
        world.slots.insert((OTHER, U256::ZERO), U256::from(holds));
        let expected = world.found(plan, When::After);
        world.settled(|s| Ok(undone(plan, &expected, s, done)?.len()))
    }
}
