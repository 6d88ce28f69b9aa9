//! Which functions emit no event. Who uses a contract is found by its events, so calls of such a
//! function are found only where somebody names their transactions.
//!
//! The runtime code is followed from its beginning with the function's selector as the start of the
//! calldata; both ways of every condition that this does not decide are taken.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Selector, U256};
use tidegate_model::release::Span;

use crate::slot_writes::{arity, instructions, pushed, pushed_bytes};

/// The most instructions that are followed before a function counts as too intricate.
const STEPS_MAX: usize = 200_000;
const STACK_MAX: usize = 1_024;
/// How often a place is reached with other numbers before they no longer matter, as in a loop.
const NUMBERS_MAX: usize = 32;

/// Runtime code, prepared for questions about its functions.
#[derive(Debug)]
pub struct Functions<'a> {
    code: &'a [u8],
    jumpdests: BTreeSet<usize>,
    /// Pushes of values that are only known where the code is deployed.
    open: BTreeSet<usize>,
}

/// A value on the stack, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Known(U256),
    /// The first word of the calldata.
    First,
    /// The size of the calldata: at least a selector's.
    Size,
    Unknown,
}

/// A place in the code, and the stack there.
type State = (usize, Vec<Value>);

impl<'a> Functions<'a> {
    /// `open` are the places of immutables and of libraries' addresses in the code.
    pub fn new(code: &'a [u8], open: impl IntoIterator<Item = Span>) -> Self {
        let jumpdests = instructions(code).filter(|(_, op)| *op == 0x5b).map(|(at, _)| at);
        let open = open.into_iter().flat_map(|span| span.start.checked_sub(1)).collect();
        Self { code, jumpdests: jumpdests.collect(), open }
    }

    /// Whether the function certainly emits no event itself: no path of it does, or runs code of
    /// another contract as its own, which may.
    pub fn emits_none(&self, selector: Selector) -> bool {
        if !instructions(self.code).any(|(_, op)| may_emit(op)) {
            return true;
        }
        let mut seen: BTreeMap<usize, BTreeSet<Vec<Value>>> = BTreeMap::new();
        let mut open: Vec<State> = vec![(0, Vec::new())];
        let mut steps = 0;
        while let Some((at, mut stack)) = open.pop() {
            let known = seen.entry(at).or_default();
            if known.len() >= NUMBERS_MAX {
                stack.iter_mut().for_each(|value| *value = self.without_number(*value));
            }
            if known.insert(stack.clone())
                && !self.run(selector, (at, stack), &mut open, &mut steps)
            {
                return false;
            }
        }
        true
    }

    /// The value, if it may be a place to jump to.
    fn without_number(&self, value: Value) -> Value {
        let Value::Known(number) = value else { return value };
        let place = usize::try_from(number).ok().filter(|at| self.jumpdests.contains(at));
        place.map_or(Value::Unknown, |_| value)
    }

    /// Runs to the next jump or end. False where an event may be emitted, or nobody can tell.
    fn run(
        &self,
        selector: Selector,
        (mut at, mut stack): State,
        open: &mut Vec<State>,
        steps: &mut usize,
    ) -> bool {
        while let Some(&op) = self.code.get(at) {
            *steps += 1;
            if *steps > STEPS_MAX || stack.len() > STACK_MAX {
                return false;
            }
            let Some((pops, pushes)) = arity(op) else { return true };
            let Some(rest) = stack.len().checked_sub(pops) else { return true };
            let top = |depth: usize| {
                stack.len().checked_sub(depth + 1).and_then(|at| stack.get(at)).copied()
            };
            match op {
                _ if may_emit(op) => return false,
                0x56 | 0x57 => {
                    let condition = if op == 0x57 { top(1) } else { Some(Value::Known(U256::ONE)) };
                    let to = top(0);
                    stack.truncate(rest);
                    let may = condition != Some(Value::Known(U256::ZERO));
                    let may_not = !matches!(condition, Some(Value::Known(c)) if !c.is_zero());
                    if may {
                        let Some(Value::Known(to)) = to else { return false };
                        let to = usize::try_from(to).ok().filter(|to| self.jumpdests.contains(to));
                        open.extend(to.map(|to| (to, stack.clone())));
                    }
                    if may_not {
                        open.push((at + 1, stack));
                    }
                    return true;
                }
                0x80..=0x8f => stack.extend(top(usize::from(op - 0x80))),
                0x90..=0x9f => {
                    let last = stack.len() - 1;
                    stack.swap(last, last - usize::from(op - 0x8f));
                }
                _ => {
                    let made = self.made(op, at, selector, [top(0), top(1)]);
                    stack.truncate(rest);
                    stack.extend((pushes == 1).then_some(made));
                }
            }
            at += 1 + pushed_bytes(op);
        }
        true
    }

