//! What an earlier deployment did, and what has become of it since.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use tidegate_chain::Network;
use tidegate_engine::{DeployRun, EngineError, check_there};
use tidegate_model::Head;
use tidegate_plan::{Expected, Moment, OpKind, Undone, stored, undone};

use crate::deployment::{Prepared, expect_rest, refuse_faults, simulate};
use crate::error::{AppError, AppResult, Kind};
use crate::release::Built;
use crate::sending::explained;

/// Larger numbers are addresses or hashes.
const DECIMAL_MAX: U256 = U256::from_limbs([u64::MAX, u64::MAX, 0, 0]);

/// The operations that somebody wants to be made again, which must be calls of the plan.
pub(super) fn again(prepared: &Prepared, wanted: &[String]) -> AppResult<BTreeSet<String>> {
    let ops = &prepared.resolved.ops;
    let calls = ops.iter().filter(|op| matches!(op.kind, OpKind::Call { .. }));
    let calls: Vec<_> = calls.map(|op| op.id.as_str()).collect();
    let Some(unknown) = wanted.iter().find(|op| !calls.contains(&op.as_str())) else {
        return Ok(wanted.iter().cloned().collect());
    };
    let error = AppError::usage(format!("--again {unknown}: the plan has no call of this name"));
    Err(match calls.as_slice() {
        [] => error.hint("only calls can be made again, and it has none"),
        calls => error.hint(format!("its calls: {}", calls.join(", "))),
    })
}

/// Refuses to make a call again that this very deployment has made, or is anchored with.
pub(super) fn refuse_again(run: &DeployRun, there: &BTreeSet<String>) -> AppResult {
    let Some(op) = run.again.iter().find(|op| there.contains(*op)) else { return Ok(()) };
    Err(AppError::new(Kind::Conflict, format!("this deployment has made {op} already"))
        .hint("a release after it that has the call, or another --id, makes it again"))
}

/// Tries what is due of a plan that has begun: what of it would fail is refused. Returns the calls
/// that were made already and whose effect is gone, one sentence for each slot.
pub(super) async fn tried(
    network: &Network,
    head: Head,
    built: &Built,
    (prepared, expected, run): (&Prepared, &Expected, &DeployRun),
    there: &BTreeSet<String>,
) -> AppResult<Vec<String>> {
    refuse_faults(&expect_rest(network, prepared, head, there).await?)?;
    refuse_checks(network, prepared, run, there).await?;
    said(network, head, built, (prepared, expected), there).await
}

/// Refuses what can only fail after something was sent: a check of a step that is there already.
async fn refuse_checks(
    network: &Network,
    prepared: &Prepared,
    run: &DeployRun,
    there: &BTreeSet<String>,
) -> AppResult {
    check_there(network, run, there).await.map_err(|error| {
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

async fn said(
    network: &Network,
    head: Head,
    built: &Built,
    (prepared, expected): (&Prepared, &Expected),
    there: &BTreeSet<String>,
) -> AppResult<Vec<String>> {
    let resolved = &prepared.resolved;
    let run = |snapshot: &_| undone(resolved, expected, snapshot, there);
    let contracts = stored(&built.release, resolved, expected, Moment::Any);
    let say = |undone: Undone<'_>| {
        let Undone { op, at, slot, holds, leaves } = undone;
        let contract = contracts.iter().find(|contract| contract.address == at);
        let place = match contract {
            Some(contract) => {
                let named = contract.slots.iter().find(|stored| stored.slot == slot);
                let name = named.map_or_else(|| slot_name(slot), |stored| stored.name.clone());
                format!("{name} of {}", contract.label)
            }
            None => format!("{} of {at}", slot_name(slot)),
        };
        let (holds, leaves) = (word(holds), word(leaves));
        format!(
            "{op} was made already, but {place} is {holds} now, not {leaves}; `--again {op}` makes \
             it again"
        )
    };
    simulate(network, head, |snapshot| Ok(run(snapshot)?.into_iter().map(say).collect())).await
}

fn slot_name(slot: U256) -> String {
    format!("slot {}", word(slot))
}

fn word(word: U256) -> String {
    if word <= DECIMAL_MAX { word.to_string() } else { format!("{word:#x}") }
}
