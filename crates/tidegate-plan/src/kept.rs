//! A slot outside a plan as the plan finds and leaves it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};

/// A slot of a contract that is there already, as a plan finds and leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What it holds before.
    pub before: U256,
    /// What it holds when the plan is done.
    pub after: U256,
    /// Whether that depends on when the plan runs.
    pub varies: bool,
}

/// Every slot outside a plan that it read or wrote.
pub type Outside = BTreeMap<(Address, U256), Kept>;

impl Kept {
    /// Whether the plan changes the slot.
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }

    /// Whether the plan sets flags, and leaves the slot as it is where they are set.
    pub(crate) fn is_flag_of(&self, other: &Self) -> bool {
        let all = [self.before, self.after, other.before].map(|word| word.to_be_bytes::<32>());
        let is_set = |at: usize| all[0][at] == 0 && all[1][at] == 1 && all[2][at] != 0;
        !other.is_changed() && (0..32).all(|at| all[0][at] == all[1][at] || is_set(at))
    }
}
