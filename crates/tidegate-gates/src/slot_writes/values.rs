//! What is known of a value on the stack, and what instructions make of it.

use alloy_primitives::{U256, keccak256};

use super::memory::Memory;

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// It is this.
    Constant(U256),
    /// Several constants, each too small to be a slot that a standard chose, and sums of such.
    Small,
    /// The place of a mapping's entry or of an array's elements, or one that a known distance lies
    /// behind it.
    Hash(Shape),
    /// This, or what a known distance lies behind it: a compiler hashes an array's slot itself.
    Behind(U256),
    /// A place that lies some distance behind a hash.
    Near,
    /// The account's own address.
    Itself,
    /// The word that a slot holds, or the address in it.
    Held(Place),
    /// The same word, which is not zero.
    Positive(Place),
    /// What a slot holds, a part of it, more, or one less where that is something.
    Stored(Place),
    /// What a slot holds less so much, which may be below zero.
    Lower(Place, u64),
    /// Whether what a slot holds is zero.
    IsZero(Place),
    /// Whether it is not.
    NotZero(Place),
    /// Whether what a slot holds less so much is below zero.
    Wrapped(Place, u64),
    /// Whether it is not.
    NotWrapped(Place, u64),
    /// A number that is below what a slot holds, or below a constant.
    Index(Option<Place>),
    /// Whether the value that an instruction made is below what a slot holds, or a constant.
    Within(usize, Option<Place>),
    /// Whether it is not.
    Beyond(usize, Option<Place>),
    /// How much there is of something, or whether a call went well: no address of anybody.
    Size,
    /// What the beacon answered that stands behind a proxy.
    Told,
    /// What the chain or another contract gives; no caller chooses it.
    Given,
    /// Whatever the instruction at this position made, last.
    Unknown(usize),
    /// Anything.
    Other,
}

/// How a place behind a hash came about: equal ones are the same place of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(u64);

/// Where a word is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Slot(U256),
    /// Behind a hash.
    Behind(Shape),
}

use Value::{
    Behind, Beyond, Constant, Given, Hash, Held, Index, IsZero, Itself, Lower, Near, NotWrapped,
    NotZero, Other, Positive, Size, Small, Stored, Told, Unknown, Within, Wrapped,
};

impl Value {
    pub(super) const ZERO: Self = Self::Constant(U256::ZERO);

    /// Whether a caller may have chosen it.
    pub(super) fn is_chosen(self) -> bool {
        matches!(self, Unknown(_) | Other | Near | Index(_))
    }

    /// The same without what only holds for an exact word.
    fn loosened(self) -> Self {
        if let Held(place) | Positive(place) = self { Stored(place) } else { self }
    }

    /// What becomes of it where a condition held: of what was asked, more is known.
    pub(super) fn given(self, condition: Self) -> Self {
        match (condition, self) {
            (NotZero(of) | Held(of), Held(place)) if of == place => Positive(place),
            (NotWrapped(of, by), Lower(place, less)) if (of, by) == (place, less) => Stored(place),
            _ => self,
        }
    }

    /// The opposite of a condition about what a slot holds.
    pub(super) fn opposite(self) -> Self {
        match self {
            IsZero(place) => NotZero(place),
            NotZero(place) | Held(place) => IsZero(place),
            Wrapped(place, by) => NotWrapped(place, by),
            NotWrapped(place, by) => Wrapped(place, by),
            _ => self,
        }
    }

    /// What was read from a slot before something else may have been stored.
    pub(super) fn aged(self) -> Self {
        match self {
            Held(place) => Stored(place),
            Lower(place, _) => Lower(place, UNKNOWN),
            IsZero(_) | NotZero(_) | Wrapped(..) | NotWrapped(..) => Size,
            _ => self,
        }
    }

    /// Whether it is far below the numbers of slots that a standard chose.
    fn is_distance(self) -> bool {
        is_small(self) || matches!(self, Held(_) | Positive(_) | Stored(_) | Lower(..) | Index(_))
    }

    /// Whether it is a number that is no address of anybody.
    pub(super) fn is_size(self) -> bool {
        let asked = matches!(self, IsZero(_) | NotZero(_) | Wrapped(..) | NotWrapped(..));
        self == Size || asked || is_small(self)
    }

    /// The place that a slot's number leads to, where it is known.
    pub(super) fn place(self) -> Option<Place> {
        match self {
            Constant(slot) => Some(Place::Slot(slot)),
            Hash(shape) => Some(Place::Behind(shape)),
            Behind(from) => Some(Place::Behind(Shape::of(b'[', Shape::LOST, from))),
            _ => None,
        }
    }

