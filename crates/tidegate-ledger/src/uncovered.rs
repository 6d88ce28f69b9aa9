//! What no request covers: value that came in unasked, and spend of own funds.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use tidegate_model::ChainId;

use crate::account::Commodity;

/// Value that a watched wallet received and that no statement names. It passes the gate, and is
/// named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Income {
    pub chain: ChainId,
    pub wallet: Address,
    /// The amount, in wei.
    pub amount: U256,
    /// Who sent it in which transaction; none where it came inside transactions that were not
    /// read, by the end of a contract, or as a block's reward.
    pub by: Option<(Address, B256)>,
    /// The first and the last block in which it may have come; mostly one.
    pub blocks: (u64, u64),
}

/// Spend that no request covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OwnFunds {
    pub commodity: Commodity,
    /// The amount, in wei.
    pub amount: U256,
}

impl fmt::Display for Income {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.blocks;
        write!(f, "{} wei came to {} ", self.amount, self.wallet)?;
        match &self.by {
            Some((sender, transaction)) => {
                write!(f, "from {sender} in transaction {transaction}, ")?;
            }
            None => f.write_str("inside transactions of others or as a reward, ")?,
        }
        if first == last {
            write!(f, "in block {last}")
        } else {
            write!(f, "between blocks {first} and {last}")
        }
    }
}