    fn made(&self, op: u8, at: usize, selector: Selector, [a, b]: [Option<Value>; 2]) -> Value {
        use Value::{First, Known, Size, Unknown};
        let flag = |is: bool| Known(U256::from(u8::from(is)));
        let called = U256::from(u32::from_be_bytes(selector.0));
        match (op, a, b) {
            (0x5f..=0x7f, ..) if !self.open.contains(&at) => {
                Known(pushed(self.code, at, pushed_bytes(op)))
            }
            (0x35, Some(Known(at)), _) if at.is_zero() => First,
            (0x36, ..) => Size,
            (0x10, Some(Size), Some(Known(bytes))) if bytes <= U256::from(4) => flag(false),
            // By 224 bits, or as old compilers have it.
            (0x1c, Some(Known(by)), Some(First)) if by == U256::from(224) => Known(called),
            (0x04, Some(First), Some(Known(by))) if by == U256::ONE << 224 => Known(called),
            (0x01, Some(Known(a)), Some(Known(b))) => Known(a.wrapping_add(b)),
            (0x02, Some(Known(a)), Some(Known(b))) => Known(a.wrapping_mul(b)),
            (0x03, Some(Known(a)), Some(Known(b))) => Known(a.wrapping_sub(b)),
            (0x06, Some(Known(a)), Some(Known(b))) if !b.is_zero() => Known(a % b),
            (0x10, Some(Known(a)), Some(Known(b))) => flag(a < b),
            (0x11, Some(Known(a)), Some(Known(b))) => flag(a > b),
            (0x14, Some(Known(a)), Some(Known(b))) => flag(a == b),
            (0x15, Some(Known(a)), _) => flag(a.is_zero()),
            (0x16, Some(Known(a)), Some(Known(b))) => Known(a & b),
            (0x17, Some(Known(a)), Some(Known(b))) => Known(a | b),
            (0x18, Some(Known(a)), Some(Known(b))) => Known(a ^ b),
            (0x1b, Some(Known(by)), Some(Known(n))) => Known(shift(n, by, |n, by| n << by)),
            (0x1c, Some(Known(by)), Some(Known(n))) => Known(shift(n, by, |n, by| n >> by)),
            _ => Unknown,
        }
    }
}

/// `LOG`; `CALLCODE` and `DELEGATECALL`, which run what may.
const fn may_emit(op: u8) -> bool {
    matches!(op, 0xa0..=0xa4 | 0xf2 | 0xf4)
}

fn shift(number: U256, by: U256, shifted: impl Fn(U256, usize) -> U256) -> U256 {
    usize::try_from(by).ok().filter(|by| *by < 256).map_or(U256::ZERO, |by| shifted(number, by))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    const SELECTOR: Selector = Selector::new(hex!("11223344"));
    const OTHER: Selector = Selector::new(hex!("55667788"));

    /// Code that runs the first piece for [`SELECTOR`], and the second one for all else.
    fn dispatch(mine: &[u8], others: &[u8]) -> Vec<u8> {
        // CALLDATASIZE < 4 goes to the others, as does another selector.
        let start = hex!("6004361060ff57 5f3560e01c 80631122334414 60ff57").to_vec();
        let (here, there) = (start.len(), start.len() + others.len());
        let mut code = start;
        let to = u8::try_from(there).unwrap();
        // The small calldata jumps to the others, which follow the dispatch.
        code[5] = u8::try_from(here).unwrap();
        let last = code.len() - 2;
        code[last] = to;
        code.extend(others);
        code.extend(mine);
        code
    }

    fn emits_none(mine: &[u8], others: &[u8], selector: Selector) -> bool {
        Functions::new(&dispatch(mine, others), []).emits_none(selector)
    }

    /// A piece begins with a place to jump to.
    fn piece(code: &[u8]) -> Vec<u8> {
        [&[0x5b], code].concat()
    }

    const STORES: [u8; 5] = hex!("60015f5500");
    const LOGS: [u8; 4] = hex!("5f5fa000");

    #[test]
    fn each_function_speaks_for_itself() {
        let (stores, logs) = (piece(&STORES), piece(&LOGS));
        assert!(emits_none(&stores, &logs, SELECTOR));
        assert!(!emits_none(&stores, &logs, OTHER));
        assert!(!emits_none(&logs, &stores, SELECTOR));
        assert!(emits_none(&logs, &stores, OTHER));
        assert!(emits_none(&stores, &stores, SELECTOR), "no code emits anything");
    }

    #[test]
    fn every_way_of_a_condition_is_taken() {
        let logs = piece(&LOGS);
        let at = |code: &[u8], selector| Functions::new(code, []).emits_none(selector);
        // If CALLVALUE: the way that emits; PUSH1 place, JUMPI, STOP.
        let code = |condition: &[u8]| [condition, &hex!("600657 00 00"), &logs].concat();
        assert!(at(&code(&hex!("34 50 34")), SELECTOR), "a place that is none reverts");
        let jump = |condition: u8| [&[condition][..], &hex!("600557 00"), &logs].concat();
        assert!(!at(&jump(0x34), SELECTOR));
        // A condition that never holds.
        assert!(at(&jump(0x5f), SELECTOR));
        // Code of others may emit, and so may that of a jump to nobody knows where.
        for may in ["5f5f5f5f5f5af4", "5f5f5f5f5f5f5af2", "5f5f355600"] {
            let mine = piece(&hex::decode(may).unwrap());
            assert!(!emits_none(&mine, &logs, SELECTOR), "{may}");
        }
    }

    #[test]
    fn a_loop_ends_and_what_is_filled_in_later_is_not_known() {
        let logs = piece(&LOGS);
        // A counter goes up until it is what the caller said: JUMPDEST, 1 + , DUP1, LT, JUMPI.
        let start = u8::try_from(dispatch(&[], &logs).len()).unwrap();
        let mine = [&hex!("5b5f5b6001018060043511 60")[..], &[start + 2], &hex!("57 00")].concat();
        assert!(emits_none(&mine, &logs, SELECTOR));
        // PUSH1 0 and JUMPI to an event: never, unless the number is filled in later.
        let code = [&hex!("6000 6006 57 00")[..], &logs].concat();
        let of = |open| Functions::new(&code, open).emits_none(SELECTOR);
        assert!(of(None));
        assert!(!of(Some(Span { start: 1, length: 1 })));
    }
}
