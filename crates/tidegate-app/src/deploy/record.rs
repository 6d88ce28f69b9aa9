//! The record of a deployment, as the chain has it.

use alloy_primitives::Address;
use tidegate_chain::{Network, Transaction};
use tidegate_engine::{DeployRun, Lane};
use tidegate_model::record::{ANCHOR_OP, Deployment, DeploymentRecord, MinedTransaction};

use super::helper::{HELPER_OP, helper_key, makes_helper};
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::release::Built;

/// How far back a lane is searched for a deployment's transactions.
const SEARCH_TRANSACTIONS_MAX: u64 = 256;

/// Builds the record from the chain: every transaction of the lane from the deployment's first to
/// its anchor, foreign ones included.
pub(super) async fn record(
    lane: &Lane<'_>,
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    deployment: Deployment,
    run: &DeployRun,
) -> AppResult<DeploymentRecord> {
    let sender = lane.id().sender;
    let head = network.latest_head().await?;
    let next = network.nonce(sender, head.block).await?;
    let prefix = run.op_key("");
    let journaled = lane.state().attempts.iter().filter(|a| a.op.starts_with(&prefix));
    let first = journaled.min_by_key(|attempt| attempt.nonce);
    let before = |nonce: u64| {
        let attempts = &lane.state().attempts;
        attempts.iter().find(|a| a.op == helper_key() && a.nonce + 1 == nonce)
    };
    let first = first.and_then(|first| before(first.nonce)).or(first);
    // The block before the first one spares endpoints that have forgotten older state.
    let inclusion = first.and_then(|attempt| attempt.state.inclusion());
    let since = inclusion.map_or(0, |inclusion| inclusion.block.number.saturating_sub(1));
    let from = match first {
        Some(attempt) => attempt.nonce,
        None => next.saturating_sub(SEARCH_TRANSACTIONS_MAX),
    };
    let sent = network.sender_transactions(sender, from, next, since, head).await?;
    let named: Vec<_> = sent.iter().map(|tx| op_name(run, sender, tx)).collect();
    let mut first = named.iter().position(Option::is_some).unwrap_or(0);
    // The helper is no part of the release, but what its creation took was paid for this.
    if let Some(before) = first.checked_sub(1).filter(|before| makes_helper(&sent[*before])) {
        first = before;
    }
    let last = named.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut transactions = Vec::new();
    for (tx, op) in sent.iter().zip(named).take(last).skip(first) {
        let receipt = network.receipt(tx.hash).await?.ok_or_else(|| {
            AppError::new(Kind::Chain, format!("{} has no receipt for {}", network.name(), tx.hash))
        })?;
        transactions.push(MinedTransaction {
            op: op.unwrap_or_else(|| "foreign".to_owned()),
            hash: tx.hash,
            from: sender,
            nonce: tx.nonce,
            block: receipt.block,
            success: receipt.status,
            gas_used: receipt.gas_used,
            fee: receipt.fee(),
        });
    }
    Ok(DeploymentRecord {
        v: DeploymentRecord::VERSION,
        name: built.release.name.clone(),
        id: run.deployment_id,
        release_root: built.roots.release_root,
        scope_root: built.roots.scope_root,
        deployment,
        initcodes: prepared.initcodes(),
        mocks: prepared.mocks.clone(),
        transactions,
    })
}

fn op_name(run: &DeployRun, sender: Address, tx: &Transaction) -> Option<String> {
    if tx.to == Some(sender) && tx.input == run.anchor {
        return Some(ANCHOR_OP.to_owned());
    }
    let op = run.ops.iter().filter(|op| op.id() != HELPER_OP).find(|op| {
        let sent = op.tx();
        tx.to == Some(sent.to) && tx.input == sent.data && tx.value == sent.value
    });
    op.map(|op| op.id().to_owned())
}
