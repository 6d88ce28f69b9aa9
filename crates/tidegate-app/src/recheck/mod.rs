//! The checks that everybody makes on their own endpoints before signing or executing.

mod judge;
mod refusal;

use alloy_json_abi::JsonAbi;
use alloy_primitives::B256;
use tidegate_chain::Network;
use tidegate_gates::{audits_gate, good_through};
use tidegate_model::policy::PolicyDoc;
use tidegate_model::{BlockRef, Verdict};
use tidegate_plan::When;
use tidegate_safe::{
    Adoption, CanonicalKind, EvidenceItems, InnerCall, MULTI_SEND_CALL_ONLY, Promotion, Proposal,
    SafeState, SafeVersion, canonical_by_code_hash, helper,
};

use self::judge::{AdoptionNow, Listed, PromotionNow, SoakNow};
pub use self::refusal::{Limit, Refusal};
use crate::assess::{Assessment, Emergency, assess_with, judged, safe_changes};
use crate::error::{AppError, AppResult, Kind};
use crate::pins;
use crate::policy_doc::{adopted_version, current, looser_lines, require_proof, safe_state};
use crate::project::Project;
use crate::promotion::{abis, require_readable, simulate_batch, target_plan};
use crate::proposal_files::{self, Found};
use crate::proposals::{Opened, Proposed};
use crate::recalled;
use crate::release::Built;

/// MultiSendCallOnly must hold the code that Safe published.
pub(crate) fn require_multi_send(code: B256) -> Result<(), Refusal> {
    let known = canonical_by_code_hash(code).is_some_and(|c| {
        (c.version, c.kind) == (SafeVersion::V1_4_1, CanonicalKind::MultiSendCallOnly)
    });
    if known { Ok(()) } else { Err(Refusal::NoMultiSend) }
}

/// A proposal that holds on this machine's own endpoints. Only what was checked is signed and sent.
#[derive(Debug)]
pub struct Rechecked<'a> {
    /// The proposal, with the network of its Safe.
    pub(crate) opened: &'a Opened<'a>,
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
    let _busy = project.front.busy("checking again what the proposal rests on");
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
    judge::place(proposal, network.id(), settings.safe)?;
    let state = safe_state(network, proposal.safe, latest).await?;
    judge::certain(&state)?;
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
    judge::nonce(proposal, &state)?;
    proposal_files::remember(project, &found.checked);
    Ok(Rechecked { opened, state, calls, abis, verdict })
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
    let now = AdoptionNow {
        project: policy.project(),
        policy: policy.digest()?,
        adopted: adopted.map(|(version, _)| version),
        time: latest.timestamp,
        valid_for_secs: project.rules.valid_for_secs,
    };
    judge::adoption(adoption, &now)?;
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
    let here = (built.roots.release_root, built.release.name.as_str());
    let called = |root| recalled::called(project, root);
    judge::release(promotion, here, called).map_err(|refusal| {
        let way = recalled::way_to(project, promotion.release_root, found);
        AppError::from(refusal).hint(way)
    })?;
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
    check_terms(project, assessment, state, promotion)?;
    check_evidence(project, assessment, network, promotion).await?;
    let latest = network.latest_head().await?;
    let listed = &evidence.statements;
    judge::judged(promotion, &judged(project, assessment, network, latest, listed).await?)?;
    let (calls, abis) = check_batch(project, built, found, network, promotion).await?;
    Ok((calls, abis, assessment.overall.clone()))
}

/// The gates as they are now, and for how long they would pass on what the evidence lists.
fn check_terms(
    project: &Project,
    assessment: &Assessment,
    state: &SafeState,
    promotion: &Promotion,
) -> AppResult {
    judge::gates(&assessment.overall)?;
    let policy = assessment.policy.as_ref().ok_or(Refusal::Without("a policy"))?;
    let head = assessment.gate_head.ok_or(Refusal::Without("gate time"))?;
    let facts = assessment.facts_of(&promotion.evidence.statements);
    let now = PromotionNow {
        policy: (policy.project(), policy.digest()?),
        judged_safe: &policy.safe,
        time: head.timestamp,
        valid_for_secs: project.rules.valid_for_secs,
        waived_until: assessment.waived_until(),
        good_through: good_through(&project.rules, &facts, promotion.valid_until),
    };
    Ok(judge::promotion(promotion, state, &now)?)
}

