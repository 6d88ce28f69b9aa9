//! Facts of the gate `audits`: attestations and what they are over, findings and who accepts them,
//! and revocations from files and from the helper.

use std::collections::BTreeMap;

use tidegate_evidence::StatementSet;
use tidegate_gates::{
    AcceptanceFact, AttestationFact, AuditFacts, DocumentFact, Observed, RevocationFact,
};
use tidegate_model::scope::scope_hashes;
use tidegate_model::statement::{AuditAttestation, Body, Statement, revocation_subject};
use tidegate_model::{GateInput, Head, ProjectId, StatementDigest};

use super::candidate::{Candidate, budget};
use super::deployers::Deployed;
use super::posts::{Posts, first_posted};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::Built;
use crate::scopes;

pub(super) async fn facts(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
) -> AppResult<Observed<AuditFacts>> {
    Ok(Ok(gather(candidate, head, None).await?))
}

/// The facts of the audits of a release with one more attestation, now.
pub(crate) async fn of(
    project: &Project,
    built: &Built,
    target: &str,
    statements: &StatementSet,
    also: StatementDigest,
) -> AppResult<(AuditFacts, u64)> {
    let network = project.connect(target).await?;
    let target_network = Ok(&network);
    let candidate = Candidate {
        project,
        built,
        target,
        statements,
        target_network,
        is_past: false,
        deployed: Deployed::by(Ok(Vec::new())),
        evidence: None,
        budget: budget(),
    };
    let head = network.finalized_head().await?;
    let facts = gather(&candidate, &Ok(head), Some(also)).await?;
    if let Err(why) = &facts.helper {
        return Err(AppError::new(Kind::Chain, format!("revocations at the helper: {why}")));
    }
    Ok((facts, head.timestamp))
}

async fn gather(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    also: Option<StatementDigest>,
) -> AppResult<AuditFacts> {
    let project = candidate.project;
    let scope_root = candidate.built.roots.scope_root;
    let release = candidate.built.release.scopes()?;
    let project_id = project.id(project.network(candidate.target)?).ok();
    let mut facts = AuditFacts {
        scope_root,
        contracts: scope_hashes(scope_root, &release).or_kind(Kind::Internal)?,
        plan: candidate.built.roots.plan_digest,
        people: people(project),
        attestations: attestations(project, candidate.statements),
        revocations: revocations(candidate.statements),
        acceptances: acceptances(candidate.statements, project_id),
        helper: Ok(Vec::new()),
        remarks: candidate.statements.remarks(),
    };
    let relevant = facts.relevant_with(also);
    facts.attestations.retain(|fact| relevant.contains(&fact.digest));
    for fact in &mut facts.attestations {
        fact.findings = scopes::listed(project, &fact.attestation);
    }
    let posted = posted(candidate, head, &facts).await;
    facts.helper = posted.map_err(|error| error.reason()).map(|(inputs, found)| {
        facts.revocations.extend(found);
        inputs
    });
    Ok(facts)
}

/// Every attestation whose signature holds, and those that their contracts did not confirm.
fn attestations(project: &Project, set: &StatementSet) -> Vec<AttestationFact> {
    let mut covered = BTreeMap::new();
    let mut fact = |digest, attestation: &AuditAttestation, confirmed| {
        let key = (attestation.scope_root, attestation.scope_count);
        let covers =
            covered.entry(key).or_insert_with(|| scopes::covered(project, attestation)).clone();
        let findings = Ok(DocumentFact::default());
        AttestationFact { digest, attestation: attestation.clone(), confirmed, covers, findings }
    };
    let mut facts: Vec<_> = set
        .attestations()
        .map(|(digest, attestation, _)| {
            fact(digest, attestation, Ok(set.confirmed.get(&digest).cloned()))
        })
        .collect();
    facts.extend(set.doubtful().filter_map(|(digest, doubtful)| {
        let Statement::AuditAttestation(attestation) = &doubtful.collected.signed.statement else {
            return None;
        };
        Some(fact(digest, attestation, Err(doubtful.doubt.why.clone())))
    }));
    facts
}

/// Every revocation, also those that their contracts did not confirm.
fn revocations(set: &StatementSet) -> Vec<RevocationFact> {
    let facts = set.revocations().map(|(said, revocation)| RevocationFact {
        attestation: revocation.attestation,
        by: said.signer,
        at: said.general.issued_at,
        found: format!("by file: {}", revocation.detail),
        confirmed: said.confirmed,
    });
    facts.collect()
}

/// Accepted risks of this project.
pub(crate) fn acceptances(set: &StatementSet, project: Option<ProjectId>) -> Vec<AcceptanceFact> {
    let of_project = set.general().filter(|(_, general, _)| Some(general.project_id()) == project);
    let found = of_project.filter_map(|(digest, general, by)| {
        let Body::RiskAccept(acceptance) = &general.body else { return None };
        Some(AcceptanceFact {
            digest,
            by,
            acceptance: acceptance.clone(),
            issued_at: general.issued_at,
            expires_at: general.expires_at,
        })
    });
    found.collect()
}

/// Reads at the helper whether an auditor posted a revocation of their attestation. Who deletes
/// the file does not undo it. What strangers attest does not count, and is not asked about.
async fn posted(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    facts: &AuditFacts,
) -> AppResult<(Vec<GateInput>, Vec<RevocationFact>)> {
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    let mut posts = Posts::at(network, head).await?;
    let (mut found, mut inputs) = (Vec::new(), Vec::new());
    let known = |fact: &&AttestationFact| {
        facts.people.values().any(|person| person.holds(fact.attestation.auditor))
    };
    for fact in facts.attestations.iter().filter(known) {
        let (auditor, digest): (_, StatementDigest) = (fact.attestation.auditor, fact.digest);
        let subject = revocation_subject(digest);
        let until = posts.until(auditor, subject).await?;
        inputs.push(posts.input_about("audits/revocations", digest, until));
        if until > 0 {
            let (by, since) = (vec![auditor.into_word()], fact.attestation.issued_at);
            let at = first_posted(network, head, by, subject, since).await?;
            found.push(RevocationFact {
                attestation: digest,
                by: auditor,
                // What was posted before it was signed took it back from the start.
                at: at.unwrap_or(since),
                found: format!("posted at the helper on {}", candidate.target),
                confirmed: Ok(()),
            });
        }
    }
    Ok((inputs, found))
}
