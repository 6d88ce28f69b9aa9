//! Whether code stores anything of its own.

use alloy_primitives::{B256, b256};
use tidegate_model::release::Code;

const SSTORE: u8 = 0x55;
const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;

/// Where ERC-1967 has the implementation. An implementation that can be replaced writes it once.
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// Whether runtime code writes storage, other than the slot of ERC-1967 that holds an
/// implementation.
pub fn stores(code: &Code) -> bool {
    let in_metadata = |at: usize| {
        code.metadata.iter().any(|span| (span.start..span.start + span.length).contains(&at))
    };
    let (mut at, mut writes, mut upgrades) = (0, 0, 0);
    while let Some(opcode) = code.object.get(at) {
        let pushed = match *opcode {
            SSTORE if !in_metadata(at) => {
                writes += 1;
                0
            }
            PUSH1..=PUSH32 => usize::from(opcode - PUSH1) + 1,
            _ => 0,
        };
        let constant = code.object.get(at + 1..at + 1 + pushed).unwrap_or_default();
        if constant == IMPLEMENTATION_SLOT.as_slice() {
            upgrades = 1;
        }
        at += 1 + pushed;
    }
    writes > upgrades
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidegate_model::release::Span;

    use super::*;

    #[test]
    fn what_is_pushed_or_metadata_is_no_instruction() {
        let code = |object: Vec<u8>, metadata| Code {
            object: object.into(),
            links: BTreeMap::new(),
            metadata,
        };
        let upgrade = [&[PUSH32][..], IMPLEMENTATION_SLOT.as_slice(), &[SSTORE]].concat();
        assert!(stores(&code(vec![PUSH1, 0, SSTORE], Vec::new())));
        assert!(!stores(&code(vec![PUSH1, SSTORE, 0], Vec::new())));
        assert!(!stores(&code(vec![0, SSTORE], vec![Span { start: 1, length: 1 }])));
        assert!(!stores(&code(upgrade.clone(), Vec::new())));
        assert!(stores(&code([&upgrade[..], &[SSTORE]].concat(), Vec::new())));
        assert!(!stores(&code(Vec::new(), Vec::new())));
    }
}
