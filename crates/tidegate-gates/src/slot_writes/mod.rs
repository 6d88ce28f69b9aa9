//! Which storage slots runtime code may write, and whether an event would tell.
//!
//! Watched slots are read when a soak starts and now. In between only events tell of them, so
//! code that can write one in silence has to be known. The code is followed with values that are
//! constants where the code makes them so; whatever else there is counts as chosen by a caller. A
//! path that writes, or runs code of an address that it was given, has to emit the event that
//! tells before it ends: that another path does is worth nothing.
//!
//! Several codes run in one storage: a proxy's own, what is behind it, libraries. What one stores
//! is what another reads, so all are judged together.
//!
//! Hashes of keys and slots are taken to be no slot of a standard, and neither is what a known
//! distance lies behind one: a standard's slot is made from a text, and one less than its hash.

mod delegates;
mod found;
mod memory;
mod values;
mod walk;

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};

pub(crate) use self::delegates::delegates;
use self::found::{Found, Free, length_slots};
pub(crate) use self::values::arity;
use self::walk::Walk;
pub(crate) use self::walk::{instructions, pushed, pushed_bytes};

/// The way in which code comes to run in an account's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs<'a> {
    /// It is the account's own.
    Own {
        /// The account's watched slots that hold an implementation, which is one of the codes.
        slots: &'a [B256],
        /// The beacon that the account's watched slot names; what that answers is one of the
        /// codes.
        beacon: Option<Address>,
    },
    /// It stands behind the account.
    Behind,
    /// It is one of the others' libraries: it runs where their code has its address.
    Named,
    /// It is asked where the code stands that it runs.
    Asked {
        /// The beacon that its account's slot names.
        beacon: Option<Address>,
    },
}

/// Code that may run in an account's storage.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    pub address: Address,
    /// Runtime code.
    pub bytes: &'a [u8],
    /// The way in which it comes to run.
    pub runs: Runs<'a>,
}

/// What code may do to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It never writes it, or never runs.
    Never,
    /// It writes it, and emits the event that tells wherever it does.
    Announced,
    /// It writes it, and on some path emits no such event.
    Silently,
    /// It writes to a slot that is no constant and no known distance behind a hash.
    Anywhere,
    /// It delegates to an address that is not known, and on some path announces no upgrade.
    Elsewhere,
    /// It could not be followed to its end.
    Unclear,
}

/// What is asked of code.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    pub slot: B256,
    /// The topics of the events that tell of it.
    pub topics: &'a [B256],
}

/// What all code of one account may do to a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Of each code, in the order in which it was given.
    pub writes: Vec<Writes>,
    /// Slots that hold lengths by which elements are found. Where one holds 2^64 or more, elements
    /// lie anywhere.
    pub lengths: BTreeSet<B256>,
}

/// What the codes that run in one account's storage may do to a slot.
pub fn slot_writes(codes: &[Code<'_>], watch: &Watch<'_>) -> Account {
    let known: BTreeSet<_> = codes.iter().map(|code| code.address).collect();
    let mut found: Vec<Option<Found>> = codes.iter().map(|_| None).collect();
    // Libraries bring in libraries, until no code names another one.
    loop {
        let named: BTreeSet<Address> =
            found.iter().flatten().flat_map(|found| found.named.iter().copied()).collect();
        let mut more = false;
        for (code, found) in codes.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            if code.runs != Runs::Named || named.contains(&code.address) {
                *found = Some(Walk::follow(code, watch, &known));
                more = true;
            }
        }
        if !more {
            break;
        }
    }
    let free = Free::of(found.iter().flatten());
    let of = |found: &Option<Found>| found.as_ref().map_or(Writes::Never, |f| f.writes(&free));
    Account {
        writes: found.iter().map(of).collect(),
        lengths: length_slots(found.iter().flatten()),
    }
}

/// Where code that stands behind a proxy stores something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stores {
    /// In this one slot.
    pub(crate) there: bool,
    /// Elsewhere, or nobody can tell where.
    pub(crate) elsewhere: bool,
}

/// Whether `bytes` stores something in a slot, and elsewhere.
pub(crate) fn stores(bytes: &[u8], slot: B256) -> Stores {
    let code = Code { address: Address::ZERO, bytes, runs: Runs::Behind };
    let found = Walk::follow(&code, &Watch { slot, topics: &[] }, &BTreeSet::new());
    Stores { there: found.stores_there, elsewhere: found.stores_elsewhere || found.unclear }
}

#[cfg(test)]
mod tests;
