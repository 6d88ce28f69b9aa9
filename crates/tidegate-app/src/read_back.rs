//! A promoted release, read back: its contracts and their storage, what the Safe recorded, and the
//! files that say where it stands.

use alloy_primitives::KECCAK256_EMPTY;
use tidegate_chain::Network;
use tidegate_evidence::{BySafe, Executed, Made, compare_stored, execution_of};
use tidegate_gates::{CodeFacts, Findings, Observed, code_verdict};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{BlockRef, EvidenceDigest, Head, Reason, ReasonCode, Verdict};
use tidegate_plan::{Moment, When, stored};
use tidegate_safe::helper::Recorded;

use crate::assess::{VerifyReport, slots};
use crate::contracts;
use crate::error::AppResult;
use crate::project::Project;
use crate::promotion::{TargetPlan, promotions, target_plan};
use crate::published::OnTarget;
use crate::records;
use crate::release::{Built, stored_build};

/// A promotion that the helper has recorded and the chain still shows.
#[derive(Debug, Clone)]
pub struct Promoted {
    pub recorded_at: u64,
    pub evidence_digest: EvidenceDigest,
    pub verdict: Verdict,
}

/// How a release stands on its target.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The recorded promotion, read back.
    pub promoted: Option<Promoted>,
    /// What is wrong with the target's files, where this release is not promoted.
    pub files: Findings,
}

/// What a target shows of a release.
#[derive(Debug)]
pub(crate) struct ReadBack {
    pub facts: CodeFacts,
    pub block: BlockRef,
    /// What the deployment record of its promotion must be.
    pub record: Option<DeploymentRecord>,
    /// When the promotion was recorded.
    pub recorded_at: Option<u64>,
    /// All that the Safe has recorded there, newest first.
    pub promotions: Vec<Recorded>,
}

/// What the Safe has recorded, newest first, at the latest head.
struct Seen {
    head: Head,
    promotions: Vec<Recorded>,
}

impl Seen {
    async fn on(project: &Project, target: &str, network: &Network) -> AppResult<Self> {
        let head = network.latest_head().await?;
        Ok(Self { head, promotions: promotions(project, target, network, head).await? })
    }

    fn of(&self, built: &Built) -> Option<&Recorded> {
        self.promotions.get(self.place(built)?)
    }

    /// The first promotion after that of a release.
    fn after(&self, built: &Built) -> Option<&Recorded> {
        self.promotions.get(self.place(built)?.checked_sub(1)?)
    }

    fn place(&self, built: &Built) -> Option<usize> {
        let root = built.roots.release_root;
        self.promotions.iter().position(|recorded| recorded.record.release_root == root)
    }
}

/// Whether the Safe has recorded a release.
pub(crate) async fn is_promoted(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
) -> AppResult<bool> {
    Ok(Seen::on(project, target, network).await?.of(built).is_some())
}

/// How a release stands on its target, its files included.
pub(crate) async fn standing(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
) -> AppResult<Standing> {
    let seen = Seen::on(project, target, network).await?;
    let (promotions, head) = (&seen.promotions, seen.head);
    let Some(recorded) = seen.of(built) else {
        let files = OnTarget { name: target, built, head, promotions, record: None };
        return Ok(Standing { promoted: None, files: files.findings(project)? });
    };
    let verdict = match report(project, built, target, network, &seen).await {
        Ok(report) => report.verdict,
        Err(error) => {
            let words = |why: &str| format!("it could not be read back: {why}");
            error.reason().reworded(words).into_unknown()
        }
    };
    let promoted = Promoted {
        recorded_at: recorded.recorded_at,
        evidence_digest: recorded.record.evidence_digest,
        verdict,
    };
    Ok(Standing { promoted: Some(promoted), files: Findings::default() })
}

/// `verify` on a target.
pub(crate) async fn verify_target(
    project: &Project,
    built: &Built,
    target: &str,
) -> AppResult<VerifyReport> {
    let network = project.connect(target).await?;
    let seen = Seen::on(project, target, &network).await?;
    report(project, built, target, &network, &seen).await
}

async fn report(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    seen: &Seen,
) -> AppResult<VerifyReport> {
    let mut found = read(project, built, target, network, seen).await?;
    let (record, head) = (found.record.as_ref(), seen.head);
    let files = OnTarget { name: target, built, head, promotions: &seen.promotions, record };
    found.facts.add(files.findings(project)?);
    Ok(VerifyReport::of(found.facts, found.block))
}

