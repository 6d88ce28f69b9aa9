//! `tidegate attest --revoke`: an auditor takes an attestation back.

use tidegate_app::drafts::{self, RevokeRequest, Subject};
use tidegate_app::error::AppResult;

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
    let subject = Subject { release: args.release.clone(), target: args.target.target.clone() };
    let (attestation, detail) = (wanted.to_owned(), args.detail.clone());
    let request = RevokeRequest { attestation, detail, subject };
    let draft = drafts::revoke(project, signer, request).await?;
    let (ui, shown) = (&project.ui, draft.shown().clone());
    ui.row("revokes", &shown.attestation.to_string());
    for sentence in &shown.sets_back {
        ui.row("sets back", sentence);
    }
    draft.sign(project, signer).await?;
    for other in &shown.elsewhere {
        let again = format!("`tidegate attest --revoke {} --target {other}`", shown.attestation);
        ui.note(format!("{other} has a helper of its own, post it there too: {again}"));
    }
    Ok(0)
}
