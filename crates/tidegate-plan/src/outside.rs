//! What a plan writes in contracts that it does not create: those under `[existing]`, externals,
//! and whatever these call.
//!
//! Such a slot may go on from what it held: a counter, a balance, the rest of a packed word. So two
//! runs mean the same where what they leave is the same, where both add the same, and where each
//! leaves alone whatever differs.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_evm::{Sandbox, Seen};

use crate::expected::Created;
use crate::kept::{Kept, Outside};
use crate::resolve::Resolved;
use crate::same::Names;

/// The most words that one entry of a list takes.
const ENTRY_SLOTS_MAX: u64 = 8;
/// The most entries of a list; no list of a chain is longer.
const ENTRIES_MAX: u64 = 1 << 40;

impl Kept {
    /// Whether a slot means the same after two runs, with what stands for what in them.
    pub(crate) fn resembles(&self, other: &Self, names: &Names) -> bool {
        let same = |one: U256, other: U256| {
            names.first_difference(&one.to_be_bytes::<32>(), &other.to_be_bytes::<32>()).is_none()
        };
        if same(self.after, other.after) {
            return true;
        }
        let both = self.is_changed() && other.is_changed();
        if both && self.added() == other.added() {
            return true;
        }
        // Whatever neither changes is no result: bit by bit, or byte by byte beside an address.
        let alone = !((self.before ^ self.after) | (other.before ^ other.after));
        let bytes = alone.to_be_bytes::<32>().map(|byte| if byte == 0xff { byte } else { 0 });
        let bytes = U256::from_be_bytes(bytes);
        self.after & !alone == other.after & !alone
            || same(self.after & !bytes, other.after & !bytes)
    }

    fn added(&self) -> U256 {
        self.after.wrapping_sub(self.before)
    }
}

/// The slots outside a plan that a run looked at or wrote, as it found and left them.
pub(crate) fn outside(
    seen: &Seen,
    created: &BTreeMap<Address, Created>,
    (before, after): (&Sandbox<'_>, &Sandbox<'_>),
) -> Outside {
    let all: BTreeSet<_> = seen.slots.union(&seen.written).copied().collect();
    let mut outside = Outside::new();
    for (at, slot) in all.into_iter().filter(|(at, _)| !created.contains_key(at)) {
        // Of what a creation that failed would have had nothing is known, nor left.
        if let (Ok(before), Ok(after)) = (before.storage(at, slot), after.storage(at, slot)) {
            outside.insert((at, slot), Kept { before, after, varies: false });
        }
    }
    outside
}

/// A slot by the name of its contract.
pub(crate) fn slot_of(resolved: &Resolved, at: Address, slot: U256) -> String {
    let named = resolved.outside.iter().find(|(_, named)| **named == at);
    let of = named.map_or(at.to_string(), |(name, _)| format!("@{name}"));
    format!("slot {slot:#x} of {of}")
}

/// Says which slots are left otherwise at another time.
pub(crate) fn vary(outside: &mut Outside, later: &Outside) {
    for (key, kept) in outside {
        kept.varies |= later.get(key).is_some_and(|other| other.after != kept.after);
    }
}

/// A slot in which two runs differ; a side that has it not neither read nor wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unlike {
    pub(crate) slot: U256,
    pub(crate) one: Option<Kept>,
    pub(crate) other: Option<Kept>,
}

/// The slots of one contract, by two runs.
pub(crate) struct Compared<'n> {
    names: &'n Names,
    /// Counters of both runs, as they found them.
    counters: Vec<(U256, U256)>,
    one: BTreeMap<U256, Kept>,
    other: BTreeMap<U256, Kept>,
}

impl<'n> Compared<'n> {
    pub(crate) fn new(
        names: &'n Names,
        (one, a): (&Outside, Address),
        (other, b): (&Outside, Address),
    ) -> Self {
        let slots = |outside: &Outside, of: Address| -> BTreeMap<U256, Kept> {
            let all = outside.iter().filter(|((at, _), _)| *at == of);
            all.map(|((_, slot), kept)| (*slot, *kept)).collect()
        };
        let (one, other) = (slots(one, a), slots(other, b));
        let both = one.iter().filter_map(|(slot, kept)| Some((kept, other.get(slot)?)));
        let counts = |(a, b): &(&Kept, &Kept)| {
            a.is_changed() && a.before != b.before && a.added() == b.added()
        };
        let counters = both.filter(counts).map(|(a, b)| (a.before, b.before)).collect();
        Self { names, counters, one, other }
    }

