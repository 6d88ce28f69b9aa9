//! The soak network's contracts, compared with what the sources compile to.

use tidegate_chain::Network;
use tidegate_gates::{
    CodeFacts, ContractFact, Observed, ParameterFacts, ParameterRow, SlotFact, code_verdict,
};
use tidegate_model::record::{Deployment, DeploymentRecord};
use tidegate_model::{BlockRef, GateInput, Head, Reason, ReasonCode, Verdict};
use tidegate_plan::{Executor, Expected, Names, Side, When, differences, same_code, values_of};

use super::candidate::{Candidate, Gathered};
use super::namesake::{namesake, other_bytes};
use super::rehearsal::{Both, written};
use super::superseded::{Changed, Superseded};
use super::{own_code, record, storage};
use crate::contracts;
use crate::deployment::{Prepared, expect, expect_in, prepare, prepare_with};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::existing::read_behind;
use crate::follow;
use crate::follow_checks::standing_faults;
use crate::project::Project;
use crate::published::on_testnet;
use crate::records;
use crate::release::{Built, stored_build};
use crate::standing::in_the_way;
use crate::wiped::require_there;

/// Facts of the gates `code` and `parameters`.
pub(super) async fn facts(
    gathered: &Gathered<'_>,
) -> (Observed<CodeFacts>, Observed<ParameterFacts>) {
    match read(gathered).await {
        Ok((code, parameters)) => (Ok(code), Ok(parameters)),
        Err(error) => {
            let missing = error.reason();
            (Err(missing.clone()), Err(missing))
        }
    }
}

async fn read(gathered: &Gathered<'_>) -> AppResult<(CodeFacts, ParameterFacts)> {
    let Gathered { soak, record, .. } = *gathered;
    let Candidate { project, built, .. } = **gathered;
    let network = gathered.soak_network.clone()?;
    let head = match gathered.past(network).await? {
        Some(past) => past,
        None => network.finalized_head().await?,
    };
    let reader = CodeReader { project, built, name: soak, record, settled: gathered.is_past };
    let Read { mut code, mut parameters, record, prepared, expected, .. } =
        reader.read(network, head).await?;
    code.record_faults.extend(found(gathered, network, &prepared, head).await?);
    parameters.rows = rows(gathered, record)?;
    parameters.externals = own_code::rows(project, gathered.target, record);
    if !gathered.is_past {
        let prepared = (&prepared, &expected);
        if let Err(error) = on_target(gathered, prepared, network, head, &mut parameters).await {
            let text = format!(
                "what would be deployed on {} cannot be compared with what soaked: {error}",
                gathered.target
            );
            let reason = Reason::new(ReasonCode::TargetNotCompared, text);
            parameters.missing.push(reason.within(&error.reason()));
        }
    }
    Ok((code, parameters))
}

/// What stands otherwise on the soak network than the releases that are followed left it, of what
/// the plan takes as it is: what others put behind a proxy since is not what soaks.
async fn found(
    gathered: &Gathered<'_>,
    network: &Network,
    prepared: &Prepared,
    head: Head,
) -> AppResult<Vec<Reason>> {
    let Candidate { project, built, .. } = **gathered;
    let Some(chain) = follow::of(project, built)? else { return Ok(Vec::new()) };
    let faults = standing_faults(&chain, network, built, &prepared.left, head.block).await?;
    Ok(coded(ReasonCode::FollowedDiffers, faults).collect())
}

