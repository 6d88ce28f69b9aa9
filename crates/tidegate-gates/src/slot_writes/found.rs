//! What the paths of code do, and what follows where several codes share one storage.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};

use super::Writes;
use super::values::{Place, SMALL_BITS, Value};

/// What the paths of one code do.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) announced: bool,
    pub(super) silent: bool,
    pub(super) elsewhere: bool,
    pub(super) unclear: bool,
    pub(super) anywhere: bool,
    /// It stores something in the watched slot.
    pub(super) stores_there: bool,
    /// It stores something elsewhere, or it is not known where.
    pub(super) stores_elsewhere: bool,
    /// The addresses in the code that it delegates to.
    pub(super) named: BTreeSet<Address>,
    /// The places of addresses that it delegates to, where that is asked.
    pub(super) held: BTreeSet<Place>,
    /// It asks the beacon whom it delegates to.
    pub(super) asks: bool,
    /// Where lengths are stored by which elements are found.
    pub(super) lengths: BTreeSet<Place>,
    /// Something that need not be a length is stored in a small slot, nobody knows which.
    pub(super) small_is_free: bool,
    /// Where something is stored that need not be a length.
    no_lengths: BTreeSet<Place>,
    /// Where something is stored that was read elsewhere.
    copies: BTreeSet<(Place, Place)>,
}

impl Found {
    /// Something is stored.
    pub(super) fn stored(&mut self, place: Place, value: Value) {
        match value.length() {
            Some(None) => {}
            Some(Some(from)) if from == place => {}
            Some(Some(from)) if from.is_known() => drop(self.copies.insert((place, from))),
            _ => drop(self.no_lengths.insert(place)),
        }
    }

    /// What this code does, given where no lengths are.
    pub(super) fn writes(&self, free: &Free) -> Writes {
        match self {
            _ if self.anywhere || self.lengths.iter().any(|at| free.has(*at)) => Writes::Anywhere,
            _ if self.silent => Writes::Silently,
            _ if self.elsewhere => Writes::Elsewhere,
            _ if self.unclear => Writes::Unclear,
            _ if self.announced => Writes::Announced,
            _ => Writes::Never,
        }
    }
}

/// The places of one storage where something may stand that is no length, whichever code put it
/// there: a length is no bound if anything can be stored in its place.
pub(super) struct Free {
    places: BTreeSet<Place>,
    small: bool,
}

impl Free {
    pub(super) fn of<'a>(codes: impl Iterator<Item = &'a Found> + Clone) -> Self {
        let places = codes.clone().flat_map(|found| found.no_lengths.iter().copied()).collect();
        let mut free = Self { places, small: codes.clone().any(|found| found.small_is_free) };
        loop {
            let copies = codes.clone().flat_map(|found| &found.copies);
            let copied = copies.filter(|(to, from)| free.has(*from) && !free.has(*to));
            let to: Vec<_> = copied.map(|(to, _)| *to).collect();
            if to.is_empty() {
                return free;
            }
            free.places.extend(to);
        }
    }

    fn has(&self, place: Place) -> bool {
        let small = |slot: U256| self.small && slot.bit_len() <= SMALL_BITS;
        self.places.contains(&place) || matches!(place, Place::Slot(slot) if small(slot))
    }
}

/// The slots that hold a length, where it is known which.
pub(super) fn length_slots<'a>(codes: impl Iterator<Item = &'a Found>) -> BTreeSet<B256> {
    let slots = codes.flat_map(|found| &found.lengths).filter_map(|place| match place {
        Place::Slot(slot) => Some(B256::from(*slot)),
        Place::Behind(_) => None,
    });
    slots.collect()
}
