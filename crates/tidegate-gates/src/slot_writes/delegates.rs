//! Where the code stands that an account runs as its own.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use tidegate_model::slots::IMPLEMENTATION_SLOT;

use super::values::Place;
use super::walk::{UPGRADED, Walk};
use super::{Code, Runs, Watch};

/// Where code stands that an account's code runs by `DELEGATECALL` or `CALLCODE`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delegates {
    /// Addresses in the code.
    pub(crate) named: BTreeSet<Address>,
    /// Slots of the account that hold an address.
    pub(crate) slots: BTreeSet<B256>,
    /// Whether an entry of a mapping or an array holds one.
    pub(crate) entries: bool,
    /// Whether the account's beacon says where.
    pub(crate) asks: bool,
    /// Whether nothing tells where: on some path an address is run that is none of these, and no
    /// event tells of an upgrade.
    pub(crate) elsewhere: bool,
}

/// Where `bytes`, running in the storage of an account with this beacon, finds the code that it
/// runs as its own.
pub(crate) fn delegates(bytes: &[u8], beacon: Option<Address>) -> Delegates {
    let code = Code { address: Address::ZERO, bytes, runs: Runs::Asked { beacon } };
    let watch = Watch { slot: IMPLEMENTATION_SLOT, topics: &[UPGRADED] };
    let found = Walk::follow(&code, &watch, &BTreeSet::new());
    let mut delegates = Delegates {
        named: found.named,
        asks: found.asks,
        elsewhere: found.elsewhere || (found.unclear && Walk::may_delegate(bytes)),
        ..Delegates::default()
    };
    for place in found.held {
        match place {
            Place::Slot(slot) => drop(delegates.slots.insert(slot.into())),
            Place::Behind(_) => delegates.entries = true,
        }
    }
    delegates
}
