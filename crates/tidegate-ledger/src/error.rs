//! Facts that cannot be booked.

use alloy_primitives::{Address, B256};
use tidegate_model::ChainId;

use crate::account::NetworkLabel;

/// Facts that contradict themselves or do not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("cannot book chain {0}: it is listed twice")]
    RepeatedChain(ChainId),
    /// Two networks whose accounts would have one name.
    #[error("cannot book network {0}: another network has the same account name")]
    RepeatedLabel(NetworkLabel),
    #[error("cannot book wallet {1} on chain {0}: it is listed twice")]
    RepeatedWallet(ChainId, Address),
    #[error("cannot book transaction {1} on chain {0}: it is listed twice")]
    RepeatedTransaction(ChainId, B256),
    /// Two transactions that cannot both exist.
    #[error("cannot book nonce {nonce} of {from} on chain {chain}: two transactions have it")]
    RepeatedNonce { chain: ChainId, from: Address, nonce: u64 },
    /// Something that the chain may still take back.
    #[error("cannot book {what} on chain {chain}: it is above the finalized block")]
    NotFinal { chain: ChainId, what: String },
    /// An amount beyond 256 bits, sign included.
    #[error("cannot add amounts on chain {0}: they do not fit 256 bits")]
    Overflow(ChainId),
}
