//! Upgrades: whether all that is stored behind a live proxy stays where and what it is.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, b256};
use tidegate_chain::{LogQuery, Network};
use tidegate_gates::{Layout, LayoutFact, Reference, compare_layouts};
use tidegate_model::plan::Action;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::release::Artifact;
use tidegate_model::{Head, ReasonCode};
use tidegate_plan::config::Stage;
use tidegate_plan::{Executor, Start};

use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::existing::{Baseline, Behind, read_behind, reference};
use crate::project::Project;
use crate::proxies::Judged;
use crate::records;
use crate::release::{Built, stored_build};

/// The topic of `Upgraded(address)`.
const UPGRADED: B256 = b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b");

/// Which upgrades would damage what is stored on a network, and what whoever approves them may not
/// overlook, one sentence each. What is wrong with one proxy hides nothing of the others. Steps
/// that start from other code than the plan says are skipped.
pub(crate) async fn judge_layouts(
    project: &Project,
    place: (&str, &Network),
    built: &Built,
    (prepared, skipped): (&Prepared, &BTreeSet<String>),
    head: Head,
) -> AppResult<Judged> {
    let mut judged = Judged::default();
    let starts = prepared.resolved.starts.iter();
    for start in starts.filter(|start| !skipped.contains(&start.step)) {
        match of_start(project, place, built, (prepared, start), head).await {
            Ok(of_start) => judged.extend(of_start),
            Err(error) if error.kind == Kind::Fail => judged.faults.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok(judged)
}

/// The same of one upgrade. A key may return a proxy to code that was behind it before, whatever is
/// there now: nothing else leads back from a damaged state.
async fn of_start(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    (prepared, start): (&Prepared, &Start),
    head: Head,
) -> AppResult<Judged> {
    let may_repair = matches!(prepared.resolved.executor, Executor::Key(_));
    let (mut faults, mut attentions) = (Vec::new(), Vec::new());
    let found = read_behind(network, built, start, head.block).await?;
    let mut fact = fact(built, start, live(project, name, built, start, &found)?)?;
    attentions.extend(fact.hidden().map(|reason| reason.to_string()));
    let damage = fact.damage();
    let made = prepared.resolved.places.get(&start.step).and_then(|place| place.implementation);
    if made == Some(found.implementation) {
        let what = damage.iter().map(|reason| format!("it was made already; {reason}"));
        attentions.extend(what);
    } else if !damage.is_empty() {
        fact.earlier = earlier(project, (name, network), built, start, head).await?;
        let rest = fact.damage();
        match &fact.earlier {
            None => faults.extend(damage),
            Some(_) if !may_repair && !rest.is_empty() => faults.extend(rest),
            Some(known_by) => {
                attentions.push(format!(
                    "{} returns @{} to the code of {known_by}; what newer code stored stays in \
                     storage",
                    start.step, start.target
                ));
                attentions.extend(rest.iter().map(|reason| format!("the way back: {reason}")));
            }
        }
    }
    let faults = faults.into_iter().map(|fault| {
        AppError::new(Kind::Fail, fault).hint(
            "Tidegate's docs/upgrades.md says what an upgrade may change, and which way leads back",
        )
    });
    Ok(Judged { faults: faults.collect(), attentions })
}

/// One upgrade, as the gate judges it.
pub(crate) fn fact(built: &Built, start: &Start, reference: Reference) -> AppResult<LayoutFact> {
    Ok(LayoutFact {
        name: start.step.clone(),
        proxy: start.address,
        reference: Ok(reference),
        updated: layout(updated(built, start)?)?,
        earlier: None,
    })
}

/// The contract that an upgrade puts behind a proxy.
pub(crate) fn updated<'a>(built: &'a Built, start: &Start) -> AppResult<&'a Artifact> {
    let upgrade = built.release.plan.step(&start.step).and_then(|step| step.as_upgrade());
    let updated = upgrade.and_then(|upgrade| built.release.artifact(&upgrade.contract));
    updated.ok_or_else(|| {
        AppError::new(Kind::Internal, format!("the release does not contain {}", start.step))
    })
}

/// Reads a layout.
pub(crate) fn layout(artifact: &Artifact) -> AppResult<Layout> {
    Layout::of(artifact).map_err(|error| AppError::new(Kind::Fail, error))
}

/// The layout of a contract that is behind a proxy, and how that is known.
pub(crate) fn known(artifact: &Artifact, known_by: impl Into<String>) -> AppResult<Reference> {
    Reference::of(artifact, known_by).map_err(|error| AppError::new(Kind::Fail, error))
}

/// The layout that is live behind a proxy: as a kept record or the baseline has it, else as the
/// sources have it that compile to the code there.
fn live(
    project: &Project,
    name: &str,
    built: &Built,
    start: &Start,
    found: &Behind,
) -> AppResult<Reference> {
    let source = reference(built, &start.reference)?;
    if start.in_plan {
        return known(source, "an earlier step of the plan");
    }
    let is_there = |artifact: &Artifact| {
        artifact.template_of(&found.code) == Some(artifact.runtime_template())
    };
    for record in counting(project, name)? {
        let (release, build) = (record.release_root, record.deployment.build_digest);
        let behind = behind(&record, start) == Some(found.implementation);
        let Some(kept) = stored_build(project, release, build)?.filter(|_| behind) else {
            continue;
        };
        if let Some(artifact) =
            contract_at(&kept, &record, found.implementation).filter(|a| is_there(a))
        {
            return known(artifact, format!("the record of release {}", record.name));
        }
    }
    let baseline = Baseline::load(project, name, &start.target)?;
    let adopted = baseline.filter(|adopted| adopted.implementation == found.implementation);
    match adopted {
        Some(adopted) if adopted.agrees(start, source)? => known(source, "the baseline"),
        // The same code may store other things by other names: the chain does not tell which.
        Some(_) => Err(other_than_adopted(start, source)),
        None => known(source, "the sources"),
    }
}

