//! What this crate reads, in its own words.

use alloy_primitives::{Address, B256, Bytes, U256};
use tidegate_model::ids::BlockRef;

/// A transaction that a node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash.
    pub hash: B256,
    /// Its sender.
    pub from: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its target; `None` creates a contract.
    pub to: Option<Address>,
    /// Its value, in wei.
    pub value: U256,
    /// Its calldata or initcode.
    pub input: Bytes,
    /// Its gas limit.
    pub gas_limit: u64,
    /// The block it is in; `None` while it is pending.
    pub block: Option<BlockRef>,
}

/// What became of an included transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's hash.
    pub transaction: B256,
    /// The block it is in. Before that is final the block may go, and the receipt with it.
    pub block: BlockRef,
    /// Its place in the block.
    pub index: u64,
    /// Its sender.
    pub from: Address,
    /// Its target; `None` created a contract.
    pub to: Option<Address>,
    /// Whether it succeeded.
    pub status: bool,
    /// The gas it used.
    pub gas_used: u64,
    /// The price it paid a gas, in wei.
    pub effective_gas_price: u128,
    /// The address that a creation was for; present even where the creation reverted.
    pub contract_address: Option<Address>,
    /// Its logs, in order.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// What the transaction cost its sender in execution fees, in wei.
    pub fn fee(&self) -> U256 {
        U256::from(self.gas_used).saturating_mul(U256::from(self.effective_gas_price))
    }
}

/// An event that a contract logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// Its topics, at most four.
    pub topics: Vec<B256>,
    /// Its data.
    pub data: Bytes,
    /// The block it is in.
    pub block: BlockRef,
    /// The transaction it is of.
    pub transaction: B256,
    /// Its place among the logs of the block.
    pub index: u64,
}

/// What a view call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned this. An address without code returns nothing.
    Returned(Bytes),
    /// It reverted with this.
    Reverted(Bytes),
}

/// Present fees, by the word of endpoints. A caller bounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeData {
    /// The next block's base fee a gas, in wei.
    pub base_fee: u128,
    /// The priority fee a gas, in wei, that the median transaction of recent blocks paid.
    pub priority_fee: u128,
}

/// A transaction whose gas is to be estimated on the latest state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasQuery {
    /// Its sender.
    pub from: Address,
    /// Its target; `None` creates a contract.
    pub to: Option<Address>,
    /// Its calldata or initcode.
    pub data: Bytes,
    /// Its value, in wei.
    pub value: U256,
}
