//! `tidegate attest --revoke`: an auditor takes an attestation back.

use tidegate_app::assess::audits;
use tidegate_app::error::{AppError, AppResult};
use tidegate_app::posting::say_and_post;
use tidegate_app::release::built;
use tidegate_app::saying::{About, general};
use tidegate_app::statements;
use tidegate_evidence::StatementSet;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{AuditRevocation, Body, NEVER, Statement, revocation_subject};
use tidegate_model::{StatementDigest, lookup};
use tidegate_safe::helper;

use super::attest::AttestArgs;
use crate::context::Context;
use crate::signer::LazySigner;

/// Signs a revocation, and posts it at the helper so that deleting the file undoes nothing.
pub(super) async fn revoke(
    project: &Context,
    args: &AttestArgs,
    signer: &LazySigner,
    wanted: &str,
) -> AppResult<u8> {
    let set = statements::load_confirmed(project).await?;
    // Nobody needs a chain's word on an attestation to take it back.
    let unread = set.doubtful().map(|(digest, found)| (digest, &found.collected.signed.statement));
    let unread = unread.filter(|(_, said)| matches!(said, Statement::AuditAttestation(_)));
    let read = set.attestations().map(|(digest, a, _)| (digest, a.auditor));
    let all = read.chain(unread.map(|(digest, said)| (digest, said.signer())));
    let mine = all.filter(|(_, auditor)| *auditor == signer.address());
    // The file may be gone; whoever signed still knows its whole digest.
    let attestation = lookup::find(wanted, mine.map(|(digest, _)| (digest.0, digest)));
    let attestation = attestation.or_else(|error| match lookup::whole(wanted) {
        Ok(digest) => Ok(StatementDigest(digest)),
        Err(_) => Err(AppError::from(error)
            .hint("its digest is the name of its file under deployments/statements/")),
    })?;
    let about = About::for_stop(project, args.target.target.as_deref())?;
    let target = about.target.clone();
    let detail = args.detail.clone();
    let body = Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail });
    let statement = Statement::Statement(general(project, &about, signer, body).await?);
    let subject = revocation_subject(attestation);
    project.ui.row("revokes", &attestation.to_string());
    for sentence in set_back(project, args, &set, &target, attestation).await {
        project.ui.row("sets back", &sentence);
    }
    if project.global.typed_data.is_some() {
        // Whoever holds the key elsewhere also posts from there.
        let (to, data) = (helper::address(), helper::post(subject, NEVER));
        project.ui.note("also post it from that wallet, so that deleting the file undoes nothing:");
        project.ui.note(format!("  to {to}, data {data}"));
        statements::sign_and_write(project, signer, statement)?;
        return Ok(0);
    }
    say_and_post(project, &target, signer, statement, Some((subject, NEVER))).await?;
    for (other, _) in project.targets().filter(|(name, _)| **name != target) {
        let again = format!("`tidegate attest --revoke {attestation} --target {other}`");
        project.ui.note(format!("{other} has a helper of its own, post it there too: {again}"));
    }
    Ok(0)
}

/// What the revocation sets back in the release that is here. It holds back no revocation that
/// this cannot be read.
async fn set_back(
    project: &Context,
    args: &AttestArgs,
    set: &StatementSet,
    target: &str,
    attestation: StatementDigest,
) -> Vec<String> {
    let read = async {
        let built = built(project, args.release.as_deref())?;
        let (facts, time) = audits::of(project, &built, target, set, attestation).await?;
        Ok::<_, AppError>(facts.set_back_by(attestation, time).sentences(&built.release.name))
    };
    read.await.unwrap_or_else(|error| vec![format!("what could not be read here: {error}")])
}
