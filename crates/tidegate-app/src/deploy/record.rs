//! The record of a deployment, as the chain has it.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use tidegate_chain::{Network, Transaction};
use tidegate_engine::{DeployRun, Deployed, Lane};
use tidegate_model::Head;
use tidegate_model::record::{
    ANCHOR_OP, Deployment, DeploymentRecord, FOREIGN_OP, MinedTransaction,
};
use tidegate_plan::FrozenOp;

use super::helper::{HELPER_OP, helper_key, makes_helper};
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::project::Project;
use crate::records;
use crate::release::Built;
use crate::wiped;

/// How far back a lane is searched for a deployment's transactions.
const SEARCH_TRANSACTIONS_MAX: u64 = 256;

/// A deployment that was run, and where.
pub(super) struct Ran<'a> {
    pub(super) project: &'a Project,
    pub(super) name: &'a str,
    pub(super) network: &'a Network,
    pub(super) lane: &'a Lane<'a>,
    pub(super) run: &'a DeployRun,
    pub(super) deployed: &'a Deployed,
}

/// Builds the record from the chain: the calls of earlier deployments that count for this one, then
/// every transaction of the lane from the deployment's first to its anchor, foreign ones included.
pub(super) async fn record(
    ran: &Ran<'_>,
    built: &Built,
    prepared: &Prepared,
    deployment: Deployment,
) -> AppResult<DeploymentRecord> {
    let own = ran.own().await?;
    let mut transactions = ran.earlier(&own).await?;
    transactions.extend(own);
    Ok(DeploymentRecord {
        v: DeploymentRecord::VERSION,
        name: built.release.name.clone(),
        id: ran.run.deployment_id,
        release_root: built.roots.release_root,
        scope_root: built.roots.scope_root,
        deployment,
        initcodes: prepared.initcodes(),
        mocks: prepared.mocks.clone(),
        transactions,
    })
}

