//! Calls that a plan makes again on contracts that stand, because it is another deployment than the
//! one that made them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use tidegate_chain::Transaction;
use tidegate_engine::OpKey;
use tidegate_model::event::LaneState;
use tidegate_model::record::{ANCHOR_OP, FOREIGN_OP};
use tidegate_plan::{FrozenOp, OpKind};

use super::{Begun, READ_MAX};
use crate::error::{AppResult, Kind, OrKind};
use crate::follow::second;
use crate::records::is_of;

/// A transaction that another deployment made.
#[derive(Debug, Clone)]
struct Before {
    hash: B256,
    op: String,
    maker: Maker,
}

/// The deployment that made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Maker {
    /// Whether it is of this release, under another id.
    is_same: bool,
    /// The release, for people.
    name: String,
    id: u64,
}

/// Takes the transaction that did what an operation does: exactly it, or the call of its name for
/// another deployment of the same release, whose implementation is another one.
fn take(sent: &mut Vec<(Before, Transaction)>, op: &FrozenOp) -> Option<Before> {
    let is_same = |(known, tx): &(Before, Transaction)| {
        let is_named = known.maker.is_same && known.op == op.id();
        is_of(tx, op) || (is_named && tx.to == Some(op.tx().to))
    };
    let index = sent.iter().position(is_same)?;
    Some(sent.remove(index).0)
}

impl Begun<'_> {
    /// The calls that are due though the executor made them before on the same contract, one
    /// sentence for each deployment that did, with the way not to. `journal` is what this machine
    /// sent; what somebody asked for by `again` is no surprise.
    pub(crate) async fn repeats(
        &self,
        journal: Option<&LaneState>,
        again: &BTreeSet<String>,
    ) -> AppResult<Vec<String>> {
        let mut before = self.before().await?;
        before.extend(journal.into_iter().flat_map(|state| self.journaled(state)));
        let frozen = self.plan.0.resolved.freeze(self.plan.1).or_kind(Kind::Fail)?;
        let is_call = |op: &&FrozenOp| matches!(op.op().kind, OpKind::Call { .. });
        let is_done = |op: &&FrozenOp| self.done.contains(op.id());
        let (done, due): (Vec<_>, Vec<_>) = frozen.iter().filter(is_call).partition(is_done);
        let due: Vec<_> = due.into_iter().filter(|op| !again.contains(op.id())).collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut sent: Vec<(Before, Transaction)> = Vec::new();
        for known in before.into_iter().take(READ_MAX) {
            let is_new = sent.iter().all(|(_, tx)| tx.hash != known.hash);
            let tx = self.place.1.transaction(known.hash).await?;
            sent.extend(tx.filter(|_| is_new).map(|tx| (known, tx)));
        }
        let mut found: BTreeMap<Maker, Vec<(String, B256)>> = BTreeMap::new();
        // Two equal calls are two transactions.
        for op in done {
            take(&mut sent, op);
        }
        for op in due {
            if let Some(known) = take(&mut sent, op) {
                let made = found.entry(known.maker).or_default();
                made.push((op.id().to_owned(), known.hash));
            }
        }
        found.into_iter().map(|(maker, calls)| self.repeated(&maker, &calls)).collect()
    }

    /// What the records of other deployments say that this executor sent.
    async fn before(&self) -> AppResult<Vec<Before>> {
        let (root, executor) = (self.built.roots.release_root, self.plan.0.resolved.executor);
        let mut before = Vec::new();
        for record in self.others().await? {
            if record.deployment.executor != executor.address() {
                continue;
            }
            let is_same = record.release_root == root;
            let maker = Maker { is_same, name: record.name.clone(), id: record.id };
            let is_call = |op: &str| op != ANCHOR_OP && op != FOREIGN_OP;
            let sent = record.own_run().iter().filter(|tx| tx.success && is_call(&tx.op));
            before.extend(sent.map(|tx| Before {
                hash: tx.hash,
                op: tx.op.clone(),
                maker: maker.clone(),
            }));
        }
        Ok(before)
    }

    /// What this machine sent for other deployments, those that broke off among them.
    fn journaled(&self, state: &LaneState) -> Vec<Before> {
        let (root, project) = (self.built.roots.release_root, &self.built.release.project);
        let mut before = Vec::new();
        for attempt in state.attempts.iter().rev() {
            let succeeded = attempt.state.inclusion().is_some_and(|inclusion| inclusion.success);
            let Some(key) = OpKey::parse(&attempt.op) else { continue };
            let OpKey { release_root: of, deployment_id: id, op, .. } = key;
            let is_same = of == root && key.project.is_none_or(|of| of == project);
            if !succeeded || op == ANCHOR_OP || (is_same && id == self.id) {
                continue;
            }
            let name = match is_same {
                true => self.built.release.name.clone(),
                false => format!("release {}", of.short()),
            };
            let maker = Maker { is_same, name, id };
            before.push(Before { hash: attempt.hash, op: op.to_owned(), maker });
        }
        before
    }

    fn repeated(&self, maker: &Maker, calls: &[(String, B256)]) -> AppResult<String> {
        let Maker { is_same, name, id } = maker;
        let named: Vec<_> = calls.iter().map(|(op, hash)| format!("{op} ({hash})")).collect();
        let (was, is) = if calls.len() == 1 { ("was", "is") } else { ("were", "are") };
        let way = match is_same {
            true => format!(
                "`--id {id}` goes on with that one, and makes nothing twice; {}",
                second(self.project, self.built, self.place.0, self.id)?
            ),
            false => "leave the step out, or give it the name that it had there".to_owned(),
        };
        Ok(format!(
            "{} {was} made before, for deployment {id} of {name}, on the same contract, and {is} \
             made again: {way}",
            named.join(", ")
        ))
    }
}
