//! Sending test transactions, signed here and sent raw.

use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEip7702, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip7702::Authorization;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U64, U256};
use serde_json::{Value, json};
use tidegate_model::ids::BlockRef;

use crate::{Anvil, TestkitError};

const RECEIPT_WAIT_SECS_MAX: u64 = 20;
const RECEIPT_POLL_MS: u64 = 5;
const PRIORITY_FEE_WEI: u128 = 1_000_000_000;

/// A transaction to be signed. What is `None` is asked of the node.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// Its target; `None` creates a contract.
    pub to: Option<Address>,
    /// Its calldata or initcode.
    pub data: Bytes,
    /// Its value, in wei.
    pub value: U256,
    /// Its nonce.
    pub nonce: Option<u64>,
    /// Its gas limit. Where it is given nothing is estimated, so that a revert can be mined.
    pub gas: Option<u64>,
    /// Its priority fee a gas, in wei; 1 gwei where it is not given.
    pub priority_fee: Option<u128>,
}

impl Transaction {
    /// A call of `to`.
    pub fn call(to: Address, data: impl Into<Bytes>) -> Self {
        Self { to: Some(to), ..Self::create(data) }
    }

    /// A creation.
    pub fn create(initcode: impl Into<Bytes>) -> Self {
        Self {
            to: None,
            data: initcode.into(),
            value: U256::ZERO,
            nonce: None,
            gas: None,
            priority_fee: None,
        }
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its hash.
    pub hash: B256,
    /// The block it is in.
    pub block: BlockRef,
    /// Whether it succeeded.
    pub status: bool,
    /// The gas it used.
    pub gas_used: u64,
    /// The price it paid a gas, in wei.
    pub effective_gas_price: u128,
    /// The contract it created.
    pub contract_address: Option<Address>,
    /// Its logs.
    pub logs: Vec<Log>,
}

impl Anvil {
    /// Sends a call or, with `to` `None`, a creation, and waits until it is included. On a chain
    /// that nothing mines, mines one block.
    ///
    /// # Errors
    /// If it would revert, reverted, or was not included.
    pub fn send(
        &self,
        key: &PrivateKeySigner,
        to: Option<Address>,
        data: impl Into<Bytes>,
        value: U256,
    ) -> Result<Receipt, TestkitError> {
        let transaction = Transaction { to, value, ..Transaction::create(data) };
        let receipt = self.send_transaction(key, &transaction)?;
        if receipt.status { Ok(receipt) } else { Err(TestkitError::Reverted(receipt.hash)) }
    }

    /// Sends a transaction and waits until it is included, whether it succeeds or reverts.
    ///
    /// # Errors
    /// If the node refuses it or it was not included.
    pub fn send_transaction(
        &self,
        key: &PrivateKeySigner,
        transaction: &Transaction,
    ) -> Result<Receipt, TestkitError> {
        let raw = self.sign(key, transaction)?;
        self.include(&raw)
    }

    /// Signs a transaction and sends nothing.
    ///
    /// # Errors
    /// If the node does not answer, or the gas cannot be estimated because it reverts.
    pub fn sign(
        &self,
        key: &PrivateKeySigner,
        transaction: &Transaction,
    ) -> Result<Bytes, TestkitError> {
        let from = key.address();
        let nonce = match transaction.nonce {
            Some(nonce) => nonce,
            None => self.quantity("eth_getTransactionCount", json!([from, "pending"]))?,
        };
        let gas = match transaction.gas {
            Some(gas) => gas,
            None => self.quantity(
                "eth_estimateGas",
                json!([{"from": from, "to": transaction.to, "data": transaction.data,
                        "value": transaction.value}, "pending"]),
            )?,
        };
        let priority = transaction.priority_fee.unwrap_or(PRIORITY_FEE_WEI);
        let price = self.quantity("eth_gasPrice", json!([]))?;
        let unsigned = TxEip1559 {
            chain_id: self.chain_id(),
            nonce,
            gas_limit: gas,
            max_fee_per_gas: u128::from(price) * 2 + priority,
            max_priority_fee_per_gas: priority,
            to: transaction.to.map_or(TxKind::Create, TxKind::Call),
            value: transaction.value,
            access_list: Default::default(),
            input: transaction.data.clone(),
        };
        let signature =
            key.sign_hash_sync(&unsigned.signature_hash()).map_err(TestkitError::Sign)?;
        Ok(TxEnvelope::Eip1559(unsigned.into_signed(signature)).encoded_2718().into())
    }