    /// Every slot that one of both changes, with the same one of the other run.
    pub(crate) fn pairs(&self) -> Vec<Unlike> {
        let mut rest = self.other.clone();
        let mut pairs = Vec::new();
        for (slot, kept) in &self.one {
            let same = rest.contains_key(slot).then_some(*slot);
            let found = same.or_else(|| rest.keys().copied().find(|key| self.is_same(*slot, *key)));
            let other = found.and_then(|key| rest.remove(&key));
            if kept.is_changed() || other.is_some_and(|other| other.is_changed()) {
                pairs.push(Unlike { slot: *slot, one: Some(*kept), other });
            }
        }
        let rest = rest.into_iter().filter(|(_, kept)| kept.is_changed());
        pairs.extend(rest.map(|(slot, kept)| Unlike { slot, one: None, other: Some(kept) }));
        pairs
    }

    /// The slots that do not mean the same.
    pub(crate) fn unlike(&self) -> Vec<Unlike> {
        let alike = |pair: &Unlike| match (pair.one, pair.other) {
            (Some(one), Some(other)) => {
                one.resembles(&other, self.names) || self.counts(&one, &other)
            }
            _ => false,
        };
        self.pairs().into_iter().filter(|pair| !alike(pair)).collect()
    }

    /// The first slot that does not mean the same, where what one run left alone is as it was.
    pub(crate) fn unlike_in(&self, was: impl Fn(U256) -> Option<Kept>) -> Option<U256> {
        self.unlike().into_iter().find_map(|Unlike { slot, one, other }| {
            let (one, other) = (one.or_else(|| was(slot))?, other.or_else(|| was(slot))?);
            (!one.resembles(&other, self.names)).then_some(slot)
        })
    }

    /// Whether both keep how much a counter of both counted, such as a place in a list.
    fn counts(&self, one: &Kept, other: &Kept) -> bool {
        let small = |word: U256| word < U256::from(ENTRIES_MAX);
        let distance = other.after.wrapping_sub(one.after);
        small(one.after)
            && small(other.after)
            && self.counters.iter().any(|(a, b)| b.wrapping_sub(*a) == distance)
    }

