//! The paths that code can take, and what each does.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256, b256};
use tidegate_model::slots::BEACON_SLOT;

use super::found::Found;
use super::memory::Memory;
use super::values::{Place, Value, arity, hash, merge, operate, result};
use super::{Code, Runs, Watch};

/// The most instructions that are followed before code counts as too intricate.
const STEPS_MAX: usize = 1_000_000;
const STACK_MAX: usize = 1_024;
/// The topic of `Upgraded(address)`, which tells of whatever other code runs.
pub(super) const UPGRADED: B256 =
    b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b");

/// What a path did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Did {
    /// It emitted the event that tells of the slot.
    told: bool,
    /// It emitted one that tells of other code.
    upgraded: bool,
    /// It wrote the slot.
    wrote: bool,
    /// It ran code that is not known.
    ran: bool,
    /// It put into memory what may make an address.
    fed: bool,
    /// It asked the account's beacon.
    asked: bool,
}

/// A jump's place, the return addresses on the stack, and what was done: calls of one function
/// from two places are followed apart.
type Key = (usize, usize, Vec<(usize, U256)>, Did);

pub(super) struct Walk<'a> {
    code: &'a [u8],
    runs: Runs<'a>,
    /// Addresses whose code is looked at for itself.
    known: &'a BTreeSet<Address>,
    slot: U256,
    topics: BTreeSet<U256>,
    jumpdests: BTreeSet<usize>,
    seen: BTreeMap<Key, Vec<Value>>,
    open: Vec<(usize, Vec<Value>, Did)>,
    steps: usize,
    found: Found,
}

/// Where compilers keep the end of the memory that is used.
const POINTER: Value = Value::Constant(U256::from_limbs([0x40, 0, 0, 0]));
/// The word that asks a beacon: the selector of `implementation()`, and zeros.
const QUESTION: Value = Value::Constant(U256::from_limbs([0, 0, 0, 0x5c60_da1b_0000_0000]));

/// Whether nobody can make an address of what is put into memory, at whatever place it is read.
fn is_harmless(at: Value, value: Value) -> bool {
    value == QUESTION || (at == POINTER && value.is_size())
}

/// Positions and opcodes, without the data of pushes.
pub(crate) fn instructions(code: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let op = *code.get(at)?;
        let here = at;
        at += 1 + pushed_bytes(op);
        Some((here, op))
    })
}

pub(crate) const fn pushed_bytes(op: u8) -> usize {
    if op >= 0x60 && op <= 0x7f { (op - 0x5f) as usize } else { 0 }
}

/// The number that the push at a position makes. Code that ends early ends in zeros.
pub(crate) fn pushed(code: &[u8], at: usize, bytes: usize) -> U256 {
    let mut word = [0; 32];
    let data = code.get(at + 1..).unwrap_or_default();
    let data = &data[..data.len().min(bytes)];
    word[32 - bytes..32 - bytes + data.len()].copy_from_slice(data);
    U256::from_be_bytes(word)
}

/// The stack and the memory between two jumps.
struct Run {
    stack: Vec<Value>,
    memory: Memory,
    did: Did,
}

impl Run {
    fn top(&self, depth: usize) -> Value {
        self.stack[self.stack.len() - 1 - depth]
    }

    /// What an instruction made that nothing is known of; what it made before is another value.
    fn unknown(&mut self, at: usize) -> Value {
        let made = Value::Unknown(at);
        let is_old = |value: &Value| match value {
            Value::Unknown(by) | Value::Within(by, _) | Value::Beyond(by, _) => *by == at,
            _ => false,
        };
        self.stack.iter_mut().filter(|value| is_old(value)).for_each(|value| *value = Value::Other);
        self.memory.outdate(made);
        made
    }
}

impl<'a> Walk<'a> {
    pub(super) fn follow(
        code: &'a Code<'a>,
        watch: &Watch<'_>,
        known: &'a BTreeSet<Address>,
    ) -> Found {
        let jumpdests = instructions(code.bytes).filter(|(_, op)| *op == 0x5b).map(|(at, _)| at);
        let mut walk = Self {
            code: code.bytes,
            runs: code.runs,
            known,
            slot: watch.slot.into(),
            topics: watch.topics.iter().map(|topic| (*topic).into()).collect(),
            jumpdests: jumpdests.collect(),
            seen: BTreeMap::new(),
            open: vec![(0, Vec::new(), Did::default())],
            steps: 0,
            found: Found::default(),
        };
        while let Some((at, stack, did)) = walk.open.pop() {
            walk.run(at, Run { stack, memory: Memory::default(), did });
            if walk.steps > STEPS_MAX {
                walk.found.unclear = true;
                break;
            }
        }
        walk.found
    }

    /// Whether code has an instruction that runs other code in its own place.
    pub(super) fn may_delegate(code: &[u8]) -> bool {
        instructions(code).any(|(_, op)| matches!(op, 0xf2 | 0xf4))
    }

