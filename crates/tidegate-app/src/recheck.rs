//! The checks that everybody makes on their own endpoints before signing or executing.

use alloy_json_abi::JsonAbi;
use alloy_primitives::B256;
use tidegate_chain::Network;
use tidegate_gates::{PolicyRules, good_through};
use tidegate_model::policy::PolicyDoc;
use tidegate_model::units::format_utc;
use tidegate_model::{BlockRef, Reason, Verdict};
use tidegate_plan::When;
use tidegate_safe::{
    Adoption, CanonicalKind, EvidenceItems, InnerCall, MULTI_SEND_CALL_ONLY, Promotion, Proposal,
    SafeState, SafeVersion, SoakReference, canonical_by_code_hash, helper,
};

use crate::assess::{Assessment, Emergency, assess_with, judged, safe_changes};
use crate::error::{AppError, AppResult, Kind};
use crate::pins;
use crate::policy_doc::{adopted_version, current, looser_lines, require_proof, safe_state};
use crate::project::Project;
use crate::promotion::{abis, require_readable, simulate_batch, target_plan};
use crate::proposals::{self, Found, Opened, Proposed};
use crate::release::Built;

/// MultiSendCallOnly must hold the code that Safe published.
pub(crate) fn require_multi_send(code: B256) -> AppResult {
    let known = canonical_by_code_hash(code).is_some_and(|c| {
        (c.version, c.kind) == (SafeVersion::V1_4_1, CanonicalKind::MultiSendCallOnly)
    });
    if known {
        return Ok(());
    }
    Err(AppError::new(Kind::Fail, "MultiSendCallOnly 1.4.1 is not at its address on the target"))
}

/// A proposal that holds on this machine's own endpoints. Only what was checked is signed and sent.
#[derive(Debug)]
pub struct Rechecked<'a> {
    /// The proposal.
    pub(crate) found: &'a Found,
    /// The Safe, now.
    pub(crate) state: SafeState,
    /// Its calls as this machine builds them, with notes of its own.
    pub(crate) calls: Vec<InnerCall>,
    /// By what they are read.
    pub(crate) abis: Vec<JsonAbi>,
    /// What the gates come to: PASS or WAIVED.
    pub verdict: Verdict,
}

/// What a re-check looked at on the way, for people to look at too.
#[derive(Debug)]
pub enum Seen<'a> {
    /// Of an adoption: the policy, what in it asks for less, and what happened to the Safe.
    Adoption {
        /// The policy as it is now.
        policy: Box<PolicyDoc>,
        /// Against what, and the lines that ask for less than that.
        looser: AppResult<Vec<(String, Vec<String>)>>,
        /// What happened to the Safe since its last adoption.
        changes: Vec<String>,
    },
    /// Of a promotion: its release, and every gate anew.
    Promotion(&'a Built, Box<Assessment>),
}

/// A re-check: what was seen, also where it is refused, and what it came to.
#[derive(Debug)]
pub struct Recheck<'a> {
    /// What was seen, as far as it came.
    pub seen: Option<Seen<'a>>,
    /// What holds, or why it does not.
    pub outcome: AppResult<Rechecked<'a>>,
}

/// Everything a signer or executor re-checks on their own endpoints.
pub async fn recheck<'a>(project: &Project, opened: &'a Opened<'a>) -> Recheck<'a> {
    let mut seen = None;
    let outcome = check(project, opened, &mut seen).await;
    Recheck { seen, outcome }
}

async fn check<'a>(
    project: &Project,
    opened: &'a Opened<'a>,
    seen: &mut Option<Seen<'a>>,
) -> AppResult<Rechecked<'a>> {
    let Opened { found, network, proposed } = opened;
    let proposal = found.checked.proposal();
    let head = network.finalized_head().await?;
    let latest = network.latest_head().await?;
    let settings = project.network(&found.network)?;
    if proposal.network != network.id() || settings.safe != Some(proposal.safe) {
        return Err(AppError::new(Kind::Fail, "the proposal is for another Safe or network"));
    }
    let state = safe_state(network, proposal.safe, latest).await?;
    if let Some(doubt) = state.doubts.first() {
        return Err(AppError::new(Kind::Fail, doubt.clone()));
    }
    require_proof(project, network, proposal.safe, latest).await?;
    pins::check(project, network.id().chain, &state, head.timestamp)?;
    let (calls, abis, verdict) = match proposed {
        Proposed::Adoption(adoption) => {
            check_adoption(project, found, network, &state, (adoption, seen)).await?;
            let (safe, nonce) = (proposal.safe, proposal.safe_tx.nonce);
            let (helper, adoption) = (helper::address(), (*adoption).clone());
            let calls = Proposal::adoption(network.id(), safe, nonce, helper, adoption).calls;
            (calls, Vec::new(), Verdict::Pass)
        }
        Proposed::Promotion(promotion, built) => {
            check_promotion(project, built, found, network, &state, (promotion, seen)).await?
        }
    };
    if state.nonce != proposal.safe_tx.nonce {
        return Err(AppError::new(
            Kind::Conflict,
            format!(
                "the Safe is at nonce {}, the proposal has {}",
                state.nonce, proposal.safe_tx.nonce
            ),
        )
        .hint("another transaction was executed; propose again"));
    }
    proposals::remember(project, &found.checked);
    Ok(Rechecked { found, state, calls, abis, verdict })
}

