//! Facts of the gate `separation`.

use alloy_primitives::Address;
use tidegate_gates::{AuditFacts, Observed, SeparationFacts};
use tidegate_model::statement::Body;

use super::{Candidate, decisions};
use crate::error::CliResult;
use crate::policy_doc::people;

pub(super) fn facts(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
) -> CliResult<SeparationFacts> {
    let auditors = audits.as_ref().map(auditors).unwrap_or_default();
    let requester = |request| {
        let requests = candidate.statements.general();
        let found = requests.into_iter().find(|(digest, ..)| *digest == request);
        found.map(|(_, _, signer)| signer)
    };
    let people = people(candidate.project);
    // What strangers sign binds nobody: otherwise anybody could block a release with one key.
    let known = |key| people.values().any(|person| person.keys.contains(&key));
    let decisions = candidate.statements.general().filter_map(|(_, general, decider)| {
        let Body::FundApprove(decision) = &general.body else { return None };
        if !known(decider) {
            return None;
        }
        Some((decision.request.short(), requester(decision.request)?, decider))
    });
    let decisions = decisions.collect();
    Ok(SeparationFacts {
        proven: candidate.statements.signers(&candidate.project.config.name),
        deployers: decisions::deployers(candidate)?,
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
