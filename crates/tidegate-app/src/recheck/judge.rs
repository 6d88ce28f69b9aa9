//! What a proposal is held against, without a chain: values in, a refusal or nothing out.

use alloy_primitives::Address;
use tidegate_model::policy::SafeTrust;
use tidegate_model::record::Deployment;
use tidegate_model::{
    DeploymentDigest, GateInput, NetworkId, PolicyDigest, ProjectId, ReleaseRoot, StatementDigest,
    Verdict,
};
use tidegate_safe::{Adoption, EvidenceItems, InnerCall, Judged, Promotion, Proposal, SafeState};

use super::refusal::{Limit, Refusal};

type Judgement = Result<(), Refusal>;

fn unless(holds: bool, refusal: Refusal) -> Judgement {
    if holds { Ok(()) } else { Err(refusal) }
}

/// Whether it is for the project's own Safe on this network.
pub(super) fn place(proposal: &Proposal, network: NetworkId, safe: Option<Address>) -> Judgement {
    let own = proposal.network == network && safe == Some(proposal.safe);
    unless(own, Refusal::OtherSafe)
}

/// Whether the Safe says who it is.
pub(super) fn certain(state: &SafeState) -> Judgement {
    match state.doubts.first() {
        Some(doubt) => Err(Refusal::DoubtfulSafe(doubt.clone())),
        None => Ok(()),
    }
}

/// Whether it is the Safe's next transaction.
pub(super) fn nonce(proposal: &Proposal, state: &SafeState) -> Judgement {
    let (safe, proposal) = (state.nonce, proposal.safe_tx.nonce);
    unless(safe == proposal, Refusal::Nonce { safe, proposal })
}

/// What an adoption is held against.
#[derive(Debug, Clone)]
pub(super) struct AdoptionNow {
    /// The project that the file names on this chain.
    pub(super) project: ProjectId,
    /// The policy that the file and the Safe give.
    pub(super) policy: PolicyDigest,
    /// The version that the Safe adopted last.
    pub(super) adopted: Option<u64>,
    /// The newest block's time, in seconds since 1970.
    pub(super) time: u64,
    /// How long a proposal may be good, in seconds.
    pub(super) valid_for_secs: u64,
}

/// Whether an adoption is the one that would be proposed now.
pub(super) fn adoption(adoption: &Adoption, now: &AdoptionNow) -> Judgement {
    let next = now.adopted.map_or(1, |version| version + 1);
    let (proposed, until) = (adoption.policy_version, adoption.valid_until);
    unless(now.project == adoption.project, Refusal::AdoptsElsewhere)?;
    let other = Refusal::AdoptsOther { proposed: adoption.policy_digest, here: now.policy };
    unless(now.policy == adoption.policy_digest, other)?;
    unless(proposed == next, Refusal::AdoptsVersion { proposed, next })?;
    unless(until >= now.time, Refusal::AdoptionEnded(until))?;
    let longest = now.time.saturating_add(now.valid_for_secs);
    unless(until <= longest, Refusal::AdoptionTooLong)
}

/// Whether it promotes what the working tree builds.
pub(super) fn release(
    promotion: &Promotion,
    here: (ReleaseRoot, &str),
    called: impl Fn(ReleaseRoot) -> String,
) -> Judgement {
    let (root, name) = here;
    let proposed = called(promotion.release_root);
    let here = format!("{name} (release {})", root.short());
    unless(promotion.release_root == root, Refusal::OtherRelease { proposed, here })
}

/// Whether the gates pass. Where they do not, they say why, and nothing else is of interest.
pub(super) fn gates(overall: &Verdict) -> Judgement {
    unless(overall.allows(), Refusal::Gates(overall.clone()))
}

/// What a promotion is held against once the gates pass.
#[derive(Debug, Clone)]
pub(super) struct PromotionNow<'a> {
    /// The policy's project and digest.
    pub(super) policy: (ProjectId, PolicyDigest),
    /// The Safe as the policy has it, which is what the gates saw.
    pub(super) judged_safe: &'a SafeTrust,
    /// Gate time, in seconds since 1970.
    pub(super) time: u64,
    /// How long a proposal may be good, in seconds.
    pub(super) valid_for_secs: u64,
    /// When the first waiver ends that a gate passes by.
    pub(super) waived_until: Option<u64>,
    /// How long the gates pass by themselves, up to the proposal's end.
    pub(super) good_through: u64,
}