    /// Where it was read that it may be a length, or that it is one, being small.
    pub(super) fn length(self) -> Option<Option<Place>> {
        match self {
            Held(place) | Positive(place) | Stored(place) => Some(Some(place)),
            _ if is_small(self) => Some(None),
            _ => None,
        }
    }
}

impl Place {
    /// Whether it is one place of a source, not one of several.
    pub(super) fn is_known(self) -> bool {
        self != Self::Behind(Shape::LOST)
    }
}

impl Shape {
    const LOST: Self = Self(0);

    fn of(kind: u8, from: Self, by: U256) -> Self {
        let bytes = [&[kind][..], &from.0.to_be_bytes(), &by.to_be_bytes::<32>()].concat();
        Self(u64::from_be_bytes(keccak256(bytes)[..8].try_into().expect("eight bytes")))
    }

    /// Of what is behind the slot that a value names: a mapping's entry or an array's elements.
    fn behind(kind: u8, base: Value) -> Self {
        match base {
            Constant(slot) => Self::of(kind, Self::LOST, slot),
            Hash(shape) if shape != Self::LOST => Self::of(kind, shape, U256::ZERO),
            _ => Self::LOST,
        }
    }

    fn plus(self, distance: Value) -> Self {
        match distance {
            _ if self == Self::LOST => self,
            Constant(number) if number.is_zero() => self,
            Constant(number) => Self::of(b'+', self, number),
            _ => Self::of(b'[', self, U256::ZERO),
        }
    }
}

/// Numbers below this are ordinary slots, offsets and counters.
pub(super) const SMALL_BITS: usize = 64;
/// What leaves the address in a word.
const ADDRESS: U256 = U256::from_limbs([u64::MAX, u64::MAX, u32::MAX as u64, 0]);
const ZERO: U256 = U256::ZERO;
const ONE: U256 = U256::from_limbs([1, 0, 0, 0]);
const MINUS_ONE: U256 = U256::from_limbs([u64::MAX; 4]);
/// How much less something is, where that is not known.
const UNKNOWN: u64 = u64::MAX;
/// A constant that is added to a hash is below this: members of structures, and gaps.
const DISTANCE_BITS: usize = 32;

fn is_small(value: Value) -> bool {
    match value {
        Constant(number) => number.bit_len() <= SMALL_BITS,
        Small => true,
        _ => false,
    }
}

/// A small number, or a small one less than zero.
fn is_step(value: Value) -> bool {
    match value {
        Constant(number) => is_small(value) || is_small(Constant(number.wrapping_neg())),
        _ => is_small(value),
    }
}

/// What two values have in common.
pub(super) fn merge(a: Value, b: Value) -> Value {
    if a == b {
        return a;
    }
    match (a.loosened(), b.loosened()) {
        (a, b) if a == b => a,
        _ if is_small(a) && is_small(b) => Small,
        _ if a.is_size() && b.is_size() => Size,
        (Hash(_), Hash(_)) => Hash(Shape::LOST),
        // One routine for storage pointers of both kinds.
        (Hash(_), other) | (other, Hash(_)) if is_small(other) => Hash(Shape::LOST),
        (Near, Hash(_)) | (Hash(_), Near) => Near,
        // A pointer that goes from word to word.
        (Constant(a) | Behind(a), Constant(b) | Behind(b))
            if a.bit_len() > SMALL_BITS && a.abs_diff(b).bit_len() <= DISTANCE_BITS =>
        {
            Behind(a.min(b))
        }
        (Lower(a, _), Lower(b, _) | Stored(b)) | (Stored(a), Lower(b, _)) if a == b => {
            Lower(a, UNKNOWN)
        }
        (Index(_), other) | (other, Index(_)) if is_small(other) => Index(None),
        _ if !a.is_chosen() && !b.is_chosen() => Given,
        _ => Other,
    }
}

/// The hash of a piece of memory: of a key and a mapping's slot, or of an array's slot. Whatever
/// else is hashed may be the text that a standard's slot was made from.
pub(super) fn hash(bytes: Value, memory: &Memory, at: Value) -> Value {
    let base = |offset: u64| match at {
        Constant(at) => memory.read(Constant(at.wrapping_add(U256::from(offset)))),
        _ => None,
    };
    match bytes {
        Constant(bytes) if bytes == U256::from(64) => {
            Hash(base(32).map_or(Shape::LOST, |base| Shape::behind(b'm', base)))
        }
        Constant(bytes) if bytes == U256::from(32) => {
            Hash(base(0).map_or(Shape::LOST, |base| Shape::behind(b'a', base)))
        }
        _ => Other,
    }
}

