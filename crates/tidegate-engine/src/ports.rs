//! What the executor asks of the outside: one port for the chain, one for the journal.
//!
//! Both are as narrow as the executor needs. [`Network`] and [`Store`] are what they are in the
//! program; the tests have both in memory.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::Value;
use tidegate_chain::{FeeData, GasQuery, Network, ReadError, Receipt, SendOutcome, Transaction};
use tidegate_model::{BlockRef, Head, NetworkId};
use tidegate_store::{Lease, Store, StoreError, StreamName, this_holder};

/// A chain, as the executor sees it. State is read at a block, which must belong to the chain.
///
/// # Errors
/// Each read gives [`ReadError`] where endpoints do not answer, or not alike.
pub trait Chain: Sync {
    /// Which chain it is.
    fn id(&self) -> NetworkId;

    /// Whether it is read for what stops something, which waits for no finality.
    fn is_for_stop(&self) -> bool;

    /// The latest block.
    fn latest_head(&self) -> impl Future<Output = Result<Head, ReadError>> + Send;

    /// The latest final block.
    fn finalized_head(&self) -> impl Future<Output = Result<Head, ReadError>> + Send;

    /// Whether a block belongs to the chain now.
    fn is_canonical(&self, block: BlockRef)
    -> impl Future<Output = Result<bool, ReadError>> + Send;

    /// How many of an account's transactions the chain holds.
    fn nonce(
        &self,
        address: Address,
        at: BlockRef,
    ) -> impl Future<Output = Result<u64, ReadError>> + Send;

    /// An account's balance, in wei.
    fn balance(
        &self,
        address: Address,
        at: BlockRef,
    ) -> impl Future<Output = Result<U256, ReadError>> + Send;

    /// An account's code; empty where it has none.
    fn code(
        &self,
        address: Address,
        at: BlockRef,
    ) -> impl Future<Output = Result<Bytes, ReadError>> + Send;

    /// What a call returns that changes nothing.
    fn call(
        &self,
        to: Address,
        data: &Bytes,
        at: BlockRef,
    ) -> impl Future<Output = Result<Bytes, ReadError>> + Send;

    /// Present fees a gas, in wei.
    fn fee_data(&self) -> impl Future<Output = Result<FeeData, ReadError>> + Send;

    /// The gas that a transaction needs on the latest state; an error where it would revert.
    fn estimate_gas(&self, query: &GasQuery)
    -> impl Future<Output = Result<u64, ReadError>> + Send;

    /// A transaction's receipt; `None` while it is in no block. That block may still go.
    fn receipt(
        &self,
        hash: B256,
    ) -> impl Future<Output = Result<Option<Receipt>, ReadError>> + Send;

    /// Whether a transaction is known now, included or pending.
    fn is_known(&self, hash: B256) -> impl Future<Output = Result<bool, ReadError>> + Send;

    /// The transactions of a sender with nonces from `from` up to and without `to`, as included
    /// up to `upper`, by nonce.
    fn sender_transactions(
        &self,
        sender: Address,
        from: u64,
        to: u64,
        upper: Head,
    ) -> impl Future<Output = Result<Vec<Transaction>, ReadError>> + Send;

    /// Sends signed bytes in their order, each once. They may become public and be included
    /// whatever the outcomes say. Where the endpoint does not answer, the last outcome says so, and
    /// what is behind it has none.
    fn send_all(&self, raws: &[Bytes]) -> impl Future<Output = Vec<SendOutcome>> + Send;

    /// Lets the chain go on for so long.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

impl Chain for Network {
    fn id(&self) -> NetworkId {
        Self::id(self)
    }

    fn is_for_stop(&self) -> bool {
        Self::is_for_stop(self)
    }

    async fn latest_head(&self) -> Result<Head, ReadError> {
        Self::latest_head(self).await
    }

    async fn finalized_head(&self) -> Result<Head, ReadError> {
        Self::finalized_head(self).await
    }

    async fn is_canonical(&self, block: BlockRef) -> Result<bool, ReadError> {
        Self::is_canonical(self, block).await
    }

    async fn nonce(&self, address: Address, at: BlockRef) -> Result<u64, ReadError> {
        Self::nonce(self, address, at).await
    }

    async fn balance(&self, address: Address, at: BlockRef) -> Result<U256, ReadError> {
        Self::balance(self, address, at).await
    }

    async fn code(&self, address: Address, at: BlockRef) -> Result<Bytes, ReadError> {
        Self::code(self, address, at).await
    }

    async fn call(&self, to: Address, data: &Bytes, at: BlockRef) -> Result<Bytes, ReadError> {
        Self::call(self, to, data, at).await
    }

    async fn fee_data(&self) -> Result<FeeData, ReadError> {
        Self::fee_data(self).await
    }

    async fn estimate_gas(&self, query: &GasQuery) -> Result<u64, ReadError> {
        Self::estimate_gas(self, query).await
    }

    async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ReadError> {
        Self::receipt(self, hash).await
    }

    async fn is_known(&self, hash: B256) -> Result<bool, ReadError> {
        Ok(self.transaction(hash).await?.is_some())
    }

    async fn sender_transactions(
        &self,
        sender: Address,
        from: u64,
        to: u64,
        upper: Head,
    ) -> Result<Vec<Transaction>, ReadError> {
        Self::sender_transactions(self, sender, from, to, 0, upper).await
    }

    async fn send_all(&self, raws: &[Bytes]) -> Vec<SendOutcome> {
        Self::send_all(self, raws).await
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Where a lane's events are kept: append-only, with one writer at a time.
pub trait Journal: Sync {
    /// The right to append to one stream, which ends when it is dropped.
    type Lease: Send + Sync;

    /// Takes a stream's lease for this process. It does not wait.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another lease of the stream is alive; or it cannot be written.
    fn acquire(&self, stream: &StreamName) -> Result<Self::Lease, StoreError>;

    /// Appends events to the lease's stream, all or none: of each its kind, and its body as JSON.
    /// They are durable when this returns; only then may an effect that rests on them happen.
    ///
    /// # Errors
    /// [`StoreError::StaleLease`] if somebody else took the stream since; or they cannot be
    /// written, and then they may or may not be there.
    fn append(&self, lease: &Self::Lease, events: &[(&str, &Value)]) -> Result<(), StoreError>;

    /// The bodies of all events of a stream, oldest first; empty if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    fn read(&self, stream: &StreamName) -> Result<Vec<Value>, StoreError>;
}

impl Journal for Store {
    type Lease = Lease;

    fn acquire(&self, stream: &StreamName) -> Result<Lease, StoreError> {
        Self::acquire(self, stream, &this_holder())
    }

    fn append(&self, lease: &Lease, events: &[(&str, &Value)]) -> Result<(), StoreError> {
        self.append_all(lease, events)?;
        Ok(())
    }

    fn read(&self, stream: &StreamName) -> Result<Vec<Value>, StoreError> {
        Ok(Self::read(self, stream)?.into_iter().map(|event| event.body).collect())
    }
}
