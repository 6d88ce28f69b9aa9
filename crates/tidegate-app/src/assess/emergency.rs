//! An emergency as the target shows it: what is promoted now, who signed, when it was announced.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use tidegate_chain::Network;
use tidegate_gates::{
    Baseline, EmergencyFacts, Layout, Lowering, ObligationFacts, Observed, appends_only, emergency,
    lowerings,
};
use tidegate_model::changes::ReleaseChanges;
use tidegate_model::digest::jcs_keccak;
use tidegate_model::policy::Person;
use tidegate_model::statement::{EmergencyTerms, emergency_subject};
use tidegate_model::{Fqn, Head, Reason, ReasonCode, Verdict};
use tidegate_safe::helper::Recorded;

use super::candidate::{Candidate, Trust};
use super::decisions::deployers;
use super::posts::first_posted;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::promotion::promotions;
use crate::release::{Built, of_deployment};

/// An emergency that is drafted, or proposed under a hash that guardians sign.
#[derive(Debug)]
pub(crate) struct Emergency {
    pub terms: EmergencyTerms,
    /// The Safe transaction; `None` while it is drafted.
    pub safe_tx_hash: Option<B256>,
}

/// The effect of an emergency on the gates.
#[derive(Debug, Default)]
pub(super) struct Relief {
    pub(super) lowerings: Vec<Lowering>,
    pub(super) remarks: Vec<Reason>,
}

/// What an emergency lowers. A draft lowers as if it were signed: only a proposal is judged, and
/// it is judged by everybody who signs or executes it.
pub(super) async fn relief(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    trust: &Trust,
    urgent: &Emergency,
    obligations: &mut Observed<ObligationFacts>,
) -> Relief {
    let in_debt = obligations
        .as_ref()
        .map_or(true, |facts| facts.debts.iter().any(|debt| !debt.unmet.is_empty()));
    let (verdict, by) = match urgent.safe_tx_hash {
        None => (Verdict::Pass, "to be signed".to_owned()),
        Some(hash) => match judged(candidate, head, trust, urgent, hash, in_debt).await {
            Ok(judged) => judged,
            Err(error) => (error.reason().into_unknown(), String::new()),
        },
    };
    if verdict != Verdict::Pass {
        let reasons = verdict.reasons().into_iter();
        let remarks = reasons.map(|why| {
            let text = format!("the emergency does not count: {why}");
            Reason::new(ReasonCode::EmergencyVoid, text).within(&why)
        });
        return Relief { lowerings: Vec::new(), remarks: remarks.collect() };
    }
    if let Ok(facts) = obligations {
        facts.excused = Some((by.clone(), urgent.terms.expires_at));
    }
    Relief { lowerings: lowerings(&urgent.terms, &by), remarks: Vec::new() }
}

async fn judged(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    trust: &Trust,
    urgent: &Emergency,
    safe_tx_hash: B256,
    in_debt: bool,
) -> AppResult<(Verdict, String)> {
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    let (_, safe) = trust.as_ref().map_err(|why| AppError::from(why.clone()))?;
    let release = candidate.built.roots.release_root;
    let baseline =
        baseline(candidate.project, candidate.built, candidate.target, network, head).await;
    let announced = announced_at(candidate, network, head, &urgent.terms, safe_tx_hash).await;
    let facts = EmergencyFacts {
        people: people(candidate.project),
        deployers: deployers(candidate)?,
        safe_threshold: safe.trust.threshold,
        release,
        safe_tx_hash,
        chain_id: network.id().chain.0,
        terms: urgent.terms.clone(),
        baseline: baseline.map_err(|error| error.reason()),
        waivers: candidate.statements.emergencies().cloned().collect(),
        announced_at: announced.map_err(|error| error.reason()),
        in_debt,
    };
    let (verdict, names) = emergency(&candidate.project.rules, &facts, head.timestamp);
    Ok((verdict, names.into_iter().collect::<Vec<_>>().join(", ")))
}

/// The release that the chain says was promoted last, and how a new one differs from it.
pub(crate) async fn baseline(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    head: Head,
) -> AppResult<Baseline> {
    Ok(compared(project, built, target, network, head).await?.0)
}

/// The same, with the differences themselves.
pub(crate) async fn compared(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    head: Head,
) -> AppResult<(Baseline, ReleaseChanges)> {
    let Some(newest) = promotions(project, target, network, head).await?.into_iter().next() else {
        return Err(AppError::config(format!(
            "nothing of this project is promoted to {target} yet, so there is nothing urgent to \
             fix: gate `soak` is not lowered"
        ))
        .coded(ReasonCode::NothingPromoted));
    };
    let release = newest.record.release_root;
    let old = promoted_release(project, &newest)?;
    let changes = ReleaseChanges::between(&old.release, &built.release)?;
    let layout = appends_only(&layouts(&old)?, &layouts(built)?);
    let diff_digest = jcs_keccak("differences", &changes)?;
    Ok((Baseline { release, diff_digest, layout }, changes))
}

fn layouts(built: &Built) -> AppResult<BTreeMap<Fqn, Layout>> {
    let mut layouts = BTreeMap::new();
    for (name, artifact) in &built.release.artifacts {
        layouts.insert(name.clone(), Layout::of(artifact).or_kind(Kind::Fail)?);
    }
    Ok(layouts)
}

fn promoted_release(project: &Project, recorded: &Recorded) -> AppResult<Built> {
    let release = recorded.record.release_root;
    of_deployment(project, release, recorded.record.deployment_digest)?.ok_or_else(|| {
        AppError::config(format!(
            "the promoted release {} is not stored on this machine",
            release.short()
        ))
        .hint("check out its commit, run `tidegate build`, then return to this commit")
    })
}

/// When a guardian first announced the emergency at the helper, by the time of its block.
async fn announced_at(
    candidate: &Candidate<'_>,
    network: &Network,
    head: Head,
    terms: &EmergencyTerms,
    safe_tx_hash: B256,
) -> AppResult<Option<u64>> {
    let people = people(candidate.project);
    let guardians = people.values().filter(|p| p.roles.iter().any(|role| role == "guardian"));
    let keys: Vec<_> = guardians.flat_map(Person::addresses).map(|key| key.into_word()).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let subject = emergency_subject(candidate.built.roots.release_root, safe_tx_hash);
    first_posted(network, head, keys, subject, terms.not_before).await
}
