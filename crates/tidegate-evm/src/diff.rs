//! What a transaction changed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};

/// The accounts that one or more transactions changed, by address. Equal changes compare equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateDiff {
    /// Only accounts that changed.
    pub accounts: BTreeMap<Address, AccountDiff>,
}

/// The changes of one account. A part that did not change is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountDiff {
    /// Its balance, in wei.
    pub balance: Option<Change<U256>>,
    pub nonce: Option<Change<u64>>,
    pub code: Option<Change<Bytes>>,
    /// Only slots that changed. Slots of an account that destroyed itself are not listed.
    pub slots: BTreeMap<U256, Change<U256>>,
}

/// A value that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<T> {
    /// The value before.
    pub before: T,
    /// The value after; never equal.
    pub after: T,
}

impl<T: PartialEq> Change<T> {
    /// The change from `before` to `after`, where there is one.
    pub(crate) fn between(before: T, after: T) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }

    fn then(earlier: Option<Self>, later: Option<Self>) -> Option<Self> {
        match (earlier, later) {
            (Some(a), Some(b)) => Self::between(a.before, b.after),
            (one, None) | (None, one) => one,
        }
    }
}

impl AccountDiff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn then(self, later: Self) -> Self {
        let mut slots = self.slots;
        for (slot, change) in later.slots {
            match Change::then(slots.remove(&slot), Some(change)) {
                Some(change) => slots.insert(slot, change),
                None => None,
            };
        }
        Self {
            balance: Change::then(self.balance, later.balance),
            nonce: Change::then(self.nonce, later.nonce),
            code: Change::then(self.code, later.code),
            slots,
        }
    }
}

impl StateDiff {
    /// This difference followed by a later one, as one. What was changed back disappears.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        for (address, diff) in later.accounts {
            let joined = match self.accounts.remove(&address) {
                Some(earlier) => earlier.then(diff),
                None => diff,
            };
            if !joined.is_empty() {
                self.accounts.insert(address, joined);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(before: u64, after: u64) -> StateDiff {
        let change = Change { before: U256::from(before), after: U256::from(after) };
        let diff =
            AccountDiff { slots: BTreeMap::from([(U256::ZERO, change)]), ..Default::default() };
        StateDiff { accounts: BTreeMap::from([(Address::ZERO, diff)]) }
    }

    #[test]
    fn differences_in_a_row_join() {
        assert_eq!(slot(1, 2).then(slot(2, 3)), slot(1, 3));
        assert_eq!(slot(1, 2).then(slot(2, 1)), StateDiff::default());
        assert_eq!(slot(1, 2).then(StateDiff::default()), slot(1, 2));
        assert_eq!(StateDiff::default().then(slot(1, 2)), slot(1, 2));
    }
}
