//! What endpoints write, and its conversion. Endpoints add fields as they please, so that unknown
//! ones are ignored.

use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use serde::Deserialize;
use tidegate_model::ids::{BlockRef, Head};

use crate::{Authorization, Log, Receipt, Transaction};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireHead {
    number: Option<U64>,
    hash: Option<B256>,
    timestamp: U64,
}

impl WireHead {
    /// `None` where the block is not sealed yet.
    pub(crate) fn head(self) -> Option<Head> {
        let block = BlockRef { number: self.number?.to(), hash: self.hash? };
        Some(Head { block, timestamp: self.timestamp.to() })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireRoot {
    pub(crate) hash: Option<B256>,
    pub(crate) state_root: B256,
}

#[derive(Deserialize)]
pub(crate) struct WireBlock {
    pub(crate) hash: Option<B256>,
    pub(crate) transactions: Vec<WireTransaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTransaction {
    hash: B256,
    from: Address,
    nonce: U64,
    to: Option<Address>,
    value: U256,
    input: Bytes,
    gas: U64,
    #[serde(default)]
    authorization_list: Vec<WireAuthorization>,
    block_hash: Option<B256>,
    block_number: Option<U64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAuthorization {
    chain_id: U256,
    address: Address,
    nonce: U64,
    y_parity: U64,
    r: U256,
    s: U256,
}

impl From<WireAuthorization> for Authorization {
    fn from(wire: WireAuthorization) -> Self {
        let signature = (wire.r.into(), wire.s.into(), wire.y_parity == U64::ONE);
        Self::new(wire.chain_id, wire.address, wire.nonce.to(), signature)
    }
}

impl From<WireTransaction> for Transaction {
    fn from(wire: WireTransaction) -> Self {
        let block = wire.block_hash.zip(wire.block_number);
        Self {
            hash: wire.hash,
            from: wire.from,
            nonce: wire.nonce.to(),
            to: wire.to,
            value: wire.value,
            input: wire.input,
            gas_limit: wire.gas.to(),
            authorizations: wire.authorization_list.into_iter().map(Into::into).collect(),
            block: block.map(|(hash, number)| BlockRef { number: number.to(), hash }),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireReceipt {
    transaction_hash: B256,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    transaction_index: U64,
    from: Address,
    to: Option<Address>,
    status: U64,
    gas_used: U64,
    effective_gas_price: U128,
    contract_address: Option<Address>,
    logs: Vec<WireLog>,
}

impl WireReceipt {
    /// `None` where the transaction is not in a block.
    pub(crate) fn receipt(self) -> Option<Receipt> {
        let block = BlockRef { number: self.block_number?.to(), hash: self.block_hash? };
        Some(Receipt {
            transaction: self.transaction_hash,
            block,
            index: self.transaction_index.to(),
            from: self.from,
            to: self.to,
            status: self.status == U64::ONE,
            gas_used: self.gas_used.to(),
            effective_gas_price: self.effective_gas_price.to(),
            contract_address: self.contract_address,
            logs: self.logs.into_iter().map(WireLog::log).collect::<Option<_>>()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    transaction_hash: Option<B256>,
    log_index: Option<U64>,
    #[serde(default)]
    removed: bool,
}

impl WireLog {
    /// `None` where the log is pending or no longer in the chain.
    pub(crate) fn log(self) -> Option<Log> {
        if self.removed {
            return None;
        }
        Some(Log {
            address: self.address,
            topics: self.topics,
            data: self.data,
            block: BlockRef { number: self.block_number?.to(), hash: self.block_hash? },
            transaction: self.transaction_hash?,
            index: self.log_index?.to(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireBaseFee {
    #[serde(default)]
    pub(crate) base_fee_per_gas: Option<U128>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireFees {
    #[serde(default)]
    pub(crate) base_fee_per_gas: Vec<U128>,
    #[serde(default)]
    pub(crate) reward: Option<Vec<Vec<U128>>>,
}
