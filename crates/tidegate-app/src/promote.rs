//! Proposing a release to a target's Safe.

use std::path::PathBuf;

use tidegate_chain::Network;
use tidegate_gates::{EMERGENCY_SECS_MAX, good_through, refusals};
use tidegate_model::statement::{EMERGENCY_GATES, EmergencyTerms, gate_set};
use tidegate_model::{ProjectId, ReasonCode, Verdict};
use tidegate_plan::When;
use tidegate_safe::{
    Checked, EvidenceItems, MULTI_SEND_CALL_ONLY, Promotion, Proposal, SoakReference, helper,
};

use crate::assess::emergency::baseline;
use crate::assess::{Assessment, Emergency, assess_with, judged};
use crate::controls::require_controls;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::promotion::{TargetPlan, promotion_of, require_readable, simulate_batch, target_plan};
use crate::read_back::{Standing, is_promoted, standing};
use crate::recheck::require_multi_send;
use crate::release::{Built, require_minimal};
use crate::{proposals, relied, statements};

/// How long after an emergency's end its obligations are due, in seconds.
const RETRO_DUE_SECS: u64 = 30 * 86_400;

/// An urgent fix, for which guardians may lower what is asked.
#[derive(Debug, Clone)]
pub struct Urgent {
    /// What happened, such as the incident's number.
    pub incident: String,
    /// The soak that is asked for, in seconds.
    pub min_soak_secs: u64,
}

/// A release as it stands before the target's gates.
#[derive(Debug)]
pub struct Candidate {
    /// Every gate.
    pub assessment: Assessment,
    /// What guardians would sign, of an urgent fix.
    pub terms: Option<EmergencyTerms>,
}

/// A proposal that was written for the owners.
#[derive(Debug)]
pub struct Proposed {
    /// The proposal.
    pub checked: Checked,
    /// Its file.
    pub file: PathBuf,
    /// How many damaged inputs the gates refused before.
    pub controls: usize,
    /// The calls of its batch.
    pub calls: usize,
    /// Until when the Safe can execute it, in seconds since 1970.
    pub valid_until: u64,
    /// Its gas in local execution.
    pub gas: u64,
}

/// Evaluates every gate for a promotion.
///
/// # Errors
/// If something cannot be read without which nothing is judged, or an emergency may not be
/// declared.
pub async fn evaluate(
    project: &Project,
    built: &Built,
    target: &str,
    urgent: Option<&Urgent>,
) -> AppResult<Candidate> {
    relied::require(project).await?;
    let urgent = match urgent {
        Some(urgent) => Some(draft(project, built, target, urgent).await?),
        None => None,
    };
    let assessment = assess_with(project, built, target, urgent.as_ref(), None).await?;
    Ok(Candidate { assessment, terms: urgent.map(|urgent| urgent.terms) })
}

/// Proposes what the gates allow: executes its batch locally, and writes the proposal's file.
///
/// # Errors
/// If it is promoted already, if a gate cannot fail, or if the batch fails or does not read as what
/// it is.
pub async fn propose(
    project: &Project,
    built: &Built,
    target: &str,
    candidate: &Candidate,
) -> AppResult<Proposed> {
    let Candidate { assessment, terms } = candidate;
    let network = target_of(assessment)?;
    if is_promoted(project, built, target, network).await? {
        return Err(AppError::new(
            Kind::Conflict,
            format!("{} is promoted to {target} already", built.release.name),
        ));
    }
    require_minimal(project, built)?;
    let controls = require_controls(&project.rules, &assessment.facts)?;
    let Draft { proposal, plan } =
        drafted(project, built, target, assessment, terms.clone()).await?;
    plan.show_used(project, network, network.latest_head().await?).await?;
    require_readable(project, built, &plan, &proposal.calls)?;
    let gas = ran(network, &proposal, &plan).await?;
    let promotion = promotion_of(&proposal)?;
    let (calls, valid_until) = (proposal.calls.len(), promotion.valid_until);
    let listed = promotion.evidence.statements.iter().copied().collect();
    statements::restore(project, &assessment.statements, &listed)?;
    let checked = proposal.check(helper::address()).or_kind(Kind::Internal)?;
    let file = proposals::write(project, target, &checked)?;
    Ok(Proposed { checked, file, controls, calls, valid_until, gas })
}

/// What guardians will be asked to sign, from what the target shows.
async fn draft(
    project: &Project,
    built: &Built,
    target: &str,
    urgent: &Urgent,
) -> AppResult<Emergency> {
    let network = project.connect(target).await?;
    let head = network.finalized_head().await?;
    let baseline = baseline(project, built, target, &network, head).await;
    let expires_at = head.timestamp.saturating_add(EMERGENCY_SECS_MAX);
    let found = baseline.map_err(|error| AppError::new(Kind::Fail, error.to_string()))?;
    let terms = EmergencyTerms {
        baseline_root: found.release,
        gate_set: gate_set(&EMERGENCY_GATES)?,
        min_soak_seconds: u32::try_from(urgent.min_soak_secs).or_kind(Kind::Usage)?,
        incident: urgent.incident.clone(),
        diff_digest: found.diff_digest,
        not_before: head.timestamp,
        expires_at,
        retro_due_by: expires_at.saturating_add(RETRO_DUE_SECS),
    };
    if let Some(why) = refusals(&terms, &Ok(found)).into_iter().next() {
        return Err(AppError::new(Kind::Fail, format!("no emergency: {why}")));
    }
    Ok(Emergency { terms, safe_tx_hash: None })
}

/// What would be proposed.
struct Draft {
    proposal: Proposal,
    plan: TargetPlan,
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
            let what = format!("the batch could not be tried: {error}");
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
    let Draft { proposal, plan } = drafted(project, built, target, assessment, None).await?;
    ran(target_of(assessment)?, &proposal, &plan).await
}

/// Executes the batch locally. Returns its gas.
async fn ran(network: &Network, proposal: &Proposal, plan: &TargetPlan) -> AppResult<u64> {
    let head = network.latest_head().await?;
    require_multi_send(network.code_hash(MULTI_SEND_CALL_ONLY, head.block).await?)?;
    simulate_batch(network, proposal.safe, plan, &proposal.calls, &proposal.safe_tx).await
}

fn missing(what: &str) -> AppError {
    AppError::new(Kind::Internal, format!("gates passed without {what}"))
}

fn target_of(assessment: &Assessment) -> AppResult<&Network> {
    assessment.target_network.as_ref().ok_or_else(|| missing("the target"))
}

async fn drafted(
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
        return Err(AppError::config(fault).hint("leave out keys that nobody uses any more"));
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
