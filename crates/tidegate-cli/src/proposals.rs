//! Proposals as files, and the checks that everybody makes before signing or executing.

use std::path::PathBuf;

use alloy_primitives::B256;
use tidegate_chain::Network;
use tidegate_model::Head;
use tidegate_safe::{
    Adoption, CanonicalKind, Checked, InnerCall, Promotion, ProposalKind, SafeState, SafeVersion,
    SignatureSet, canonical_by_code_hash, helper, read_proposal, read_signature,
};
use tidegate_store::{read_limited, write_atomic};

use crate::assess::assess;
use crate::commands::promote::input_blocks;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::{adopted_version, current, safe_state};
use crate::project::Project;
use crate::promotion::{simulate_batch, target_plan};
use crate::release::Built;
use crate::{commands, pins};

/// A proposal file with the network it lies under.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) network: String,
    pub(crate) checked: Checked,
}

/// Writes a proposal's file. Returns its path below the project.
pub(crate) fn write(project: &Project, network: &str, checked: &Checked) -> CliResult<PathBuf> {
    let dir = project.layout.proposals_dir(network).or_kind(Kind::Config)?;
    let path = dir.join(checked.file_name());
    let text = checked.to_text().or_kind(Kind::Internal)?;
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    Ok(path.strip_prefix(&project.root).map(PathBuf::from).unwrap_or(path))
}

/// Every proposal of every target. A damaged file is an error that names it.
pub(crate) fn all(project: &Project) -> CliResult<Vec<Found>> {
    let mut found = Vec::new();
    for (network, _) in project.targets() {
        for (name, path) in files(project, network)? {
            if name.matches('.').count() == 1 {
                let text = text(&path)?;
                let checked = read_proposal(&name, &text, helper::address()).map_err(|error| {
                    CliError::new(Kind::Fail, error)
                        .hint(format!("{} is damaged; restore it from git", path.display()))
                })?;
                found.push(Found { network: network.clone(), checked });
            }
        }
    }
    Ok(found)
}

fn files(project: &Project, network: &str) -> CliResult<Vec<(String, PathBuf)>> {
    let dir = project.layout.proposals_dir(network).or_kind(Kind::Config)?;
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(Vec::new()) };
    let mut files: Vec<_> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(name, _)| name.ends_with(".json") && !name.starts_with('.'))
        .collect();
    files.sort();
    Ok(files)
}

fn text(path: &std::path::Path) -> CliResult<String> {
    let bytes =
        read_limited(path, tidegate_safe::PROPOSAL_BYTES_MAX as u64).or_kind(Kind::Config)?;
    String::from_utf8(bytes).or_kind(Kind::Config)
}

/// The proposal whose hash begins with this, or the only open one.
pub(crate) fn find(project: &Project, wanted: Option<&str>) -> CliResult<Found> {
    let all = all(project)?;
    let known: Vec<_> = all.iter().map(|found| found.checked.hash().to_string()).collect();
    let matches = |found: &&Found| match wanted {
        Some(wanted) => found.checked.hash().to_string().starts_with(&with_prefix(wanted)),
        None => true,
    };
    let mut matching = all.iter().filter(matches).map(|found| found.checked.hash());
    let (first, more) = (matching.next(), matching.next());
    match (first, more) {
        (Some(hash), None) => all
            .into_iter()
            .find(|found| found.checked.hash() == hash)
            .ok_or_else(|| CliError::new(Kind::Internal, "a proposal vanished")),
        (None, _) => Err(CliError::usage("there is no such proposal")
            .hint("`tidegate proposal list` shows them")),
        _ => {
            Err(CliError::usage("several proposals; name one by its hash")
                .hint(known.join("\nhint: ")))
        }
    }
}

fn with_prefix(wanted: &str) -> String {
    if wanted.starts_with("0x") { wanted.to_owned() } else { format!("0x{wanted}") }
}

