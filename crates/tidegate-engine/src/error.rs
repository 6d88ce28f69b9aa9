//! What stops a lane.

use alloy_primitives::{Address, B256};
use tidegate_chain::ReadError;
use tidegate_model::event::FoldError;
use tidegate_model::ports::SignError;
use tidegate_store::StoreError;

/// Why a transaction could not be brought to an end. Nothing is lost by any of these: the journal
/// knows what was sent, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The sender is not adopted, or its state moved since.
    #[error("use {sender} on this network: nobody has adopted it at nonce {nonce}")]
    NotAdopted {
        /// The sender.
        sender: Address,
        /// Its next nonce.
        nonce: u64,
    },
    /// Latest and finalized state disagree on the sender's nonce.
    #[error(
        "adopt {sender}: its latest nonce is {latest}, the finalized one {finalized}; \
         wait until its transactions are final"
    )]
    Unsettled {
        /// The sender.
        sender: Address,
        /// The nonce at the latest block.
        latest: u64,
        /// The nonce at the finalized block.
        finalized: u64,
    },
    /// A transaction that is not ours used the sender.
    #[error(
        "continue with {sender}: the chain is at nonce {chain}, the journal at {journal}; \
         somebody else sent with this key"
    )]
    Foreign {
        /// The sender.
        sender: Address,
        /// The nonce on the chain.
        chain: u64,
        /// The next nonce of the journal.
        journal: u64,
    },
    /// The operation was signed before for something else.
    #[error("run {op}: it was signed before with another target, value or calldata")]
    OtherIntent {
        /// The operation.
        op: String,
    },
    /// Journaled bytes that are no transaction.
    #[error("read transaction {hash} from the journal: it is not a transaction of ours")]
    Bytes {
        /// Its hash.
        hash: B256,
    },
    /// A transaction that reverted on the chain.
    #[error("complete {op}: transaction {hash} reverted in block {block}")]
    Reverted {
        /// The operation.
        op: String,
        /// The transaction.
        hash: B256,
        /// The block's number.
        block: u64,
    },
    /// Nothing landed within the limit.
    #[error("complete {op}: transaction {hash} is not in a block after {waited_secs} s")]
    NotIncluded {
        /// The operation.
        op: String,
        /// The newest transaction.
        hash: B256,
        /// How long it was waited for.
        waited_secs: u64,
    },
    /// A fee above the cap.
    #[error("sign {op}: it needs {needed} wei per gas, the cap is {cap}")]
    FeeCap {
        /// The operation.
        op: String,
        /// What it needs, in wei per gas.
        needed: u128,
        /// The cap, in wei per gas.
        cap: u128,
    },
    /// More than was approved that it may cost, or than anything may.
    #[error("sign {op}: its fees may come to {needed} wei, at most {most} may be paid")]
    Ceiling {
        /// The operation.
        op: String,
        /// What they may come to, in wei.
        needed: alloy_primitives::U256,
        /// The most, in wei.
        most: alloy_primitives::U256,
    },
    /// The sender cannot pay.
    #[error("send {op}: {sender} holds {balance} wei, up to {needed} are needed")]
    Funds {
        /// The operation.
        op: String,
        /// The sender.
        sender: Address,
        /// Its balance, in wei.
        balance: alloy_primitives::U256,
        /// What it needs, in wei.
        needed: alloy_primitives::U256,
    },
    /// More gas than a transaction may have.
    #[error("send {op}: it needs {gas} gas, a transaction may have {max}")]
    Gas {
        /// The operation.
        op: String,
        /// What it needs.
        gas: u64,
        /// The limit.
        max: u64,
    },
    /// Other code where the plan creates.
    #[error("create {op}: {address} already holds other code ({found}, expected {expected})")]
    OtherCode {
        /// The operation.
        op: String,
        /// The address.
        address: Address,
        /// keccak256 of the code there.
        found: B256,
        /// keccak256 of the expected code.
        expected: B256,
    },
    /// A view call that does not return what it must.
    #[error("check {what}: it returns {found}, expected {expected}")]
    Check {
        /// The step and function.
        what: String,
        /// What it returns.
        found: String,
        /// What it must return.
        expected: String,
    },
    /// A call that may or may not have been made before.
    #[error("make call {op}: whether it was made before cannot be established")]
    UnknownCall {
        /// The operation.
        op: String,
    },
    /// The journal contradicts itself.
    #[error("read the lane's journal")]
    Fold(#[from] FoldError),
    /// The journal holds something this program does not know.
    #[error("read the lane's journal")]
    Event(#[source] serde_json::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ReadError),
    /// The key.
    #[error(transparent)]
    Sign(#[from] SignError),
}
