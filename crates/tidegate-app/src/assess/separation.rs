//! Facts of the gate `separation`.

use alloy_primitives::Address;
use tidegate_gates::{AuditFacts, Observed, SeparationFacts};

use super::candidate::Candidate;
use super::decisions;
use crate::error::AppResult;
use crate::policy_doc::people;

pub(super) fn facts(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
) -> AppResult<SeparationFacts> {
    let auditors = audits.as_ref().map(auditors).unwrap_or_default();
    let people = people(candidate.project);
    let rules = crate::fund_rules::from_config(candidate.project);
    let requests = crate::ledger_facts::requests(candidate.project, candidate.statements, &rules)?;
    let decisions = requests.iter().flat_map(|view| {
        view.approvals.iter().map(|(_, by)| (view.request.short(), view.requester, *by))
    });
    let decisions = decisions.collect();
    Ok(SeparationFacts {
        proven: candidate.statements.signers(&candidate.project.config.name),
        deployers: decisions::deployers(candidate)?,
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
