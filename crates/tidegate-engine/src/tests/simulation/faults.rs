//! What goes wrong, chosen by a seed: the same seed chooses the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::super::chain::World;

/// How far a chain is final behind its head.
const FINAL_AFTER: u64 = 6;
/// The deepest reorganisation.
const DEPTH_MAX: u64 = 3;

/// Random numbers by a seed (splitmix64).
#[derive(Debug)]
pub(in crate::tests) struct Dice(AtomicU64);

impl Dice {
    pub(in crate::tests) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `sides`.
    pub(in crate::tests) fn below(&self, sides: u64) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(in crate::tests) fn one_in(&self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// A process that may die at each of its effects, and a world that may fail it. Chain and journal
/// share one.
#[derive(Debug, Clone)]
pub(in crate::tests) struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    dice: Dice,
    /// Whether somebody else uses the sender's key.
    foreign: bool,
    /// How much rarer faults are than in the worst story.
    mild: u64,
    /// Nothing goes wrong any more.
    calm: AtomicBool,
    /// The process is dead: it reads, writes and sends nothing until it is started again.
    dead: AtomicBool,
    /// How many events are durable.
    durable: AtomicUsize,
}

/// What becomes of bytes that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tests) enum Fate {
    Answered,
    AnswerLost,
    BytesLost,
    Refused,
}

impl Faults {
    pub(in crate::tests) fn new(seed: u64, foreign: bool) -> Self {
        let (calm, dead) = (AtomicBool::new(false), AtomicBool::new(false));
        let (dice, durable) = (Dice::new(seed), AtomicUsize::new(0));
        let mild = 1 + dice.below(4);
        Self(Arc::new(Shared { dice, foreign, mild, calm, dead, durable }))
    }

    /// Starts a process, from now on with faults or without.
    pub(in crate::tests) fn revive(&self, calm: bool) {
        self.0.calm.store(calm, Ordering::Relaxed);
        self.0.dead.store(false, Ordering::Relaxed);
    }

    pub(in crate::tests) fn durable(&self) -> usize {
        self.0.durable.load(Ordering::Relaxed)
    }

    pub(in crate::tests) fn is_durable(&self, events: usize) {
        self.0.durable.store(events, Ordering::Relaxed);
    }

    fn is_calm(&self) -> bool {
        self.0.calm.load(Ordering::Relaxed)
    }

    pub(in crate::tests) fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Relaxed)
    }

    fn rarely(&self, sides: u64) -> bool {
        self.0.dice.one_in(sides * self.0.mild)
    }

    fn die(&self) {
        self.0.dead.store(true, Ordering::Relaxed);
    }

    /// How often another process may go on before this one does.
    pub(in crate::tests) fn turns(&self) -> u64 {
        self.0.dice.below(3)
    }

    /// Whether a read fails.
    pub(in crate::tests) fn read(&self) -> bool {
        if !self.is_calm() && self.rarely(200) {
            self.die();
        }
        self.is_dead() || (!self.is_calm() && self.rarely(120))
    }

    /// What becomes of bytes; the process may die before they leave, or after.
    pub(in crate::tests) fn send(&self) -> Fate {
        if self.is_dead() {
            return Fate::BytesLost;
        }
        match if self.is_calm() { 99 } else { self.0.dice.below(30 * self.0.mild) } {
            0 | 1 => Fate::AnswerLost,
            2 | 3 => Fate::BytesLost,
            4 => Fate::Refused,
            5 => {
                self.die();
                Fate::BytesLost
            }
            6 => {
                self.die();
                Fate::AnswerLost
            }
            _ => Fate::Answered,
        }
    }

    /// Whether an append is written, and whether the process lives to know.
    pub(in crate::tests) fn append(&self) -> (bool, bool) {
        if self.is_dead() {
            return (false, false);
        }
        match if self.is_calm() { 99 } else { self.0.dice.below(50 * self.0.mild) } {
            0 => {
                self.die();
                (false, false)
            }
            1 => {
                self.die();
                (true, false)
            }
            _ => (true, true),
        }
    }
}

impl World {
    /// What happens while the process waits.
    pub(in crate::tests) fn happen(&mut self) {
        let Some(faults) = self.faults.clone() else { return };
        let dice = &faults.0.dice;
        match if faults.is_calm() { 99 } else { dice.below(40) } {
            0..4 => {}
            4..7 => {
                let height = self.head().block.number;
                let depth = (1 + dice.below(DEPTH_MAX)).min(height.saturating_sub(self.finalized));
                self.reorganise(depth as usize);
                if dice.one_in(2) {
                    self.pool.clear();
                }
            }
            7 if !self.pool.is_empty() => {
                let at = dice.below(self.pool.len() as u64) as usize;
                self.pool.remove(at);
            }
            8 => self.pool.clear(),
            9 | 10 => self.base_fee = 1_000_000_000 * u128::from(1 + dice.below(60)),
            11 | 12 => self.lagging = dice.below(6) as usize,
            13 => (0..dice.below(20)).for_each(|_| self.mine()),
            14 if faults.0.foreign && dice.one_in(4) => self.foreign(self.watched),
            _ => self.mine(),
        }
        self.settle();
    }

    /// What is deep enough is final.
    pub(in crate::tests) fn settle(&mut self) {
        self.finalized = self.finalized.max(self.head().block.number.saturating_sub(FINAL_AFTER));
    }
}
