//! What anybody may create, since its step says `guarded = false`, may not become something else
//! right after the batch.
//!
//! Whoever sends the batch can create such a contract, use it and execute, in one transaction. One
//! that destroys itself in that transaction is there while the batch runs and gone after it
//! (EIP-6780), and whoever creates it anew owns it. One that created others before gives the plan's
//! next one another address.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tidegate_evm::can_destroy_itself;

use crate::expected::Expected;
use crate::resolve::{OpKind, Resolved};

/// The most nonces of one contract that are compared with a created address.
const NONCES_MAX: u64 = 1_024;

/// Refuses such a plan.
pub(crate) fn refuse_open(resolved: &Resolved, expected: &mut Expected) {
    let unguarded =
        |op: &&crate::resolve::Op| matches!(op.kind, OpKind::Create { guarded: None, .. });
    let ops: BTreeSet<_> = resolved.ops.iter().filter(unguarded).map(|op| &*op.id).collect();
    let open = |at: &Address| {
        let made = expected.created.get(at)?;
        ops.iter().copied().find(|op| made.is_of(op)).map(|op| (op, made))
    };
    let destroys = expected.created.keys().filter_map(open).find_map(|(_, made)| {
        can_destroy_itself(&made.code).then(|| {
            format!(
                "{} can destroy itself (SELFDESTRUCT), and whoever sends the batch can create it, \
                 destroy it and execute in one transaction",
                made.op
            )
        })
    });
    let numbers = expected.made.iter().find_map(|(op, made)| {
        let (own, by) = open(&made.by).filter(|(own, _)| own != op)?;
        let by_number = (1..=NONCES_MAX).any(|nonce| made.by.create(nonce) == made.at);
        let child = expected.created.get(&made.at).map_or(op, |child| &child.op);
        by_number.then(|| {
            format!(
                "where {child} stands depends on how many contracts {} has created, and anybody \
                 may create {own} and have it create others first",
                by.op
            )
        })
    });
    let found = destroys.or(numbers);
    expected.faults.extend(found.map(|why| format!("{why}: leave out its `guarded = false`")));
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use crate::expected::When;
    use crate::trial::{ANSWER, at, call, creation, factory, faults, found, leaving, plan_of};

    #[test]
    fn what_anybody_creates_cannot_be_gone_after_the_batch() {
        let destroys = leaving(&hex!("33ff"));
        for (guarded, count) in [(true, 0), (false, 1)] {
            let plan = plan_of(vec![creation("org", destroys.clone(), guarded)]);
            let found = faults(&plan, &[], When::Before);
            assert_eq!(found.len(), count, "{found:?}");
            assert!(found.iter().all(|fault| fault.starts_with("org can destroy itself")));
        }
    }

    #[test]
    fn the_number_of_children_is_nobody_elses_choice() {
        let maker = leaving(&factory(&leaving(&ANSWER)));
        for (guarded, count) in [(true, 0), (false, 1)] {
            let made = creation("maker", maker.clone(), guarded);
            let to = at(&made);
            let found = faults(&plan_of(vec![made, call("make", to)]), &[], When::Before);
            assert_eq!(found.len(), count, "{found:?}");
            let says = "where make+1 stands depends on how many contracts maker has created";
            assert!(found.iter().all(|fault| fault.starts_with(says)), "{found:?}");
        }
        // By CREATE2 it stands where its code says: the salt, and `factory` with one byte more.
        let child = leaving(&ANSWER);
        let mut maker = factory(&child);
        maker[4] += 1;
        maker.splice(7..7, [0x5f]);
        maker[13] = 0xf5;
        let made = creation("maker", leaving(&maker), false);
        let to = at(&made);
        let plan = plan_of(vec![made, call("make", to)]);
        let expected = found(&plan, &[], When::Before);
        assert!(expected.created.values().any(|made| made.op == "make+1"), "{expected:?}");
        let counted = |fault: &String| fault.contains("depends on how many contracts");
        assert!(!expected.faults.iter().any(counted), "{:?}", expected.faults);
        // In its own creation nobody comes between.
        let twice = [factory(&leaving(&ANSWER)), Vec::new()].concat();
        let found =
            faults(&plan_of(vec![creation("maker", leaving(&twice), false)]), &[], When::Before);
        assert_eq!(found, Vec::<String>::new());
    }
}
