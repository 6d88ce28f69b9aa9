//! `tidegate promote`.

use clap::Args;
use serde_json::json;
use tidegate_model::units::format_utc;
use tidegate_model::{BlockRef, GateInput, ProjectId, StatementDigest};
use tidegate_plan::When;
use tidegate_plan::config::Stage;
use tidegate_safe::{
    EvidenceItems, MULTI_SEND_CALL_ONLY, Promotion, Proposal, SoakReference, helper,
};

use crate::assess::{Assessment, assess};
use crate::commands::policy_check::require_controls;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::project::Project;
use crate::promotion::{promoted, simulate_batch, target_plan};
use crate::recheck::require_multi_send;
use crate::release::{Built, built, require_minimal};
use crate::{commands, proposals};

/// Check every gate and propose the release to the target's Safe
///
/// Writes a proposal file that each owner checks and signs alone. Exits with the verdict where
/// the gates do not pass.
#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// The target; default: the only mainnet network
    #[arg(long)]
    target: Option<String>,
    /// The release; default: what the working tree builds
    release: Option<String>,
}

pub(crate) async fn run(project: &Project, args: &PromoteArgs) -> CliResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let target = project.network_of(args.target.as_deref(), Stage::Mainnet)?;
    let assessment = assess(project, &built, &target).await?;
    let ui = &project.ui;
    ui.line(format!("Promote {} to {target}", built.release.name));
    commands::status::gates(project, &assessment);
    let exit = assessment.overall.exit_code();
    if exit != 0 {
        ui.line("");
        ui.line(format!("{} not proposed", ui.verdict(assessment.overall.word())));
        ui.result(&json!({
            "target": target, "releaseRoot": built.roots.release_root, "proposal": null,
            "overall": assessment.overall,
            "gates": commands::status::gate_rows(&assessment),
        }));
        return Ok(exit);
    }
    let network = assessment.target_network.as_ref().ok_or_else(|| {
        CliError::new(Kind::Internal, "gates passed without a connection to the target")
    })?;
    if promoted(project, &built, &target, network).await?.is_some() {
        return Err(CliError::new(
            Kind::Conflict,
            format!("{} is promoted to {target} already", built.release.name),
        ));
    }
    require_minimal(project, &built)?;
    require_controls(project, &project.rules, &assessment.facts)?;
    let proposal = propose(project, &built, &target, &assessment).await?;
    let checked = proposal.check(helper::address()).or_kind(Kind::Internal)?;
    let path = proposals::write(project, &target, &checked)?;
    ui.line("");
    ui.row("proposal", &checked.hash().to_string());
    ui.row("file", &path.display().to_string());
    ui.note(format!(
        "commit the file; each owner runs `tidegate proposal sign {}`",
        checked.hash()
    ));
    ui.result(&json!({
        "target": target, "releaseRoot": built.roots.release_root,
        "proposal": checked.hash(), "file": path, "overall": assessment.overall,
    }));
    Ok(0)
}

/// Builds the proposal from what the gates were just given, and executes its batch locally.
async fn propose(
    project: &Project,
    built: &Built,
    target: &str,
    assessment: &Assessment,
) -> CliResult<Proposal> {
    let missing =
        |what: &str| CliError::new(Kind::Internal, format!("gates passed without {what}"));
    let network = assessment.target_network.as_ref().ok_or_else(|| missing("the target"))?;
    let head = assessment.gate_head.ok_or_else(|| missing("gate time"))?;
    let policy = assessment.policy.as_ref().ok_or_else(|| missing("the policy"))?;
    let safe = assessment.safe.as_ref().ok_or_else(|| missing("the Safe"))?;
    let record = assessment.record.as_ref().ok_or_else(|| missing("a record"))?;
    let soak = assessment.facts.soak.as_ref().map_err(|why| missing(why))?;
    let plan = target_plan(project, built, target, network, head, When::Before).await?;
    let evidence = evidence(assessment, policy.project());
    let promotion = Promotion {
        project: policy.project(),
        release_root: built.roots.release_root,
        policy_digest: policy.digest()?,
        evidence_digest: evidence.digest()?,
        evidence,
        soak: SoakReference {
            network: record.deployment.network(),
            deployment_digest: record.deployment.digest()?,
            terminal: soak.head.block,
        },
        deployment_digest: plan.deployment.digest()?,
        deployment: plan.deployment.clone(),
        valid_until: head.timestamp + project.rules.valid_for_secs,
    };
    let calls = plan.calls(&promotion);
    let ui = &project.ui;
    ui.line("");
    ui.line("Differs from the testnet:");
    commands::status::differences(project, assessment);
    ui.line("");
    ui.line(format!("{} calls in one Safe transaction", calls.len()));
    ui.row("valid until", &format_utc(promotion.valid_until));
    let code = network.code_hash(MULTI_SEND_CALL_ONLY, head.block).await?;
    require_multi_send(code)?;
    let address = safe.trust.address;
    let proposal = Proposal::promotion(network.id(), address, safe.nonce, promotion, calls);
    let proposal = proposal.or_kind(Kind::Fail)?;
    let gas = simulate_batch(network, address, address, &proposal.safe_tx).await?;
    ui.row("gas", &format!("{gas} in local execution"));
    Ok(proposal)
}

/// What the gates were given: the statements that speak of this release, and every chain input.
fn evidence(assessment: &Assessment, project: ProjectId) -> EvidenceItems {
    let audits = assessment.facts.audits.iter().flat_map(|audits| &audits.attestations);
    let attestations = audits.filter(|fact| fact.confirmed.is_ok()).map(|fact| fact.digest);
    let general = assessment.statements.general().filter(|(_, g, _)| g.project == project);
    let general = general.map(|(digest, ..)| digest);
    let mut statements: Vec<StatementDigest> = attestations.chain(general).collect();
    statements.sort_unstable();
    let inputs = assessment.reports.iter().flat_map(|report| report.inputs.iter().cloned());
    let mut inputs: Vec<GateInput> = inputs.collect();
    inputs.sort_by(|a, b| (&a.kind, a.chain).cmp(&(&b.kind, b.chain)));
    EvidenceItems { statements, inputs }
}

/// The block of an input, for checks on the signer's own endpoint.
pub(crate) fn input_blocks(evidence: &EvidenceItems) -> Vec<(u64, BlockRef)> {
    let mut blocks: Vec<_> =
        evidence.inputs.iter().map(|input| (input.chain.0, input.block)).collect();
    blocks.sort_by_key(|(chain, block)| (*chain, block.number, block.hash));
    blocks.dedup();
    blocks
}