    /// Runs until a jump or an end.
    fn run(&mut self, mut at: usize, mut run: Run) {
        /// `DUP1`, `ISZERO`; what follows pushes where to jump.
        const IS_ZERO: [u8; 2] = [0x80, 0x15];
        let mut before = [0; 3];
        // Code that ends has stopped.
        while let Some(&op) = self.code.get(at).or(Some(&0x00)) {
            self.steps += 1;
            if run.stack.len() > STACK_MAX || self.steps > STEPS_MAX {
                return;
            }
            let Some((pops, pushes)) = arity(op) else { return self.end(op, run.did) };
            if run.stack.len() < pops {
                return;
            }
            let next = at + 1 + pushed_bytes(op);
            let [_, second, third] = before;
            let earlier = std::mem::replace(&mut before, [second, third, op]);
            match op {
                0x5b => {
                    run.memory.forget();
                    if !self.is_new(at, &mut run) {
                        return;
                    }
                }
                0x56 => {
                    let to = run.stack.pop().unwrap_or(Value::Other);
                    return self.jump(to, run.stack, run.did);
                }
                0x57 if !self.branch(&mut run, earlier.starts_with(&IS_ZERO)) => return,
                0x57 => {}
                0x80..=0x8f => run.stack.push(run.top(usize::from(op - 0x80))),
                0x90..=0x9f => {
                    let last = run.stack.len() - 1;
                    run.stack.swap(last, last - usize::from(op - 0x8f));
                }
                _ => {
                    let made = self.made(op, at, &run, pops, pushes);
                    let made = if made == Value::Other { run.unknown(at) } else { made };
                    self.note(op, &mut run);
                    // What is stored, or runs elsewhere, may change what was read.
                    if matches!(op, 0x55 | 0xf0 | 0xf1 | 0xf2 | 0xf4 | 0xf5) {
                        run.stack.iter_mut().for_each(|value| *value = value.aged());
                        run.memory.age();
                    }
                    run.stack.truncate(run.stack.len() - pops);
                    if pushes == 1 {
                        run.stack.push(made);
                    }
                }
            }
            at = next;
        }
    }

    /// What an instruction leaves.
    fn made(&mut self, op: u8, at: usize, run: &Run, pops: usize, pushes: usize) -> Value {
        match op {
            0x5f..=0x7f => Value::Constant(pushed(self.code, at, pushed_bytes(op))),
            0x20 => hash(run.top(1), &run.memory, run.top(0)),
            0x51 => match run.memory.read(run.top(0)) {
                Some(value) => value,
                None if run.did.fed => Value::Other,
                None if run.did.asked && run.top(0) != POINTER => Value::Told,
                None => Value::Size,
            },
            _ if pops == 2 && pushes == 1 => {
                let (a, b) = (run.top(0), run.top(1));
                let made = operate(op, a, b);
                // What is added to a hash is a length, or below one.
                if matches!((op, made), (0x01, Value::Hash(_) | Value::Behind(_))) {
                    for by in [a, b] {
                        if let Value::Held(place)
                        | Value::Positive(place)
                        | Value::Stored(place)
                        | Value::Lower(place, _)
                        | Value::Index(Some(place)) = by
                        {
                            self.found.lengths.extend(place.is_known().then_some(place));
                        }
                    }
                }
                made
            }
            _ => result(op, run.stack.last().copied()),
        }
    }

    /// What an instruction does beside its stack.
    fn note(&mut self, op: u8, run: &mut Run) {
        match op {
            0x55 => self.store(run.top(0), run.top(1), &mut run.did),
            0xa1..=0xa4 => {
                if let Value::Constant(topic) = run.top(2) {
                    run.did.told |= self.topics.contains(&topic);
                    run.did.upgraded |= topic == U256::from_be_bytes(UPGRADED.0);
                }
            }
            0x39 => {
                run.memory.copy(run.top(0), run.top(1), run.top(2), self.code);
                run.did.fed = true;
            }
            0x52 => {
                let (at, value) = (run.top(0), run.top(1));
                run.memory.write(at, value);
                run.did.fed |= !is_harmless(at, value);
            }
            // Of calldata, another account's code, answers; bytes; within memory.
            0x37 | 0x3c | 0x3e | 0x53 | 0x5e | 0xf0 | 0xf5 => {
                run.memory.forget();
                run.did.fed = true;
            }
            0xf1 | 0xfa => {
                run.memory.forget();
                let asked = self.is_beacon(run.top(1));
                run.did.asked |= asked;
                run.did.fed |= !asked;
            }
            0xf2 | 0xf4 => {
                run.memory.forget();
                run.did.fed = true;
                run.did.ran |= !self.is_known(run.top(1));
            }
            _ => {}
        }
    }

