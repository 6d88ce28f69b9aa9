//! State at a block, pinned to its hash (EIP-1898), and what is only ever of the moment.

use alloy_primitives::{Address, B256, Bytes, U64, U128, U256, keccak256};
use serde_json::{Value, json};
use tidegate_model::ids::BlockRef;
use tidegate_model::ports::{AccountState, StateKey, StateSnapshot};

use crate::endpoint::Endpoint;
use crate::wire::WireFees;
use crate::{CallOutcome, EndpointError, FeeData, GasQuery, Network, ReadError, Subject};

/// The code that most nodes give a revert.
const REVERT_CODE: i64 = 3;
/// The error text of nodes that give no revert data.
const REVERT_TEXT: &str = "execution reverted";
const FEE_BLOCKS: u64 = 10;
const FEE_PERCENTILE: f64 = 50.0;

/// State pinned to the hash of a block, which must belong to the chain.
impl Network {
    /// An account's code; empty where it has none.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn code(&self, address: Address, at: BlockRef) -> Result<Bytes, ReadError> {
        self.pinned(Subject::Code(address), "eth_getCode", json!([address, pin(at)])).await
    }

    /// keccak256 of an account's code; that of nothing where it has none.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn code_hash(&self, address: Address, at: BlockRef) -> Result<B256, ReadError> {
        Ok(keccak256(self.code(address, at).await?))
    }

    /// An account's balance, in wei.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn balance(&self, address: Address, at: BlockRef) -> Result<U256, ReadError> {
        self.pinned(Subject::Balance(address), "eth_getBalance", json!([address, pin(at)])).await
    }

    /// An account's nonce: how many of its transactions the chain holds.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn nonce(&self, address: Address, at: BlockRef) -> Result<u64, ReadError> {
        let params = json!([address, pin(at)]);
        let nonce: U64 =
            self.pinned(Subject::Nonce(address), "eth_getTransactionCount", params).await?;
        Ok(nonce.to())
    }

    /// One storage slot.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn storage(
        &self,
        address: Address,
        slot: U256,
        at: BlockRef,
    ) -> Result<U256, ReadError> {
        let params = json!([address, slot, pin(at)]);
        self.pinned(Subject::Slot(address, slot), "eth_getStorageAt", params).await
    }

    /// One storage slot after the block at a height, which must be final. Nodes that keep the
    /// state of the latest blocks only give no answer.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn storage_at_height(
        &self,
        address: Address,
        slot: U256,
        number: u64,
    ) -> Result<U256, ReadError> {
        let params = json!([address, slot, U64::from(number)]);
        self.pinned(Subject::Slot(address, slot), "eth_getStorageAt", params).await
    }

    /// The return data of a view call (`eth_call`) at a block.
    ///
    /// # Errors
    /// If it reverts, too few endpoints answer, or they disagree.
    pub async fn call(&self, to: Address, data: &Bytes, at: BlockRef) -> Result<Bytes, ReadError> {
        match self.try_call(to, data, at).await? {
            CallOutcome::Returned(bytes) => Ok(bytes),
            CallOutcome::Reverted(data) => {
                Err(ReadError::Reverted { what: Subject::Call(to), data })
            }
        }
    }

    /// As [`Network::call`], with a revert as an outcome that endpoints agree on like any other.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn try_call(
        &self,
        to: Address,
        data: &Bytes,
        at: BlockRef,
    ) -> Result<CallOutcome, ReadError> {
        self.calls(Subject::Call(to), json!([{"to": to, "data": data}, pin(at)])).await
    }

    /// The return or revert data of initcode that runs in `eth_call` with this much gas. Nothing is
    /// sent.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn try_creation(
        &self,
        initcode: &Bytes,
        gas: u64,
        at: BlockRef,
    ) -> Result<CallOutcome, ReadError> {
        self.calls(Subject::Creation, json!([{"data": initcode, "gas": U64::from(gas)}, pin(at)]))
            .await
    }

    /// Fetches what a local execution found missing in a snapshot, at the snapshot's block.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree; or a block hash is asked of a later block.
    pub async fn fill(&self, snapshot: &mut StateSnapshot, key: StateKey) -> Result<(), ReadError> {
        let at = snapshot.head.block;
        match key {
            StateKey::Account(address) => {
                let state = AccountState {
                    balance: self.balance(address, at).await?,
                    nonce: self.nonce(address, at).await?,
                    code: self.code(address, at).await?,
                };
                snapshot.accounts.insert(address, state);
            }
            StateKey::Slot(address, slot) => {
                let value = self.storage(address, slot, at).await?;
                snapshot.slots.insert((address, slot), value);
            }
            StateKey::BlockHash(number) if number < at.number => {
                let head = self.head_at(number).await?;
                snapshot.block_hashes.insert(number, head.block.hash);
            }
            StateKey::BlockHash(number) => {
                return Err(ReadError::NotFound { what: Subject::BlockNumber(number) });
            }
        }
        Ok(())
    }

    async fn calls(&self, what: Subject, params: Value) -> Result<CallOutcome, ReadError> {
        let params = &params;
        self.agree(what, |endpoint| async move {
            match endpoint.read("eth_call", params.clone()).await {
                Ok(bytes) => Ok(CallOutcome::Returned(bytes)),
                Err(error) => revert_data(error).map(CallOutcome::Reverted),
            }
        })
        .await
    }

    async fn pinned<T: serde::de::DeserializeOwned + PartialEq>(
        &self,
        what: Subject,
        method: &'static str,
        params: Value,
    ) -> Result<T, ReadError> {
        self.agree(what, |endpoint| endpoint.read(method, params.clone())).await
    }
}

