//! The batch that would be proposed: built, and executed locally.

use tidegate_chain::Network;
use tidegate_gates::good_through;
use tidegate_model::statement::EmergencyTerms;
use tidegate_model::{ProjectId, ReasonCode, Verdict};
use tidegate_plan::When;
use tidegate_safe::{EvidenceItems, MULTI_SEND_CALL_ONLY, Promotion, Proposal, SoakReference};

use crate::assess::{Assessment, assess_with, judged};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::promotion::{TargetPlan, simulate_batch, target_plan};
use crate::read_back::{Standing, standing};
use crate::recheck::require_multi_send;
use crate::release::Built;

/// What would be proposed.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) proposal: Proposal,
    pub(super) plan: TargetPlan,
}

/// Evaluates all gates of a release. Where they pass and it is not promoted yet, the batch that
/// would be proposed is executed locally on the target's present state: where it fails, so does the
/// verdict on the whole.
pub(crate) async fn assess_ready(
    project: &Project,
    built: &Built,
    target: &str,
) -> AppResult<(Assessment, Standing)> {
    let mut assessment = assess_with(project, built, target, None, None).await?;
    let standing = match &assessment.target_network {
        Some(network) => standing(project, built, target, network).await,
        None => Ok(Standing::default()),
    };
    if !assessment.overall.allows() {
        return Ok((assessment, standing.unwrap_or_default()));
    }
    let (tried, standing) = match standing {
        Ok(standing) if standing.promoted.is_some() => return Ok((assessment, standing)),
        Ok(standing) => (tried(project, built, target, &assessment).await, standing),
        Err(error) => (Err(error), Standing::default()),
    };
    match tried {
        Ok(_) => {}
        Err(error) if error.kind == Kind::Chain => {
            let what = format!("the batch could not be executed locally: {error}");
            assessment.overall = Verdict::unknown(ReasonCode::BatchUntried, what);
        }
        Err(error) => {
            assessment.overall = Verdict::fail(ReasonCode::BatchFails, error.to_string());
        }
    }
    Ok((assessment, standing))
}

async fn tried(
    project: &Project,
    built: &Built,
    target: &str,
    assessment: &Assessment,
) -> AppResult<u64> {
    let draft = drafted(project, built, target, assessment, None).await?;
    ran(target_of(assessment)?, &draft).await
}

/// Executes the batch locally. Returns its gas.
pub(super) async fn ran(network: &Network, draft: &Draft) -> AppResult<u64> {
    let Draft { proposal, plan } = draft;
    let head = network.latest_head().await?;
    require_multi_send(network.code_hash(MULTI_SEND_CALL_ONLY, head.block).await?)?;
    simulate_batch(network, proposal.safe, plan, &proposal.calls, &proposal.safe_tx).await
}

fn missing(what: &str) -> AppError {
    AppError::new(Kind::Internal, format!("gates passed without {what}"))
}

pub(super) fn target_of(assessment: &Assessment) -> AppResult<&Network> {
    assessment.target_network.as_ref().ok_or_else(|| missing("the target"))
}

pub(super) async fn drafted(
    project: &Project,
    built: &Built,
    target: &str,
    assessment: &Assessment,
    emergency: Option<EmergencyTerms>,
) -> AppResult<Draft> {
    let network = target_of(assessment)?;
    let head = assessment.gate_head.ok_or_else(|| missing("gate time"))?;
    let policy = assessment.policy.as_ref().ok_or_else(|| missing("the policy"))?;
    let safe = assessment.safe.as_ref().ok_or_else(|| missing("the Safe"))?;
    let record = assessment.record.as_ref().ok_or_else(|| missing("a record"))?;
    let soak = assessment.facts.soak.as_ref().map_err(|why| missing(&why.text))?;
    let plan = target_plan(project, built, target, network, head, When::Before).await?;
    let evidence = evidence(project, assessment, policy.project());
    let judged = judged(project, assessment, network, head, &evidence.statements).await?;
    if let Some(fault) = judged.fault() {
        return Err(AppError::config(fault).hint("remove unused keys from [people]"));
    }
    let promotion = Promotion {
        project: policy.project(),
        release_root: built.roots.release_root,
        policy_digest: policy.digest()?,
        evidence_digest: evidence.digest()?,
        evidence,
        judged,
        soak: SoakReference {
            network: record.deployment.network(),
            deployment_digest: record.deployment.digest()?,
            terminal: soak.head.block,
        },
        deployment_digest: plan.deployment.digest()?,
        deployment: plan.deployment.clone(),
        valid_until: valid_until(project, assessment, head.timestamp),
        emergency,
    };
    let calls = plan.calls(&promotion, project.rules.fresh);
    let proposal =
        Proposal::promotion(network.id(), safe.trust.address, safe.nonce, promotion, calls);
    Ok(Draft { proposal: proposal.or_kind(Kind::Fail)?, plan })
}

/// As long as the policy allows, but no longer than the gates would pass by themselves.
fn valid_until(project: &Project, assessment: &Assessment, now: u64) -> u64 {
    let until = now.saturating_add(project.rules.valid_for_secs);
    let until = assessment.waived_until().map_or(until, |waived| until.min(waived));
    good_through(&project.rules, &assessment.facts, until)
}

/// What the gates were given: the statements that they weigh, and every chain input. What strangers
/// left on this machine alone is not asked of the others.
fn evidence(project: &Project, assessment: &Assessment, id: ProjectId) -> EvidenceItems {
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let audits = assessment.facts.audits.iter().flat_map(|audits| &audits.attestations);
    let counting = audits.filter(|fact| fact.confirmed.is_ok());
    let attestations = counting.filter(|fact| is_known(fact.attestation.auditor));
    let attestations = attestations.map(|fact| fact.digest);
    let general = assessment.statements.weighed(&project.config.name, id, is_known);
    let statements = attestations.chain(general).collect();
    let inputs = assessment.reports.iter().flat_map(|report| report.inputs.iter().cloned());
    EvidenceItems::new(statements, inputs.collect())
}