/// The chain's part alone: whoever has just executed has yet to write the files.
pub(crate) async fn read_back(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
) -> AppResult<ReadBack> {
    let seen = Seen::on(project, target, network).await?;
    read(project, built, target, network, &seen).await
}

/// Reads a release at the latest head. What a later promotion changed since is no contradiction: it
/// is read as it stood before that, and said to be superseded.
async fn read(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    seen: &Seen,
) -> AppResult<ReadBack> {
    let found = read_at(project, built, target, network, (seen, seen.head)).await?;
    let Some(next) = seen.after(built).filter(|_| matches!(found.verdict(), Verdict::Fail { .. }))
    else {
        return Ok(found);
    };
    let settings = project.network(target)?;
    let by = (project.named_at(settings)?.safe, project.id(settings)?);
    let Some(executed) = execution_of(network, seen.head, by, next).await? else {
        return Ok(found);
    };
    let (root, block) = (next.record.release_root, executed.receipt.block.number);
    let named = record_of(project, target, next)?;
    let name = named.map_or_else(|| root.short(), |record| record.name);
    let before = async {
        let head = network.head_at(block.saturating_sub(1)).await?;
        read_at(project, built, target, network, (seen, head)).await
    };
    let (mut then, read) = match before.await {
        Ok(then) => (then, "this is how it stood before that".to_owned()),
        Err(error) => {
            let facts = CodeFacts { network: target.to_owned(), ..CodeFacts::default() };
            let why = format!("how it stood before that cannot be read: {error}");
            (ReadBack { facts, ..found }, why)
        }
    };
    let text = format!("it was superseded by {name} in block {block} of {target}; {read}");
    then.facts.missing.push(Reason::new(ReasonCode::Superseded, text));
    Ok(then)
}

async fn read_at(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    (seen, head): (&Seen, Head),
) -> AppResult<ReadBack> {
    let _busy = project.front.busy(format!("comparing what stands on {target} with the plan"));
    let recorded = seen.of(built);
    let mut found = ReadBack {
        facts: CodeFacts { network: target.to_owned(), ..CodeFacts::default() },
        block: head.block,
        record: None,
        recorded_at: recorded.map(|recorded| recorded.recorded_at),
        promotions: seen.promotions.clone(),
    };
    let promoted = match recorded {
        Some(recorded) => promoted_build(project, target, built, recorded)?,
        None => namesake(project, target, built, &seen.promotions)?.map_or(Ok(None), Err),
    };
    let promoted = match promoted {
        Ok(promoted) => promoted,
        Err(missing) => {
            found.facts.missing.push(missing);
            return Ok(found);
        }
    };
    let built = promoted.as_ref().unwrap_or(built);
    let plan = target_plan(project, built, target, network, head, When::After).await?;
    let mut facts = compare(&plan, network, head, built, target).await?;
    let Some(recorded) = recorded else {
        if facts.contracts.iter().all(|contract| contract.found == KECCAK256_EMPTY) {
            let missing =
                format!("nothing of it is on {target} yet; `tidegate promote` proposes it");
            found.facts.missing.push(Reason::new(ReasonCode::NotPromoted, missing));
            return Ok(found);
        }
        let used = plan.used_before(network, head).await?.into_iter();
        facts.missing.extend(used.map(|text| Reason::new(ReasonCode::UsedBefore, text)));
        let text = format!("the helper has no promotion of it on {target}");
        facts.missing.push(Reason::new(ReasonCode::NoPromotionRecorded, text));
        return Ok(ReadBack { facts, ..found });
    };
    let (named, digest) = (recorded.record.deployment_digest, plan.deployment.digest()?);
    if named != digest {
        let text = format!(
            "the promotion recorded deployment {}, the sources give {}",
            named.short(),
            digest.short()
        );
        facts.record_faults.push(Reason::new(ReasonCode::PromotionDiffers, text));
    }
    let by = (plan.prepared.resolved.executor.address(), project.id(project.network(target)?)?);
    match execution_of(network, head, by, recorded).await? {
        Some(executed) => {
            storage(&plan, network, head, built, &executed, &mut facts).await?;
            found.record = Some(record(built, &plan, &executed));
        }
        None => {
            let text = format!(
                "the transaction that promoted it is in no log of {}; ask an endpoint that keeps \
                 them",
                network.name()
            );
            facts.missing.push(Reason::new(ReasonCode::PromotionUnlogged, text));
        }
    }
    Ok(ReadBack { facts, ..found })
}

