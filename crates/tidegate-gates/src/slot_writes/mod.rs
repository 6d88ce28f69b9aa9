//! Which storage slots runtime code may write, and whether an event would tell.
//!
//! Watched slots are read when a soak starts and now. In between only events tell of them, so
//! code that can write one in silence has to be known. The code is followed with values that are
//! constants where the code makes them so; whatever else there is counts as chosen by a caller.
//! Hashes are taken to be no slot of a standard: those were chosen so that none is known.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256};

use self::values::{Memory, Value, arity, merge, operate, result};

/// The most instructions that are followed before code counts as too intricate.
const STEPS_MAX: usize = 1_000_000;
const STACK_MAX: usize = 1_024;

/// Where code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It is the account's own code. What a proxy delegates to is looked at for itself.
    Own,
    /// The account delegates to it.
    Implementation,
    /// An implementation delegates to it, with arguments that the implementation chooses.
    Library,
}

/// What code may do to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It never writes it.
    Never,
    /// It writes it, and has the topic of the event that tells.
    Announced,
    /// It writes it, and has no such topic.
    Silently,
    /// It writes to a slot that is no constant and no hash.
    Anywhere,
    /// It delegates to an address that is no constant and not its own, and announces no upgrade.
    Elsewhere,
    /// It could not be followed to its end.
    Unclear,
}

/// What runtime code may do to `slot`, where an event with one of `topics` would tell.
pub fn slot_writes(code: &[u8], slot: B256, topics: &[B256], part: Part) -> Writes {
    let mut walk = Walk::new(code);
    walk.follow();
    let announced = topics.iter().any(|topic| walk.logged.contains(&U256::from_be_bytes(topic.0)));
    let slot = U256::from_be_bytes(slot.0);
    let writes = walk.written.contains(&Value::Constant(slot));
    let anywhere = walk.written.contains(&Value::Other) && part != Part::Library;
    let elsewhere = walk.delegates_elsewhere && part == Part::Implementation && !announced;
    match (writes, anywhere, elsewhere, walk.unclear) {
        (_, true, ..) => Writes::Anywhere,
        (true, ..) if !announced => Writes::Silently,
        (_, _, true, _) => Writes::Elsewhere,
        (.., true) => Writes::Unclear,
        (true, ..) => Writes::Announced,
        _ => Writes::Never,
    }
}

/// Positions and opcodes, without the data of pushes.
fn instructions(code: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let op = *code.get(at)?;
        let here = at;
        at += 1 + pushed_bytes(op);
        Some((here, op))
    })
}

const fn pushed_bytes(op: u8) -> usize {
    if op >= 0x60 && op <= 0x7f { (op - 0x5f) as usize } else { 0 }
}

/// The number that the push at a position makes. Code that ends early ends in zeros.
fn pushed(code: &[u8], at: usize, bytes: usize) -> U256 {
    let mut word = [0; 32];
    let data = code.get(at + 1..).unwrap_or_default();
    let data = &data[..data.len().min(bytes)];
    word[32 - bytes..32 - bytes + data.len()].copy_from_slice(data);
    U256::from_be_bytes(word)
}

/// A jump's place, and the return addresses on the stack: calls of one function from two places
/// are followed apart.
type Key = (usize, usize, Vec<(usize, U256)>);

struct Walk<'a> {
    code: &'a [u8],
    jumpdests: BTreeSet<usize>,
    known: BTreeMap<Key, Vec<Value>>,
    open: Vec<(usize, Vec<Value>)>,
    steps: usize,
    written: BTreeSet<Value>,
    /// The first topics of the events that it emits.
    logged: BTreeSet<U256>,
    delegates_elsewhere: bool,
    unclear: bool,
}

impl<'a> Walk<'a> {
    fn new(code: &'a [u8]) -> Self {
        let jumpdests = instructions(code).filter(|(_, op)| *op == 0x5b).map(|(at, _)| at);
        Self {
            code,
            jumpdests: jumpdests.collect(),
            known: BTreeMap::new(),
            open: vec![(0, Vec::new())],
            steps: 0,
            written: BTreeSet::new(),
            logged: BTreeSet::new(),
            delegates_elsewhere: false,
            unclear: false,
        }
    }

    fn follow(&mut self) {
        while let Some((at, stack)) = self.open.pop() {
            self.run(at, stack);
            if self.steps > STEPS_MAX {
                self.unclear = true;
                return;
            }
        }
    }