/// What on the target would not be what soaks, with the names of one network for the other's: code
/// and storage of what the plan creates, and the code of what it goes through. Both are executed in
/// the target's block and with its values, so that neither time nor a parameter explains anything.
async fn on_target(
    gathered: &Gathered<'_>,
    (prepared, expected): (&Prepared, &Expected),
    soak: &Network,
    head: Head,
    facts: &mut ParameterFacts,
) -> AppResult {
    let Candidate { project, built, target, .. } = **gathered;
    let network = gathered.target_network.clone()?;
    let at = network.finalized_head().await?;
    let safe = project
        .network(target)?
        .safe
        .ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let there = prepare(project, built, target, Executor::Safe(safe), 0)?;
    let when = crate::deployment::begun(network, &there, at).await?;
    let judged = expect(network, &there, at, when).await?;
    if let Some(fault) = judged.faults.first() {
        let error = AppError::config(format!("the plan fails there: {fault}"));
        return Err(error.coded(ReasonCode::PlanFails));
    }
    let values = values_of(&there.resolved, &prepared.resolved, &built.release);
    let values = values.or_kind(Kind::Config)?;
    let (name, executor) = (gathered.soak, prepared.resolved.executor);
    let id = gathered.record.map_or(0, |record| record.id);
    let here = prepare_with(project, built, name, executor, id, values)?;
    let soaked = expect_in(soak, &here, head, When::After, at).await?;
    let failing = soaked.skipped.iter().find(|(op, _)| !expected.skipped.contains_key(*op));
    let failing = failing.map(|(op, why)| format!("{op} fails: {why}"));
    if let Some(fault) = soaked.faults.first().cloned().or(failing) {
        let error = AppError::config(format!(
            "with the parameters of {target} the plan fails on {name}, so it cannot be compared: \
             {fault}"
        ));
        return Err(error.coded(ReasonCode::PlanFails));
    }
    let then = expect_in(network, &there, at, when, at).await?;
    let ((here, soaked), (there, mut then)) = ((&here, &soaked), (&there, then));
    for (key, kept) in &mut then.outside {
        kept.varies |= judged.outside.get(key).is_some_and(|judged| judged.varies);
    }
    let there = (there, &then);
    let (one, other) = (side(soak, (here, soaked)), side(network, there));
    let found = differences(&built.release, one, other);
    facts.differences.extend(coded(ReasonCode::TargetDiffers, found));
    let plan = (&there.0.resolved, there.1);
    let standing = in_the_way(project, built, target, (network, at), plan).await?;
    facts.differences.extend(coded(ReasonCode::StandsAlready, standing));
    let names = Names::of(&built.release, one, other);
    for (name, address) in prepared.live() {
        let Some(standing) = there.0.resolved.outside.get(name) else { continue };
        let code = soak.code(address, head.block).await?;
        let target_code = network.code(*standing, at.block).await?;
        if same_code(&names, &code, &target_code).is_some() {
            let text = format!(
                "@{name} was one contract where it soaked, at {address}, and is another on \
                 {target}, at {standing}: calls through it did not soak"
            );
            facts.differences.push(Reason::new(ReasonCode::ExistingDiffers, text));
        }
    }
    let soaks = own_code::On { network: soak, head, planned: (here, soaked) };
    let on_target = own_code::On { network, head: at, planned: there };
    facts.differences.extend(own_code::foreign(&names, &soaks, &on_target).await?);
    let both = Both { soak: (soak, head, (here, soaked)), target: (network, at, there) };
    let (unrehearsed, writes) = written(gathered, &both).await?;
    facts.differences.extend(unrehearsed);
    facts.writes = writes;
    Ok(())
}

fn coded(code: ReasonCode, texts: Vec<String>) -> impl Iterator<Item = Reason> {
    texts.into_iter().map(move |text| Reason::new(code, text))
}

/// A plan on a network, and what local execution gives there.
pub(super) type Planned<'a> = (&'a Prepared, &'a Expected);

pub(super) fn side<'a>(network: &Network, (prepared, expected): Planned<'a>) -> Side<'a> {
    Side { chain: network.id().chain, resolved: &prepared.resolved, expected }
}

/// The build that a deployment was made from, where it is not the one at hand. What is judged for a
/// target is the build that its batch would create, and so it must have soaked itself: only what is
/// `settled`, because it was promoted before or is asked for by `verify`, may be another one, and
/// then exactly the recorded one. A record that its own anchor contradicts is compared with the
/// build at hand, so that what was edited shows.
pub(super) async fn deployed_build(
    project: &Project,
    built: &Built,
    record: &DeploymentRecord,
    network: &Network,
    settled: bool,
) -> AppResult<Option<Built>> {
    let build = record.deployment.build_digest;
    if build == built.roots.build_digest || !record::anchor_agrees(network, record).await? {
        return Ok(None);
    }
    let found = stored_build(project, record.release_root, build)?;
    let differs = match &found {
        Some(found) if settled => return Ok(Some(found.clone())),
        Some(found) => format!(", which differs in {}", other_bytes(found, built)),
        None => String::new(),
    };
    Err(AppError::config(format!(
        "{} has build {} of this release, but this checkout gives build {}{differs}: what is \
         promoted must be what soaked; check out the commit that was deployed, or deploy this one",
        network.name(),
        build.short(),
        built.roots.build_digest.short()
    ))
    .coded(ReasonCode::OtherBuild))
}

/// Reads one network against one release.
struct CodeReader<'a> {
    project: &'a Project,
    built: &'a Built,
    name: &'a str,
    record: Option<&'a DeploymentRecord>,
    /// As for [`deployed_build`].
    settled: bool,
}