    /// Sends a transaction of type 4 to nobody, by which the account of `authority` runs `code`
    /// from then on; nobody's where that is zero (EIP-7702). The authority may be the sender.
    ///
    /// # Errors
    /// If the node refuses it or it was not included.
    pub fn authorize(
        &self,
        key: &PrivateKeySigner,
        authority: &PrivateKeySigner,
        code: Address,
    ) -> Result<Receipt, TestkitError> {
        /// More than a transfer and one authorization take.
        const GAS: u64 = 100_000;
        let of = |who: Address| self.quantity("eth_getTransactionCount", json!([who, "pending"]));
        let nonce = of(key.address())?;
        let own = u64::from(key.address() == authority.address());
        let chain_id = U256::from(self.chain_id());
        let given =
            Authorization { chain_id, address: code, nonce: of(authority.address())? + own };
        let signed = authority.sign_hash_sync(&given.signature_hash());
        let given = given.into_signed(signed.map_err(TestkitError::Sign)?);
        let price = self.quantity("eth_gasPrice", json!([]))?;
        let unsigned = TxEip7702 {
            chain_id: self.chain_id(),
            nonce,
            gas_limit: GAS,
            max_fee_per_gas: u128::from(price) * 2 + PRIORITY_FEE_WEI,
            max_priority_fee_per_gas: PRIORITY_FEE_WEI,
            to: Address::repeat_byte(0x99),
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: vec![given],
            input: Bytes::new(),
        };
        let signature =
            key.sign_hash_sync(&unsigned.signature_hash()).map_err(TestkitError::Sign)?;
        let raw = TxEnvelope::Eip7702(unsigned.into_signed(signature)).encoded_2718();
        self.include(&raw)
    }

    /// Sends raw bytes and returns the hash that the node gives.
    ///
    /// # Errors
    /// If the node refuses them.
    pub fn send_raw(&self, raw: &[u8]) -> Result<B256, TestkitError> {
        let raw = Bytes::copy_from_slice(raw);
        self.parsed("eth_sendRawTransaction", json!([raw]), "a hash")
    }

    /// Sends raw bytes and waits until they are included. On a chain that nothing mines, mines
    /// one block.
    ///
    /// # Errors
    /// If the node refuses them or they were not included.
    pub fn include(&self, raw: &[u8]) -> Result<Receipt, TestkitError> {
        let hash = self.send_raw(raw)?;
        if !self.mines_by_itself() {
            self.mine(1)?;
        }
        self.wait_receipt(hash)
    }

    /// Waits for the receipt of a transaction that something else mines.
    ///
    /// # Errors
    /// If it was not included in time.
    #[expect(clippy::disallowed_methods, reason = "a test waits")]
    pub fn wait_receipt(&self, hash: B256) -> Result<Receipt, TestkitError> {
        let until = Instant::now() + Duration::from_secs(RECEIPT_WAIT_SECS_MAX);
        loop {
            if let Some(receipt) = self.receipt(hash)? {
                return Ok(receipt);
            }
            if Instant::now() > until {
                return Err(TestkitError::NotIncluded(hash));
            }
            std::thread::sleep(Duration::from_millis(RECEIPT_POLL_MS));
        }
    }

    /// The receipt of a transaction, or `None` while there is none.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn receipt(&self, hash: B256) -> Result<Option<Receipt>, TestkitError> {
        let method = "eth_getTransactionReceipt";
        match self.rpc(method, json!([hash]))? {
            Value::Null => Ok(None),
            raw => match receipt_of(hash, &raw) {
                Some(receipt) => Ok(Some(receipt)),
                None => {
                    Err(TestkitError::Shape { method: method.to_owned(), expected: "a receipt" })
                }
            },
        }
    }

    fn quantity(&self, method: &str, params: Value) -> Result<u64, TestkitError> {
        self.parsed::<U64>(method, params, "a number").map(|number| number.to())
    }
}

fn receipt_of(hash: B256, raw: &Value) -> Option<Receipt> {
    let number = |name: &str| serde_json::from_value::<U256>(raw[name].clone()).ok();
    Some(Receipt {
        hash,
        block: BlockRef {
            number: number("blockNumber")?.try_into().ok()?,
            hash: serde_json::from_value(raw["blockHash"].clone()).ok()?,
        },
        status: number("status")? == U256::ONE,
        gas_used: number("gasUsed")?.try_into().ok()?,
        effective_gas_price: number("effectiveGasPrice")?.try_into().ok()?,
        contract_address: serde_json::from_value(raw["contractAddress"].clone()).ok()?,
        logs: serde_json::from_value(raw["logs"].clone()).ok()?,
    })
}
