//! The errors that stop a lane.

use alloy_primitives::{Address, B256};
use tidegate_chain::ReadError;
use tidegate_model::event::FoldError;
use tidegate_model::ports::SignError;
use tidegate_store::StoreError;

/// Why a transaction could not be brought to an end. Nothing is lost by any of these: the journal
/// knows what was sent, and the same command goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What was to be sent is not what the approval covers.
    #[error("{approved} was approved, but what would be sent has hash {hash}")]
    NotApproved { hash: B256, approved: B256 },
    /// A plan has no digest.
    #[error("cannot hash the plan")]
    Digest(#[from] tidegate_model::digest::JcsError),
    /// The sender is not adopted, or its state moved since.
    #[error("cannot use {sender} on this network: it was not adopted at nonce {nonce}")]
    NotAdopted { sender: Address, nonce: u64 },
    /// Latest and finalized state disagree on the sender's nonce.
    #[error(
        "cannot adopt {sender}: its latest nonce is {latest}, the finalized one {finalized}; \
         wait until its transactions are final"
    )]
    Unsettled {
        sender: Address,
        /// The nonce at the latest block.
        latest: u64,
        /// The nonce at the finalized block.
        finalized: u64,
    },
    /// A chain lacks transactions that were final on it.
    #[error(
        "the chain lacks transactions of {sender} that were final: it shows nonce {latest}, and \
         {known} was final before"
    )]
    Behind {
        sender: Address,
        /// The nonce at the latest block.
        latest: u64,
        /// The nonce that was final.
        known: u64,
    },
    /// A transaction that is not ours used the sender.
    #[error(
        "cannot continue with {sender}: the chain is at nonce {chain}, the journal at {journal}; \
         another program or machine sent with this key{}",
        in_the_way(*hash, *journal)
    )]
    Foreign {
        sender: Address,
        /// The nonce on the chain.
        chain: u64,
        /// The next nonce of the journal.
        journal: u64,
        /// What has that nonce, where the endpoint says.
        hash: Option<B256>,
    },
    /// A transaction that is not ours waits on the nonce of one of ours.
    #[error(
        "cannot complete {op}: another transaction with nonce {nonce} of {sender} is in the way, \
         sent by another program or machine with this key; the endpoint refuses ours, {hash}: \
         {message}"
    )]
    Displaced {
        op: String,
        sender: Address,
        nonce: u64,
        /// Ours.
        hash: B256,
        /// The endpoint's answer.
        message: String,
    },
    /// The operation was signed before for something else.
    #[error("cannot run {op}: it was signed before with another target, value or calldata")]
    OtherIntent { op: String },
    /// Journaled bytes that are no transaction.
    #[error("cannot read transaction {hash} from the journal: it is not a transaction of ours")]
    Bytes { hash: B256 },
    /// A transaction that would revert.
    #[error("cannot send {op}: the chain says that it would revert ({data})")]
    WouldRevert {
        op: String,
        /// What it would revert with.
        data: alloy_primitives::Bytes,
    },
    /// A view call of a step that reverts.
    #[error("cannot check {what}: it reverts ({data}), expected {expected}")]
    CheckReverts {
        /// The step and function.
        what: String,
        /// What it reverts with.
        data: alloy_primitives::Bytes,
        expected: String,
    },
    /// A transaction that reverted on the chain.
    #[error("cannot complete {op}: transaction {hash} reverted in block {block}")]
    Reverted {
        op: String,
        hash: B256,
        block: u64,
        /// What the same transaction reverts with when the chain is asked again; `None` where it
        /// would not revert any more, or nobody can say.
        now: Option<alloy_primitives::Bytes>,
    },
    /// A call that landed before what it comes after.
    #[error("cannot go on: {op} ran before {before}, which had failed, and may have done nothing")]
    OutOfOrder {
        op: String,
        /// What it comes after in the plan.
        before: String,
    },
    /// Nothing landed within the limit.
    #[error(
        "cannot complete {op}: transaction {hash} was sent, again where the endpoint had lost it, \
         and is in no block after {waited_secs} s"
    )]
    NotIncluded { op: String, hash: B256, waited_secs: u64 },
    /// A transaction that no node took, however often it was sent.
    #[error("cannot complete {op}: transaction {hash} is refused: {message} ({code})")]
    Refused {
        op: String,
        hash: B256,
        /// The endpoint's answer.
        code: i64,
        message: String,
    },
    /// The base fee has outgrown what was signed, and the sender cannot pay for more.
    #[error(
        "cannot complete {op}: the base fee is {base_fee} wei per gas, above the {pays} that \
         transaction {hash} pays, and {sender} cannot pay for more"
    )]
    Outgrown {
        op: String,
        hash: B256,
        sender: Address,
        /// The base fee now, in wei per gas.
        base_fee: u128,
        /// The most that it pays, in wei per gas.
        pays: u128,
    },
    /// A fee above the cap.
    #[error(
        "cannot sign {op}: at a base fee of {base_fee} wei per gas it may need {needed}, above \
         the cap of {cap}"
    )]
    FeeCap {
        op: String,
        /// The base fee now, in wei per gas.
        base_fee: u128,
        /// The fee that it needs, in wei per gas.
        needed: u128,
        /// The cap, in wei per gas.
        cap: u128,
    },
    /// More than was approved that it may cost, or than anything may.
    #[error("cannot sign {op}: its fees may reach {needed} wei, and at most {most} was approved")]
    Ceiling {
        op: String,
        /// The most that the fees may reach, in wei.
        needed: alloy_primitives::U256,
        /// The most, in wei.
        most: alloy_primitives::U256,
    },
    /// The sender cannot pay.
    #[error("cannot send {op}: {sender} holds {balance} wei, and up to {needed} are needed")]
    Funds {
        op: String,
        sender: Address,
        /// Its balance, in wei.
        balance: alloy_primitives::U256,
        /// The amount that it needs, in wei.
        needed: alloy_primitives::U256,
    },
    /// More gas than a transaction may have.
    #[error("cannot send {op}: it needs {gas} gas, and a transaction may use at most {max}")]
    Gas { op: String, gas: u64, max: u64 },
    /// Other code where the plan creates.
    #[error(
        "cannot create {op}: {address} already holds other code ({found}, expected \
         {expected})"
    )]
    OtherCode {
        op: String,
        address: Address,
        /// keccak256 of the code there.
        found: B256,
        /// keccak256 of the expected code.
        expected: B256,
    },
    /// A view call that does not return what it must.
    #[error("cannot check {what}: it returns {found}, expected {expected}")]
    Check {
        /// The step and function.
        what: String,
        found: String,
        expected: String,
    },
    /// A call that may or may not have been made before.
    #[error("cannot make call {op}: it may have been made before, and the chain does not tell")]
    UnknownCall { op: String },
    /// The journal contradicts itself.
    #[error("cannot read the lane's journal")]
    Fold(#[from] FoldError),
    /// The journal holds something this program does not know.
    #[error("cannot read the lane's journal")]
    Event(#[source] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chain(#[from] ReadError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// What has a nonce, as the end of a sentence.
fn in_the_way(hash: Option<B256>, nonce: u64) -> String {
    hash.map(|hash| format!(": transaction {hash} has nonce {nonce}")).unwrap_or_default()
}
