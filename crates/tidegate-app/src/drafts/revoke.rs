//! An auditor takes an attestation back.

use alloy_primitives::Address;
use tidegate_evidence::StatementSet;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{AuditRevocation, Body, NEVER, Statement, revocation_subject};
use tidegate_model::{StatementDigest, lookup};

use super::{Draft, Subject};
use crate::assess::audits;
use crate::error::{AppError, AppResult};
use crate::project::Project;
use crate::release::select;
use crate::saying::About;
use crate::statements;

/// A revocation of an attestation.
#[derive(Debug, Clone)]
pub struct RevokeRequest {
    /// The attestation's digest or its beginning.
    pub attestation: String,
    pub detail: String,
    /// The target, and the release for which the consequences are shown.
    pub subject: Subject,
}

/// The consequences of a revocation, as its signer reviews them.
#[derive(Debug, Clone)]
pub struct Revoking {
    pub attestation: StatementDigest,
    /// The consequences for the release that is here, one sentence each.
    pub sets_back: Vec<String>,
    /// The other targets, at whose helpers it must be posted separately.
    pub elsewhere: Vec<String>,
}

/// Drafts a revocation, which is also posted at the helper, so that deleting its file undoes
/// nothing. The attestation's file may be gone: its auditor can give the whole digest.
///
/// # Errors
/// If the signer has no such attestation here, and named none whole.
pub async fn revoke(
    project: &Project,
    signer: &dyn DigestSigner,
    request: RevokeRequest,
) -> AppResult<Draft<Revoking>> {
    let RevokeRequest { attestation: wanted, detail, subject } = request;
    let set = statements::load_confirmed(project).await?;
    let attestation = attested(&set, &wanted, signer.address())?;
    let about = About::for_stop(project, subject.target.as_deref())?;
    let body = Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail });
    let posted = revocation_subject(attestation);
    let Draft { target, statement, .. } = Draft::of(project, about, signer, body, ()).await?;
    let others = project.targets().filter(|(name, _)| **name != target);
    let shown = Revoking {
        attestation,
        sets_back: set_back(project, &subject, &set, &target, attestation).await,
        elsewhere: others.map(|(name, _)| name.clone()).collect(),
    };
    Ok(Draft {
        shown,
        target,
        statement,
        posted: Some((posted, NEVER)),
        must_pin: false,
        named: None,
    })
}

/// The auditor's own attestation with this digest or beginning.
fn attested(set: &StatementSet, wanted: &str, auditor: Address) -> AppResult<StatementDigest> {
    // Nobody needs a chain's word on an attestation to take it back.
    let unread = set.doubtful().map(|(digest, found)| (digest, &found.collected.signed.statement));
    let unread = unread.filter(|(_, said)| matches!(said, Statement::AuditAttestation(_)));
    let read = set.attestations().map(|(digest, a, _)| (digest, a.auditor));
    let all = read.chain(unread.map(|(digest, said)| (digest, said.signer())));
    let mine = all.filter(|(_, signer)| *signer == auditor);
    let found = lookup::find(wanted, mine.map(|(digest, _)| (digest.0, digest)));
    found.or_else(|error| match lookup::whole(wanted) {
        Ok(digest) => Ok(StatementDigest(digest)),
        Err(_) => Err(AppError::from(error)
            .hint("its digest is the name of its file under deployments/statements/")),
    })
}

/// The consequences for the release that is here. If they cannot be read, the revocation goes on.
async fn set_back(
    project: &Project,
    subject: &Subject,
    set: &StatementSet,
    target: &str,
    attestation: StatementDigest,
) -> Vec<String> {
    let read = async {
        let built = select(project, subject.release.as_deref())?;
        let (facts, time) = audits::of(project, &built, target, set, attestation).await?;
        Ok::<_, AppError>(facts.set_back_by(attestation, time).sentences(&built.release.name))
    };
    read.await.unwrap_or_else(|error| vec![format!("what could not be read here: {error}")])
}
