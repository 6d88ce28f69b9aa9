//! A deployment record against its sources and its chain, field by field.

use std::collections::BTreeMap;

use tidegate_chain::Network;
use tidegate_gates::CodeFacts;
use tidegate_model::record::{ANCHOR_OP, DeploymentRecord, FOREIGN_OP, anchor_calldata};
use tidegate_model::{Head, Reason, ReasonCode};
use tidegate_plan::{FrozenOp, OpKind, op_label};

use crate::deployment::Prepared;
use crate::error::AppResult;
use crate::project::Project;
use crate::records;
use crate::release::Built;

/// Whether the anchor on the chain names exactly the recorded release and deployment.
pub(super) async fn anchor_agrees(network: &Network, record: &DeploymentRecord) -> AppResult<bool> {
    let Some(anchor) = record.anchor() else { return Ok(false) };
    let expected = anchor_calldata(record.release_root, record.deployment.digest()?);
    let found = network.transaction(anchor.hash).await?;
    Ok(found.is_some_and(|tx| tx.input == expected))
}

/// Fields that the sources, or the record itself, give another value.
pub(super) fn static_faults(
    project: &Project,
    built: &Built,
    record: &DeploymentRecord,
    prepared: &Prepared,
    network: &str,
) -> AppResult<Vec<Reason>> {
    let mut fields = records::name_faults(project, network, built.roots.release_root)?;
    if record.release_root != built.roots.release_root {
        fields.push("releaseRoot".to_owned());
    }
    if record.initcodes != prepared.initcodes() {
        fields.push("initcodes".to_owned());
    }
    if record.mocks != prepared.mocks {
        fields.push("mocks".to_owned());
    }
    if record.scope_root != built.roots.scope_root {
        fields.push("scopeRoot".to_owned());
    }
    if record.anchor().is_some_and(|anchor| anchor.from != record.deployment.executor) {
        fields.push("deployment.executor".to_owned());
    }
    for op in &prepared.resolved.ops {
        let made = record.transactions.iter().any(|tx| tx.success && tx.op == op.id);
        if matches!(op.kind, OpKind::Call { .. }) && !made {
            fields.push(format!("transactions, which lack {}", op.id));
        }
    }
    let fault = |field| {
        let text = format!("the record on {network} differs from what the sources give: {field}");
        Reason::new(ReasonCode::RecordDiffers, text)
    };
    Ok(fields.into_iter().map(fault).collect())
}

/// The record with the transactions that a reorganisation moved as they are now. It moves all from
/// some block on; a record in which only some are elsewhere was edited, and stays as it is.
pub(super) async fn moved(
    network: &Network,
    record: &DeploymentRecord,
) -> AppResult<DeploymentRecord> {
    let mut gone = BTreeMap::new();
    for recorded in &record.transactions {
        let is_there = network.is_canonical(recorded.block).await?;
        *gone.entry(recorded.block.number).or_insert(!is_there) &= !is_there;
    }
    let mut from_first = gone.values().skip_while(|gone| !**gone);
    if !from_first.all(|gone| *gone) {
        return Ok(record.clone());
    }
    let mut record = record.clone();
    for recorded in &mut record.transactions {
        let Some(receipt) = network.receipt(recorded.hash).await? else { continue };
        if !gone[&recorded.block.number] {
            continue;
        }
        recorded.block = receipt.block;
        recorded.success = receipt.status;
        recorded.gas_used = receipt.gas_used;
        recorded.fee = receipt.fee();
    }
    Ok(record)
}

/// Compares each recorded transaction with the chain.
pub(super) async fn transactions(
    network: &Network,
    record: &DeploymentRecord,
    ops: &[FrozenOp],
    head: Head,
    facts: &mut CodeFacts,
) -> AppResult {
    let name = network.name();
    let anchor = anchor_calldata(record.release_root, record.deployment.digest()?);
    let mut gone = Vec::new();
    for (index, recorded) in record.transactions.iter().enumerate() {
        let field = format!("transactions.{index}");
        let (Some(receipt), Some(tx)) =
            (network.receipt(recorded.hash).await?, network.transaction(recorded.hash).await?)
        else {
            let hash = recorded.hash;
            gone.push(format!("the record's {field}.hash {hash} is not on {name}"));
            continue;
        };
        if receipt.block.number > head.block.number {
            let text = format!("{} is not final yet", op_label(&recorded.op));
            facts.waiting.push(Reason::new(ReasonCode::NotFinal, text));
        }
        // Equal operations share their bytes, and any of them may be named.
        let mut same = ops.iter().filter(|op| records::is_of(&tx, op)).map(FrozenOp::id).peekable();
        let is_op = match same.peek() {
            Some(_) => same.any(|op| op == recorded.op),
            None if tx.to == Some(tx.from) && tx.input == anchor => recorded.op == ANCHOR_OP,
            None => recorded.op == FOREIGN_OP,
        };
        let checks = [
            ("op", is_op),
            ("from", receipt.from == recorded.from),
            ("nonce", tx.nonce == recorded.nonce),
            ("block", receipt.block == recorded.block),
            ("success", receipt.status == recorded.success),
            ("gasUsed", receipt.gas_used == recorded.gas_used),
            ("fee", receipt.fee() == recorded.fee),
        ];
        for (part, _) in checks.iter().filter(|(_, same)| !same) {
            let text = format!("the record's {field}.{part} differs from {name}");
            facts.record_faults.push(Reason::new(ReasonCode::TransactionDiffers, text));
        }
    }
    let gone = gone.into_iter().map(|text| Reason::new(ReasonCode::TransactionGone, text));
    facts.record_faults.extend(gone);
    Ok(())
}