/// The signatures of a proposal's files that are by present owners.
pub(crate) fn signatures(
    project: &Project,
    found: &Found,
    state: &SafeState,
) -> CliResult<SignatureSet> {
    let hash = found.checked.hash();
    let mut set = SignatureSet::new(hash, state.trust.owners.iter().copied());
    let prefix = format!("{hash}.");
    for (name, path) in files(project, &found.network)? {
        if !name.starts_with(&prefix) || name.matches('.').count() != 2 {
            continue;
        }
        let signed = read_signature(&name, &text(&path)?)
            .map_err(|error| error.to_string())
            .and_then(|file| file.verify().map_err(|error| error.to_string()))
            .and_then(|signature| set.add(signature).map_err(|error| error.to_string()));
        if let Err(why) = signed {
            project.ui.warn(format!("{name}: {why}; it counts for nothing"));
        }
    }
    Ok(set)
}

/// MultiSendCallOnly must hold the code that Safe published.
pub(crate) fn require_multi_send(code: B256) -> CliResult {
    let known = canonical_by_code_hash(code).is_some_and(|c| {
        (c.version, c.kind) == (SafeVersion::V1_4_1, CanonicalKind::MultiSendCallOnly)
    });
    if known {
        return Ok(());
    }
    Err(CliError::new(Kind::Fail, "MultiSendCallOnly 1.4.1 is not at its address on the target"))
}

/// A proposal that holds on this machine's own endpoints.
#[derive(Debug)]
pub(crate) struct Rechecked {
    /// The Safe, now.
    pub(crate) state: SafeState,
    /// Its calls as this machine builds them, with notes of its own.
    pub(crate) calls: Vec<InnerCall>,
}

/// Everything a signer or executor re-checks on their own endpoints.
pub(crate) async fn recheck(
    project: &Project,
    built: Option<&Built>,
    found: &Found,
    network: &Network,
) -> CliResult<Rechecked> {
    let proposal = found.checked.proposal();
    let head = network.finalized_head().await?;
    let latest = network.latest_head().await?;
    let settings = project.network(&found.network)?;
    if proposal.network != network.id() || settings.safe != Some(proposal.safe) {
        return Err(CliError::new(Kind::Fail, "the proposal is for another Safe or network"));
    }
    let state = safe_state(network, proposal.safe, latest).await?;
    if let Some(doubt) = state.doubts.first() {
        return Err(CliError::new(Kind::Fail, doubt.clone()));
    }
    pins::check(project, network.id().chain, &state, head.timestamp)?;
    let calls = match (&proposal.kind, built) {
        (ProposalKind::Adoption(adoption), _) => {
            check_adoption(project, found, network, head, &state, adoption).await?;
            proposal.calls.clone()
        }
        (ProposalKind::Promotion(promotion), Some(built)) => {
            check_promotion(project, built, found, network, &state, promotion).await?
        }
        (ProposalKind::Promotion(_), None) => {
            return Err(CliError::new(Kind::Internal, "a promotion needs its release"));
        }
    };
    if state.nonce != proposal.safe_tx.nonce {
        return Err(CliError::new(
            Kind::Conflict,
            format!(
                "the Safe is at nonce {}, the proposal has {}",
                state.nonce, proposal.safe_tx.nonce
            ),
        )
        .hint("another transaction was executed; propose again"));
    }
    Ok(Rechecked { state, calls })
}

async fn check_adoption(
    project: &Project,
    found: &Found,
    network: &Network,
    head: Head,
    state: &SafeState,
    adoption: &Adoption,
) -> CliResult {
    let policy = current(project, &found.network, network.id(), state)?;
    let latest = network.latest_head().await?;
    let adopted = adopted_version(network, latest, state.trust.address, policy.project()).await?;
    let next = adopted.map_or(1, |(version, _)| version + 1);
    let fail = |what: String| Err(CliError::new(Kind::Fail, what));
    if policy.project() != adoption.project {
        return fail("the proposal adopts a policy for another project".to_owned());
    }
    if policy.digest()? != adoption.policy_digest {
        return fail(format!(
            "the proposal adopts policy {}, but tidegate.toml and the Safe give {}",
            adoption.policy_digest.short(),
            policy.digest()?.short()
        ));
    }
    if adoption.policy_version != next {
        return fail(format!(
            "the proposal adopts version {}, but {next} comes next",
            adoption.policy_version
        ));
    }
    commands::policy::show_document(project, &policy)?;
    tracing::debug!(block = head.block.number, "adoption checked");
    Ok(())
}