impl<'a> CodeReader<'a> {
    async fn read(&self, network: &Network, head: Head) -> AppResult<Read<'a>> {
        let Self { project, built, name: soak, record, .. } = *self;
        let Some(record) = record else {
            let text = format!("{} is not deployed on {soak}", built.release.name);
            let error = AppError::new(Kind::Unknown, text).coded(ReasonCode::NotDeployed);
            let other = namesake(project, soak, built)?;
            return Err(
                error.hint(other.unwrap_or_else(|| format!("run `tidegate deploy {soak}`")))
            );
        };
        require_there(project, (soak, network), built, record).await?;
        let deployed = deployed_build(project, built, record, network, self.settled).await?;
        let built = deployed.as_ref().unwrap_or(built);
        let executor = Executor::Key(record.deployment.executor);
        let prepared = prepare(project, built, soak, executor, record.id)?;
        let expected = expect(network, &prepared, head, When::After).await?;
        let deployment = prepared.deployment(project, built, &expected, network.id(), soak)?;
        let mut code = CodeFacts {
            network: soak.to_owned(),
            record_faults: expected
                .faults
                .iter()
                .map(|fault| Reason::new(ReasonCode::PlanFails, fault))
                .collect(),
            ..CodeFacts::default()
        };
        compare(network, head, built, &prepared, &expected, &deployment, &mut code).await?;
        let mut parameters = ParameterFacts::default();
        for difference in compare_deployments(&record.deployment, &deployment) {
            let text =
                format!("the record on {soak} differs from what the sources give: {difference}");
            let fault = Reason::new(ReasonCode::RecordDiffers, text);
            if difference.starts_with("params.") {
                parameters.record_faults.push(fault);
            } else {
                code.record_faults.push(fault);
            }
        }
        code.record_faults.extend(record::static_faults(project, built, record, &prepared, soak)?);
        let moved = record::moved(network, record).await?;
        let now = &moved;
        match prepared.resolved.freeze(&expected) {
            Ok(ops) => record::transactions(network, now, &ops, head, &mut code).await?,
            Err(why) => {
                code.record_faults.push(Reason::new(ReasonCode::PlanFails, why.to_string()));
            }
        }
        storage::compare(network, head, built, now, (&prepared, &expected), &mut code).await?;
        upgraded(network, built, now, &prepared, &mut code).await?;
        let digest = record.deployment.digest()?.0;
        let input = |kind: &str| GateInput {
            kind: kind.to_owned(),
            chain: network.id().chain,
            block: head.block,
            digest,
        };
        code.inputs.push(input("code/deployment"));
        parameters.inputs.push(input("parameters/deployment"));
        Ok(Read { code, parameters, record, prepared, expected, deployment })
    }
}

/// What was read of one network.
struct Read<'a> {
    code: CodeFacts,
    parameters: ParameterFacts,
    record: &'a DeploymentRecord,
    prepared: Prepared,
    expected: Expected,
    deployment: Deployment,
}

async fn compare(
    network: &Network,
    head: Head,
    built: &Built,
    prepared: &Prepared,
    expected: &tidegate_plan::Expected,
    deployment: &Deployment,
    facts: &mut CodeFacts,
) -> AppResult {
    facts.contracts = contracts::created(network, head, built, prepared, expected).await?;
    for (name, expected) in &deployment.externals {
        facts.contracts.push(contracts::external(network, head, name, expected).await?);
    }
    facts.contracts.extend(contracts::live(network, head, prepared).await?);
    facts.slots = slots(network, head, prepared, expected).await?;
    Ok(())
}

/// Whether each upgrade that soaked started from what the plan says: else it rehearsed another one.
async fn upgraded(
    network: &Network,
    built: &Built,
    record: &DeploymentRecord,
    prepared: &Prepared,
    facts: &mut CodeFacts,
) -> AppResult {
    for start in prepared.resolved.starts.iter().filter(|start| !start.in_plan) {
        let made = record.transactions.iter().find(|tx| tx.success && tx.op == start.step);
        let Some(made) = made else { continue };
        let before = network.head_at(made.block.number.saturating_sub(1)).await?;
        match read_behind(network, built, start, before.block).await {
            Ok(found) => {
                let faults = found.faults.into_iter();
                let faults =
                    faults.map(|fault| Reason::new(ReasonCode::UpgradeStartDiffers, fault));
                facts.record_faults.extend(faults);
            }
            Err(error) => {
                let text = format!(
                    "what was behind @{} before block {} cannot be read: {error}",
                    start.target, made.block.number
                );
                facts.missing.push(Reason::new(ReasonCode::UpgradeStartUnread, text));
            }
        }
    }
    Ok(())
}

