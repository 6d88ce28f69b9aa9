//! What becomes of the gas that is left: a call's own gas, or anything else.
//!
//! Compilers hand what is left on to a call: `GAS` and then the call, or a difference of both. Any
//! other use lets whoever sends the transaction decide, since they choose its gas limit.

const ADD: u8 = 0x01;
const SUB: u8 = 0x03;
const POP: u8 = 0x50;
const GAS: u8 = 0x5a;
const DUP_FIRST: u8 = 0x80;
const SWAP_FIRST: u8 = 0x90;
const SWAP_LAST: u8 = 0x9f;
/// `CALL`, `CALLCODE`, `DELEGATECALL` and `STATICCALL`, whose first operand is their gas.
const CALLS: [u8; 4] = [0xf1, 0xf2, 0xf4, 0xfa];

/// The places of one frame's stack that hold what `GAS` gave, counted from the bottom.
#[derive(Debug, Default)]
pub(crate) struct GasUse {
    places: Vec<usize>,
}

impl GasUse {
    /// Follows an instruction that takes so many words from a stack of this height. Answers whether
    /// it uses what is left for anything but the gas of a call.
    pub(crate) fn step(&mut self, opcode: u8, inputs: usize, height: usize) -> bool {
        if opcode == GAS {
            self.places.push(height);
            return false;
        }
        if self.places.is_empty() {
            return false;
        }
        match opcode {
            DUP_FIRST..SWAP_FIRST => {
                let from = height.checked_sub(usize::from(opcode - DUP_FIRST) + 1);
                if from.is_some_and(|from| self.places.contains(&from)) {
                    self.places.push(height);
                }
                false
            }
            SWAP_FIRST..=SWAP_LAST => {
                let below = height.checked_sub(usize::from(opcode - SWAP_FIRST) + 2);
                let (Some(top), Some(below)) = (height.checked_sub(1), below) else { return false };
                for place in &mut self.places {
                    *place = match *place {
                        at if at == top => below,
                        at if at == below => top,
                        at => at,
                    };
                }
                false
            }
            _ => self.take(opcode, inputs, height),
        }
    }

    fn take(&mut self, opcode: u8, inputs: usize, height: usize) -> bool {
        let first = height.saturating_sub(inputs);
        let taken: Vec<_> = self.places.extract_if(.., |place| *place >= first).collect();
        match opcode {
            _ if taken.is_empty() => false,
            POP => false,
            ADD | SUB => {
                self.places.push(first);
                false
            }
            _ if CALLS.contains(&opcode) => taken.iter().any(|place| place + 1 != height),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether code that begins with `GAS` on a stack of four words uses it otherwise. Each
    /// instruction comes with what it takes and leaves.
    fn uses(code: &[(u8, usize, usize)]) -> bool {
        let (mut gas, mut height) = (GasUse::default(), 5);
        assert!(!gas.step(GAS, 0, 4));
        code.iter().any(|(opcode, inputs, outputs)| {
            let found = gas.step(*opcode, *inputs, height);
            height = height - inputs + outputs;
            found
        })
    }

    #[test]
    fn only_a_call_s_gas_is_no_use() {
        let (push, pop) = ((0x60, 0, 1), (POP, 1, 0));
        let (dup, swap) = ((0x81, 2, 3), (0x91, 3, 3));
        let (sub, less, static_call) = ((SUB, 2, 1), (0x10, 2, 1), (0xfa, 6, 1));
        assert!(!uses(&[(0xf4, 5, 1)]));
        assert!(!uses(&[pop, push, push, less]));
        assert!(!uses(&[push, (0x90, 2, 2), sub, (0xf4, 5, 1)]), "less of it");
        assert!(!uses(&[push, (0x90, 2, 2), static_call]));
        assert!(uses(&[push, static_call]), "as an address");
        assert!(uses(&[push, less]));
        assert!(uses(&[push, dup, (0x55, 2, 0)]), "kept");
        assert!(uses(&[push, push, swap, (0x56, 1, 0)]), "a jump to it");
        assert!(uses(&[push, sub, (0x15, 1, 1)]));
        assert!(!uses(&[push, push, less]), "beside it");
    }
}