/// What an instruction makes of two values, the first from the top of the stack.
pub(super) fn operate(op: u8, a: Value, b: Value) -> Value {
    if let Some(made) = exact(op, a, b) {
        return made;
    }
    let (a, b) = (a.loosened(), b.loosened());
    match (op, a, b) {
        (0x01, Constant(a), Constant(b)) => Constant(a.wrapping_add(b)),
        (0x02, Constant(a), Constant(b)) => Constant(a.wrapping_mul(b)),
        (0x03, Constant(a), Constant(b)) => Constant(a.wrapping_sub(b)),
        (0x16, Constant(a), Constant(b)) => Constant(a & b),
        (0x17, Constant(a), Constant(b)) => Constant(a | b),
        (0x18, Constant(a), Constant(b)) => Constant(a ^ b),
        (0x1b, Constant(by), Constant(number)) => Constant(shifted(number, by, true)),
        (0x1c, Constant(by), Constant(number)) => Constant(shifted(number, by, false)),
        (0x01, Hash(shape), by) | (0x01, by, Hash(shape)) => behind(shape, by),
        (0x01, Near, _) | (0x01, _, Near) => Near,
        (0x01, ..) if is_small(a) && is_small(b) => Small,
        // The next element; one before may be none.
        (0x01, Stored(_), other) | (0x01, other, Stored(_)) if is_small(other) => stored(a, b),
        (0x01, Stored(place) | Lower(place, _), other)
        | (0x01, other, Stored(place) | Lower(place, _))
            if is_step(other) =>
        {
            Lower(place, UNKNOWN)
        }
        (0x03, Stored(place) | Lower(place, _), other) if is_small(other) => Lower(place, UNKNOWN),
        (0x01, Constant(from) | Behind(from), by) | (0x01, by, Constant(from) | Behind(from))
            if from.bit_len() > SMALL_BITS && by.is_distance() =>
        {
            Behind(from)
        }
        (0x01, Index(_), other) | (0x01, other, Index(_)) if is_small(other) => index(a, b),
        // Elements of several words, or several to a word.
        (0x02 | 0x04 | 0x1b | 0x1c, Stored(_) | Index(_), other)
        | (0x02 | 0x04 | 0x1b | 0x1c, other, Stored(_) | Index(_))
        | (0x02 | 0x1b, Lower(..), other)
        | (0x02 | 0x1b, other, Lower(..))
            if is_small(other) =>
        {
            part(op, a, b)
        }
        // An address, or another part of a word.
        (0x16, Stored(_), Constant(_)) => a,
        (0x16, Constant(_), Stored(_)) => b,
        (0x16, Lower(place, _), Constant(_)) | (0x16, Constant(_), Lower(place, _)) => {
            Lower(place, UNKNOWN)
        }
        (0x10, Unknown(at), bound) | (0x11, bound, Unknown(at)) => match bound {
            Stored(place) => Within(at, Some(place)),
            Constant(_) | Small if is_small(bound) => Within(at, None),
            _ => plain(op, a, b),
        },
        (0x11, Unknown(at), bound) | (0x10, bound, Unknown(at)) if is_small(bound) => {
            Beyond(at, None)
        }
        _ => plain(op, a, b),
    }
}

/// The same where a word is exactly what a slot holds, or what a beacon answered.
fn exact(op: u8, a: Value, b: Value) -> Option<Value> {
    Some(match (op, a, b) {
        (0x16, Constant(ADDRESS), word @ (Held(_) | Positive(_) | Told))
        | (0x16, word @ (Held(_) | Positive(_) | Told), Constant(ADDRESS)) => word,
        // One less, where something is there.
        (0x03, Positive(place), Constant(ONE))
        | (0x01, Positive(place), Constant(MINUS_ONE))
        | (0x01, Constant(MINUS_ONE), Positive(place)) => Stored(place),
        (0x03, Held(place), Constant(by)) if is_small(b) => lower(place, by),
        (0x01, Held(place), Constant(by)) | (0x01, Constant(by), Held(place))
            if is_small(Constant(by.wrapping_neg())) =>
        {
            lower(place, by.wrapping_neg())
        }
        // Whether one less is more: how compilers find what is below zero.
        (0x11, Lower(place, by), Held(of)) | (0x10, Held(of), Lower(place, by))
            if of == place && by != UNKNOWN =>
        {
            Wrapped(place, by)
        }
        // Whether it is less than one.
        (0x10, Held(place), Constant(ONE)) | (0x11, Constant(ONE), Held(place)) => IsZero(place),
        (0x14, Held(place), Constant(ZERO)) | (0x14, Constant(ZERO), Held(place)) => IsZero(place),
        (0x11, Held(place), Constant(ZERO)) | (0x10, Constant(ZERO), Held(place)) => NotZero(place),
        _ => return None,
    })
}

