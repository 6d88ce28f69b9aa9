//! Entries and postings.

use std::fmt;

use alloy_primitives::{Address, B256, I256};
use serde::{Serialize, Serializer};
use tidegate_model::{BlockRef, ChainId, ReleaseRoot, StatementDigest};

use crate::account::{Account, Commodity};

/// Days are counted in seconds of UTC.
pub(crate) const DAY_SECS: u64 = 86_400;

/// One event, with postings that sum to zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The entry's identity.
    pub key: NaturalKey,
    /// The timestamp of the block or statement, in seconds since 1970.
    pub timestamp: u64,
    pub chain: ChainId,
    /// The block; `None` for a statement.
    pub block: Option<BlockRef>,
    /// The transaction's index in the block; `None` for anything else.
    pub tx_index: Option<u32>,
    /// A title that says what is wrong.
    pub kind: EntryKind,
    /// Words for people; exports keep them as far as the format allows.
    pub description: String,
    /// The request that it belongs to; the first, where a spend draws on several.
    pub request: Option<StatementDigest>,
    /// The release that it belongs to.
    pub release: Option<ReleaseRoot>,
    /// Value moves between accounts; they sum to zero.
    pub postings: Vec<Posting>,
    /// The evidence: a receipt, a statement or a block.
    pub evidence: Vec<Evidence>,
}

/// The identity of an entry by what it books. No two entries share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NaturalKey {
    /// A wallet's opening.
    Opening(ChainId, Address),
    Transaction(ChainId, B256),
    /// A decision.
    Statement(StatementDigest),
    /// What came to a wallet in a block by no known transaction.
    Income(ChainId, Address, u64),
    /// A wallet's residue.
    Residue(ChainId, Address),
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A wallet comes into view.
    Opening,
    /// A request was approved: budget is reserved.
    Approval,
    /// A request was denied after an approval: the reserve is released.
    Denial,
    /// The treasury paid out under a request.
    Draw,
    /// A wallet paid back under a request; the rest of the reserve is released.
    Return,
    /// Value moved between watched wallets.
    Transfer,
    /// A watched wallet paid fees or sent value out.
    Spend,
    /// Value came in.
    Receive,
    /// The chain and the known transactions disagree.
    Residue,
}

/// A change of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting {
    pub account: Account,
    pub commodity: Commodity,
    /// The amount, in wei.
    #[serde(serialize_with = "decimal")]
    pub amount: I256,
}

/// The proof of an entry: a transaction, a balance or a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A balance at a block.
    Balance(BlockRef),
    /// A transaction's receipt.
    Receipt { transaction: B256, block: BlockRef },
    /// A signed statement.
    Statement(StatementDigest),
}

impl Entry {
    /// The transaction, for an entry that is one.
    pub const fn transaction(&self) -> Option<B256> {
        match self.key {
            NaturalKey::Transaction(_, hash) => Some(hash),
            _ => None,
        }
    }

    /// The order of the books: day, chain, block, place in the block. A wallet opens with its
    /// balance at the end of a block and so after that block's transactions.
    pub(crate) fn order(&self) -> (u64, ChainId, u64, u64, NaturalKey) {
        let block = self.block.map_or(0, |block| block.number);
        let place = match self.kind {
            EntryKind::Opening => u64::MAX - 1,
            EntryKind::Residue => u64::MAX,
            EntryKind::Receive => self.tx_index.map_or(u64::MAX, u64::from),
            _ => self.tx_index.map_or(0, u64::from),
        };
        (self.timestamp / DAY_SECS, self.chain, block, place, self.key)
    }
}

impl EntryKind {
    /// The word that exports show.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opening => "Open",
            Self::Approval => "Approve",
            Self::Denial => "Deny",
            Self::Draw => "Draw",
            Self::Return => "Return",
            Self::Transfer => "Transfer",
            Self::Spend => "Spend",
            Self::Receive => "Receive",
            Self::Residue => "Residue",
        }
    }
}

impl Evidence {
    /// The word that exports show.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Balance(_) => "balance",
            Self::Receipt { .. } => "receipt",
            Self::Statement(_) => "statement",
        }
    }
}

fn decimal<S: Serializer>(amount: &I256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

impl fmt::Display for NaturalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening(chain, wallet) => write!(f, "the opening of {wallet} on chain {chain}"),
            Self::Transaction(chain, hash) => write!(f, "transaction {hash} on chain {chain}"),
            Self::Statement(digest) => write!(f, "statement {digest}"),
            Self::Income(chain, wallet, block) => {
                write!(f, "the income of {wallet} on chain {chain} in block {block}")
            }
            Self::Residue(chain, wallet) => write!(f, "the residue of {wallet} on chain {chain}"),
        }
    }
}