async fn check_adoption(
    project: &Project,
    found: &Found,
    network: &Network,
    state: &SafeState,
    (adoption, seen): (&Adoption, &mut Option<Seen<'_>>),
) -> AppResult {
    let policy = current(project, &found.network, network.id(), state)?;
    let latest = network.latest_head().await?;
    let adopted = adopted_version(network, latest, state.trust.address, policy.project()).await?;
    let next = adopted.map_or(1, |(version, _)| version + 1);
    if policy.project() != adoption.project {
        return Err(fail("the proposal adopts a policy for another project"));
    }
    if policy.digest()? != adoption.policy_digest {
        return Err(fail(format!(
            "the proposal adopts policy {}, but tidegate.toml and the Safe give {}",
            adoption.policy_digest.short(),
            policy.digest()?.short()
        )));
    }
    if adoption.policy_version != next {
        return Err(fail(format!(
            "the proposal adopts version {}, but {next} comes next",
            adoption.policy_version
        )));
    }
    let until = adoption.valid_until;
    if until < latest.timestamp {
        return Err(fail(format!("the proposal ended on {}", format_utc(until)))
            .hint("run `tidegate policy adopt` again"));
    }
    if until > latest.timestamp.saturating_add(project.rules.valid_for_secs) {
        return Err(fail("the proposal is good for longer than `valid_for` of the policy")
            .hint("run `tidegate policy adopt` again"));
    }
    let looser = looser_lines(project, &found.network, network, latest, &policy).await;
    let changes = safe_changes(&project.rules, network, latest, &policy).await?;
    *seen = Some(Seen::Adoption { policy: Box::new(policy), looser, changes });
    Ok(())
}

/// All gates anew on everything seen now, each listed input still canonical, and the batch equal
/// to the one that this machine builds.
async fn check_promotion<'a>(
    project: &Project,
    built: &'a Built,
    found: &Found,
    network: &Network,
    state: &SafeState,
    (promotion, seen): (&Promotion, &mut Option<Seen<'a>>),
) -> AppResult<(Vec<InnerCall>, Vec<JsonAbi>, Verdict)> {
    if promotion.release_root != built.roots.release_root {
        return Err(fail(format!(
            "the proposal promotes release {}, the working tree builds {}",
            promotion.release_root.short(),
            built.roots.release_root.short()
        ))
        .hint("check out the commit that the proposal was made from"));
    }
    let urgent = promotion.emergency.as_ref().map(|terms| Emergency {
        terms: terms.clone(),
        safe_tx_hash: Some(found.checked.hash().0),
    });
    let evidence = &promotion.evidence;
    let assessment =
        assess_with(project, built, &found.network, urgent.as_ref(), Some(evidence)).await?;
    let assessed = Seen::Promotion(built, Box::new(assessment));
    let Seen::Promotion(_, assessment) = seen.insert(assessed) else {
        return Err(AppError::new(Kind::Internal, "what was seen is an assessment"));
    };
    if !assessment.overall.allows() {
        let kind = match assessment.overall {
            Verdict::Waiting { .. } => Kind::Waiting,
            Verdict::Unknown { .. } => Kind::Unknown,
            _ => Kind::Fail,
        };
        return Err(AppError::new(kind, "the gates do not pass now; nothing was signed or sent"));
    }
    let policy = assessment.policy.as_ref().ok_or_else(|| fail("no policy"))?;
    if policy.digest()? != promotion.policy_digest || policy.project() != promotion.project {
        return Err(fail("the proposal rests on another policy or project"));
    }
    if policy.safe != state.trust {
        return Err(fail("the Safe changed after the gates were read"));
    }
    let time = assessment.gate_head.map_or(u64::MAX, |head| head.timestamp);
    if time > promotion.valid_until {
        return Err(fail("the proposal has expired").hint("run `tidegate promote` again"));
    }
    if promotion.valid_until.saturating_sub(time) > project.rules.valid_for_secs {
        return Err(fail("the proposal would stay executable longer than the policy allows"));
    }
    if assessment.waived_until().is_some_and(|until| promotion.valid_until > until) {
        return Err(fail("the proposal would stay executable longer than what was waived"));
    }
    check_evidence(project, &assessment.effective, assessment, network, promotion).await?;
    let listed = &promotion.evidence.statements;
    if good_through(&project.rules, &assessment.facts_of(listed), promotion.valid_until)
        < promotion.valid_until
    {
        return Err(fail("the proposal would stay executable longer than what it rests on"));
    }
    let latest = network.latest_head().await?;
    let now = judged(project, assessment, network, latest, listed).await?;
    if let Some(what) = promotion.judged.differs(&now) {
        let why = format!("the proposal is void: {what}");
        return Err(fail(why).hint("run `tidegate promote` again"));
    }
    let (calls, abis) = check_batch(project, built, found, network, promotion).await?;
    Ok((calls, abis, assessment.overall.clone()))
}

/// The set that was fixed at propose is not computed again: each listed statement must be here
/// with its signature, and each listed block on the checker's own endpoint.
async fn check_evidence(
    project: &Project,
    rules: &PolicyRules,
    assessment: &Assessment,
    network: &Network,
    promotion: &Promotion,
) -> AppResult {
    for digest in &promotion.evidence.statements {
        if let Some(found) = assessment.statements.unconfirmed.get(digest) {
            let why = &found.doubt.why;
            return Err(fail(format!("statement {digest} of the evidence: {why}"))
                .hint("have it signed anew, or run `tidegate promote` again"));
        }
        if !assessment.statements.statements.contains_key(digest) {
            return Err(fail(format!("statement {digest} of the evidence is missing here"))
                .hint("fetch deployments/statements/ from git"));
        }
    }
    let now: Vec<_> = assessment.reports.iter().flat_map(|r| r.inputs.iter().cloned()).collect();
    if let Err(why) = promotion.evidence.compare(&now) {
        return Err(fail(format!("the evidence is not what the gates rest on: {why}"))
            .hint("what is true now is proposed anew by `tidegate promote`"));
    }
    let audits = assessment.facts_of(&promotion.evidence.statements).audits;
    let time = assessment
        .gate_head
        .map(|head| head.timestamp)
        .ok_or_else(|| Reason::unreadable("no gate time"));
    if tidegate_gates::audits_gate(rules, &audits, &time).verdict != Verdict::Pass {
        return Err(fail("the evidence lists too few of this scope's audits"));
    }
    let soak = assessment.soak_network.as_ref().ok_or_else(|| fail("no soak chain"))?;
    let SoakReference { network: soaked_on, deployment_digest, terminal } = promotion.soak;
    let mut blocks = input_blocks(&promotion.evidence);
    blocks.push((soaked_on.chain.0, terminal));
    for (chain, block) in blocks {
        let known = [network, soak].into_iter().find(|on| on.id().chain.0 == chain);
        // A contract signs where it stands, which may be another network of the project.
        let on = match known {
            Some(on) => on.clone(),
            None => project.connect(&network_of(project, chain)?).await?,
        };
        if !on.is_canonical(block).await? {
            let (hash, on) = (block.hash, on.name());
            return Err(fail(format!("block {hash} of the evidence is not on {on}")));
        }
    }
    let soaked = assessment.facts.soak.as_ref().map_err(|why| fail(why.text.clone()))?;
    let last = soak.head_at(terminal.number).await?;
    if last.timestamp < soaked.start + assessment.effective.soak_secs {
        return Err(fail("the evidence's last block of the soak comes before its end"));
    }
    let record = assessment.record.as_ref().ok_or_else(|| fail("no record"))?;
    if promotion.evidence.block_of("soak/terminal", soaked_on.chain) != Some(terminal) {
        return Err(fail("the evidence names another last block of the soak than the proposal"));
    }
    if soaked_on != soak.id() || record.deployment.digest()? != deployment_digest {
        return Err(fail("the proposal rests on another deployment's soak"));
    }
    Ok(())
}

/// The network of the project with a chain id.
fn network_of(project: &Project, chain: u64) -> AppResult<String> {
    let mut networks = project.config.networks.iter();
    let found = networks.find(|(_, network)| network.chain.0 == chain);
    let name = found.map(|(name, _)| name.clone());
    name.ok_or_else(|| fail(format!("the evidence names chain {chain}, which is no network here")))
}

async fn check_batch(
    project: &Project,
    built: &Built,
    found: &Found,
    network: &Network,
    promotion: &Promotion,
) -> AppResult<(Vec<InnerCall>, Vec<JsonAbi>)> {
    let head = network.latest_head().await?;
    let plan = target_plan(project, built, &found.network, network, head, When::Before).await?;
    plan.show_used(project, network, head).await?;
    let calls = plan.calls(promotion, project.rules.fresh);
    let proposal = found.checked.proposal();
    let same = calls.len() == proposal.calls.len()
        && calls.iter().zip(&proposal.calls).all(|(ours, theirs)| ours.same_call(theirs));
    if !same || plan.deployment != promotion.deployment {
        return Err(fail("the proposal's batch is not the one that this release gives"));
    }
    require_readable(project, built, &plan, &calls)?;
    require_multi_send(network.code_hash(MULTI_SEND_CALL_ONLY, head.block).await?)?;
    simulate_batch(network, proposal.safe, &plan, &calls, &proposal.safe_tx).await?;
    Ok((calls, abis(built, &plan.prepared)))
}

/// The blocks of inputs, each once, for checks on the checker's own endpoint.
fn input_blocks(evidence: &EvidenceItems) -> Vec<(u64, BlockRef)> {
    let mut blocks: Vec<_> =
        evidence.inputs.iter().map(|input| (input.chain.0, input.block)).collect();
    blocks.sort_by_key(|(chain, block)| (*chain, block.number, block.hash));
    blocks.dedup();
    blocks
}

fn fail(what: impl Into<String>) -> AppError {
    AppError::new(Kind::Fail, what.into())
}
