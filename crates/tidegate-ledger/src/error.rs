//! Facts that cannot be booked.

use alloy_primitives::{Address, B256};
use tidegate_model::ChainId;

use crate::account::NetworkLabel;

/// Facts that contradict themselves or do not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// One chain twice.
    #[error("book chain {0}: it is listed twice")]
    RepeatedChain(ChainId),
    /// Two networks whose accounts would have one name.
    #[error("book network {0}: another network has the same account name")]
    RepeatedLabel(NetworkLabel),
    /// One wallet twice.
    #[error("book wallet {1} on chain {0}: it is listed twice")]
    RepeatedWallet(ChainId, Address),
    /// One transaction twice.
    #[error("book transaction {1} on chain {0}: it is listed twice")]
    RepeatedTransaction(ChainId, B256),
    /// Two transactions that cannot both exist.
    #[error("book nonce {nonce} of {from} on chain {chain}: two transactions have it")]
    RepeatedNonce {
        /// The chain.
        chain: ChainId,
        /// The sender.
        from: Address,
        /// The nonce.
        nonce: u64,
    },
    /// Something that the chain may still take back.
    #[error("book {what} on chain {chain}: it is above the finalized block")]
    NotFinal {
        /// The chain.
        chain: ChainId,
        /// What.
        what: String,
    },
    /// An amount beyond 256 bits, sign included.
    #[error("add amounts on chain {0}: they do not fit 256 bits")]
    Overflow(ChainId),
}