/// Each listed statement must be here with its signature, each listed input be given again by the
/// gates, and each listed block be on the checker's own endpoint.
async fn check_evidence(
    project: &Project,
    assessment: &Assessment,
    network: &Network,
    promotion: &Promotion,
) -> AppResult {
    let (evidence, set) = (&promotion.evidence, &assessment.statements);
    let statement = |digest| match (set.unconfirmed.get(&digest), set.statements.get(&digest)) {
        (Some(found), _) => Listed::Doubtful(found.doubt.why.to_string()),
        (None, Some(_)) => Listed::Here,
        (None, None) => Listed::Missing,
    };
    let now: Vec<_> = assessment.reports.iter().flat_map(|r| r.inputs.iter().cloned()).collect();
    let head = assessment.gate_head.ok_or(Refusal::Without("gate time"))?;
    let audits = assessment.facts_of(&evidence.statements).audits;
    let audits = audits_gate(&assessment.effective, &audits, &Ok(head.timestamp));
    judge::evidence(evidence, statement, &now, &audits.verdict)?;
    let soak = assessment.soak_network.as_ref().ok_or(Refusal::Without("a soak"))?;
    check_blocks(project, [network, soak], promotion).await?;
    let record = assessment.record.as_ref().ok_or(Refusal::Without("a record"))?;
    let soaked =
        assessment.facts.soak.as_ref().map_err(|why| AppError::new(Kind::Fail, why.clone()))?;
    let now = SoakNow {
        network: soak.id(),
        deployment: record.deployment.digest()?,
        start: soaked.start,
        soak_secs: assessment.effective.soak_secs,
        last: soak.head_at(promotion.soak.terminal.number).await?.timestamp,
    };
    Ok(judge::soak(promotion, &now)?)
}

/// Each block of the evidence on the checker's own endpoint.
async fn check_blocks(project: &Project, open: [&Network; 2], promotion: &Promotion) -> AppResult {
    let mut blocks = input_blocks(&promotion.evidence);
    blocks.push((promotion.soak.network.chain.0, promotion.soak.terminal));
    for (chain, block) in blocks {
        // A contract signs where it stands, which may be another network of the project.
        let on = match open.into_iter().find(|on| on.id().chain.0 == chain) {
            Some(on) => on.clone(),
            None => project.connect(&network_of(project, chain)?).await?,
        };
        if !on.is_canonical(block).await? {
            let (block, network) = (block.hash, on.name().to_owned());
            return Err(Refusal::OtherBlock { block, network }.into());
        }
    }
    Ok(())
}

/// The network of the project with a chain id.
fn network_of(project: &Project, chain: u64) -> Result<String, Refusal> {
    let mut networks = project.config.networks.iter();
    let found = networks.find(|(_, network)| network.chain.0 == chain);
    found.map(|(name, _)| name.clone()).ok_or(Refusal::UnknownChain(chain))
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
    judge::batch(proposal, promotion, &calls, &plan.deployment)?;
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

#[cfg(test)]
mod tests {
    use tidegate_model::{ChainId, GateInput};

    use super::*;

    #[test]
    fn each_block_of_the_evidence_is_looked_for_once() {
        let block = |number| BlockRef { number, hash: B256::repeat_byte(7) };
        let input = |kind: &str, chain, number| GateInput {
            kind: kind.to_owned(),
            chain: ChainId(chain),
            block: block(number),
            digest: B256::ZERO,
        };
        let inputs = vec![input("a", 2, 9), input("b", 1, 9), input("c", 2, 8), input("d", 2, 9)];
        let evidence = EvidenceItems { statements: Vec::new(), inputs };
        let expected = [(1, block(9)), (2, block(8)), (2, block(9))];
        assert_eq!(input_blocks(&evidence), expected);
    }
}