    fn is_same(&self, one: U256, other: U256) -> bool {
        let distance = other.wrapping_sub(one);
        let follows = |(a, b): &(U256, U256)| {
            let small = a.max(b) < &U256::from(ENTRIES_MAX);
            let step = b.wrapping_sub(*a);
            small && (1..=ENTRY_SLOTS_MAX).any(|n| step.wrapping_mul(U256::from(n)) == distance)
        };
        self.names.same_slot(one, other) || self.counters.iter().any(follows)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn kept(before: u64, after: u64) -> Kept {
        Kept { before: U256::from(before), after: U256::from(after), varies: false }
    }

    #[test]
    fn a_slot_may_go_on_from_what_it_held() {
        let alike = |a: Kept, b: Kept| a.resembles(&b, &Names::default());
        assert!(alike(kept(0, 7), kept(5, 7)), "it is set");
        assert!(alike(kept(3, 4), kept(9, 10)), "a counter");
        assert!(alike(kept(9, 2), kept(17, 10)), "a balance");
        assert!(alike(kept(0xaa00, 0xaa07), kept(0xbb00, 0xbb07)), "the rest of a packed word");
        assert!(alike(kept(0xff01, 0xff06), kept(2, 6)), "bits that both change");
        assert!(alike(kept(0x80, 0x86), kept(0x42, 0x46)), "beside bits of one byte");
        assert!(!alike(kept(1, 2), kept(2, 1)), "bits that both change otherwise");
        assert!(!alike(kept(0, 7), kept(0, 8)));
        assert!(!alike(kept(3, 6), kept(9, 18)), "what follows from it by no rule of these");
        assert!(!alike(kept(0, 0), kept(0, 1)), "only one of both sets it");
        assert!(!alike(kept(5, 5), kept(6, 1)));
        let flag = |after, other: Kept| kept(0, after).is_flag_of(&other);
        assert!(flag(1, kept(0x7e, 0x7e)) && flag(1, kept(0xff01, 0xff01)));
        assert!(!flag(1, kept(0, 0)) && !flag(1, kept(0xff00, 0xff00)) && !flag(7, kept(7, 7)));
    }

    #[test]
    fn an_address_means_the_same_beside_what_neither_changes() {
        let address = |byte: u8| U256::from_be_slice(Address::repeat_byte(byte).as_slice());
        let kept = |above: u64, byte: u8| {
            let before = U256::from(above) << 160;
            Kept { before, after: before | address(byte), varies: false }
        };
        let mut names = Names::default();
        names.address(Address::repeat_byte(0x11), Address::repeat_byte(0x22));
        assert!(kept(7, 0x11).resembles(&kept(9, 0x22), &names));
        assert!(!kept(7, 0x11).resembles(&kept(9, 0x33), &names));
    }

    #[test]
    fn what_counts_is_small() {
        let at = Address::repeat_byte(1);
        let run = |more: u64| -> Outside {
            let slots = [(2, kept(3 + more, 4 + more)), (77, kept(0, 4 + more))];
            slots.map(|(slot, kept)| ((at, U256::from(slot)), kept)).into()
        };
        let names = Names::default();
        let unlike =
            |more: u64| Compared::new(&names, (&run(0), at), (&run(more), at)).unlike().len();
        assert_eq!((unlike(5), unlike(1 << 50)), (0, 1));
        // An entry is so many places further as the counter is.
        let run = |count: u64, entry: u64| -> Outside {
            let slots = [(2, kept(count, count + 1)), (entry, kept(0, 7))];
            slots.map(|(slot, kept)| ((at, U256::from(slot)), kept)).into()
        };
        let entry = |slot: u64| {
            Compared::new(&names, (&run(3, 100), at), (&run(8, slot), at)).unlike().len()
        };
        assert_eq!([105, 140, 145, 321].map(entry), [0, 0, 2, 2]);
        // What is set, whatever it held, counts nothing.
        let run = |before: u64, place: u64| -> Outside {
            let slots = [(2, kept(before, 9)), (77, kept(0, place))];
            slots.map(|(slot, kept)| ((at, U256::from(slot)), kept)).into()
        };
        let set = (run(3, 4), run(8, 9));
        assert_eq!(Compared::new(&names, (&set.0, at), (&set.1, at)).unlike().len(), 1);
    }

    #[test]
    fn slots_are_matched_through_counters() {
        let at = Address::repeat_byte(1);
        let list = U256::from_be_bytes(keccak256([9]).0);
        let run = |count: u64, value: u64, place: u64| -> Outside {
            let slots = [
                (U256::from(2), kept(count, count + 1)),
                (list + U256::from(2 * count), kept(0, value)),
                (U256::from(77), kept(0, place)),
            ];
            slots.into_iter().map(|(slot, kept)| ((at, slot), kept)).collect()
        };
        let names = Names::default();
        let unlike = |one: &Outside, other: &Outside| {
            Compared::new(&names, (one, at), (other, at)).unlike().len()
        };
        assert_eq!(unlike(&run(3, 5, 4), &run(8, 5, 9)), 0);
        assert_eq!(unlike(&run(3, 5, 4), &run(8, 6, 9)), 1, "another entry");
        assert_eq!(unlike(&run(3, 5, 4), &run(8, 5, 10)), 1, "another place");
        let mut more = run(3, 5, 4);
        more.insert((at, U256::from(50)), kept(0, 1));
        assert_eq!(unlike(&run(3, 5, 4), &more), 1, "a slot that nobody wrote");
        assert_eq!(unlike(&more, &run(3, 5, 4)), 1);
        more.insert((at, U256::from(50)), kept(1, 1));
        assert_eq!(unlike(&run(3, 5, 4), &more), 0, "read only");
    }
}
