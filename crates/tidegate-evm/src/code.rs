//! What instructions code has, as far as execution can come to them.
//!
//! It comes to one from the one before it, or by a jump to a `JUMPDEST`. Where jumps lead is not
//! followed, since code can compute it: so data that looks like code may be taken for it.

use std::collections::BTreeSet;

use revm::bytecode::opcode::{
    CALLCODE, CREATE, CREATE2, DELEGATECALL, INVALID, JUMP, JUMPDEST, JUMPI, OpCode, RETURN,
    REVERT, SELFDESTRUCT, SSTORE, STOP, TSTORE,
};
use tidegate_model::cbor::trailing_region;
use tidegate_model::instructions::pushed_bytes;

/// Whether code can come to `SELFDESTRUCT`, which ends its account in the transaction that creates
/// it (EIP-6780).
pub fn can_destroy_itself(code: &[u8]) -> bool {
    reachable(code, metadata(code)).any(|opcode| opcode == SELFDESTRUCT)
}

/// Whether no run of this code changes storage, code or nonce of its own account: no instruction
/// that can be reached does so, or lets other code do it.
pub fn changes_nothing(code: &[u8]) -> bool {
    !reachable(code, metadata(code)).any(|opcode| {
        matches!(
            opcode,
            SSTORE | TSTORE | CREATE | CALLCODE | DELEGATECALL | CREATE2 | SELFDESTRUCT
        )
    })
}

/// Whether an opcode is in no rules or came after London's, which every chain has; or was changed.
pub(crate) fn is_newer(opcode: u8) -> bool {
    !matches!(opcode,
        0x00..=0x0b | 0x10..=0x1d | 0x20 | 0x30..=0x48 | 0x50..=0x5b | 0x60..=0xa4
        | 0xf0..=0xf5 | 0xfa | 0xfd | INVALID)
}

/// The newer opcodes in code, without its metadata. A stretch that runs into what is no opcode, and
/// cannot be left before, is data.
pub fn newer_opcodes(code: &[u8]) -> BTreeSet<u8> {
    let code = &code[..metadata(code)];
    let (mut found, mut stretch) = (BTreeSet::new(), BTreeSet::new());
    for opcode in reachable(code, 0) {
        if is_newer(opcode) && OpCode::new(opcode).is_some() {
            stretch.insert(opcode);
        }
        if is_none(opcode) {
            stretch.clear();
        } else if is_end(opcode) || opcode == JUMPI {
            found.append(&mut stretch);
        }
    }
    found.append(&mut stretch);
    found
}

/// The offset of a trailing metadata region; the end of the code if there is none.
fn metadata(code: &[u8]) -> usize {
    trailing_region(code).unwrap_or(code.len())
}

/// Every opcode that execution can come to, in order, also one that is none. That one ends what
/// comes before it only from `data_from` on: a network may have more opcodes than are known here.
fn reachable(code: &[u8], data_from: usize) -> impl Iterator<Item = u8> {
    let (mut at, mut is_reached) = (0, true);
    std::iter::from_fn(move || {
        loop {
            let opcode = *code.get(at)?;
            at += 1 + pushed_bytes(opcode);
            is_reached |= opcode == JUMPDEST;
            if is_reached {
                is_reached = !is_end(opcode) && (at <= data_from || !is_none(opcode));
                return Some(opcode);
            }
        }
    })
}

/// Whether nothing comes after it: a jump that is taken, or the end.
fn is_end(opcode: u8) -> bool {
    matches!(opcode, STOP | JUMP | RETURN | REVERT | INVALID | SELFDESTRUCT)
}

fn is_none(opcode: u8) -> bool {
    opcode != INVALID && OpCode::new(opcode).is_none()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use revm::bytecode::opcode::PUSH1;

    use super::*;

    #[test]
    fn only_what_execution_comes_to_counts() {
        for ends in [STOP, JUMP, RETURN, REVERT, INVALID] {
            assert!(!can_destroy_itself(&[ends, SELFDESTRUCT]));
            assert!(can_destroy_itself(&[ends, JUMPDEST, SELFDESTRUCT]));
        }
        // The data of a push, and what follows a jump that may not be taken.
        assert!(!can_destroy_itself(&[PUSH1, SELFDESTRUCT, STOP]));
        assert!(can_destroy_itself(&[JUMPI, SELFDESTRUCT]));
        assert!(!can_destroy_itself(&[]));
        // What looks like metadata can be jumped to.
        assert!(can_destroy_itself(&hex!("00 a1615b425bff 0006")));
        // What is no opcode here may be one there; in what looks like metadata it is data.
        assert!(can_destroy_itself(&[0x0c, SELFDESTRUCT]));
        assert!(!can_destroy_itself(&hex!("00 a164736f6c63435b0cff 000a")));
        assert!(!changes_nothing(&[0x0c, SSTORE]));
    }

    #[test]
    fn code_that_can_change_its_account_is_found() {
        assert!(changes_nothing(&[]));
        assert!(changes_nothing(&hex!("60ff00")));
        for changing in [SSTORE, TSTORE, CREATE, CALLCODE, DELEGATECALL, CREATE2, SELFDESTRUCT] {
            assert!(!changes_nothing(&[changing]));
            assert!(!changes_nothing(&[PUSH1, 0, changing]));
        }
    }

    #[test]
    fn data_behind_code_is_no_code() {
        let newer = |code: &[u8]| newer_opcodes(code).into_iter().collect::<Vec<_>>();
        assert_eq!(newer(&hex!("5f1e00")), [0x1e, 0x5f]);
        assert_eq!(newer(&hex!("611e1e00")), Vec::<u8>::new(), "what is pushed");
        assert_eq!(newer(&hex!("00 1e 5c")), Vec::<u8>::new(), "nothing leads there");
        assert_eq!(newer(&hex!("00 5b 5c 56")), [0x5c], "a jump does");
        assert_eq!(newer(&hex!("00 5b 5c 0c 00")), Vec::<u8>::new(), "it ends in no opcode");
        assert_eq!(newer(&hex!("00 5b 5c 57 0c 00")), [0x5c], "it can be left before");
        assert_eq!(newer(&hex!("30ff")), [0xff]);
    }
}