    /// Runs until a jump or an end.
    fn run(&mut self, mut at: usize, mut stack: Vec<Value>) {
        /// `DUP1`, `ISZERO`; what follows pushes where to jump.
        const IS_ZERO: [u8; 2] = [0x80, 0x15];
        let mut memory = Memory::default();
        let mut before = [0; 3];
        while let Some(&op) = self.code.get(at) {
            self.steps += 1;
            if stack.len() > STACK_MAX || self.steps > STEPS_MAX {
                return;
            }
            let Some((pops, pushes)) = arity(op) else { return };
            if stack.len() < pops {
                return;
            }
            let next = at + 1 + pushed_bytes(op);
            let [_, second, third] = before;
            let earlier = std::mem::replace(&mut before, [second, third, op]);
            if op == 0x5b {
                memory.forget();
                if !self.is_new(at, &mut stack) {
                    return;
                }
            }
            let top = |depth: usize| stack[stack.len() - 1 - depth];
            let made = match op {
                0x56 => {
                    let to = top(0);
                    stack.truncate(stack.len() - 1);
                    return self.jump(to, stack);
                }
                0x57 => {
                    let is_zero = earlier.starts_with(&IS_ZERO);
                    if !self.branch(&mut stack, is_zero) {
                        return;
                    }
                    at = next;
                    continue;
                }
                0x80..=0x8f => {
                    let copied = top(usize::from(op - 0x80));
                    stack.push(copied);
                    at = next;
                    continue;
                }
                0x90..=0x9f => {
                    let last = stack.len() - 1;
                    stack.swap(last, last - usize::from(op - 0x8f));
                    at = next;
                    continue;
                }
                0x5f..=0x7f => Value::Constant(pushed(self.code, at, pushed_bytes(op))),
                0x51 => memory.read(top(0)),
                _ if pops == 2 && pushes == 1 => operate(op, top(0), top(1)),
                _ => result(op, stack.last().copied()),
            };
            self.note(op, &stack, &mut memory);
            stack.truncate(stack.len() - pops);
            if pushes == 1 {
                stack.push(made);
            }
            at = next;
        }
    }

    /// What an instruction does beside its stack.
    fn note(&mut self, op: u8, stack: &[Value], memory: &mut Memory) {
        let top = |depth: usize| stack[stack.len() - 1 - depth];
        match op {
            0x55 => drop(self.written.insert(top(0))),
            0xa1..=0xa4 => {
                if let Value::Constant(topic) = top(2) {
                    self.logged.insert(topic);
                }
            }
            0x39 => memory.copy(top(0), top(1), top(2), self.code),
            0x52 => memory.write(top(0), top(1)),
            0x37 | 0x3c | 0x3e | 0x53 | 0x5e | 0xf1 | 0xfa => memory.forget(),
            0xf2 | 0xf4 => {
                memory.forget();
                self.delegates_elsewhere |= !matches!(top(1), Value::Constant(_) | Value::Itself);
            }
            _ => {}
        }
    }

    /// A jump with a condition: whether the run goes on behind it.
    fn branch(&mut self, stack: &mut Vec<Value>, asked_for_zero: bool) -> bool {
        let (to, if_not_zero) = (stack[stack.len() - 1], stack[stack.len() - 2]);
        stack.truncate(stack.len() - 2);
        if if_not_zero != Value::ZERO {
            let mut stack = stack.clone();
            // What was asked whether it is zero is zero where the answer was yes.
            if asked_for_zero && let Some(asked) = stack.last_mut() {
                *asked = Value::ZERO;
            }
            self.jump(to, stack);
        }
        !matches!(if_not_zero, Value::Constant(number) if !number.is_zero())
    }

    fn jump(&mut self, to: Value, stack: Vec<Value>) {
        let Value::Constant(to) = to else {
            self.unclear = true;
            return;
        };
        // A jump elsewhere than to a jump destination ends the run.
        if let Ok(at) = usize::try_from(to)
            && self.jumpdests.contains(&at)
        {
            self.open.push((at, stack));
        }
    }

    /// Whether a stack has something new at a jump destination. It becomes what all stacks that
    /// came there have in common.
    fn is_new(&mut self, at: usize, stack: &mut Vec<Value>) -> bool {
        let returns = stack.iter().enumerate().filter_map(|(depth, value)| match value {
            Value::Constant(to) => {
                let place = usize::try_from(*to).ok()?;
                self.jumpdests.contains(&place).then_some((depth, *to))
            }
            _ => None,
        });
        let key = (at, stack.len(), returns.collect());
        match self.known.get_mut(&key) {
            None => {
                self.known.insert(key, stack.clone());
                true
            }
            Some(known) => {
                let merged: Vec<_> =
                    known.iter().zip(stack.iter()).map(|(a, b)| merge(*a, *b)).collect();
                if merged == *known {
                    return false;
                }
                known.clone_from(&merged);
                *stack = merged;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests;
