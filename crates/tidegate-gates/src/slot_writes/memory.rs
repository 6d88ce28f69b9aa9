//! What is known of memory between two jumps.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use super::values::Value::{self, Constant};

/// The words of memory that are known between two jumps. Compilers load a large constant by
/// copying it from the code to memory and reading it back.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<U256, Value>);

/// A word, in bytes.
const WORD_BYTES: U256 = U256::from_limbs([32, 0, 0, 0]);

impl Memory {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Something may have been stored since what it holds was read.
    pub(super) fn age(&mut self) {
        self.0.values_mut().for_each(|value| *value = value.aged());
    }

    /// Forgets whichever value an instruction made earlier.
    pub(super) fn outdate(&mut self, made: Value) {
        self.0.retain(|_, value| *value != made);
    }

    pub(super) fn read(&self, at: Value) -> Option<Value> {
        match at {
            Constant(at) => self.0.get(&at).copied(),
            _ => None,
        }
    }

    pub(super) fn write(&mut self, at: Value, value: Value) {
        let Constant(at) = at else { return self.forget() };
        self.0.retain(|other, _| other.abs_diff(at) >= WORD_BYTES);
        self.0.insert(at, value);
    }

    /// A copy from the code: of one word it is known what it holds.
    pub(super) fn copy(&mut self, to: Value, from: Value, bytes: Value, code: &[u8]) {
        let (Constant(from), true) = (from, bytes == Constant(WORD_BYTES)) else {
            return self.forget();
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let mut word = [0; 32];
        let data = code.get(from..).unwrap_or_default();
        let data = &data[..data.len().min(32)];
        word[..data.len()].copy_from_slice(data);
        self.write(to, Constant(U256::from_be_bytes(word)));
    }
}