/// What is only of the moment. No two endpoints need to agree on it, so that nothing but the
/// next action may rest on it.
impl Network {
    /// The nonce after all of an account's transactions that a node has seen, included or not:
    /// the highest that an endpoint gives. It may veto a nonce, never choose one.
    ///
    /// # Errors
    /// If too few endpoints answer.
    pub async fn pending_nonce(&self, address: Address) -> Result<u64, ReadError> {
        let what = Subject::Nonce(address);
        let answers = self
            .answers(what, |endpoint| async move {
                let params = json!([address, "pending"]);
                endpoint.read::<U64>("eth_getTransactionCount", params).await
            })
            .await?;
        let highest = answers.given().iter().map(|(_, nonce)| nonce.to()).max();
        highest.ok_or(ReadError::NotFound { what })
    }

    /// Present fees, of all endpoints that answer: the highest base fee, which the next block
    /// decides in any case, and the lowest tip, which nobody decides but who pays it.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn fee_data(&self) -> Result<FeeData, ReadError> {
        let asked = self.raw_endpoints().iter().map(fees_of);
        let (mut given, mut failed) = (Vec::new(), None);
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Ok(fees) => given.push(fees),
                Err(error) => failed = Some(Box::new(error)),
            }
        }
        let what = Subject::Fees;
        match (lowest_tip(&given), failed) {
            (Some(fees), _) => Ok(fees),
            (None, Some(source)) => Err(ReadError::Endpoint { what, source }),
            (None, None) => Err(ReadError::NotFound { what }),
        }
    }

    /// The gas that a transaction needs on the latest state, by the word of the first endpoint
    /// that answers.
    ///
    /// # Errors
    /// If it would revert, or no endpoint answers.
    pub async fn estimate_gas(&self, query: &GasQuery) -> Result<u64, ReadError> {
        let what = Subject::Gas;
        let estimate: Result<U64, Bytes> = self
            .first(what, |endpoint| async move {
                let GasQuery { from, to, data, value } = query;
                let mut transaction = json!({"from": from, "data": data, "value": value});
                if let Some(to) = to {
                    transaction["to"] = json!(to);
                }
                match endpoint.read("eth_estimateGas", json!([transaction, "latest"])).await {
                    Ok(gas) => Ok(Ok(gas)),
                    Err(error) => revert_data(error).map(Err),
                }
            })
            .await?;
        estimate.map(|gas| gas.to()).map_err(|data| ReadError::Reverted { what, data })
    }
}

/// The fee data of one endpoint.
async fn fees_of(endpoint: &Endpoint) -> Result<FeeData, EndpointError> {
    let method = "eth_feeHistory";
    let params = json!([U64::from(FEE_BLOCKS), "latest", [FEE_PERCENTILE]]);
    let fees: WireFees = endpoint.read(method, params).await?;
    let base_fee = fees.base_fee_per_gas.last();
    let base_fee = base_fee.ok_or_else(|| endpoint.bad_answer(method, "fees"))?.to();
    let paid = fees.reward.unwrap_or_default();
    let mut paid: Vec<U128> = paid.into_iter().filter_map(|block| block.first().copied()).collect();
    paid.sort_unstable();
    let priority_fee = match paid.get(paid.len() / 2) {
        Some(median) if !median.is_zero() => *median,
        _ => endpoint.read("eth_maxPriorityFeePerGas", json!([])).await?,
    };
    Ok(FeeData { base_fee, priority_fee: priority_fee.to() })
}

/// An endpoint that says nothing of tips does not lower them to nothing.
fn lowest_tip(given: &[FeeData]) -> Option<FeeData> {
    let base_fee = given.iter().map(|fees| fees.base_fee).max()?;
    let tips = given.iter().map(|fees| fees.priority_fee);
    let priority_fee = tips.filter(|tip| *tip > 0).min().unwrap_or_default();
    Some(FeeData { base_fee, priority_fee })
}

fn pin(at: BlockRef) -> Value {
    json!({"blockHash": at.hash, "requireCanonical": true})
}

/// The revert data of a failed call; the error itself if it is not a revert.
fn revert_data(error: EndpointError) -> Result<Bytes, EndpointError> {
    match error {
        EndpointError::Rpc { data: Some(data), .. } => Ok(data),
        EndpointError::Rpc { code, ref message, .. }
            if code == REVERT_CODE || message.starts_with(REVERT_TEXT) =>
        {
            Ok(Bytes::new())
        }
        error => Err(error),
    }
}
