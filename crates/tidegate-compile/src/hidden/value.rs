//! What is known of a value in assembly, as far as it may be a place in storage.

use alloy_primitives::{U256, keccak256};

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Unknown,
    /// It is this.
    Constant(U256),
    /// It is what the function was given, unchanged.
    Given,
    /// The slot of a variable, and so much more.
    At { variable: u64, more: U256 },
    /// What a variable's slot leads to by so many hashes; elements lie in a row where it is a list.
    Behind { variable: u64, hashes: usize, is_list: bool },
}

use Value::{At, Behind, Constant, Unknown};

/// The furthest that an element known by its number lies from the first one.
const NEAR_BITS: usize = 64;

/// What an instruction makes of values, apart from memory.
pub(super) fn made(name: &str, operands: &[Value]) -> Value {
    match (name, operands) {
        ("add", [one, other]) => add(*one, *other),
        ("sub", [At { variable, more }, Constant(less)]) => {
            let more = more.checked_sub(*less);
            more.map_or(Unknown, |more| At { variable: *variable, more })
        }
        (_, [Constant(one), Constant(other)]) => match name {
            "sub" => Constant(one.wrapping_sub(*other)),
            "mul" => Constant(one.wrapping_mul(*other)),
            "and" => Constant(*one & *other),
            "or" => Constant(*one | *other),
            "xor" => Constant(*one ^ *other),
            "shl" => Constant(shifted(*one, |by| *other << by)),
            "shr" => Constant(shifted(*one, |by| *other >> by)),
            _ => Unknown,
        },
        ("not", [Constant(one)]) => Constant(!*one),
        _ => Unknown,
    }
}

fn add(one: Value, other: Value) -> Value {
    match (one, other) {
        (Constant(one), Constant(other)) => Constant(one.wrapping_add(other)),
        (At { variable, more }, Constant(by)) | (Constant(by), At { variable, more }) => {
            more.checked_add(by).map_or(Unknown, |more| At { variable, more })
        }
        (list @ Behind { .. }, Constant(U256::ZERO))
        | (Constant(U256::ZERO), list @ Behind { .. }) => list,
        (list @ Behind { is_list: true, .. }, by) | (by, list @ Behind { is_list: true, .. }) => {
            match by {
                Constant(by) if by.bit_len() > NEAR_BITS => Unknown,
                At { .. } | Behind { .. } => Unknown,
                _ => list,
            }
        }
        _ => Unknown,
    }
}

fn shifted(by: U256, shift: impl Fn(usize) -> U256) -> U256 {
    usize::try_from(by).ok().filter(|by| *by < 256).map_or(U256::ZERO, shift)
}

/// The hash of words that are all known.
pub(super) fn hash(words: &[Value]) -> Option<U256> {
    let word = |word: &Value| match word {
        Constant(word) => Some(word.to_be_bytes::<32>()),
        _ => None,
    };
    let words: Option<Vec<_>> = words.iter().map(word).collect();
    Some(U256::from_be_bytes(keccak256(words?.concat()).0))
}

/// A number as sources have it, without a unit.
pub(super) fn number(text: &str) -> Option<U256> {
    let text = text.replace('_', "");
    match text.strip_prefix("0x") {
        Some(digits) => U256::from_str_radix(digits, 16).ok(),
        None => U256::from_str_radix(&text, 10).ok(),
    }
}
