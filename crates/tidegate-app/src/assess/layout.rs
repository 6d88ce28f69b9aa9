//! Facts of the gate `layout`: what is really behind each proxy that is upgraded.

use tidegate_gates::{LayoutFact, LayoutFacts, Observed, Reference, code_stores};
use tidegate_model::{GateInput, Head, Reason, ReasonCode};
use tidegate_plan::{Executor, Start};

use super::candidate::Candidate;
use crate::deployment::{Prepared, prepare};
use crate::error::{AppError, AppResult};
use crate::existing::{Baseline, read_behind, reference};
use crate::layouts::{earlier, layout, updated};

pub(super) async fn facts(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
) -> AppResult<Observed<LayoutFacts>> {
    let Candidate { project, built, target, .. } = *candidate;
    if built.release.plan.references().is_empty() {
        return Ok(Ok(LayoutFacts::default()));
    }
    let safe = project.network(target)?.safe;
    let safe =
        safe.ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let prepared = prepare(project, built, target, Executor::Safe(safe), 0)?;
    let mut facts = LayoutFacts::default();
    for start in &prepared.resolved.starts {
        let known = known(candidate, &prepared, start, head, &mut facts.inputs).await?;
        let mut fact = LayoutFact {
            name: start.step.clone(),
            proxy: start.address,
            reference: match known {
                Ok(known_by) => {
                    let artifact = reference(built, &start.reference)?;
                    let (layout, stores) = (layout(artifact)?, code_stores(&artifact.runtime));
                    Ok(Reference { layout, known_by, stores })
                }
                Err(missing) => Err(missing),
            },
            updated: layout(updated(built, start)?)?,
            earlier: None,
        };
        if fact.reference.is_ok() && !start.in_plan && !fact.damage().is_empty() {
            let (network, head) = (candidate.target_network.clone()?, head.clone()?);
            fact.earlier = earlier(project, (target, network), built, start, head).await?;
        }
        facts.upgrades.push(fact);
    }
    Ok(Ok(facts))
}

/// How the reference is known to be behind the proxy; otherwise what is missing. The baseline has
/// to say the same as the sources, and both as the chain.
async fn known(
    candidate: &Candidate<'_>,
    prepared: &Prepared,
    start: &Start,
    head: &Observed<Head>,
    inputs: &mut Vec<GateInput>,
) -> AppResult<Observed<String>> {
    let Candidate { project, built, target, .. } = *candidate;
    if start.in_plan {
        return Ok(Ok("an earlier step of the plan".to_owned()));
    }
    let Some(baseline) = Baseline::load(project, target, &start.target)? else {
        let text = format!("it was not adopted; run `tidegate adopt {}`", start.target);
        return Ok(Err(Reason::new(ReasonCode::BaselineMissing, text)));
    };
    let source = reference(built, &start.reference)?;
    let same = baseline.address == start.address
        && baseline.runtime_template == source.runtime_template()
        && baseline.storage_layout == source.storage_layout()?
        && baseline.layout == source.layout;
    if !same {
        let name = &start.target;
        let text = format!(
            "{} is not the contract that was adopted as @{name}; run `tidegate adopt {name}`",
            source.fqn
        );
        return Ok(Err(Reason::new(ReasonCode::BaselineDiffers, text)));
    }
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    let found = read_behind(network, built, start, head.block).await?;
    inputs.push(GateInput {
        kind: "layout/reference".to_owned(),
        chain: network.id().chain,
        block: head.block,
        digest: baseline.storage_layout,
    });
    // Once upgraded, what was behind it before is what the upgrade was checked against.
    let made = prepared.resolved.places.get(&start.step).and_then(|place| place.implementation);
    if made == Some(found.implementation) {
        return Ok(Ok("the baseline, which it replaced".to_owned()));
    }
    Ok(match found.faults.first() {
        Some(fault) => Err(Reason::new(ReasonCode::UpgradeStartDiffers, fault)),
        None => Ok(format!("the code behind it on {target}")),
    })
}
