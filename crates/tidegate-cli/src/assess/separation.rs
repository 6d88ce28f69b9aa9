//! Facts of the gate `separation`.

use tidegate_gates::SeparationFacts;
use tidegate_model::statement::Body;

use super::Gathered;
use crate::policy_doc::people;

pub(super) fn facts(gathered: &Gathered<'_>) -> SeparationFacts {
    let scope = gathered.built.roots.scope_root;
    let auditors = gathered
        .statements
        .attestations()
        .filter(|(_, attestation, _)| attestation.scope_root == scope)
        .map(|(_, attestation, _)| attestation.auditor)
        .collect();
    let requester = |request| {
        let requests = gathered.statements.general();
        let found = requests.into_iter().find(|(digest, ..)| *digest == request);
        found.map(|(_, _, signer)| signer)
    };
    let people = people(gathered.project);
    // What strangers sign binds nobody: otherwise anybody could block a release with one key.
    let known = |key| people.values().any(|person| person.keys.contains(&key));
    let decisions = gathered.statements.general().filter_map(|(_, general, decider)| {
        let Body::FundApprove(decision) = &general.body else { return None };
        if !known(decider) {
            return None;
        }
        Some((decision.request.short(), requester(decision.request)?, decider))
    });
    let decisions = decisions.collect();
    SeparationFacts {
        deployers: gathered.record.map(|record| record.deployment.executor).into_iter().collect(),
        auditors,
        decisions,
        people,
    }
}