impl Ran<'_> {
    /// The transactions of its own run.
    async fn own(&self) -> AppResult<Vec<MinedTransaction>> {
        let Self { network, lane, run, .. } = self;
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
        let from = first.map_or(next, |attempt| attempt.nonce);
        let sent = if first.is_none() || self.is_begun_elsewhere().await? {
            let before = from.saturating_sub(SEARCH_TRANSACTIONS_MAX);
            network.sender_transactions(sender, before, next, 0, head).await.map_err(|error| {
                AppError::from(error).hint(
                    "the record needs what an earlier job sent: use an endpoint that keeps older \
                     state, and run the same command again",
                )
            })?
        } else {
            let mut sent = self.helper_before(from, head).await;
            sent.extend(network.sender_transactions(sender, from, next, since, head).await?);
            sent
        };
        let named = self.named(&sent).await?;
        // A lost journal does not tell where the run began; other deployments' records do.
        let others = self.of_others().await?;
        let is_own = |tx: &MinedTransaction| tx.op != FOREIGN_OP && !others.contains(&tx.hash);
        let mut first = named.iter().position(is_own).unwrap_or(0);
        // The helper is no part of the release, but what its creation took was paid for this.
        if let Some(before) = first.checked_sub(1).filter(|before| makes_helper(&sent[*before])) {
            first = before;
        }
        // What comes after the anchor is none of it: a call may be made once more.
        let anchor = named.iter().position(|tx| tx.hash == self.deployed.anchor);
        let last = anchor.or_else(|| named.iter().rposition(|tx| tx.op != FOREIGN_OP));
        let last = last.map_or(0, |last| last + 1);
        Ok(named.into_iter().take(last).skip(first).collect())
    }

    /// The creation of the helper right before a nonce, where the journal here does not reach back
    /// to it: a cancelled job may have got no further. It is left out where old state is forgotten.
    async fn helper_before(&self, from: u64, head: Head) -> Vec<Transaction> {
        let is_fresh = self.lane.state().attempts.iter().all(|attempt| attempt.nonce >= from);
        let Some(before) = from.checked_sub(1).filter(|_| is_fresh) else { return Vec::new() };
        let sender = self.lane.id().sender;
        let found = self.network.sender_transactions(sender, before, from, 0, head).await;
        found.unwrap_or_default().into_iter().filter(makes_helper).collect()
    }

    /// Whether something of it was created before, and neither the journal here nor the record of
    /// another deployment says by what: a job that was cancelled took its journal with it.
    async fn is_begun_elsewhere(&self) -> AppResult<bool> {
        let records = self.others().await?;
        let is_known = |op: &FrozenOp| {
            let key = self.run.op_key(op.id());
            self.lane.state().attempts_for(&key).next().is_some()
        };
        let is_others = |at: &Address| records.iter().any(|other| other.initcodes.contains_key(at));
        let unknown = self.ops().filter(|op| !is_known(op));
        let mut created = unknown.filter_map(|op| op.creates().map(|(address, _)| address));
        Ok(created.any(|address| !is_others(&address)))
    }

    /// The transactions of other deployments' own runs.
    async fn of_others(&self) -> AppResult<BTreeSet<B256>> {
        let others = self.others().await?;
        Ok(others.iter().flat_map(DeploymentRecord::own_run).map(|tx| tx.hash).collect())
    }

    /// The records of other deployments on its network that its chain has.
    async fn others(&self) -> AppResult<Vec<DeploymentRecord>> {
        let is_this = |record: &DeploymentRecord| {
            record.release_root == self.run.release_root && record.id == self.run.deployment_id
        };
        let records = records::all(self.project, self.name)?.into_iter().map(|(_, record)| record);
        wiped::there(self.network, records.filter(|record| !is_this(record))).await
    }

    /// Transactions with what they are of the deployment: of equal operations each has its own.
    async fn named(&self, sent: &[Transaction]) -> AppResult<Vec<MinedTransaction>> {
        let mut taken = BTreeSet::new();
        let mut named = Vec::new();
        for tx in sent {
            let mut mined = self.mined(tx).await?;
            if tx.to == Some(tx.from) && tx.input == self.run.anchor {
                mined.op = ANCHOR_OP.to_owned();
            } else {
                let same: Vec<_> =
                    self.ops().filter(|op| records::is_of(tx, op)).map(FrozenOp::id).collect();
                // What an earlier run made has its transaction already.
                let earlier = |op: &str| self.deployed.earlier.get(op);
                let is_free = |op: &&&str| {
                    !taken.contains(**op) && earlier(op).is_none_or(|hash| *hash == tx.hash)
                };
                let free = same.iter().find(is_free).or(same.first());
                if let Some(op) = free {
                    mined.op = (*op).to_owned();
                    taken.extend(mined.success.then_some(*op));
                }
            }
            named.push(mined);
        }
        Ok(named)
    }

    /// Its operations without the helper's creation, which is no part of the release.
    fn ops(&self) -> impl Iterator<Item = &FrozenOp> {
        self.run.ops.iter().filter(|op| op.id() != HELPER_OP)
    }

    /// The transactions by which this sender made calls before that its own run did not make. What
    /// created contracts before is none of it: those are compared as they stand at the anchor.
    async fn earlier(&self, own: &[MinedTransaction]) -> AppResult<Vec<MinedTransaction>> {
        let mut found = Vec::new();
        for (op, hash) in &self.deployed.earlier {
            let is_own = own.iter().any(|tx| tx.success && tx.op == *op);
            let tx = self.network.transaction(*hash).await?.filter(|_| !is_own);
            if let Some(tx) = tx {
                found.push(MinedTransaction { op: op.clone(), ..self.mined(&tx).await? });
            }
        }
        found.sort_by_key(|tx| tx.nonce);
        Ok(found)
    }

    /// A transaction as the chain has it, foreign until it is known.
    async fn mined(&self, tx: &Transaction) -> AppResult<MinedTransaction> {
        let receipt = self.network.receipt(tx.hash).await?.ok_or_else(|| {
            let name = self.network.name();
            AppError::new(Kind::Chain, format!("{name} has no receipt for {}", tx.hash))
        })?;
        Ok(MinedTransaction {
            op: FOREIGN_OP.to_owned(),
            hash: tx.hash,
            from: tx.from,
            nonce: tx.nonce,
            block: receipt.block,
            success: receipt.status,
            gas_used: receipt.gas_used,
            fee: receipt.fee(),
        })
    }
}
