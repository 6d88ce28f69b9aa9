//! State at a block, pinned to its hash (EIP-1898), and what is only ever of the moment.

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use serde_json::{Value, json};
use tidegate_model::ids::BlockRef;
use tidegate_model::ports::{AccountState, StateKey, StateSnapshot};

use crate::{CallOutcome, EndpointError, GasQuery, Network, ReadError, Subject};

/// The code that most nodes give a revert.
const REVERT_CODE: i64 = 3;
/// The error text of nodes that give no revert data.
const REVERT_TEXT: &str = "execution reverted";

/// State pinned to the hash of a block, which must belong to the chain.
impl Network {
    /// An account's code; empty where it has none.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn code(&self, address: Address, at: BlockRef) -> Result<Bytes, ReadError> {
        self.pinned(Subject::Code(address), "eth_getCode", json!([address]), at).await
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
        self.pinned(Subject::Balance(address), "eth_getBalance", json!([address]), at).await
    }

    /// An account's nonce: how many of its transactions the chain holds.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn nonce(&self, address: Address, at: BlockRef) -> Result<u64, ReadError> {
        let params = json!([address]);
        let nonce: U64 =
            self.pinned(Subject::Nonce(address), "eth_getTransactionCount", params, at).await?;
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
        let params = json!([address, slot]);
        self.pinned(Subject::Slot(address, slot), "eth_getStorageAt", params, at).await
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
        self.agree(Subject::Slot(address, slot), |endpoint| {
            endpoint.read("eth_getStorageAt", params.clone())
        })
        .await
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
        self.calls(Subject::Call(to), json!([{"to": to, "data": data}]), at).await
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
        self.calls(Subject::Creation, json!([{"data": initcode, "gas": U64::from(gas)}]), at).await
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

    async fn calls(
        &self,
        what: Subject,
        params: Value,
        at: BlockRef,
    ) -> Result<CallOutcome, ReadError> {
        let params = &params;
        self.agree(what, |endpoint| async move {
            match endpoint.read_at("eth_call", params, at).await {
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
        at: BlockRef,
    ) -> Result<T, ReadError> {
        self.agree(what, |endpoint| endpoint.read_at(method, &params, at)).await
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
