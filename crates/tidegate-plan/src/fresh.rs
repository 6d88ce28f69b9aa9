//! What may not stand already where the policy says `fresh = true`.
//!
//! Whoever creates a contract first may use it before the batch runs. Two kinds need no such rule:
//! what is `guarded`, since only the executor can create it there; and a linked library whose code
//! can change nothing of its own account, since whatever others do with it, it stays as it is.

use alloy_primitives::Address;
use tidegate_evm::changes_nothing;

use crate::expected::{Created, Expected};
use crate::resolve::{Op, OpKind, Resolved};

/// The advice shown if something stands at an address that must be empty.
pub const WAY_OUT: &str = "another `salt` in its step, of a library in the first step that links \
                           it, gives another address, and is another plan, which soaks and is \
                           audited anew; without `guarded = false` nobody else can create there";

/// Whether `fresh = true` allows the contract of an operation to be there before the batch, created
/// by anybody.
pub fn may_stand(op: &Op, created: Option<&Created>) -> bool {
    match &op.kind {
        OpKind::Create { guarded: Some(_), .. } => true,
        OpKind::Create { guarded: None, .. } => {
            op.id.starts_with("lib:") && created.is_some_and(|made| changes_nothing(&made.code))
        }
        OpKind::Call { .. } => false,
    }
}

/// The contracts that must not be there before the batch under `fresh = true`: operation and
/// address.
pub fn must_be_absent<'a>(
    resolved: &'a Resolved,
    expected: &'a Expected,
) -> impl Iterator<Item = (&'a str, Address)> {
    expected.created.iter().filter_map(|(address, created)| {
        let op = resolved.ops.iter().find(|op| created.is_of(&op.id));
        let may = op.is_some_and(|op| may_stand(op, Some(created)));
        (!may).then_some((created.op.as_str(), *address))
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;
    use crate::expected::When;
    use crate::trial::{at, creation, found, leaving, plan_of};

    #[test]
    fn only_what_others_cannot_change_may_stand() {
        let made = |code: &[u8]| Created {
            op: String::new(),
            code: code.to_vec().into(),
            code_hash: alloy_primitives::B256::ZERO,
            nested: false,
            slots: Default::default(),
            varying: Default::default(),
            nonce: 1,
            balance: alloy_primitives::U256::ZERO,
            logs: 0,
        };
        let (still, moving) = (made(&hex!("00")), made(&hex!("ff")));
        let op = |id: &str, guarded| creation(id, hex!("00").into(), guarded);
        assert!(may_stand(&op("till", true), Some(&moving)));
        assert!(may_stand(&op("lib:src/A.sol:A", false), Some(&still)));
        assert!(!may_stand(&op("lib:src/A.sol:A", false), Some(&moving)));
        assert!(!may_stand(&op("lib:src/A.sol:A", false), None));
        assert!(!may_stand(&op("till", false), Some(&still)));
    }

    #[test]
    fn what_others_can_create_first_must_be_absent() {
        let ops = [("own", true, [1]), ("lib:src/A.sol:A", false, [2]), ("open", false, [3])];
        let ops = ops
            .map(|(id, guarded, code)| creation(id, leaving(&[&[0], &code[..]].concat()), guarded));
        let plan = plan_of(ops.to_vec());
        let at = at(&plan.ops[2]);
        let expected = found(&plan, &[], When::After);
        assert_eq!(expected.created.len(), 3);
        assert_eq!(must_be_absent(&plan, &expected).collect::<Vec<_>>(), [("open", at)]);
    }
}
