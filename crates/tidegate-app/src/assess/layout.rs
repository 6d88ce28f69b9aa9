//! Facts of the gate `layout`: what is really behind each proxy that is upgraded.

use tidegate_chain::Network;
use tidegate_gates::{LayoutFact, LayoutFacts, Observed};
use tidegate_model::{GateInput, Head, Reason, ReasonCode};
use tidegate_plan::{Executor, Start, upgraded_otherwise};

use super::candidate::Candidate;
use crate::deployment::{Prepared, prepare, simulate};
use crate::error::{AppError, AppResult};
use crate::existing::{Baseline, STRANGE_WAY, read_behind, reference, start_way, strange_in_plan};
use crate::follow;
use crate::follow_checks::standing_faults;
use crate::layouts::{self, earlier, layout, updated};
use crate::promotion::promotions;

pub(super) async fn facts(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
) -> AppResult<Observed<LayoutFacts>> {
    let Candidate { project, built, target, .. } = *candidate;
    let follows = built.release.plan.follows.is_some();
    // What names nothing that stands reaches nothing that stands.
    let plan = &built.release.plan;
    let names = !plan.externals.is_empty() || !plan.existing.is_empty();
    if plan.references().is_empty() && !follows && !names {
        return Ok(Ok(LayoutFacts::default()));
    }
    let safe = project.network(target)?.safe;
    let safe =
        safe.ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let prepared = prepare(project, built, target, Executor::Safe(safe), 0)?;
    let mut facts = LayoutFacts {
        otherwise: otherwise(candidate, &prepared, head).await?,
        ..LayoutFacts::default()
    };
    if follows {
        let (network, head) = (candidate.target_network.clone()?, head.clone()?);
        let faults = target_faults(candidate, &prepared, network, head).await?.into_iter();
        let faults = faults.map(|fault| Reason::new(ReasonCode::FollowedDiffers, fault));
        facts.followed = faults.collect();
    }
    for start in &prepared.resolved.starts {
        let known = known(candidate, &prepared, start, head, &mut facts.inputs).await?;
        // What is wrong besides stays a failure.
        if let Err(reason) = &known
            && reason.code == ReasonCode::NotFinal
            && facts.followed.is_empty()
            && facts.otherwise.is_empty()
        {
            return Ok(Err(reason.clone()));
        }
        let mut fact = LayoutFact {
            name: start.step.clone(),
            proxy: start.address,
            reference: match known {
                Ok(known_by) => Ok(layouts::known(reference(built, &start.reference)?, known_by)?),
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

/// What the plan puts behind proxies of the target though no upgrade of it says so.
async fn otherwise(
    candidate: &Candidate<'_>,
    prepared: &Prepared,
    head: &Observed<Head>,
) -> AppResult<Vec<Reason>> {
    let (network, head) = (candidate.target_network.clone()?, head.clone()?);
    let resolved = &prepared.resolved;
    let found = simulate(network, head, |snapshot| upgraded_otherwise(resolved, snapshot)).await?;
    Ok(found.into_iter().map(|why| Reason::new(ReasonCode::UpgradedOtherwise, why)).collect())
}

/// How the reference is known to be behind the proxy; otherwise what is missing. The baseline, or
/// what is followed, has to say the same as the plan, and both as the chain.
async fn known(
    candidate: &Candidate<'_>,
    prepared: &Prepared,
    start: &Start,
    head: &Observed<Head>,
    inputs: &mut Vec<GateInput>,
) -> AppResult<Observed<String>> {
    let Candidate { project, built, target, .. } = *candidate;
    if start.in_plan {
        let (network, head) = (candidate.target_network.clone()?, head.clone()?);
        return Ok(match strange_in_plan(network, prepared, start, head.block).await? {
            Some(fault) => {
                let text = format!("{fault}; {STRANGE_WAY}");
                Err(Reason::new(ReasonCode::UpgradeStartDiffers, text))
            }
            None => Ok("an earlier step of the plan".to_owned()),
        });
    }
    let said = match project.config.existing.contains_key(&start.target) {
        true => adopted(candidate, start)?,
        false => left_there(candidate, prepared, start)?,
    };
    let known_by = match said {
        Ok(known_by) => known_by,
        Err(missing) => return Ok(Err(missing)),
    };
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    let found = read_behind(network, built, start, head.block).await?;
    inputs.push(GateInput {
        kind: "layout/reference".to_owned(),
        chain: network.id().chain,
        block: head.block,
        digest: reference(built, &start.reference)?.storage_layout()?,
    });
    // Once upgraded, what was behind it before is what the upgrade was checked against.
    let made = prepared.resolved.places.get(&start.step).and_then(|place| place.implementation);
    if made == Some(found.implementation) {
        return Ok(Ok(format!("{known_by}, which it replaced")));
    }
    if found.implementation.is_zero() && is_young(network, start, head).await? {
        let text = format!(
            "@{} at {} on {target} is not final yet; wait until it is",
            start.target, start.address
        );
        return Ok(Err(Reason::new(ReasonCode::NotFinal, text)));
    }
    Ok(match found.faults.first() {
        Some(fault) => {
            let text = format!("{fault}; {}", start_way(project, &start.target));
            Err(Reason::new(ReasonCode::UpgradeStartDiffers, text))
        }
        None => Ok(format!("the code behind it on {target}")),
    })
}

/// Whether a proxy stands by now, and did not at this block.
async fn is_young(network: &Network, start: &Start, head: Head) -> AppResult<bool> {
    let now = network.latest_head().await?;
    Ok(network.code(start.address, head.block).await?.is_empty()
        && !network.code(start.address, now.block).await?.is_empty())
}

/// Whether the baseline says the same as the sources.
fn adopted(candidate: &Candidate<'_>, start: &Start) -> AppResult<Observed<&'static str>> {
    let Candidate { project, built, target, .. } = *candidate;
    let Some(baseline) = Baseline::load(project, target, &start.target)? else {
        let text = format!("it was not adopted; run `tidegate adopt {}`", start.target);
        return Ok(Err(Reason::new(ReasonCode::BaselineMissing, text)));
    };
    let source = reference(built, &start.reference)?;
    if baseline.agrees(start, source)? {
        return Ok(Ok("the baseline"));
    }
    let name = &start.target;
    let text = format!(
        "{} is not the contract that was adopted as @{name}; run `tidegate adopt {name}`",
        source.fqn
    );
    Ok(Err(Reason::new(ReasonCode::BaselineDiffers, text)))
}

/// Whether a release that is followed left it: its root is in the plan, and the Safe has recorded
/// its deployment, or the facts name that as wrong.
fn left_there(
    candidate: &Candidate<'_>,
    prepared: &Prepared,
    start: &Start,
) -> AppResult<Observed<&'static str>> {
    let Candidate { project, built, target, .. } = *candidate;
    let chain = follow::of(project, built)?;
    let standing = chain.as_ref().and_then(|chain| chain.followed.standing.get(&start.target));
    let source = reference(built, &start.reference)?;
    let place = prepared.left.places.get(&start.target);
    let is_there = place.is_some_and(|place| place.address == start.address);
    let is_left = standing.filter(|_| is_there).is_some_and(|standing| {
        standing.artifact.runtime_template() == source.runtime_template()
            && standing.artifact.layout_document() == source.layout_document()
    });
    if is_left {
        return Ok(Ok("what it follows"));
    }
    let text = format!(
        "@{} on {target} was left by no release here; pull, or follow the release that put it \
         there",
        start.target
    );
    Ok(Err(Reason::new(ReasonCode::FollowedDiffers, text)))
}

/// What is wrong on a target with the records of the releases that are followed, and with what
/// stands: only what the Safe has recorded counts.
async fn target_faults(
    candidate: &Candidate<'_>,
    prepared: &Prepared,
    network: &Network,
    head: Head,
) -> AppResult<Vec<String>> {
    let Candidate { project, built, target, .. } = *candidate;
    let Some(chain) = follow::of(project, built)? else { return Ok(Vec::new()) };
    let promotions = promotions(project, target, network, head).await?;
    let mut faults = Vec::new();
    let record = follow::recorded(project, &chain, target, None)?;
    let (name, digest) = (&record.name, record.deployment.digest()?);
    let is_recorded = promotions.iter().any(|promotion| {
        let of = &promotion.record;
        (of.release_root, of.deployment_digest) == (record.release_root, digest)
    });
    if !is_recorded {
        faults
            .push(format!("the record of {name} on {target} is of nothing that the Safe promoted"));
    }
    let build = chain.releases.last().map(|kept| kept.roots.build_digest);
    if build != Some(record.deployment.build_digest) {
        faults.push(format!(
            "deployments/releases/{}.json is another build of {name} than stands on {target}",
            record.release_root
        ));
    }
    // What was promoted since, and is not followed, may have changed what is found.
    let own = built.roots.release_root;
    let roots = promotions.iter().map(|promotion| promotion.record.release_root);
    let newer: Vec<_> = roots.take_while(|root| *root != chain.followed.root).collect();
    if let Some(newest) = newer.first().filter(|_| !newer.contains(&own)) {
        faults.push(format!(
            "the Safe promoted release {} to {target} after {}; follow the newest",
            newest.short(),
            chain.followed.name
        ));
    }
    faults.extend(standing_faults(&chain, network, built, &prepared.left, head.block).await?);
    Ok(faults)
}
