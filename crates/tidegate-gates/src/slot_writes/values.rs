//! What is known of a value on the stack, and what instructions make of it.

use std::collections::BTreeMap;

use alloy_primitives::U256;

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// It is this.
    Constant(U256),
    /// Several constants, each too small to be a slot that a standard chose, and sums of such.
    Small,
    /// A hash, or near one.
    Hash,
    /// The account's own address.
    Itself,
    /// Anything.
    Other,
}

impl Value {
    pub(super) const ZERO: Self = Self::Constant(U256::ZERO);
}

use Value::{Constant, Hash, Itself, Other, Small};

/// Numbers below this are ordinary slots, offsets and counters.
const SMALL_BITS: usize = 64;

fn is_small(value: Value) -> bool {
    match value {
        Constant(number) => number.bit_len() <= SMALL_BITS,
        Small => true,
        _ => false,
    }
}

/// What two values have in common.
pub(super) fn merge(a: Value, b: Value) -> Value {
    match (a, b) {
        _ if a == b => a,
        _ if is_small(a) && is_small(b) => Small,
        // One routine for storage pointers of both kinds.
        (Hash, other) | (other, Hash) if is_small(other) => Hash,
        _ => Other,
    }
}

/// What an instruction makes of two values, the first from the top of the stack.
pub(super) fn operate(op: u8, a: Value, b: Value) -> Value {
    let small = is_small(a) && is_small(b);
    match (op, a, b) {
        (0x20, ..) => Hash,
        (0x01, Constant(a), Constant(b)) => Constant(a.wrapping_add(b)),
        (0x03, Constant(a), Constant(b)) => Constant(a.wrapping_sub(b)),
        (0x16, Constant(a), Constant(b)) => Constant(a & b),
        (0x17, Constant(a), Constant(b)) => Constant(a | b),
        (0x18, Constant(a), Constant(b)) => Constant(a ^ b),
        (0x1b, Constant(by), Constant(number)) => Constant(shifted(number, by, true)),
        (0x1c, Constant(by), Constant(number)) => Constant(shifted(number, by, false)),
        // Elements of arrays and members of structures lie behind a hash.
        (0x01, Hash, _) | (0x01, _, Hash) | (0x03, Hash, _) => Hash,
        (0x01, ..) if small => Small,
        _ => Other,
    }
}

/// What another instruction makes, given the top of the stack.
pub(super) fn result(op: u8, top: Option<Value>) -> Value {
    match (op, top) {
        (0x19, Some(Constant(number))) => Constant(!number),
        (0x30, _) => Itself,
        _ => Other,
    }
}

fn shifted(number: U256, by: U256, left: bool) -> U256 {
    match usize::try_from(by) {
        Ok(by) if by < 256 && left => number << by,
        Ok(by) if by < 256 => number >> by,
        _ => U256::ZERO,
    }
}

/// How many values an instruction takes and leaves; `None` for one that ends the run.
pub(super) const fn arity(op: u8) -> Option<(usize, usize)> {
    Some(match op {
        0x01..=0x07 | 0x0a | 0x0b | 0x10..=0x14 | 0x16..=0x18 | 0x1a..=0x1d | 0x20 => (2, 1),
        0x08 | 0x09 => (3, 1),
        0x15 | 0x19 | 0x1e | 0x31 | 0x35 | 0x3b | 0x3f | 0x40 | 0x49 => (1, 1),
        0x51 | 0x54 | 0x5c => (1, 1),
        0x30 | 0x32..=0x34 | 0x36 | 0x38 | 0x3a | 0x3d | 0x41..=0x48 | 0x4a => (0, 1),
        0x58..=0x5a | 0x5f..=0x7f => (0, 1),
        0x37 | 0x39 | 0x3e | 0x5e => (3, 0),
        0x3c => (4, 0),
        0x50 | 0x56 => (1, 0),
        0x52 | 0x53 | 0x55 | 0x57 | 0x5d => (2, 0),
        0x5b => (0, 0),
        0x80..=0x8f => ((op - 0x7f) as usize, 0),
        0x90..=0x9f => ((op - 0x8e) as usize, 0),
        0xa0..=0xa4 => ((op - 0xa0) as usize + 2, 0),
        0xf0 => (3, 1),
        0xf1 | 0xf2 => (7, 1),
        0xf4 | 0xfa => (6, 1),
        0xf5 => (4, 1),
        _ => return None,
    })
}

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

    pub(super) fn read(&self, at: Value) -> Value {
        match at {
            Constant(at) => self.0.get(&at).copied().unwrap_or(Other),
            _ => Other,
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
