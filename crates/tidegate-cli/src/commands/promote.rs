//! `tidegate promote`.

use clap::Args;
use serde_json::json;
use tidegate_chain::Network;
use tidegate_gates::{EMERGENCY_SECS_MAX, good_through, refusals};
use tidegate_model::statement::{EMERGENCY_GATES, EmergencyTerms, gate_set};
use tidegate_model::units::{format_utc, parse_span_secs};
use tidegate_model::{BlockRef, ProjectId, ReasonCode, Verdict};
use tidegate_plan::When;
use tidegate_plan::config::Stage;
use tidegate_safe::{
    EvidenceItems, MULTI_SEND_CALL_ONLY, Promotion, Proposal, SoakReference, helper,
};

use crate::assess::emergency::baseline;
use crate::assess::{Assessment, Emergency, assess_with, judged};
use crate::commands::policy_check::require_controls;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::promotion::{TargetPlan, promotion_of, require_readable, simulate_batch, target_plan};
use crate::read_back::{Standing, is_promoted, standing};
use crate::recheck::require_multi_send;
use crate::release::{Built, built, require_minimal};
use crate::{commands, proposals, relied, statements};

/// How long after an emergency's end its obligations are due, in seconds.
const RETRO_DUE_SECS: u64 = 30 * 86_400;

/// Check every gate and propose the release to the target's Safe
///
/// Writes a proposal file that each owner checks and signs alone. Exits with the verdict where
/// the gates do not pass; what is waived is proposed, and exits with 10.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// The target; default: the only mainnet network
    #[arg(long)]
    target: Option<String>,
    /// The release; default: what the working tree builds
    release: Option<String>,
    /// What happened, such as the incident's number: guardians may let an urgent fix of what is
    /// promoted soak less; what is left out is owed afterwards
    #[arg(long, value_name = "INCIDENT")]
    emergency: Option<String>,
    /// The soak that is asked for in an emergency, at least 24 h
    #[arg(long, value_name = "SPAN", default_value = "24h", requires = "emergency")]
    min_soak: String,
}

pub(crate) async fn run(project: &Project, args: &PromoteArgs) -> CliResult<u8> {
    relied::require(project).await?;
    let built = built(project, args.release.as_deref())?;
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let urgent = match &args.emergency {
        Some(incident) => Some(draft(project, args, &built, &target, incident).await?),
        None => None,
    };
    let assessment = assess_with(project, &built, &target, urgent.as_ref(), None).await?;
    let ui = &project.ui;
    ui.line(format!("Promote {} to {target}", built.release.name));
    commands::status::gates(project, &built, &assessment);
    let exit = assessment.overall.exit_code();
    if !assessment.overall.allows() {
        ui.line("");
        ui.line(format!("{} not proposed", ui.verdict(assessment.overall.word())));
        ui.result(&json!({
            "target": target, "releaseRoot": built.roots.release_root, "proposal": null,
            "overall": assessment.overall,
            "gates": commands::status::gate_rows(&assessment),
        }));
        return Ok(exit);
    }
    let network = target_of(&assessment)?;
    if is_promoted(project, &built, &target, network).await? {
        return Err(CliError::new(
            Kind::Conflict,
            format!("{} is promoted to {target} already", built.release.name),
        ));
    }
    require_minimal(project, &built)?;
    require_controls(project, &project.rules, &assessment.facts)?;
    let terms = urgent.map(|urgent| urgent.terms);
    let proposal = propose(project, &built, &target, &assessment, terms.clone()).await?;
    let checked = proposal.check(helper::address()).or_kind(Kind::Internal)?;
    let path = proposals::write(project, &target, &checked)?;
    ui.line("");
    ui.row("proposal", &checked.hash().to_string());
    ui.row("file", &path.display().to_string());
    if terms.is_some() {
        ui.note(format!(
            "commit the file; guardians sign it, `tidegate record emergency {}`, one of them with \
             --post an hour before the owners",
            checked.hash()
        ));
    }
    ui.note(format!(
        "commit the file; each owner runs `tidegate proposal sign {}`",
        checked.hash()
    ));
    ui.result(&json!({
        "target": target, "releaseRoot": built.roots.release_root,
        "proposal": checked.hash(), "file": path, "overall": assessment.overall,
        "emergency": terms,
    }));
    Ok(exit)
}

