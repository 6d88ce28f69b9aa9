//! What audits are over, beside their statements: the preimages of scope roots and the documents
//! of findings. Both are named by their digests, and count only if those are theirs.

use std::path::Path;

use alloy_primitives::B256;
use tidegate_evidence::sarif::FINDINGS_BYTES_MAX;
use tidegate_evidence::{FindingCounts, Findings};
use tidegate_gates::{DocumentFact, FindingFact, Observed, ScopeHashes};
use tidegate_model::scope::{CodeScope, scope_hashes, scope_root};
use tidegate_model::statement::AuditAttestation;
use tidegate_model::units::counted;
use tidegate_model::{Reason, ScopeRoot};
use tidegate_store::{FileError, read_limited, to_text, write_atomic};

use crate::error::AppResult;
use crate::project::Project;

/// The largest preimage of a scope root, in bytes: some thousands of contracts.
const SCOPE_BYTES_MAX: u64 = 8 << 20;

/// Keeps the preimage of a scope root, sorted by name.
pub(crate) fn keep(project: &Project, scopes: &[CodeScope]) -> AppResult<ScopeRoot> {
    let mut scopes = scopes.to_vec();
    scopes.sort_by(|a, b| a.fqn.cmp(&b.fqn));
    let root = scope_root(&scopes);
    let text = to_text(&serde_json::to_value(&scopes)?);
    write_atomic(&project.layout.scope(root), text.as_bytes())?;
    Ok(root)
}

/// The preimage of a scope root; otherwise what is missing, in words without a path of one machine.
pub(crate) fn preimage(project: &Project, root: ScopeRoot) -> Observed<Vec<CodeScope>> {
    let fault = |what: &str| {
        Reason::unreadable(format!("its preimage deployments/scopes/{root}.json {what}"))
    };
    let bytes = read(&project.layout.scope(root), SCOPE_BYTES_MAX).map_err(|why| fault(&why))?;
    let scopes: Vec<CodeScope> =
        serde_json::from_slice(&bytes).map_err(|_| fault("is not a list of code scopes"))?;
    scope_hashes(root, &scopes).map_err(|error| fault(&format!("is damaged: {error}")))?;
    Ok(scopes)
}

/// The contracts that an attestation is over.
pub(crate) fn covered(project: &Project, attestation: &AuditAttestation) -> Observed<ScopeHashes> {
    let scopes = preimage(project, attestation.scope_root)?;
    let (count, said) = (scopes.len(), attestation.scope_count);
    if count != usize::from(said) {
        let count = counted(count, "contract");
        let text = format!("its preimage has {count}; what was signed says {said}");
        return Err(Reason::unreadable(text));
    }
    scope_hashes(attestation.scope_root, &scopes)
        .map_err(|error| Reason::unreadable(error.to_string()))
}

/// The document of an audit's findings; otherwise what is missing.
pub(crate) fn findings(project: &Project, digest: B256) -> Observed<Findings> {
    let fault =
        |what: &str| Reason::unreadable(format!("deployments/findings/{digest}.sarif {what}"));
    let path = project.layout.findings(digest);
    let bytes = read(&path, FINDINGS_BYTES_MAX).map_err(|why| fault(&why))?;
    if alloy_primitives::keccak256(&bytes) != digest {
        return Err(fault("is not what was signed"));
    }
    Findings::read(&bytes).map_err(|error| fault(&format!("cannot be used: {error}")))
}

/// What an attestation's document lists; nothing if it names none.
pub(crate) fn listed(project: &Project, attestation: &AuditAttestation) -> Observed<DocumentFact> {
    if attestation.findings_digest.is_zero() {
        return Ok(DocumentFact::default());
    }
    let found = findings(project, attestation.findings_digest)?;
    let FindingCounts { found: all, fixed, accepted, .. } = found.counts();
    let open = found.findings.into_iter().filter(tidegate_evidence::Finding::is_open);
    let fact = |finding: tidegate_evidence::Finding| {
        let title = format!("{}: {}", finding.rule, shortened(&finding.message));
        FindingFact { key: finding.key, severity: finding.severity, title }
    };
    Ok(DocumentFact { found: all, fixed, accepted, open: open.map(fact).collect() })
}

/// Keeps a document of findings under its digest.
pub(crate) fn keep_findings(project: &Project, bytes: &[u8]) -> AppResult {
    Ok(write_atomic(&project.layout.findings(alloy_primitives::keccak256(bytes)), bytes)?)
}

/// The beginning of a message, for a line.
pub(crate) fn shortened(message: &str) -> String {
    const CHARS_MAX: usize = 60;
    if message.chars().count() <= CHARS_MAX {
        return message.to_owned();
    }
    message.chars().take(CHARS_MAX).chain("…".chars()).collect()
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    read_limited(path, bytes_max).map_err(|error| match error {
        FileError::Missing(_) => "is missing".to_owned(),
        FileError::TooLarge { bytes_max, .. } => format!("has more than {bytes_max} bytes"),
        _ => "cannot be read".to_owned(),
    })
}