/// The build that was promoted, where it is another one of this release, by the record that the
/// promotion fixes; or the reason why it is not here.
fn promoted_build(
    project: &Project,
    target: &str,
    built: &Built,
    recorded: &Recorded,
) -> AppResult<Observed<Option<Built>>> {
    let (root, own) = (built.roots.release_root, built.roots.build_digest);
    let Some(record) = record_of(project, target, recorded)? else { return Ok(Ok(None)) };
    let build = record.deployment.build_digest;
    if build == own {
        return Ok(Ok(None));
    }
    if let Some(stored) = stored_build(project, root, build)? {
        return Ok(Ok(Some(stored)));
    }
    let text = format!(
        "another build of the same release was promoted: {}, and this checkout gives {}; check \
         out the commit that was promoted",
        build.short(),
        own.short()
    );
    Ok(Err(Reason::new(ReasonCode::OtherBuild, text)))
}

/// The record in git that a promotion fixes, whoever wrote it there.
fn record_of(
    project: &Project,
    target: &str,
    recorded: &Recorded,
) -> AppResult<Option<DeploymentRecord>> {
    for (_, record) in records::all(project, target)? {
        let same = record.release_root == recorded.record.release_root
            && record.deployment.digest()? == recorded.record.deployment_digest;
        if same {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// That another release of this name was promoted, where this one was not.
fn namesake(
    project: &Project,
    target: &str,
    built: &Built,
    promotions: &[Recorded],
) -> AppResult<Option<Reason>> {
    let name = &built.release.name;
    for promotion in promotions {
        let record = record_of(project, target, promotion)?;
        let Some(other) = record.filter(|record| record.name == *name) else { continue };
        let text = format!(
            "another build of the same release: {name} was promoted as {}, and this checkout \
             gives {}. A change of yours gets another `version`; if you changed nothing, look at \
             `git pull` and `npm ci`",
            other.release_root.short(),
            built.roots.release_root.short()
        );
        return Ok(Some(Reason::new(ReasonCode::OtherBuild, text)));
    }
    Ok(None)
}

/// Rows that compare a network with a plan.
async fn compare(
    plan: &TargetPlan,
    network: &Network,
    head: Head,
    built: &Built,
    name: &str,
) -> AppResult<CodeFacts> {
    let mut facts = CodeFacts { network: name.to_owned(), ..CodeFacts::default() };
    let TargetPlan { prepared, expected, .. } = plan;
    facts.contracts = contracts::created(network, head, built, prepared, expected).await?;
    facts.contracts.extend(contracts::live(network, head, prepared).await?);
    facts.slots = slots(network, head, prepared, expected).await?;
    Ok(facts)
}

/// Compares what the contracts held after the execution with what the plan leaves. What a call has
/// written that fails by now, nothing can say.
async fn storage(
    plan: &TargetPlan,
    network: &Network,
    head: Head,
    built: &Built,
    executed: &Executed,
    facts: &mut CodeFacts,
) -> AppResult {
    let at = executed.receipt.block;
    let before = network.head_at(at.number.saturating_sub(1)).await?.block;
    let last_log = executed.receipt.logs.last().map_or(0, |log| log.index);
    let made = Made { at, by_safe: Some(BySafe { before, last_log }) };
    let TargetPlan { prepared, expected, .. } = plan;
    let mut all = Findings::default();
    for contract in stored(&built.release, &prepared.resolved, expected, Moment::Done) {
        facts.varying.extend(contract.left_out());
        let found = compare_stored(network, head.block, &contract, made).await?;
        all.faults.extend(found.faults);
        all.missing.extend(found.missing);
    }
    if !expected.skipped.is_empty() {
        all.missing.append(&mut all.faults);
    }
    facts.add(all);
    Ok(())
}

/// Where the release stands on the target, for address books and later upgrades.
fn record(built: &Built, plan: &TargetPlan, executed: &Executed) -> DeploymentRecord {
    DeploymentRecord {
        v: DeploymentRecord::VERSION,
        name: built.release.name.clone(),
        id: 0,
        release_root: built.roots.release_root,
        scope_root: built.roots.scope_root,
        deployment: plan.deployment.clone(),
        initcodes: plan.prepared.initcodes(),
        mocks: plan.prepared.mocks.clone(),
        transactions: vec![executed.mined()],
    }
}

impl ReadBack {
    /// The verdict over what the chain shows.
    pub(crate) fn verdict(&self) -> Verdict {
        code_verdict(&self.facts)
    }
}
