//! What a transaction did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, Bytes, Log, U256};

use crate::call::{FailedCall, Reached};
use crate::diff::StateDiff;
use crate::failure::Failure;
use crate::relied::Relied;

/// The result of a transaction. A failed one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The failure; `None` if it succeeded.
    pub failure: Option<Failure>,
    /// The return data, or the revert data.
    pub output: Bytes,
    /// The gas a receipt would show: after refunds, at least the calldata floor.
    pub gas_used: u64,
    /// The gas spent before refunds, without the calldata floor. A gas limit must be at least
    /// this and `gas_used`, and more where calls are nested, because each keeps 1/64 back.
    pub gas_spent: u64,
    /// The events, in order.
    pub logs: Vec<Log>,
    /// Contracts that exist since this transaction, in the order of their creation.
    pub created: Vec<Made>,
    /// The changes of accounts.
    pub diff: StateDiff,
    /// The path to the failure, outermost call first. From each failed call it goes on to the
    /// last call that this one made, where that one failed too: that finds the reason behind a
    /// wrapper that hides it (Safe 1.4.1 answers `GS013`), but a contract that caught a failure
    /// and then failed for another reason looks the same.
    pub trail: Vec<FailedCall>,
    /// Every call that reached an account that was watched, in order; also of calls that failed
    /// and were caught.
    pub reached: Vec<Reached>,
    /// The state that it looked at, also if it failed.
    pub seen: Seen,
}

/// A contract that a transaction created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    pub at: Address,
    /// The account that created it.
    pub by: Address,
}

/// Accounts, slots and values that code looked at while it ran, each with the account in whose
/// context it did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Looks at accounts: whose code looked, at which account, and at what of it.
    pub looks: BTreeSet<Look>,
    /// Every slot that was read.
    pub slots: BTreeSet<(Address, U256)>,
    /// Every slot that was written, also with what it held.
    pub written: BTreeSet<(Address, U256)>,
    /// Pairs of an account and the account whose code it ran as its own.
    pub borrowed: BTreeSet<(Address, Address)>,
    /// The preimages of hashes, such as the keys of mappings. Long ones are left out.
    pub hashes: BTreeMap<U256, Bytes>,
    /// Questions for what the sender or the block's maker chooses, with the account that asked.
    pub asked: BTreeSet<(Address, Asked)>,
    /// Words that were compared with each other, or subtracted, which is how compilers do it.
    pub compared: BTreeSet<(U256, U256)>,
    /// The opcodes and precompiles that not every chain has alike.
    pub relied: Relied,
    /// Whether there was more than is kept.
    pub is_cut: bool,
}

/// A value that the sender of a transaction or the maker of its block chooses. Block number and
/// time are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Who sends it.
    Origin,
    /// What they pay for gas.
    GasPrice,
    /// The blobs that the transaction carries.
    Blobs,
    /// How much gas is left, for anything but the gas of a call.
    Gas,
    /// Who makes the block, its randomness, its fees, its gas limit, or an older block's hash.
    Block,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "tx.origin",
            Self::GasPrice => "tx.gasprice",
            Self::Blobs => "blobhash",
            Self::Gas => "the gas that is left (gasleft)",
            Self::Block => "block.coinbase, block.prevrandao, blockhash or fees of the block",
        })
    }
}

/// One account looked at by code of another one, or its own balance by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// Whose code looked; of borrowed code there is a second look, from whose context it was.
    pub from: Address,
    /// The account that was looked at.
    pub at: Address,
    /// At what of it.
    pub part: Part,
}

/// A part of an account that code can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its code is run.
    Runs,
    /// Its code, the size or the hash of it.
    Code,
    Balance,
}

impl Seen {
    /// Adds what another run saw.
    pub fn extend(&mut self, other: Self) {
        self.looks.extend(other.looks);
        self.slots.extend(other.slots);
        self.written.extend(other.written);
        self.borrowed.extend(other.borrowed);
        self.hashes.extend(other.hashes);
        self.asked.extend(other.asked);
        self.compared.extend(other.compared);
        self.relied.extend(other.relied);
        self.is_cut |= other.is_cut;
    }
}

impl Outcome {
    /// Whether it succeeded.
    pub fn is_success(&self) -> bool {
        self.failure.is_none()
    }

    /// The innermost failed call: in general the one to tell people about.
    pub fn cause(&self) -> Option<&FailedCall> {
        self.trail.last()
    }

    /// The failure in a few words, with the innermost call where it is another one.
    pub fn why(&self) -> Why<'_> {
        Why(self)
    }
}

/// Writes why a transaction failed; made by [`Outcome::why`].
#[derive(Debug)]
pub struct Why<'a>(&'a Outcome);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(failure) = &self.0.failure else { return f.write_str("succeeded") };
        match self.0.trail.as_slice() {
            // A reason that was handed up needs saying once.
            [_, .., cause] if cause.failure == *failure => write!(f, "{cause}"),
            [_, .., cause] => write!(f, "{failure}, because {cause}"),
            _ => write!(f, "{failure}"),
        }
    }
}
