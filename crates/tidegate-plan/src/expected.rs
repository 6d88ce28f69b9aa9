//! What a plan leaves on a network, as local execution finds it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use tidegate_evm::{Asked, Leaves, Made, Seen, can_destroy_itself};
use tidegate_model::record::SlotValue;

use crate::kept::Outside;

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
    /// The number of events that it has logged by then.
    pub logs: usize,
}

impl Created {
    /// The slot values right after the contract's creation, by slot.
    pub fn slots_at_first(&self) -> BTreeMap<U256, U256> {
        let first = |(slot, values): (&U256, &Vec<U256>)| Some((*slot, *values.first()?));
        self.slots.iter().filter_map(first).collect()
    }

    /// Whether the operation `op` creates the contract, itself or by a call.
    pub fn is_of(&self, op: &str) -> bool {
        let rest = self.op.strip_prefix(op);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
    }

    /// The slot values when the plan is done.
    pub fn leaves(&self) -> Leaves {
        let last = |(slot, values): (&U256, &Vec<U256>)| Some((*slot, *values.last()?));
        let slots = self.slots.iter().filter_map(last).collect();
        Leaves { slots, varying: self.varying.clone() }
    }
}

/// The result of executing a plan locally on a network: created contracts, watched slots, gas,
/// faults, and what was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Every created contract, by address.
    pub created: BTreeMap<Address, Created>,
    /// The watched slots with what they must hold, sorted.
    pub slots: Vec<SlotValue>,
    /// The slots of other contracts that the operations read or wrote.
    pub outside: Outside,
    /// The state that the operations looked at.
    pub seen: Seen,
    /// Externals on which contracts of the plan rest and that ask for a choice of the sender or the
    /// block's maker.
    pub asking: Vec<Asking>,
    /// The same where nothing of the plan does so yet.
    pub(crate) aside: Vec<Aside>,
    /// Creations within operations, in order: the operation, the creator and the created contract.
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

/// An external that asks for what whoever sends or makes the block chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The operation that rests on it.
    pub op: String,
    /// The external, or what it calls.
    pub at: Address,
    /// The value that it asks for.
    pub what: Asked,
}

/// An operation in which no code of the plan runs, and others ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Aside {
    /// Who asks for what.
    pub(crate) asked: BTreeSet<(Address, Asked)>,
    /// The slots that it wrote.
    pub(crate) written: BTreeSet<(Address, U256)>,
}

/// The point of a deployment at which a plan is executed locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before it ran: every operation and check must hold.
    Before,
    /// After it ran: externals may have moved on, so calls may fail and checks are not repeated.
    After,
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    fn made(op: &str, code: &[u8]) -> Created {
        let word = U256::from;
        Created {
            op: op.to_owned(),
            code: Bytes::copy_from_slice(code),
            code_hash: B256::ZERO,
            nested: false,
            slots: [(word(1), vec![word(5), word(6), word(7)]), (word(2), Vec::new())].into(),
            varying: [word(3)].into(),
            nonce: 1,
            balance: U256::ZERO,
            logs: 0,
        }
    }

    #[test]
    fn slots_have_what_they_hold_at_first_and_in_the_end() {
        let (word, made) = (U256::from, made("till", &[]));
        assert_eq!(made.slots_at_first(), [(word(1), word(5))].into());
        let (slots, varying) = ([(word(1), word(7))].into(), [word(3)].into());
        assert_eq!(made.leaves(), Leaves { slots, varying });
    }

    #[test]
    fn a_contract_is_of_its_operation_and_of_what_has_it_created() {
        let is_of = |made_by: &str, op: &str| made(made_by, &[]).is_of(op);
        assert!(is_of("till", "till") && is_of("till+1", "till"));
        assert!(!is_of("till", "till+1") && !is_of("tills", "till") && !is_of("other", "till"));
        let code = [("till", hex!("33ff")), ("tills", hex!("3300"))];
        let created = code.iter().enumerate().map(|(n, (op, code))| {
            (Address::with_last_byte(u8::try_from(n).unwrap()), made(op, code))
        });
        let expected = Expected { created: created.collect(), ..Expected::default() };
        assert!(expected.can_end("till") && !expected.can_end("tills"));
        assert!(!expected.can_end("other"));
    }
}
