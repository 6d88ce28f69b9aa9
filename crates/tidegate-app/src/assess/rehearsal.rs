//! What a plan writes in contracts that are there already: on its target, and where it soaked.

use std::collections::BTreeSet;

use tidegate_chain::Network;
use tidegate_gates::WriteRow;
use tidegate_model::{Head, Reason, ReasonCode};
use tidegate_plan::{Kept, Names, OpKind, When, Write, same_code, unrehearsed, writes};

use super::candidate::Gathered;
use super::code::{Planned, side};
use crate::deployment::expect_in;
use crate::error::{AppError, AppResult};

/// Both networks in the target's block, and with the target's values.
pub(super) struct Both<'a> {
    pub(super) soak: (&'a Network, Head, Planned<'a>),
    pub(super) target: (&'a Network, Head, Planned<'a>),
}

/// What is written on the target and was not where it soaked, and every slot that is written. What
/// soaked is executed once more on the state from before it ran.
pub(super) async fn written(
    gathered: &Gathered<'_>,
    both: &Both<'_>,
) -> AppResult<(Vec<Reason>, Vec<WriteRow>)> {
    let release = &gathered.built.release;
    let (network, at, there) = both.target;
    let target = side(network, there);
    let compared = compared(gathered, both).await?;
    let places: BTreeSet<_> =
        compared.iter().filter_map(|name| there.0.resolved.outside.get(name)).collect();
    let is_called = there.0.resolved.ops.iter().any(|op| match &op.kind {
        OpKind::Call { to, .. } => places.contains(to),
        OpKind::Create { .. } => false,
    });
    let mut changed = there.1.outside.iter().filter(|(_, kept)| kept.is_changed());
    if !is_called && !changed.any(|((of, _), _)| places.contains(of)) {
        return Ok((Vec::new(), rows(writes(release, None, target))));
    }
    if let Some((op, why)) = there.1.skipped.iter().next() {
        let error = AppError::config(format!("{op} fails on {}: {why}", gathered.target));
        return Err(error.coded(ReasonCode::PlanFails));
    }
    let (soak, _, here) = both.soak;
    let before = before(gathered, soak).await?;
    let rehearsed = expect_in(soak, here.0, before, When::After, at).await?;
    let failing = rehearsed.skipped.iter().map(|(op, why)| format!("{op} fails: {why}"));
    if let Some(fault) = rehearsed.faults.iter().cloned().chain(failing).next() {
        let error = AppError::config(format!(
            "as of block {} of {}, before it ran there, the plan fails: {fault}",
            before.block.number, gathered.soak
        ));
        return Err(error.coded(ReasonCode::PlanFails));
    }
    let soaked = side(soak, (here.0, &rehearsed));
    let found = unrehearsed(release, soaked, target, &compared).into_iter();
    let found = found.map(|text| Reason::new(ReasonCode::WriteDiffers, text)).collect();
    Ok((found, rows(writes(release, Some((soaked, &compared)), target))))
}

/// The contracts whose slots mean the same on both networks: those under `[existing]`, and
/// externals of the same code that runs nobody else's.
async fn compared(gathered: &Gathered<'_>, both: &Both<'_>) -> AppResult<BTreeSet<String>> {
    let ((soak, head, here), (network, at, there)) = (both.soak, both.target);
    let mut compared: BTreeSet<_> = here.0.live().map(|(name, _)| name.to_owned()).collect();
    let (one, other) = (side(soak, here), side(network, there));
    let names = Names::of(&gathered.built.release, one, other);
    for (name, address) in &here.0.resolved.outside {
        let Some(standing) = there.0.resolved.outside.get(name) else { continue };
        let borrows = there.1.seen.borrowed.iter().any(|(context, _)| context == standing);
        if borrows || here.0.mocks.contains_key(name) || compared.contains(name) {
            continue;
        }
        let code = soak.code(*address, head.block).await?;
        let target_code = network.code(*standing, at.block).await?;
        if same_code(&names, &code, &target_code).is_none() {
            compared.insert(name.clone());
        }
    }
    Ok(compared)
}

/// The head before the first transaction of what soaked.
async fn before(gathered: &Gathered<'_>, soak: &Network) -> AppResult<Head> {
    let sent = gathered.record.iter().flat_map(|record| record.own_run());
    let first = sent.filter(|tx| tx.success).map(|tx| tx.block.number).min();
    let first = first.ok_or_else(|| AppError::config("the record names no transaction"))?;
    Ok(soak.head_at(first.saturating_sub(1)).await?)
}

fn rows(writes: Vec<Write>) -> Vec<WriteRow> {
    let shown = |kept: Kept| {
        let varies = if kept.varies { ", which depends on when it runs" } else { "" };
        format!("{:#x} → {:#x}{varies}", kept.before, kept.after)
    };
    let row = |write: Write| WriteRow {
        contract: write.contract,
        slot: write.slot,
        label: write.label,
        target: write.target.map(shown),
        soaked: write.soaked.map(shown),
    };
    writes.into_iter().map(row).collect()
}
