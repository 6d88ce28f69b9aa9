//! What the storage of a contract must hold that a plan has created.

use alloy_primitives::{Address, U256};

/// A contract that a plan creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The operation that creates it, or has it created.
    pub op: String,
    /// Its name, for people.
    pub label: String,
    pub address: Address,
    /// Slots, each with what it may hold.
    pub slots: Vec<StoredSlot>,
    /// The names of slots that depend on when they were written, so that nothing says what they
    /// must hold.
    pub varying: Vec<String>,
}

impl Stored {
    /// The slots of which nothing says what they must hold.
    pub fn left_out(&self) -> impl Iterator<Item = String> {
        self.varying.iter().map(|name| format!("{name} of {}", self.label))
    }
}

/// A slot of a contract, with the values that the plan may leave in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSlot {
    /// The slot's number.
    pub slot: U256,
    /// The variables in it, or its number.
    pub name: String,
    /// The values that it may hold.
    pub values: Vec<U256>,
    /// Whether the plan writes it; else it is a variable that the plan leaves at zero.
    pub is_written: bool,
}