/// Whether it rests on the same policy and Safe, and is good for no longer than the gates pass.
pub(super) fn promotion(
    promotion: &Promotion,
    state: &SafeState,
    now: &PromotionNow<'_>,
) -> Judgement {
    let until = promotion.valid_until;
    let policy = (promotion.project, promotion.policy_digest);
    unless(policy == now.policy, Refusal::OtherPolicy)?;
    unless(*now.judged_safe == state.trust, Refusal::SafeChanged)?;
    unless(now.time <= until, Refusal::Expired)?;
    let longest = now.time.saturating_add(now.valid_for_secs);
    unless(until <= longest, Refusal::TooLong(Limit::Policy))?;
    let waived = now.waived_until.is_none_or(|waived| until <= waived);
    unless(waived, Refusal::TooLong(Limit::Waived))?;
    unless(until <= now.good_through, Refusal::TooLong(Limit::Evidence))
}

/// A listed statement, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    /// It is here, with its signature.
    Here,
    /// It is here, and does not count.
    Doubtful(String),
    /// It is not here.
    Missing,
}

/// Whether each listed statement is here and counts, and the gates give each listed input again.
/// The set that was fixed at propose is not chosen again.
pub(super) fn evidence(
    evidence: &EvidenceItems,
    statement: impl Fn(StatementDigest) -> Listed,
    now: &[GateInput],
    audits: &Verdict,
) -> Judgement {
    for digest in evidence.statements.iter().copied() {
        match statement(digest) {
            Listed::Here => {}
            Listed::Doubtful(why) => return Err(Refusal::DoubtfulStatement { digest, why }),
            Listed::Missing => return Err(Refusal::MissingStatement(digest)),
        }
    }
    evidence.compare(now).map_err(Refusal::OtherEvidence)?;
    unless(*audits == Verdict::Pass, Refusal::TooFewAudits)
}

/// The soak as this machine counts it.
#[derive(Debug, Clone)]
pub(super) struct SoakNow {
    pub(super) network: NetworkId,
    /// The deployment that soaks.
    pub(super) deployment: DeploymentDigest,
    /// When it began, in seconds since 1970.
    pub(super) start: u64,
    /// How long it has to be, in seconds.
    pub(super) soak_secs: u64,
    /// The time of the promotion's last block of it.
    pub(super) last: u64,
}

/// Whether a promotion rests on this soak, and its last block ends it.
pub(super) fn soak(promotion: &Promotion, now: &SoakNow) -> Judgement {
    let soak = &promotion.soak;
    let listed = promotion.evidence.block_of("soak/terminal", soak.network.chain);
    let end = now.start.saturating_add(now.soak_secs);
    unless(now.last >= end, Refusal::SoakTooShort)?;
    unless(listed == Some(soak.terminal), Refusal::OtherTerminal)?;
    let own = soak.network == now.network && soak.deployment_digest == now.deployment;
    unless(own, Refusal::OtherSoak)
}

/// Whether all that was judged is still so.
pub(super) fn judged(promotion: &Promotion, now: &Judged) -> Judgement {
    match promotion.judged.differs(now) {
        Some(what) => Err(Refusal::Void(what)),
        None => Ok(()),
    }
}

/// Whether the batch is the one that this machine builds. Notes are each author's own.
pub(super) fn batch(
    proposal: &Proposal,
    promotion: &Promotion,
    calls: &[InnerCall],
    deployment: &Deployment,
) -> Judgement {
    let same = calls.len() == proposal.calls.len()
        && calls.iter().zip(&proposal.calls).all(|(ours, theirs)| ours.same_call(theirs));
    unless(same && promotion.deployment == *deployment, Refusal::OtherBatch)
}

#[cfg(test)]
mod tests;