fn other_than_adopted(start: &Start, source: &Artifact) -> AppError {
    let name = &start.target;
    let text = format!("{} is not the contract that was adopted as @{name}", source.fqn);
    AppError::new(Kind::Fail, text).coded(ReasonCode::BaselineDiffers).hint(format!(
        "restore its source, or the baseline from git; if the source was wrong before, run \
         `tidegate adopt {name}`"
    ))
}

/// The contract of a kept build that a record has at an address, behind a proxy.
fn contract_at<'a>(
    kept: &'a Built,
    record: &DeploymentRecord,
    implementation: Address,
) -> Option<&'a Artifact> {
    let steps = kept.release.plan.steps.iter();
    let step = steps.rev().find(|step| {
        let place = record.deployment.steps.get(&step.name);
        place.and_then(|place| place.implementation) == Some(implementation)
    })?;
    let contract = match &step.action {
        Action::Create(create) => &create.contract,
        Action::Upgrade(upgrade) => &upgrade.contract,
        Action::Call(_) => return None,
    };
    kept.release.artifact(contract)
}

/// What a deployment left in the slot that an upgrade replaces.
fn behind(record: &DeploymentRecord, start: &Start) -> Option<Address> {
    let slots = record.deployment.slots.iter();
    let slot = slots.rev().find(|at| at.address == start.address && at.slot == start.slot)?;
    Some(Address::from_word(slot.value))
}

/// Records whose word counts, newest first: by somebody under `[people]`, on a target by its Safe.
fn counting(project: &Project, name: &str) -> AppResult<Vec<DeploymentRecord>> {
    let settings = project.network(name)?;
    let mut records = match settings.stage {
        Stage::Testnet => records::own(project, name)?,
        Stage::Mainnet => records::all(project, name)?,
    };
    if settings.stage == Stage::Mainnet {
        records.retain(|(_, record)| Some(record.deployment.executor) == settings.safe);
    }
    let mut records: Vec<_> = records.into_iter().map(|(_, record)| record).collect();
    records.sort_by_key(|record| std::cmp::Reverse(records::last_block(record)));
    Ok(records)
}

/// Where the code that an upgrade puts behind a proxy was behind it before: what says so. Records
/// and baselines name addresses, which anybody may write who can write git; the code is compared
/// where it stands on the chain, and the proxy itself must have said that it was there.
pub(crate) async fn earlier(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    start: &Start,
    head: Head,
) -> AppResult<Option<String>> {
    let mut places: BTreeMap<Address, String> = BTreeMap::new();
    if let Some(baseline) = Baseline::load(project, name, &start.target)?
        && baseline.address == start.address
    {
        let all = baseline.earlier.iter().chain([&baseline.implementation]);
        places.extend(all.map(|at| (*at, "the baseline".to_owned())));
    }
    for record in counting(project, name)? {
        let known_by = || format!("release {}", record.name);
        places.extend(behind(&record, start).map(|at| (at, known_by())));
    }
    let updated = updated(built, start)?;
    for (place, known_by) in places {
        let code = network.code(place, head.block).await?;
        let is_it = updated.template_of(&code) == Some(updated.runtime_template());
        if is_it && was_behind(network, start, place, head).await? {
            return Ok(Some(format!("{known_by} (at {place})")));
        }
    }
    Ok(None)
}

/// Whether a proxy, or the beacon that an upgrade changes, has logged `Upgraded` with this address:
/// each standard one does whenever it is changed, and nobody else can make it.
async fn was_behind(
    network: &Network,
    start: &Start,
    place: Address,
    head: Head,
) -> AppResult<bool> {
    let from = network.first_block_of(start.address, head).await;
    let topics = vec![vec![UPGRADED], vec![place.into_word()]];
    let (addresses, to) = (vec![start.address], head.block.number);
    let logs = network.logs(&LogQuery { addresses, topics, from, to }).await?;
    Ok(!logs.is_empty())
}

/// What the upgrades of a build would damage, by its sources alone, one sentence each.
pub(crate) fn warnings(built: &Built) -> AppResult<Vec<String>> {
    let mut warnings = Vec::new();
    for step in &built.release.plan.steps {
        let Some(upgrade) = step.as_upgrade() else { continue };
        let updated = built.release.artifact(&upgrade.contract);
        let Some(updated) = updated else { continue };
        let reference = layout(reference(built, &upgrade.reference.contract)?)?;
        let problems = compare_layouts(&reference, &layout(updated)?);
        warnings.extend(problems.iter().map(|problem| format!("{}, {problem}", step.name)));
    }
    Ok(warnings)
}
