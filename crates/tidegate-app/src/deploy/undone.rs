//! What an earlier deployment did, and what has become of it since.

use std::collections::BTreeSet;

use tidegate_chain::Network;
use tidegate_engine::{DeployRun, EngineError, Lane, check_there};
use tidegate_model::event::LaneState;
use tidegate_model::units::counted;
use tidegate_plan::{OpKind, When, later};

use crate::deployment::{Prepared, expect_rest, refuse_faults, simulate};
use crate::error::{AppError, AppResult, Kind};
use crate::follow;
use crate::project::Project;
use crate::release::Built;
use crate::sending::explained;
use crate::shared::Begun;

/// The operations that somebody wants to be made again, which must be calls of the plan.
pub(super) fn again(
    (project, built, name): (&Project, &Built, &str),
    prepared: &Prepared,
    wanted: &[String],
) -> AppResult<BTreeSet<String>> {
    let ops = &prepared.resolved.ops;
    let calls = ops.iter().filter(|op| matches!(op.kind, OpKind::Call { .. }));
    let calls: Vec<_> = calls.map(|op| op.id.as_str()).collect();
    let Some(unknown) = wanted.iter().find(|op| !calls.contains(&op.as_str())) else {
        return Ok(wanted.iter().cloned().collect());
    };
    let error = AppError::usage(format!("--again {unknown}: the plan has no call of this name"));
    if let Some(way) = follow::again(project, built, name, unknown)? {
        return Err(error.hint(way));
    }
    Err(match calls.as_slice() {
        [] => error.hint("only calls can be made again, and it has none"),
        calls => error.hint(format!("its calls: {}", calls.join(", "))),
    })
}

/// Refuses to make a call again that this very deployment has made, or is anchored with.
pub(super) fn refuse_again(
    (project, built, name): (&Project, &Built, &str),
    run: &DeployRun,
    there: &BTreeSet<String>,
) -> AppResult {
    let Some(op) = run.again.iter().find(|op| there.contains(*op)) else { return Ok(()) };
    Err(AppError::new(Kind::Conflict, format!("this deployment has made {op} already"))
        .hint(format!("if it broke off, it goes on without `--again {op}`"))
        .hint("a release after it that has the call makes it again")
        .hint(follow::second(project, built, name, run.deployment_id + 1)?))
}

/// The upgrades that this deployment makes though another release made exactly them before: one in
/// between took them back. What this very deployment has made is not among them.
pub(super) async fn taken_back(
    begun: &Begun<'_>,
    run: &DeployRun,
    lane: &Lane<'_>,
) -> AppResult<BTreeSet<String>> {
    let is_own = |op: &str| {
        let landed = lane.state().landed(&run.op_key(op));
        landed.is_some_and(|(_, inclusion)| inclusion.success)
    };
    Ok(begun.taken_back().await?.into_iter().filter(|op| !is_own(op)).collect())
}

/// What other commands signed and no block has, as where a chain was begun anew: nothing of the
/// sender lands before it, so it is sent again first.
pub(super) fn signed_before(state: &LaneState, run: &DeployRun) -> Option<String> {
    const NAMED_MAX: usize = 5;
    let own = run.op_key("");
    let open = state.open();
    let ops = open.values().map(|attempt| attempt.op.as_str());
    let ops: Vec<_> = ops.filter(|op| !op.starts_with(&own)).collect();
    if ops.is_empty() {
        return None;
    }
    let named = ops.iter().take(NAMED_MAX).map(|op| op.rsplit('/').next().unwrap_or(op));
    let named: Vec<_> = named.collect();
    let more = if ops.len() > NAMED_MAX { ", …" } else { "" };
    let are = if ops.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} that other commands signed {are} in no block, and {are} sent again first, since \
         nothing of this sender lands before: {}{more}",
        counted(ops.len(), "transaction"),
        named.join(", ")
    ))
}

