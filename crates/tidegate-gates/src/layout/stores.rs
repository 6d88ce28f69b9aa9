//! Whether code stores anything of its own.

use alloy_primitives::{B256, b256};
use tidegate_model::instructions::instructions;
use tidegate_model::release::Code;

const SSTORE: u8 = 0x55;
const CALLCODE: u8 = 0xf2;
const DELEGATECALL: u8 = 0xf4;

/// Where ERC-1967 has the implementation. An implementation that can be replaced writes it once.
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// Whether runtime code writes storage, other than the slot of ERC-1967 that holds an
/// implementation, or has other code write it: a library that it links, or whatever it delegates to
/// beside the set-up of a new implementation. What it keeps for one transaction alone (`TSTORE`) is
/// stored nowhere.
pub(super) fn stores(code: &Code) -> bool {
    let in_metadata = |at: usize| {
        code.metadata.iter().any(|span| (span.start..span.start + span.length).contains(&at))
    };
    let (mut writes, mut delegates, mut upgrades) = (0, 0, 0);
    for instruction in instructions(&code.object).filter(|own| !in_metadata(own.at)) {
        match instruction.opcode {
            SSTORE => writes += 1,
            CALLCODE | DELEGATECALL => delegates += 1,
            _ if instruction.operand == IMPLEMENTATION_SLOT.as_slice() => upgrades = 1,
            _ => {}
        }
    }
    let links = !code.links.is_empty() && delegates > 0;
    links || writes > upgrades || delegates > upgrades
}

#[cfg(test)]
mod tests {
    use tidegate_model::Fqn;
    use tidegate_model::release::Span;

    use super::*;

    const TSTORE: u8 = 0x5d;
    const PUSH1: u8 = 0x60;
    const PUSH32: u8 = 0x7f;

    fn code(object: &[u8]) -> Code {
        Code { object: object.to_vec().into(), links: Default::default(), metadata: Vec::new() }
    }

    #[test]
    fn what_is_pushed_or_metadata_is_no_instruction() {
        assert!(stores(&code(&[PUSH1, 0, SSTORE])));
        assert!(!stores(&code(&[PUSH1, SSTORE, 0])));
        let metadata = vec![Span { start: 1, length: 1 }];
        assert!(!stores(&Code { metadata, ..code(&[0, SSTORE]) }));
        assert!(!stores(&code(&[])));
    }

    #[test]
    fn a_new_implementation_is_written_and_set_up_once() {
        let slot = [&[PUSH32][..], IMPLEMENTATION_SLOT.as_slice()].concat();
        let with = |rest: &[u8]| code(&[&slot[..], rest].concat());
        assert!(!stores(&with(&[SSTORE])));
        assert!(!stores(&with(&[SSTORE, DELEGATECALL])));
        assert!(stores(&with(&[SSTORE, SSTORE])));
        assert!(stores(&with(&[SSTORE, DELEGATECALL, DELEGATECALL])));
    }

    #[test]
    fn code_of_others_on_the_own_storage_stores() {
        for opcode in [DELEGATECALL, CALLCODE] {
            assert!(stores(&code(&[opcode])), "{opcode:#x}");
        }
        let slot = [&[PUSH32][..], IMPLEMENTATION_SLOT.as_slice(), &[DELEGATECALL]].concat();
        let library = (Fqn("src/L.sol:L".to_owned()), vec![Span { start: 0, length: 20 }]);
        assert!(stores(&Code { links: [library].into(), ..code(&slot) }));
        assert!(!stores(&code(&[TSTORE])), "gone with the transaction");
    }
}
