//! What is sent to it: the rules of nodes for bytes that they take.

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy_primitives::{B256, U256};
use tidegate_chain::Transaction;
use tidegate_model::ChainId;

use super::{Pending, World};

impl World {
    /// Takes bytes into the pool, as nodes do.
    pub(super) fn take(&mut self, chain: ChainId, raw: &[u8]) -> Result<B256, (i64, &'static str)> {
        let pending = read(chain, raw)?;
        let Pending { tx, max_fee, tip } = &pending;
        let account = self.account(tx.from).clone();
        if tx.nonce < account.nonce {
            return Err((-32_000, "nonce too low"));
        }
        let cost = U256::from(*max_fee) * U256::from(tx.gas_limit) + tx.value;
        if account.balance < cost {
            return Err((-32_000, "insufficient funds"));
        }
        let same = |other: &Pending| (other.tx.from, other.tx.nonce) == (tx.from, tx.nonce);
        if let Some(at) = self.pool.iter().position(same) {
            let old = &self.pool[at];
            if old.tx.hash == tx.hash {
                return Err((-32_000, "already known"));
            }
            if *max_fee < old.max_fee / 10 * 11 || *tip < old.tip / 10 * 11 {
                return Err((-32_000, "replacement transaction underpriced"));
            }
            self.pool.remove(at);
        }
        let hash = tx.hash;
        self.pool.push(pending);
        Ok(hash)
    }
}

/// Reads signed bytes as a node does: the sender is whoever signed them.
pub(crate) fn read(chain: ChainId, raw: &[u8]) -> Result<Pending, (i64, &'static str)> {
    let envelope = TxEnvelope::decode_2718_exact(raw).map_err(|_| (-32_602, "rlp"))?;
    let TxEnvelope::Eip1559(signed) = envelope else { return Err((-32_602, "another type")) };
    if signed.tx().chain_id != chain.0 {
        return Err((-32_000, "invalid chain id"));
    }
    let hash = signed.signature_hash();
    let from = signed.signature().recover_address_from_prehash(&hash);
    let from = from.map_err(|_| (-32_602, "invalid sender"))?;
    let tx = Transaction {
        hash: *signed.hash(),
        from,
        nonce: signed.tx().nonce,
        to: signed.tx().to(),
        value: signed.tx().value,
        input: signed.tx().input.clone(),
        gas_limit: signed.tx().gas_limit,
        authorizations: Vec::new(),
        block: None,
    };
    let (max_fee, tip) = (signed.tx().max_fee_per_gas, signed.tx().max_priority_fee_per_gas);
    Ok(Pending { tx, max_fee, tip })
}
