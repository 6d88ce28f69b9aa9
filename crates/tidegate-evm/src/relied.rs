//! What code rests on that not every chain has alike.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};

/// The most gas of one trial.
const TRIAL_GAS_MAX: u64 = 8_000_000;
/// The least gas of a trial of a call that had more.
pub(crate) const TRIAL_GAS_MIN: u64 = 100_000;
/// Addresses below it belong to the chain: precompiles, and what rollups have there.
const CHAINS_OWN: U256 = U256::from_limbs([1 << 16, 0, 0, 0]);

/// Opcodes and precompile calls that code rests on and that a chain with older rules lacks or
/// defines differently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relied {
    /// Opcodes that came with newer rules or are in none, and `SELFDESTRUCT`, which newer rules
    /// changed.
    pub opcodes: BTreeSet<u8>,
    /// The input of each call of an address that belongs to the chain, with the gas of a trial.
    pub calls: BTreeMap<(Address, Bytes), u64>,
}

impl Relied {
    /// Adds what other code rests on.
    pub fn extend(&mut self, other: Self) {
        self.opcodes.extend(other.opcodes);
        self.calls.extend(other.calls);
    }

    /// Whether an address belongs to the chain.
    pub(crate) fn is_chains_own(at: Address) -> bool {
        let number = U256::from_be_slice(at.as_slice());
        !number.is_zero() && number < CHAINS_OWN
    }

    /// The gas of the trial of a call that had this much and took this much.
    pub(crate) fn trial_gas(had: u64, took: u64) -> u64 {
        had.min(took.saturating_mul(4).max(TRIAL_GAS_MIN)).min(TRIAL_GAS_MAX)
    }
}
