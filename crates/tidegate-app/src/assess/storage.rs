//! The storage of created contracts on a testnet, beside what the plan leaves.

use tidegate_chain::Network;
use tidegate_evidence::{Made, compare_stored};
use tidegate_gates::CodeFacts;
use tidegate_model::Head;
use tidegate_model::record::DeploymentRecord;
use tidegate_plan::{Expected, Moment, stored};

use crate::deployment::Prepared;
use crate::error::AppResult;
use crate::release::Built;

/// Compares every created contract as it was in the block of its creation; one that this deployment
/// did not make, as it was at the anchor.
pub(super) async fn compare(
    network: &Network,
    head: Head,
    built: &Built,
    record: &DeploymentRecord,
    (prepared, expected): (&Prepared, &Expected),
    facts: &mut CodeFacts,
) -> AppResult {
    let Some(anchor) = record.anchor() else { return Ok(()) };
    for contract in stored(&built.release, &prepared.resolved, expected, Moment::Any) {
        let own = record.own_run().iter().find(|tx| tx.success && tx.op == contract.op);
        let made = Made { at: own.map_or(anchor.block, |tx| tx.block), by_safe: None };
        facts.varying.extend(contract.left_out());
        let mut found = compare_stored(network, head.block, &contract, made).await?;
        if own.is_none() {
            let way = if built.release.plan.follows.is_none() { FRESH } else { FOLLOWED };
            let older = |why: &str| format!("{why}; {OLDER}; {way}");
            found.faults = found.faults.into_iter().map(|why| why.reworded(older)).collect();
        }
        facts.add(found);
    }
    Ok(())
}

/// Whoever soaks a used contract soaks something else than what a target begins with.
const OLDER: &str = "it stood before this deployment, which began with what it held";
const FRESH: &str = "another --id deploys a fresh one, and `follows` under [project] goes on from \
                     the release that made it";
/// Another id alone upgrades the same proxies.
const FOLLOWED: &str = "`follows` under [project] has to name the release that made it";
