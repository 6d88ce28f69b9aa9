//! Which instructions code can come to.

/// Whether execution can come to an instruction that is meant. It comes to one from the one before
/// it, or by a jump to a `JUMPDEST`; which jumps there are is not followed, so data that looks like
/// code may be taken for it. The metadata at the end is left out.
pub(crate) fn reaches(code: &[u8], is_meant: impl Fn(u8) -> bool) -> bool {
    let code = without_metadata(code);
    let mut is_reached = true;
    let mut at = 0;
    while let Some(&instruction) = code.get(at) {
        at += 1;
        match instruction {
            JUMPDEST => is_reached = true,
            PUSH1..=PUSH32 => at += usize::from(instruction - PUSH1) + 1,
            _ if is_reached && is_meant(instruction) => return true,
            STOP | JUMP | RETURN | REVERT | INVALID | SELFDESTRUCT => is_reached = false,
            _ => {}
        }
    }
    false
}

/// Whether runtime code can come to `SELFDESTRUCT`, as far as its instructions show.
pub(crate) fn can_destroy_itself(code: &[u8]) -> bool {
    reaches(code, |instruction| instruction == SELFDESTRUCT)
}

/// Compilers end code with a CBOR map or list and, in two bytes, its length.
fn without_metadata(code: &[u8]) -> &[u8] {
    let metadata = code.split_last_chunk::<2>().and_then(|(rest, length)| {
        let (code, metadata) = rest
            .split_at_checked(rest.len().checked_sub(usize::from(u16::from_be_bytes(*length)))?)?;
        matches!(metadata.first(), Some(0x81..=0x8f | 0xa1..=0xaf)).then_some(code)
    });
    metadata.unwrap_or(code)
}

pub(crate) const STOP: u8 = 0x00;
pub(crate) const SSTORE: u8 = 0x55;
const JUMP: u8 = 0x56;
pub(crate) const JUMPDEST: u8 = 0x5b;
pub(crate) const TSTORE: u8 = 0x5d;
const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;
pub(crate) const CREATE: u8 = 0xf0;
pub(crate) const CALLCODE: u8 = 0xf2;
const RETURN: u8 = 0xf3;
pub(crate) const DELEGATECALL: u8 = 0xf4;
pub(crate) const CREATE2: u8 = 0xf5;
const REVERT: u8 = 0xfd;
const INVALID: u8 = 0xfe;
pub(crate) const SELFDESTRUCT: u8 = 0xff;

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn only_what_execution_comes_to_counts() {
        for ends in [STOP, JUMP, RETURN, REVERT, INVALID] {
            assert!(!can_destroy_itself(&[ends, SELFDESTRUCT]));
            assert!(can_destroy_itself(&[ends, JUMPDEST, SELFDESTRUCT]));
        }
        // The data of a push, and what follows a jump that may not be taken.
        assert!(!can_destroy_itself(&[PUSH1, SELFDESTRUCT, STOP]));
        assert!(can_destroy_itself(&[0x57, SELFDESTRUCT]));
        assert!(!can_destroy_itself(&[]));
    }

    #[test]
    fn metadata_is_no_code() {
        // A map of 5 bytes that has a JUMPDEST before a SELFDESTRUCT.
        let metadata = hex!("a1615b5bff" "0005");
        assert!(!can_destroy_itself(&[&[STOP][..], &metadata].concat()));
        // What only claims such a length is code.
        assert!(can_destroy_itself(&[STOP, JUMPDEST, SELFDESTRUCT, 0, 2]));
        assert!(can_destroy_itself(&[JUMPDEST, SELFDESTRUCT, 0xff, 0xff]));
    }
}
