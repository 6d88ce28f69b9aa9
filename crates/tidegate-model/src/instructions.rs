//! Code as instructions, each with the bytes that it pushes.

const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction<'a> {
    /// Where it begins.
    pub at: usize,
    pub opcode: u8,
    /// What it pushes, as far as the code reaches.
    pub operand: &'a [u8],
}

/// How many bytes behind an opcode are what it pushes.
pub const fn pushed_bytes(opcode: u8) -> usize {
    match opcode {
        PUSH1..=PUSH32 => (opcode - PUSH1) as usize + 1,
        _ => 0,
    }
}

/// All instructions from the first byte on. What lies behind the last instruction as data is read
/// as if it were instructions.
pub fn instructions(code: &[u8]) -> impl Iterator<Item = Instruction<'_>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let (at, opcode) = (next, *code.get(next)?);
        next = (at + 1 + pushed_bytes(opcode)).min(code.len());
        Some(Instruction { at, opcode, operand: &code[at + 1..next] })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_no_instruction() {
        let code = [0x5f, 0x60, 0x55, 0x55, 0x7f, 1];
        let found: Vec<_> = instructions(&code).map(|i| (i.at, i.opcode, i.operand)).collect();
        let none: &[u8] = &[];
        assert_eq!(found, [(0, 0x5f, none), (1, 0x60, &[0x55]), (3, 0x55, none), (4, 0x7f, &[1])]);
        assert_eq!([0x5f, 0x60, 0x7f, 0x80].map(pushed_bytes), [0, 1, 32, 0]);
    }
}
