//! For which target something is said, and when: at a block of it.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::digest::project_id;
use crate::ids::{BlockRef, ChainId, Head, ProjectId};

/// The most seconds of the target's chain time between writing typed data and taking its signature.
/// Two days, so that a wallet can be fetched.
pub const WRITTEN_SECS_MAX: u64 = 48 * 3_600;

/// A block of the target, which a statement names and is dated by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// The target's chain, which is in the domain.
    pub chain: ChainId,
    /// The block's height, or 0.
    pub number: u64,
    /// Its hash, or zero where an attestation names no block.
    pub hash: B256,
}

impl At {
    /// A block of a chain.
    pub const fn new(chain: ChainId, block: BlockRef) -> Self {
        Self { chain, number: block.number, hash: block.hash }
    }

    /// No block: an attestation may be dated by its author alone.
    pub const fn no_block(chain: ChainId) -> Self {
        Self { chain, number: 0, hash: B256::ZERO }
    }

    /// The block, if one is named.
    pub fn block(&self) -> Option<BlockRef> {
        (!self.hash.is_zero()).then_some(BlockRef { number: self.number, hash: self.hash })
    }
}

/// A block and its time, by which a statement is dated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Date {
    /// The block.
    pub at: At,
    /// Its time, in seconds.
    pub time: u64,
}

impl Date {
    /// The date that a block gives.
    pub const fn of(chain: ChainId, head: Head) -> Self {
        Self { at: At::new(chain, head.block), time: head.timestamp }
    }
}

/// The project that a statement belongs to: with the chain of its block that is one target.
/// Projects of one name are a family: whoever stops one target stops them all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectRef {
    /// The project's name.
    pub name: String,
    /// The target's Safe.
    pub safe: Address,
}

impl ProjectRef {
    /// The project's id on a chain.
    pub fn id(&self, chain: ChainId) -> ProjectId {
        project_id(chain, self.safe, &self.name)
    }
}
