//! What stands on a target already where the policy says `fresh = true`.

use tidegate_chain::Network;
use tidegate_model::Head;
use tidegate_plan::{Expected, Resolved, WAY_OUT, must_be_absent, op_label};

use crate::error::AppResult;
use crate::project::Project;
use crate::promotion::promotions;
use crate::release::Built;

/// What the Safe is to create and what stands there already, where it may not, one sentence each.
pub(crate) async fn stands_already(
    project: &Project,
    network: &Network,
    head: Head,
    (resolved, expected): (&Resolved, &Expected),
) -> AppResult<Vec<String>> {
    let mut standing = Vec::new();
    if !project.rules.fresh {
        return Ok(standing);
    }
    for (op, address) in must_be_absent(resolved, expected) {
        if !network.code(address, head.block).await?.is_empty() {
            let (label, name) = (op_label(op), network.name());
            standing.push(format!(
                "{label} stands at {address} on {name} already, and the policy has `fresh = true`, \
                 so the batch would revert"
            ));
        }
    }
    Ok(standing)
}

/// The same of a release that is not promoted yet, with what to do about it.
pub(crate) async fn in_the_way(
    project: &Project,
    built: &Built,
    target: &str,
    (network, head): (&Network, Head),
    plan: (&Resolved, &Expected),
) -> AppResult<Vec<String>> {
    let mut standing = stands_already(project, network, head, plan).await?;
    let Some(last) = standing.last_mut() else { return Ok(standing) };
    *last += &format!("; {WAY_OUT}");
    let release = built.roots.release_root;
    let promoted = promotions(project, target, network, head).await?;
    if promoted.iter().any(|recorded| recorded.record.release_root == release) {
        return Ok(Vec::new());
    }
    Ok(standing)
}