/// What is to be said of what stands. Of a complete deployment that is the calls whose effect is
/// gone; what is due of another is tried.
pub(super) async fn said(
    begun: &Begun<'_>,
    run: &mut DeployRun,
    (when, is_complete): (When, bool),
) -> AppResult<Vec<String>> {
    let mut said = match when {
        _ if is_complete => begun.lost(None).await?.0,
        When::After => tried(begun, run).await?,
        When::Before => Vec::new(),
    };
    said.extend(begun.lost_before().await?);
    Ok(said)
}

/// Tries what is due of a plan that has begun: what of it would fail is refused. Returns the calls
/// that were made already and whose effect is gone, and what `verify` will refuse of contracts that
/// other releases made.
async fn tried(begun: &Begun<'_>, run: &mut DeployRun) -> AppResult<Vec<String>> {
    let Begun { place: (_, network), plan: (prepared, _), head, done, .. } = *begun;
    refuse_faults(&expect_rest(network, prepared, head, done).await?)?;
    let resolved = &prepared.resolved;
    let by_now = simulate(network, head, |snapshot| later(resolved, snapshot, done)).await?;
    for (check, later) in run.checks.iter_mut().zip(by_now) {
        check.later = later;
    }
    refuse_checks(network, prepared, run, done).await?;
    let due = begun.due().await?;
    let (mut attentions, known) = begun.lost(Some(&due)).await?;
    let shared = begun.shared(&due, &known).await?;
    if let Some(fault) = &due.fault {
        let text = format!("the plan fails on what stands already: {fault}");
        return Err(shared.into_iter().fold(AppError::new(Kind::Fail, text), AppError::hint));
    }
    attentions.extend(shared);
    Ok(attentions)
}

/// Refuses what can only fail after something was sent: a check of a step that is there already.
async fn refuse_checks(
    network: &Network,
    prepared: &Prepared,
    run: &DeployRun,
    there: &BTreeSet<String>,
) -> AppResult {
    check_there(network, run, there).await.map(drop).map_err(|error| {
        let is_check =
            matches!(error, EngineError::Check { .. } | EngineError::CheckReverts { .. });
        let error = explained(error, &prepared.resolved.errors);
        if !is_check {
            return error;
        }
        error
            .hint("the step is there already, and something has changed it since")
            .hint("a call that sets the value is made again by `--again`, with the call's name")
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes, U256};
    use tidegate_model::event::LaneEvent;
    use tidegate_model::{BlockRef, ReleaseRoot};

    use super::*;

    #[test]
    fn what_other_commands_signed_is_named_before_it_is_sent_again() {
        let run = DeployRun {
            project: "dials".to_owned(),
            release_root: ReleaseRoot(B256::repeat_byte(1)),
            deployment_id: 1,
            ops: Vec::new(),
            checks: Vec::new(),
            anchor: Bytes::new(),
            again: BTreeSet::new(),
            taken_back: BTreeSet::new(),
        };
        let mut state = LaneState::default();
        let block = BlockRef { number: 1, hash: B256::ZERO };
        let adopted =
            LaneEvent::SenderAdopted { nonce: 0, balance: U256::ZERO, block, anew: false };
        state.apply(&adopted).unwrap();
        let mut sign = |op: String, nonce: u64| {
            let hash = B256::with_last_byte(u8::try_from(nonce).unwrap() + 1);
            let (raw, intent, max_fee_per_gas) = (Bytes::new(), hash, U256::ONE);
            let recorded =
                LaneEvent::AttemptRecorded { op, intent, nonce, hash, raw, max_fee_per_gas };
            state.apply(&recorded).unwrap();
            signed_before(&state, &run)
        };
        assert_eq!(sign(run.op_key("own"), 0), None);
        let said = sign("deploy/0x02/0/dial.set".to_owned(), 1).unwrap();
        assert!(said.starts_with("1 transaction that other commands signed is in no"), "{said}");
        assert!(said.ends_with("before: dial.set"), "{said}");
        let said = sign("fund/0x03".to_owned(), 2).unwrap();
        assert!(said.starts_with("2 transactions"), "{said}");
    }
}
