//! Facts of the gate `audits`: attestations, and revocations from files and from the helper.

use alloy_primitives::keccak256;
use tidegate_gates::{AttestationFact, AuditFacts, Observed, RevocationFact};
use tidegate_model::{GateInput, Head, StatementDigest};
use tidegate_safe::helper;

use super::Gathered;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::{people, require_helper};

pub(super) async fn facts(
    gathered: &Gathered<'_>,
    head: &Observed<Head>,
) -> CliResult<Observed<AuditFacts>> {
    let scope_root = gathered.built.roots.scope_root;
    let attestations: Vec<_> = gathered
        .statements
        .attestations()
        .filter(|(_, attestation, _)| attestation.scope_root == scope_root)
        .map(|(digest, attestation, _)| AttestationFact {
            digest,
            attestation: attestation.clone(),
        })
        .collect();
    let mut revocations: Vec<_> = gathered
        .statements
        .revocations()
        .map(|(_, revocation)| RevocationFact {
            attestation: revocation.attestation,
            by: revocation.auditor,
            found: format!("by file: {}", revocation.detail),
        })
        .collect();
    let posted = posted(gathered, head, &attestations).await;
    let helper = posted.map_err(|error| error.to_string()).map(|(inputs, found)| {
        revocations.extend(found);
        inputs
    });
    Ok(Ok(AuditFacts {
        scope_root,
        people: people(gathered.project),
        attestations,
        revocations,
        helper,
        remarks: gathered.statements.remarks(),
    }))
}

/// Reads at the helper whether an auditor posted a revocation of their attestation. Who deletes
/// the file does not undo it.
async fn posted(
    gathered: &Gathered<'_>,
    head: &Observed<Head>,
    attestations: &[AttestationFact],
) -> CliResult<(Vec<GateInput>, Vec<RevocationFact>)> {
    let network = gathered.target_network.clone().map_err(CliError::config)?;
    let head = head.clone().map_err(CliError::config)?;
    require_helper(network, head).await?;
    let mut found = Vec::new();
    let mut answers = Vec::new();
    for fact in attestations {
        let (auditor, digest): (_, StatementDigest) = (fact.attestation.auditor, fact.digest);
        let call = helper::posted(auditor, digest);
        let answer = network.call(helper::address(), &call, head.block).await?;
        if helper::read_posted(&answer).or_kind(Kind::Chain)? > 0 {
            let found_at = format!("posted at the helper on {}", gathered.target);
            found.push(RevocationFact { attestation: digest, by: auditor, found: found_at });
        }
        answers.extend_from_slice(&answer);
    }
    let input = GateInput {
        kind: "audits/revocations".to_owned(),
        chain: network.id().chain,
        block: head.block,
        digest: keccak256(&answers),
    };
    Ok((vec![input], found))
}