/// All gates anew on everything seen now, each listed input still canonical, and the batch equal
/// to the one that this machine builds.
async fn check_promotion(
    project: &Project,
    built: &Built,
    found: &Found,
    network: &Network,
    state: &SafeState,
    promotion: &Promotion,
) -> CliResult<Vec<InnerCall>> {
    let fail = |what: String| CliError::new(Kind::Fail, what);
    if promotion.release_root != built.roots.release_root {
        return Err(fail(format!(
            "the proposal promotes release {}, the working tree builds {}",
            promotion.release_root.short(),
            built.roots.release_root.short()
        ))
        .hint("check out the commit that the proposal was made from"));
    }
    let assessment = assess(project, built, &found.network).await?;
    commands::status::gates(project, &assessment);
    project.ui.line("");
    project.ui.line("Differs from the testnet:");
    commands::status::differences(project, &assessment);
    if assessment.overall.exit_code() != 0 {
        let kind = Kind::Verdict(assessment.overall.exit_code());
        return Err(CliError::new(kind, "the gates do not pass now; nothing was signed or sent"));
    }
    let policy = assessment.policy.as_ref().ok_or_else(|| fail("no policy".to_owned()))?;
    if policy.digest()? != promotion.policy_digest {
        return Err(fail("the proposal rests on another policy".to_owned()));
    }
    if policy.safe != state.trust {
        return Err(fail("the Safe changed after the gates were read".to_owned()));
    }
    let time = assessment.gate_head.map_or(u64::MAX, |head| head.timestamp);
    if time > promotion.valid_until {
        return Err(
            fail("the proposal has expired".to_owned()).hint("run `tidegate promote` again")
        );
    }
    for digest in &promotion.evidence.statements {
        if !assessment.statements.statements.contains_key(digest) {
            return Err(fail(format!("statement {digest} of the evidence is missing here"))
                .hint("fetch deployments/statements/ from git"));
        }
    }
    let soak = assessment.soak_network.as_ref().ok_or_else(|| fail("no soak chain".to_owned()))?;
    let terminal = promotion.soak.terminal;
    for (chain, block) in input_blocks(&promotion.evidence)
        .into_iter()
        .chain([(promotion.soak.network.chain.0, terminal)])
    {
        let on = [network, soak].into_iter().find(|on| on.id().chain.0 == chain);
        let on = on.ok_or_else(|| fail(format!("the evidence names chain {chain}")))?;
        if !on.is_canonical(block).await? {
            return Err(fail(format!(
                "block {} of the evidence is not on {}",
                block.hash,
                on.name()
            )));
        }
    }
    let record = assessment.record.as_ref().ok_or_else(|| fail("no record".to_owned()))?;
    if record.deployment.digest()? != promotion.soak.deployment_digest {
        return Err(fail("the proposal rests on another deployment's soak".to_owned()));
    }
    let head = network.latest_head().await?;
    let plan = target_plan(project, built, &found.network, network, head).await?;
    let calls = plan.calls(promotion);
    let proposal = found.checked.proposal();
    let same = calls.len() == proposal.calls.len()
        && calls.iter().zip(&proposal.calls).all(|(ours, theirs)| ours.same_call(theirs));
    if !same || plan.deployment != promotion.deployment {
        return Err(fail("the proposal's batch is not the one that this release gives".to_owned()));
    }
    require_multi_send(network.code_hash(tidegate_safe::MULTI_SEND_CALL_ONLY, head.block).await?)?;
    simulate_batch(network, proposal.safe, proposal.safe, &proposal.safe_tx).await?;
    Ok(calls)
}
