//! Transactions and their receipts.

use alloy_primitives::{Address, B256, U64};
use serde_json::json;
use tidegate_model::ids::BlockRef;

use crate::wire::{WireBlock, WireReceipt, WireTransaction};
use crate::{Network, ReadError, Receipt, Subject, Transaction};

impl Network {
    /// A transaction, included or pending; `None` where no endpoint knows it. Not knowing it now
    /// does not mean that it is gone.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn transaction(&self, hash: B256) -> Result<Option<Transaction>, ReadError> {
        let method = "eth_getTransactionByHash";
        self.agree_if_any(Subject::Transaction(hash), |endpoint| async move {
            let wire: Option<WireTransaction> = endpoint.read(method, json!([hash])).await?;
            match wire.map(Transaction::from) {
                Some(transaction) if transaction.hash != hash => {
                    Err(endpoint.bad_answer(method, "about this transaction"))
                }
                transaction => Ok(transaction),
            }
        })
        .await
    }

    /// The receipt of a transaction, or `None` while it is in no block. The block may still go:
    /// see [`Network::is_canonical`].
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ReadError> {
        let method = "eth_getTransactionReceipt";
        self.agree_if_any(Subject::Receipt(hash), |endpoint| async move {
            let wire: Option<WireReceipt> = endpoint.read(method, json!([hash])).await?;
            match wire.map(WireReceipt::receipt) {
                None => Ok(None),
                Some(Some(receipt)) if receipt.transaction == hash => Ok(Some(receipt)),
                Some(_) => Err(endpoint.bad_answer(method, "a receipt of this transaction")),
            }
        })
        .await
    }

    /// All transactions of a block, in order.
    pub(crate) async fn block_transactions(
        &self,
        block: BlockRef,
    ) -> Result<Vec<Transaction>, ReadError> {
        let method = "eth_getBlockByHash";
        let what = Subject::BlockTransactions(block.number);
        self.agree(what, |endpoint| async move {
            let wire: Option<WireBlock> = endpoint.read(method, json!([block.hash, true])).await?;
            match wire {
                Some(WireBlock { hash, transactions }) if hash == Some(block.hash) => {
                    Ok(transactions.into_iter().map(Transaction::from).collect())
                }
                _ => Err(endpoint.bad_answer(method, "this block")),
            }
        })
        .await
    }

    /// An account's nonce after the block at a height.
    pub(crate) async fn nonce_at_height(
        &self,
        address: Address,
        number: u64,
    ) -> Result<u64, ReadError> {
        self.agree(Subject::Nonce(address), |endpoint| async move {
            let params = json!([address, U64::from(number)]);
            let nonce: U64 = endpoint.read("eth_getTransactionCount", params).await?;
            Ok(nonce.to())
        })
        .await
    }
}
