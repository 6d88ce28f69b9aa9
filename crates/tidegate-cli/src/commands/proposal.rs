//! `tidegate proposal`: what owners check, sign and execute.

use alloy_primitives::{B256, Bytes, Log};
use clap::{Args, Subcommand};
use serde_json::{Map, json};
use tidegate_app::approve::{Approval, Given, approve};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::policy_doc::{adopted_version, safe_state};
use tidegate_app::promotion::promotion_of;
use tidegate_app::proposals::{self, Found};
use tidegate_app::published;
use tidegate_app::read_back::{is_promoted, read_back};
use tidegate_app::recheck::{Recheck, Rechecked, Seen, recheck};
use tidegate_app::release::{Built, build};
use tidegate_app::relied;
use tidegate_app::sending::send;
use tidegate_chain::Network;
use tidegate_model::Verdict;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::format_utc;
use tidegate_safe::{
    ATTENTION, Execution, ProposalKind, SafeState, Warned, approved, encode_exec_transaction,
    execution_in_logs, sheet, sheet_with, sign_proposal, warnings,
};
use tidegate_store::write_atomic;

use crate::context::Context;
use crate::signer::{LazySigner, named};

/// List, show, verify, sign and execute proposals to a Safe
#[derive(Debug, Subcommand)]
pub(crate) enum ProposalCommand {
    /// List proposals and who has signed
    List,
    /// Show what a proposal does
    Show(HashArgs),
    /// Check a proposal on your own endpoints; sign nothing
    Verify(HashArgs),
    /// Check a proposal and sign it as an owner
    Sign(HashArgs),
    /// Check a proposal and execute it with the signatures collected
    Execute(HashArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HashArgs {
    /// The proposal's safeTxHash or its beginning; default: the only one
    hash: Option<String>,
}

pub(crate) async fn run(project: &Context, command: &ProposalCommand) -> AppResult<u8> {
    relied::require(project).await?;
    match command {
        ProposalCommand::List => list(project).await,
        ProposalCommand::Show(args) => {
            show(project, &proposals::find(project, args.hash.as_deref())?)
        }
        ProposalCommand::Verify(args) => verify(project, args).await,
        ProposalCommand::Sign(args) => sign(project, args).await,
        ProposalCommand::Execute(args) => execute(project, args).await,
    }
}

async fn list(project: &Context) -> AppResult<u8> {
    let mut rows = Vec::new();
    for found in proposals::all(project)? {
        let network = project.connect(&found.network).await?;
        let state = state_now(&network, &found).await?;
        let set = proposals::signatures(project, &found, &state)?;
        let (signed, threshold) = (set.signed().len(), state.trust.threshold);
        let nonce = found.checked.proposal().safe_tx.nonce;
        let standing = match nonce.cmp(&state.nonce) {
            std::cmp::Ordering::Less => "nonce used",
            _ if set.missing(threshold) == 0 => "can be executed",
            _ => "needs signatures",
        };
        project.ui.line(format!("{} {}", found.checked.hash(), title(&found)));
        project.ui.line(format!(
            "  {} nonce {nonce}, {signed} of {threshold} signatures: {standing}",
            found.network
        ));
        rows.push(json!({
            "safeTxHash": found.checked.hash(), "network": found.network, "nonce": nonce,
            "signed": set.signed(), "threshold": threshold, "standing": standing,
        }));
    }
    if rows.is_empty() {
        project.ui.note("no proposals");
    }
    project.ui.result(&json!({ "proposals": rows }));
    Ok(0)
}

async fn state_now(network: &Network, found: &Found) -> AppResult<SafeState> {
    let head = network.latest_head().await?;
    safe_state(network, found.checked.proposal().safe, head).await
}

fn title(found: &Found) -> String {
    match &found.checked.proposal().kind {
        ProposalKind::Adoption(adoption) => format!("adopt policy {}", adoption.policy_version),
        ProposalKind::Promotion(promotion) => {
            format!("promote {}", promotion.release_root.short())
        }
    }
}

fn show(project: &Context, found: &Found) -> AppResult<u8> {
    let rows = sheet(&found.checked, &[]);
    project.ui.table(&rows);
    let rows: Vec<_> = rows.into_iter().map(|(label, value)| json!([label, value])).collect();
    project.ui.result(&json!({ "sheet": rows }));
    Ok(0)
}

/// The sheet of a proposal whose batch this machine has built itself. Answers with what is approved
/// by whoever signs it: all that is warned of is in it.
fn show_checked(project: &Context, found: &Found, rechecked: &Rechecked) -> (B256, Vec<Warned>) {
    let Rechecked { calls, abis, .. } = rechecked;
    project.ui.line("It is what this machine builds itself.");
    let rows = sheet_with(&found.checked, abis, Some(calls));
    project.ui.table(&rows);
    let attentions = rows.iter().filter(|(label, _)| label.ends_with(ATTENTION));
    attentions.for_each(|(label, says)| project.ui.attend(format!("{label}: {says}")));
    if let ProposalKind::Promotion(promotion) = &found.checked.proposal().kind {
        project.ui.row("Soaked on", &tidegate_app::network::described(promotion.soak.network));
    }
    let warned = warnings(&found.checked, abis);
    (approved(&found.checked, &warned), warned)
}

/// Re-checks a proposal, and shows what was looked at, also where it is refused.
async fn rechecked(
    project: &Context,
    built: Option<&Built>,
    found: &Found,
    network: &Network,
) -> AppResult<Rechecked> {
    let Recheck { seen, outcome } = recheck(project, built, found, network).await;
    match (seen, built) {
        (Some(Seen::Adoption { policy, looser, changes }), _) => {
            super::policy::show_document(project, &policy)?;
            super::policy::show_looser(project, looser);
            super::policy::show_changes(project, &changes);
        }
        (Some(Seen::Promotion(assessment)), Some(built)) => {
            super::status::gates(project, built, &assessment);
            project.ui.line("");
            project.ui.line("Differs from the testnet:");
            super::status::differences(project, &assessment);
        }
        (Some(Seen::Promotion(_)), None) | (None, _) => {}
    }
    outcome
}

/// The release of a promotion, built from the working tree; `None` for an adoption.
fn release_of(project: &Context, found: &Found) -> AppResult<Option<Built>> {
    match found.checked.proposal().kind {
        ProposalKind::Adoption(_) => Ok(None),
        ProposalKind::Promotion(_) => build(project).map(Some),
    }
}

async fn verify(project: &Context, args: &HashArgs) -> AppResult<u8> {
    let found = proposals::find(project, args.hash.as_deref())?;
    let network = project.connect(&found.network).await?;
    let built = release_of(project, &found)?;
    let rechecked = rechecked(project, built.as_ref(), &found, &network).await?;
    project.ui.line("");
    let (hash, warned) = show_checked(project, &found, &rechecked);
    project.ui.line("");
    let verdict = &rechecked.verdict;
    project.ui.line(format!("{} it may be signed", project.ui.verdict(verdict.word())));
    let notes: Vec<_> = rechecked.calls.iter().map(|call| &call.note).collect();
    project.ui.result(&json!({
        "safeTxHash": found.checked.hash(), "network": found.network, "result": verdict,
        "calls": notes, "warnings": warned, "approve": hash,
    }));
    Ok(verdict.exit_code())
}

async fn sign(project: &Context, args: &HashArgs) -> AppResult<u8> {
    let found = proposals::find(project, args.hash.as_deref())?;
    let key = named(&project.global, None)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let network = project.connect(&found.network).await?;
    let built = release_of(project, &found)?;
    let rechecked = rechecked(project, built.as_ref(), &found, &network).await?;
    let owner = signer.address();
    if !rechecked.state.trust.owners.contains(&owner) {
        return Err(AppError::new(Kind::Keys, format!("{owner} is no owner of the Safe")));
    }
    project.ui.line("");
    let (hash, _) = show_checked(project, &found, &rechecked);
    let (network, options) = (&*found.network, Vec::new());
    approve(
        project,
        &Approval { network, hash, given: Given::Whole, options, fields: Map::new() },
    )?;
    let (Rechecked { state, verdict, .. }, hash) = (rechecked, found.checked.hash());
    let signature = sign_proposal(&found.checked, &signer).or_kind(Kind::Keys)?;
    let path = project.layout.proposal_signature(&found.network, hash.0, owner);
    let path = path.or_kind(Kind::Config)?;
    let text = signature.to_text().or_kind(Kind::Internal)?;
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    let set = proposals::signatures(project, &found, &state)?;
    let (signed, threshold) = (set.signed().len(), state.trust.threshold);
    project.ui.line("");
    project.ui.line(format!("Signed by {owner}: {signed} of {threshold} signatures."));
    project.ui.result(&json!({
        "safeTxHash": hash, "owner": owner, "signed": set.signed(), "threshold": threshold,
        "file": path.strip_prefix(&project.root).unwrap_or(&path),
    }));
    if set.missing(threshold) == 0 {
        project.ui.note(format!("it can be executed: `tidegate proposal execute {hash}`"));
    }
    Ok(verdict.exit_code())
}

async fn execute(project: &Context, args: &HashArgs) -> AppResult<u8> {
    let found = proposals::find(project, args.hash.as_deref())?;
    let network = project.connect(&found.network).await?;
    let built = release_of(project, &found)?;
    if done(project, built.as_ref(), &found, &network).await? {
        project.ui.note("it was executed already");
        return finish(project, built.as_ref(), &found, &network, Verdict::Pass).await;
    }
    let rechecked = rechecked(project, built.as_ref(), &found, &network).await?;
    project.ui.line("");
    show_checked(project, &found, &rechecked);
    let Rechecked { state, verdict, .. } = rechecked;
    let set = proposals::signatures(project, &found, &state)?;
    let threshold = state.trust.threshold;
    if set.missing(threshold) > 0 {
        let (have, unsigned) = (set.signed().len(), set.unsigned());
        let owners: Vec<_> = unsigned.iter().map(ToString::to_string).collect();
        return Err(AppError::new(Kind::Verdict(30), format!("{have} of {threshold} signatures"))
            .hint(format!("these owners can still sign: {}", owners.join(", "))));
    }
    let proposal = found.checked.proposal();
    let signatures: Bytes = set.encode(threshold).or_kind(Kind::Fail)?;
    let settings = project.network(&found.network)?;
    let key = named(&project.global, settings.relayer.as_deref())?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let hash = found.checked.hash();
    let data = encode_exec_transaction(&proposal.safe_tx, signatures);
    let intent = Intent::safe_tx(format!("execute/{hash}"), proposal.safe, data, hash.0);
    let landed = send(project, &found.network, &network, &signer, &intent, Vec::new()).await?;
    let receipt = network
        .receipt(landed.hash)
        .await?
        .ok_or_else(|| AppError::new(Kind::Chain, format!("no receipt for {}", landed.hash)))?;
    let logs: Vec<_> = receipt
        .logs
        .iter()
        .filter_map(|log| Log::new(log.address, log.topics.clone(), log.data.clone()))
        .collect();
    match execution_in_logs(proposal.safe, found.checked.hash(), &logs) {
        Some(Execution::Success) => {}
        _ => {
            return Err(AppError::new(
                Kind::Fail,
                format!("{} did not execute the proposal", landed.hash),
            ));
        }
    }
    project.ui.row("transaction", &landed.hash.to_string());
    project.ui.row("gas", &landed.inclusion.gas_used.to_string());
    finish(project, built.as_ref(), &found, &network, verdict).await
}

/// Whether what the proposal does is on the chain already, by whomever.
async fn done(
    project: &Context,
    built: Option<&Built>,
    found: &Found,
    network: &Network,
) -> AppResult<bool> {
    let proposal = found.checked.proposal();
    let head = network.latest_head().await?;
    match (&proposal.kind, built) {
        (ProposalKind::Adoption(adoption), _) => {
            let adopted = adopted_version(network, head, proposal.safe, adoption.project).await?;
            Ok(adopted == Some((adoption.policy_version, adoption.policy_digest)))
        }
        (ProposalKind::Promotion(promotion), Some(built)) => Ok(promotion.release_root
            == built.roots.release_root
            && is_promoted(project, built, &found.network, network).await?),
        (ProposalKind::Promotion(_), None) => Ok(false),
    }
}

/// Reads everything back and writes the files that say where it stands; only then is it done. The
/// verdict is that of the gates at execution (what was executed earlier is not judged again) and of
/// what was read.
async fn finish(
    project: &Context,
    built: Option<&Built>,
    found: &Found,
    network: &Network,
    verdict: Verdict,
) -> AppResult<u8> {
    let ui = &project.ui;
    let Some(built) = built else {
        let ProposalKind::Adoption(adoption) = &found.checked.proposal().kind else {
            return Err(AppError::new(Kind::Internal, "a promotion without its release"));
        };
        ui.line(format!(
            "The Safe has adopted policy version {}, digest {}.",
            adoption.policy_version, adoption.policy_digest
        ));
        ui.result(&json!({"adopted": adoption.policy_digest, "version": adoption.policy_version}));
        return Ok(verdict.exit_code());
    };
    let read = read_back(project, built, &found.network, network).await?;
    let promotion = promotion_of(found.checked.proposal())?;
    let intact = read.verdict();
    let is_intact = !matches!(intact, Verdict::Fail { .. });
    let Some(recorded_at) = read.recorded_at.filter(|_| is_intact) else {
        let error = AppError::new(Kind::Fail, "the promotion could not be read back");
        return Err(intact.sentences().into_iter().fold(error, AppError::hint));
    };
    for row in &read.facts.contracts {
        ui.line(format!("{} {:<24} {}", ui.verdict("PASS"), row.name, row.address));
    }
    ui.row("recorded", &format_utc(recorded_at));
    ui.row("deployment", &promotion.deployment_digest.to_string());
    if let Some(record) = &read.record {
        let path = published::write(project, &found.network, record, &built.release)?;
        let shown = path.strip_prefix(&project.root).unwrap_or(&path);
        ui.row("record", &shown.display().to_string());
    }
    ui.line(format!("{} is promoted to {}.", built.release.name, found.network));
    if let Verdict::Waived { by, until, .. } = &verdict {
        let until = format_utc(*until);
        ui.line(format!("{} by {by}, until {until}", ui.verdict("WAIVED")));
    }
    if intact != Verdict::Pass {
        ui.line(format!("{} read back from {}", ui.verdict(intact.word()), found.network));
        intact.sentences().iter().for_each(|reason| ui.row("", reason));
    }
    ui.result(&json!({
        "promoted": built.roots.release_root, "network": found.network,
        "recordedAt": recorded_at, "deployment": promotion.deployment,
        "overall": verdict, "readBack": intact,
    }));
    Ok(verdict.and(intact).exit_code())
}
