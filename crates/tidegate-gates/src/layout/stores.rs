//! Whether code stores anything of its own.

use tidegate_model::instructions::instructions;
use tidegate_model::release::Code;
use tidegate_model::slots::IMPLEMENTATION_SLOT;

use crate::slot_writes;

const SSTORE: u8 = 0x55;
const CALLCODE: u8 = 0xf2;
const DELEGATECALL: u8 = 0xf4;

/// Whether runtime code writes storage, other than the slot of ERC-1967 that holds an
/// implementation, or has other code write it: a library that it links, or whatever it delegates to
/// beside the set-up of an implementation that it put there. What it keeps for one transaction
/// alone (`TSTORE`) is stored nowhere.
pub(super) fn stores(code: &Code) -> bool {
    let in_metadata = |at: usize| {
        code.metadata.iter().any(|span| (span.start..span.start + span.length).contains(&at))
    };
    let (mut writes, mut delegates) = (false, 0);
    for instruction in instructions(&code.object).filter(|own| !in_metadata(own.at)) {
        match instruction.opcode {
            SSTORE => writes = true,
            CALLCODE | DELEGATECALL => delegates += 1,
            _ => {}
        }
    }
    if !writes {
        return delegates > 0;
    }
    let stores = slot_writes::stores(&code.object, IMPLEMENTATION_SLOT);
    let links = !code.links.is_empty() && delegates > 0;
    links || stores.elsewhere || delegates > usize::from(stores.there)
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
        assert!(stores(&code(&[PUSH1, 0, PUSH1, 0, SSTORE])));
        assert!(!stores(&code(&[PUSH1, SSTORE, 0])));
        let metadata = vec![Span { start: 1, length: 1 }];
        assert!(!stores(&Code { metadata, ..code(&[0, SSTORE]) }));
        assert!(!stores(&code(&[])));
    }

    #[test]
    fn a_new_implementation_is_written_and_set_up() {
        let slot = [&[PUSH32][..], IMPLEMENTATION_SLOT.as_slice()].concat();
        let set = [&[PUSH1, 0], &slot[..], &[SSTORE]].concat();
        let other = [PUSH1, 0, PUSH1, 7, SSTORE];
        let run = [PUSH1, 0, PUSH1, 0, PUSH1, 0, PUSH1, 0, PUSH1, 1, 0x5a, DELEGATECALL];
        let made = |parts: &[&[u8]]| stores(&code(&parts.concat()));
        assert!(!made(&[&set]));
        assert!(!made(&[&set, &set]));
        assert!(!made(&[&set, &run]));
        assert!(made(&[&set, &run, &run]));
        assert!(made(&[&set, &other]));
        // That it reads the slot excuses nothing.
        let read = [&slot[..], &[0x54]].concat();
        assert!(made(&[&read, &other]));
        assert!(made(&[&read, &run]));
        // A slot that nobody knows may be any.
        assert!(made(&[&read, &[PUSH1, 0, 0x35, SSTORE]]));
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
