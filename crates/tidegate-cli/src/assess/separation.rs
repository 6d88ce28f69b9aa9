//! Facts of the gate `separation`.

use alloy_primitives::Address;
use tidegate_gates::{AuditFacts, Observed, SeparationFacts};

use super::{Candidate, decisions};
use crate::error::CliResult;
use crate::policy_doc::people;
use crate::records;

/// Deployers are those who made what the gates rest on, with all keys by which they deployed it;
/// who else did so too approves nothing of theirs. Where there is none here, all are.
pub(super) fn facts(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
    resting: Vec<Address>,
) -> CliResult<SeparationFacts> {
    let by = |key: &Address| records::person_of(candidate.project, *key);
    let persons: Vec<_> = resting.iter().map(by).collect();
    let mut deployers = decisions::deployers(candidate)?;
    if !resting.is_empty() {
        deployers.retain(|key| persons.contains(&by(key)));
    }
    let auditors = audits.as_ref().map(auditors).unwrap_or_default();
    let people = people(candidate.project);
    let rules = crate::fund_rules::written(candidate.project);
    let requests = crate::funds::requests(candidate.project, candidate.statements, &rules)?;
    let decisions = requests.iter().flat_map(|view| {
        view.approvals.iter().map(|(_, by)| (view.request.short(), view.requester, *by))
    });
    let decisions = decisions.collect();
    Ok(SeparationFacts {
        proven: candidate.statements.signers(&candidate.project.config.name),
        deployers,
        gone: candidate.deployed.gone.clone(),
        auditors,
        decisions,
        people,
    })
}

/// Signers of attestations over a contract of the release.
fn auditors(audits: &AuditFacts) -> Vec<Address> {
    let covering = audits.covering();
    let of_release = audits.attestations.iter().filter(|fact| covering.contains(&fact.digest));
    of_release.filter(|fact| fact.confirmed.is_ok()).map(|fact| fact.attestation.auditor).collect()
}