    fn store(&mut self, slot: Value, value: Value, did: &mut Did) {
        match slot == Value::Constant(self.slot) {
            true => self.found.stores_there = true,
            false => self.found.stores_elsewhere = true,
        }
        match slot {
            Value::Constant(slot) => did.wrote |= slot == self.slot,
            Value::Small => {
                did.wrote |= self.slot.bit_len() <= 64;
                self.found.small_is_free |= value.length().is_none();
            }
            Value::Hash(_) => {}
            Value::Behind(from) => did.wrote |= self.slot.wrapping_sub(from).bit_len() <= 64,
            // Zeros, where an array is cut.
            Value::Near if value == Value::ZERO => {}
            _ => self.found.anywhere = true,
        }
        if let Some(place) = slot.place().filter(|place| place.is_known()) {
            self.found.stored(place, value);
        }
    }

    /// Whether what is delegated to is looked at for itself: a proxy's implementation, by the slot
    /// that is watched or by the word of its beacon, or an address in the code that is known.
    fn is_known(&mut self, target: Value) -> bool {
        match (target, self.runs) {
            (Value::Itself, _) => true,
            (Value::Constant(word), _) => {
                let address = Address::from_word(B256::from(word));
                self.found.named.insert(address);
                matches!(self.runs, Runs::Asked { .. }) || self.known.contains(&address)
            }
            (
                Value::Held(place) | Value::Positive(place) | Value::Stored(place),
                Runs::Asked { .. },
            ) => {
                self.found.held.insert(place);
                true
            }
            (Value::Told, Runs::Asked { .. }) => {
                self.found.asks = true;
                true
            }
            (
                Value::Held(Place::Slot(slot)) | Value::Positive(Place::Slot(slot)),
                Runs::Own { slots, .. },
            ) => slots.contains(&B256::from(slot)),
            (Value::Told, Runs::Own { .. }) => true,
            _ => false,
        }
    }

    /// Whether this is the beacon that is watched.
    fn is_beacon(&self, target: Value) -> bool {
        let (Runs::Own { beacon: Some(beacon), .. } | Runs::Asked { beacon: Some(beacon) }) =
            self.runs
        else {
            return false;
        };
        match target {
            Value::Constant(word) => Address::from_word(B256::from(word)) == beacon,
            Value::Held(Place::Slot(slot)) | Value::Positive(Place::Slot(slot)) => {
                B256::from(slot) == BEACON_SLOT
            }
            _ => false,
        }
    }

    /// A path ends; where it failed, nothing happened.
    fn end(&mut self, op: u8, did: Did) {
        if matches!(op, 0x00 | 0xf3 | 0xff) {
            self.found.silent |= did.wrote && !did.told;
            self.found.elsewhere |= did.ran && !did.told && !did.upgraded;
            self.found.announced |= did.wrote;
        }
    }

    /// A jump with a condition: whether the run goes on behind it.
    fn branch(&mut self, run: &mut Run, asked_for_zero: bool) -> bool {
        let (to, condition) = (run.top(0), run.top(1));
        run.stack.truncate(run.stack.len() - 2);
        let known = |stack: &mut Vec<Value>, at, place| {
            let same = stack.iter_mut().filter(|value| **value == Value::Unknown(at));
            same.for_each(|value| *value = Value::Index(place));
        };
        if condition != Value::ZERO {
            let mut stack = run.stack.clone();
            // What was asked whether it is zero is zero where the answer was yes.
            if asked_for_zero && let Some(asked) = stack.last_mut() {
                *asked = Value::ZERO;
            }
            if let Value::Within(at, place) = condition {
                known(&mut stack, at, place);
            }
            stack.iter_mut().for_each(|value| *value = value.given(condition));
            self.jump(to, stack, run.did);
        }
        if let Value::Beyond(at, place) = condition {
            known(&mut run.stack, at, place);
        }
        let opposite = condition.opposite();
        if opposite != condition {
            run.stack.iter_mut().for_each(|value| *value = value.given(opposite));
        }
        !matches!(condition, Value::Constant(number) if !number.is_zero())
    }

    fn jump(&mut self, to: Value, stack: Vec<Value>, did: Did) {
        let Value::Constant(to) = to else {
            self.found.unclear = true;
            return;
        };
        // A jump elsewhere than to a jump destination ends the run.
        if let Ok(at) = usize::try_from(to)
            && self.jumpdests.contains(&at)
        {
            self.open.push((at, stack, did));
        }
    }

    /// Whether a stack has something new at a jump destination. It becomes what all stacks that
    /// came there have in common.
    fn is_new(&mut self, at: usize, run: &mut Run) -> bool {
        let stack = &mut run.stack;
        let returns = stack.iter().enumerate().filter_map(|(depth, value)| match value {
            Value::Constant(to) => {
                let place = usize::try_from(*to).ok()?;
                self.jumpdests.contains(&place).then_some((depth, *to))
            }
            _ => None,
        });
        let key = (at, stack.len(), returns.collect(), run.did);
        match self.seen.get_mut(&key) {
            None => {
                self.seen.insert(key, stack.clone());
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