/// What guardians will be asked to sign, from what the target shows.
async fn draft(
    project: &Project,
    args: &PromoteArgs,
    built: &Built,
    target: &str,
    incident: &str,
) -> CliResult<Emergency> {
    let network = project.connect(target).await?;
    let head = network.finalized_head().await?;
    let baseline = baseline(project, built, target, &network, head).await;
    let soak_secs = parse_span_secs(&args.min_soak).or_kind(Kind::Usage)?;
    let expires_at = head.timestamp.saturating_add(EMERGENCY_SECS_MAX);
    let found = baseline.map_err(|error| CliError::new(Kind::Fail, error.to_string()))?;
    let terms = EmergencyTerms {
        baseline_root: found.release,
        gate_set: gate_set(&EMERGENCY_GATES)?,
        min_soak_seconds: u32::try_from(soak_secs).or_kind(Kind::Usage)?,
        incident: incident.to_owned(),
        diff_digest: found.diff_digest,
        not_before: head.timestamp,
        expires_at,
        retro_due_by: expires_at.saturating_add(RETRO_DUE_SECS),
    };
    if let Some(why) = refusals(&terms, &Ok(found)).into_iter().next() {
        return Err(CliError::new(Kind::Fail, format!("no emergency: {why}")));
    }
    Ok(Emergency { terms, safe_tx_hash: None })
}

/// What would be proposed.
struct Draft {
    proposal: Proposal,
    plan: TargetPlan,
}

/// Builds the proposal from what the gates were just given, and executes its batch locally.
async fn propose(
    project: &Project,
    built: &Built,
    target: &str,
    assessment: &Assessment,
    emergency: Option<EmergencyTerms>,
) -> CliResult<Proposal> {
    let Draft { proposal, plan } = drafted(project, built, target, assessment, emergency).await?;
    let promotion = promotion_of(&proposal)?;
    let network = target_of(assessment)?;
    plan.show_used(project, network, network.latest_head().await?).await?;
    require_readable(project, built, &plan, &proposal.calls)?;
    let ui = &project.ui;
    ui.line("");
    ui.line("Differs from the testnet:");
    commands::status::differences(project, assessment);
    ui.line("");
    ui.line(format!("{} calls in one Safe transaction", proposal.calls.len()));
    ui.row("valid until", &format_utc(promotion.valid_until));
    let gas = ran(network, &proposal, &plan).await?;
    ui.row("gas", &format!("{gas} in local execution"));
    let listed = promotion.evidence.statements.iter().copied().collect();
    statements::restore(project, &assessment.statements, &listed)?;
    Ok(proposal)
}

/// Evaluates all gates of a release. Where they pass and it is not promoted yet, the batch that
/// would be proposed is executed locally on the target's present state: where it fails, so does the
/// verdict on the whole.
pub(crate) async fn assess_ready(
    project: &Project,
    built: &Built,
    target: &str,
) -> CliResult<(Assessment, Standing)> {
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
) -> CliResult<u64> {
    let Draft { proposal, plan } = drafted(project, built, target, assessment, None).await?;
    ran(target_of(assessment)?, &proposal, &plan).await
}

/// Executes the batch locally. Returns its gas.
async fn ran(network: &Network, proposal: &Proposal, plan: &TargetPlan) -> CliResult<u64> {
    let head = network.latest_head().await?;
    require_multi_send(network.code_hash(MULTI_SEND_CALL_ONLY, head.block).await?)?;
    simulate_batch(network, proposal.safe, plan, &proposal.calls, &proposal.safe_tx).await
}

fn missing(what: &str) -> CliError {
    CliError::new(Kind::Internal, format!("gates passed without {what}"))
}

fn target_of(assessment: &Assessment) -> CliResult<&Network> {
    assessment.target_network.as_ref().ok_or_else(|| missing("the target"))
}

async fn drafted(
    project: &Project,
    built: &Built,
    target: &str,
    assessment: &Assessment,
    emergency: Option<EmergencyTerms>,
) -> CliResult<Draft> {
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
        return Err(CliError::config(fault).hint("leave out keys that nobody uses any more"));
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

/// The block of an input, for checks on the signer's own endpoint.
pub(crate) fn input_blocks(evidence: &EvidenceItems) -> Vec<(u64, BlockRef)> {
    let mut blocks: Vec<_> =
        evidence.inputs.iter().map(|input| (input.chain.0, input.block)).collect();
    blocks.sort_by_key(|(chain, block)| (*chain, block.number, block.hash));
    blocks.dedup();
    blocks
}
