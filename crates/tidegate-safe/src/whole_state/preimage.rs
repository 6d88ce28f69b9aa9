//! What a Safe executed, by the hash that it logged.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent, SolStruct};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::ChainId;

use super::past::abi;
use super::storage::SafeLog;
use crate::exec::abi::execTransactionCall;
use crate::tx::{SafeTx, Wire, domain, eip712};

/// The most executions that one transaction's calldata is searched for.
const CANDIDATES_MAX: usize = 256;

/// A transaction of a Safe with everything that its hash covers, also the gas and refund fields
/// that none of ours uses. Whoever made it, its hash says whether it is the one that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preimage(Wire);

impl Preimage {
    /// The one in the text of a proposal's file. Nothing else in the file is looked at: it may be
    /// of another version of the format, or damaged elsewhere.
    pub fn in_proposal(text: &[u8]) -> Option<Self> {
        let mut file: Value = serde_json::from_slice(text).ok()?;
        serde_json::from_value(file.get_mut("safeTx")?.take()).ok()
    }

    /// The EIP-712 hash that the owners of `safe` on `chain` sign.
    pub fn hash(&self, chain: ChainId, safe: Address) -> B256 {
        eip712::SafeTx::from(&self.0).eip712_signing_hash(&domain(chain, safe))
    }

    /// The recipient.
    pub(super) fn to(&self) -> Address {
        self.0.to
    }

    /// 0 is a call, 1 a delegate call.
    pub(super) fn operation(&self) -> u8 {
        self.0.operation
    }

    /// The calldata.
    pub(super) fn data(&self) -> &[u8] {
        &self.0.data
    }

    fn at_nonce(&self, nonce: u64) -> Self {
        Self(Wire { nonce, ..self.0.clone() })
    }
}

impl From<&SafeTx> for Preimage {
    fn from(tx: &SafeTx) -> Self {
        Self(tx.clone().into())
    }
}

/// Transactions of one Safe, each under the hash that it has: nothing stands under another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preimages {
    chain: ChainId,
    safe: Address,
    by_hash: BTreeMap<B256, Preimage>,
}

impl Preimages {
    /// An empty set of known transactions of `safe`.
    pub fn new(chain: ChainId, safe: Address) -> Self {
        Self { chain, safe, by_hash: BTreeMap::new() }
    }

    /// The hash that a transaction has for this Safe.
    pub fn hash(&self, tx: &Preimage) -> B256 {
        tx.hash(self.chain, self.safe)
    }

    /// Adds one, and returns its hash.
    pub fn add(&mut self, tx: Preimage) -> B256 {
        let hash = self.hash(&tx);
        self.by_hash.insert(hash, tx);
        hash
    }

    /// The one that has a hash.
    pub fn get(&self, hash: B256) -> Option<&Preimage> {
        self.by_hash.get(&hash)
    }

    /// Adds those of `hashes` that calldata carries at any place in it, or that the Safe logged in
    /// the same transaction. `nonces` are those that the transaction used: neither says its own.
    pub(super) fn add_carried(
        &mut self,
        hashes: &[B256],
        nonces: std::ops::Range<u64>,
        (input, logs): (&[u8], &[SafeLog]),
    ) {
        for candidate in carried(input, logs) {
            for tx in nonces.clone().map(|nonce| candidate.at_nonce(nonce)) {
                if hashes.contains(&self.hash(&tx)) {
                    self.add(tx);
                }
            }
        }
    }
}

/// Every execution that calldata carries, at any place in it, and those that the Safe logged.
fn carried(input: &[u8], logs: &[SafeLog]) -> Vec<Preimage> {
    macro_rules! preimage {
        ($call:ident) => {
            Preimage(Wire {
                to: $call.to,
                value: $call.value,
                data: $call.data,
                operation: $call.operation,
                safe_tx_gas: $call.safeTxGas,
                base_gas: $call.baseGas,
                gas_price: $call.gasPrice,
                gas_token: $call.gasToken,
                refund_receiver: $call.refundReceiver,
                nonce: 0,
            })
        };
    }
    let selector = execTransactionCall::SELECTOR;
    let places = input.windows(4).enumerate().filter(|(_, bytes)| *bytes == selector);
    let calls = places.take(CANDIDATES_MAX).filter_map(|(at, _)| {
        let call = execTransactionCall::abi_decode(&input[at..]).ok()?;
        Some(preimage!(call))
    });
    let logged = logs.iter().filter_map(|log| {
        let topic = abi::SafeMultiSigTransaction::SIGNATURE_HASH;
        let log = log.topics.first().filter(|is| **is == topic).map(|_| log.log_data())?;
        let event = abi::SafeMultiSigTransaction::decode_log_data(&log).ok()?;
        Some(preimage!(event))
    });
    calls.chain(logged).collect()
}

impl From<&Wire> for eip712::SafeTx {
    fn from(tx: &Wire) -> Self {
        Self {
            to: tx.to,
            value: tx.value,
            data: tx.data.clone(),
            operation: tx.operation,
            safeTxGas: tx.safe_tx_gas,
            baseGas: tx.base_gas,
            gasPrice: tx.gas_price,
            gasToken: tx.gas_token,
            refundReceiver: tx.refund_receiver,
            nonce: U256::from(tx.nonce),
        }
    }
}