/// The watched slots, as they are and as they must be.
pub(crate) async fn slots(
    network: &Network,
    head: Head,
    prepared: &Prepared,
    expected: &tidegate_plan::Expected,
) -> AppResult<Vec<SlotFact>> {
    let mut facts = Vec::new();
    for (watch, slot) in prepared.resolved.slots.iter().zip(&expected.slots) {
        facts.push(SlotFact {
            name: watch.name.to_owned(),
            address: slot.address,
            expected: slot.value,
            found: crate::network::slot(network, slot.address, slot.slot, head.block).await?,
        });
    }
    Ok(facts)
}

/// Names each field in which a recorded deployment differs from a computed one: as it was recorded,
/// and as it is now.
pub(crate) fn compare_deployments(recorded: &Deployment, computed: &Deployment) -> Vec<String> {
    let value = |deployment: &Deployment| serde_json::to_value(deployment).unwrap_or_default();
    let mut differences = Vec::new();
    tidegate_gates::compare("", &value(recorded), &value(computed), &mut differences);
    differences
}

/// Each parameter as it soaked and as it will be on the target.
fn rows(gathered: &Gathered<'_>, record: &DeploymentRecord) -> AppResult<Vec<ParameterRow>> {
    let Candidate { project, built, target, .. } = **gathered;
    let safe = project
        .network(target)?
        .safe
        .ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let on_target = prepare(project, built, target, Executor::Safe(safe), 0);
    let rows = built.release.plan.params.iter().map(|(name, decl)| {
        let target = match &on_target {
            Ok(prepared) => prepared.resolved.params.get(name).cloned().ok_or_else(String::new),
            Err(error) => Err(error.to_string()),
        };
        ParameterRow {
            name: name.clone(),
            rule: decl.rule.clone(),
            soaked: record.deployment.params.get(name).cloned().unwrap_or_default(),
            target,
        }
    });
    Ok(rows.collect())
}

/// The result of `verify`.
#[derive(Debug)]
pub(crate) struct VerifyReport {
    pub rows: Vec<ContractFact>,
    pub verdict: Verdict,
    pub block: BlockRef,
    /// The slots that are not compared, if there are any.
    pub left_out: Option<String>,
}

impl VerifyReport {
    pub(crate) fn of(facts: CodeFacts, block: BlockRef) -> Self {
        let (verdict, left_out) = (code_verdict(&facts), facts.left_out());
        Self { rows: facts.contracts, verdict, block, left_out }
    }
}

/// The gate `code` on a test stage at a block.
pub(super) async fn alone(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    record: Option<&DeploymentRecord>,
    head: Head,
) -> AppResult<CodeFacts> {
    let facts = CodeReader { project, built, name, record, settled: true };
    Ok(facts.read(network, head).await?.code)
}

/// `verify` on a test stage: the gate `code`, at the latest block so that it can be asked right
/// after a deployment, and the files that other programs read.
pub(crate) async fn verify_testnet(
    project: &Project,
    built: &Built,
    name: &str,
) -> AppResult<VerifyReport> {
    let _busy = project.front.busy(format!("comparing what stands on {name} with the plan"));
    let record = records::of_anybody(project, name, built.roots.release_root)?;
    let network = project.connect(name).await?;
    let head = network.latest_head().await?;
    let facts = CodeReader { project, built, name, record: record.as_ref(), settled: true };
    let Read { mut code, record, deployment, .. } = facts.read(&network, head).await?;
    code.add(on_testnet(project, built, (name, &network), record, &deployment).await?);
    if matches!(code_verdict(&code), Verdict::Fail { .. }) {
        let changed = Changed::read(project, (name, &network), record, head).await?;
        if let Some(by) = changed.superseded() {
            return before(&facts, &network, by).await;
        }
        let back = changed.put_back().into_iter();
        code.record_faults.extend(back.map(|text| Reason::new(ReasonCode::SlotDiffers, text)));
    }
    Ok(VerifyReport::of(code, head.block))
}

/// How a deployment stood before a later one changed what it had left.
async fn before(
    facts: &CodeReader<'_>,
    network: &Network,
    Superseded { name, block }: Superseded,
) -> AppResult<VerifyReport> {
    let head = network.head_at(block.saturating_sub(1)).await?;
    let (mut code, read) = match facts.read(network, head).await {
        Ok(read) => (read.code, "this is how it stood before that".to_owned()),
        Err(error) => {
            let code = CodeFacts { network: facts.name.to_owned(), ..CodeFacts::default() };
            (code, format!("how it stood before that cannot be read: {error}"))
        }
    };
    let text = format!("it was superseded by {name} in block {block} of {}; {read}", facts.name);
    code.missing.push(Reason::new(ReasonCode::Superseded, text));
    Ok(VerifyReport::of(code, head.block))
}