/// What a slot holds less so much; less by nothing is that.
fn lower(place: Place, by: U256) -> Value {
    match u64::try_from(by) {
        Ok(0) => Held(place),
        Ok(by) => Lower(place, by),
        Err(_) => Other,
    }
}

/// What lies a distance behind a hash.
fn behind(shape: Shape, by: Value) -> Value {
    match by {
        Constant(number) if number.bit_len() > DISTANCE_BITS => Other,
        _ if by.is_distance() => Hash(shape.plus(by)),
        _ => Near,
    }
}

fn stored(a: Value, b: Value) -> Value {
    if matches!(a, Stored(_)) { a } else { b }
}

fn index(a: Value, b: Value) -> Value {
    if matches!(a, Index(_)) { a } else { b }
}

/// A multiple or a part of a number: parts of what is stored stay that.
fn part(op: u8, a: Value, b: Value) -> Value {
    match (op, a, b) {
        (0x04, Stored(_), _) => a,
        (0x1c, _, Stored(_)) => b,
        (_, Stored(place) | Lower(place, _), _) | (_, _, Stored(place) | Lower(place, _)) => {
            Index(Some(place))
        }
        (_, Index(place), _) | (_, _, Index(place)) => Index(place),
        _ => plain(op, a, b),
    }
}

/// What nothing is known of, but who chose it.
fn plain(op: u8, a: Value, b: Value) -> Value {
    match op {
        _ if a.is_chosen() || b.is_chosen() => Other,
        // Comparisons; sums and differences of sizes; what a mask leaves of one.
        0x10..=0x14 => Size,
        0x01 | 0x03 if a.is_size() && b.is_size() => Size,
        0x16 if a.is_size() || b.is_size() => Size,
        _ => Given,
    }
}

/// What another instruction makes, given the top of the stack.
pub(super) fn result(op: u8, top: Option<Value>) -> Value {
    match (op, top) {
        (0x15, Some(Within(at, place))) => Beyond(at, place),
        (0x15, Some(Beyond(at, place))) => Within(at, place),
        (0x19, Some(Constant(number))) => Constant(!number),
        (0x54, Some(slot)) => slot.place().map_or(Other, Held),
        (0x15, Some(value)) if value.opposite() != value => value.opposite(),
        (0x15, Some(value)) if !value.is_chosen() => Size,
        (0x19, Some(value)) if !value.is_chosen() => Given,
        (0x30, _) => Itself,
        // Sizes of code, answers and memory, gas, and whether a call went well.
        (0x38 | 0x3b | 0x3d | 0x58..=0x5a | 0xf1 | 0xf2 | 0xf4 | 0xfa, _) => Size,
        // Of accounts and blocks, and what was created.
        (0x31 | 0x3a | 0x3f | 0x40..=0x48 | 0x4a | 0xf0 | 0xf5, _) => Given,
        _ => Other,
    }
}

fn shifted(number: U256, by: U256, left: bool) -> U256 {
    match usize::try_from(by) {
        Ok(by) if by < 256 && left => number << by,
        Ok(by) if by < 256 => number >> by,
        _ => U256::ZERO,
    }
}

/// How many values an instruction takes and leaves; `None` for one that ends the run.
pub(crate) const fn arity(op: u8) -> Option<(usize, usize)> {
    Some(match op {
        0x01..=0x07 | 0x0a | 0x0b | 0x10..=0x14 | 0x16..=0x18 | 0x1a..=0x1d | 0x20 => (2, 1),
        0x08 | 0x09 => (3, 1),
        0x15 | 0x19 | 0x1e | 0x31 | 0x35 | 0x3b | 0x3f | 0x40 | 0x49 => (1, 1),
        0x51 | 0x54 | 0x5c => (1, 1),
        0x30 | 0x32..=0x34 | 0x36 | 0x38 | 0x3a | 0x3d | 0x41..=0x48 | 0x4a => (0, 1),
        0x58..=0x5a | 0x5f..=0x7f => (0, 1),
        0x37 | 0x39 | 0x3e | 0x5e => (3, 0),
        0x3c => (4, 0),
        0x50 | 0x56 => (1, 0),
        0x52 | 0x53 | 0x55 | 0x57 | 0x5d => (2, 0),
        0x5b => (0, 0),
        0x80..=0x8f => ((op - 0x7f) as usize, 0),
        0x90..=0x9f => ((op - 0x8e) as usize, 0),
        0xa0..=0xa4 => ((op - 0xa0) as usize + 2, 0),
        0xf0 => (3, 1),
        0xf1 | 0xf2 => (7, 1),
        0xf4 | 0xfa => (6, 1),
        0xf5 => (4, 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
