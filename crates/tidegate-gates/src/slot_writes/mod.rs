//! Which storage slots runtime code may write, and whether an event would tell.
//!
//! Watched slots are read when a soak starts and now. In between only events tell of them, so
//! code that can write one in silence has to be known. The code is followed with values that are
//! constants where the code makes them so; whatever else there is counts as chosen by a caller. A
//! path that writes, or runs code of an address that it was given, has to emit the event that
//! tells before it ends: that another path does is worth nothing.
//!
//! Hashes of keys and slots are taken to be no slot of a standard, and neither is what a known
//! distance lies behind one: a standard's slot is made from a text, and one less than its hash.

mod values;
mod walk;

use alloy_primitives::{Address, B256};

use self::walk::Walk;

/// Where code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It is the account's own code. What it delegates to by the slots of the standard is looked
    /// at for itself.
    Own,
    /// The account delegates to it, or what it delegates to does.
    Implementation,
}

/// What code may do to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It never writes it.
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
    /// The slot.
    pub slot: B256,
    /// The topics of the events that tell of it.
    pub topics: &'a [B256],
    /// Where the code runs.
    pub part: Part,
    /// Addresses whose code is looked at for itself wherever this code delegates to them.
    pub known: &'a [Address],
}

/// What runtime code may do to a slot.
pub fn slot_writes(code: &[u8], watch: &Watch<'_>) -> Writes {
    let found = Walk::follow(code, watch);
    match found {
        _ if found.writes_anywhere() => Writes::Anywhere,
        _ if found.silent => Writes::Silently,
        _ if found.elsewhere => Writes::Elsewhere,
        _ if found.unclear => Writes::Unclear,
        _ if found.announced => Writes::Announced,
        _ => Writes::Never,
    }
}

#[cfg(test)]
mod tests;
