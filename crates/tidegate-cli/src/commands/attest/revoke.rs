//! `tidegate attest --revoke`: an auditor takes an attestation back.

use alloy_primitives::U256;
use serde_json::json;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{AuditRevocation, Body, NEVER, Statement, revocation_subject};
use tidegate_model::{StatementDigest, lookup};
use tidegate_safe::helper;

use super::AttestArgs;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::saying::{About, general};
use crate::sending::send;
use crate::signer::LazySigner;
use crate::statements;

/// Signs a revocation, and posts it at the helper so that deleting the file undoes nothing.
pub(super) async fn revoke(
    project: &Project,
    args: &AttestArgs,
    signer: &LazySigner,
    wanted: &str,
) -> CliResult<u8> {
    let set = statements::load_confirmed(project).await?;
    let mine = set.attestations().filter(|(_, a, _)| a.auditor == signer.address());
    // The file may be gone; whoever signed still knows its whole digest.
    let attestation = lookup::find(wanted, mine.map(|(digest, ..)| (digest.0, digest)));
    let attestation = attestation.or_else(|error| match lookup::whole(wanted) {
        Ok(digest) => Ok(StatementDigest(digest)),
        Err(_) => Err(CliError::from(error)
            .hint("its digest is the name of its file under deployments/statements/")),
    })?;
    let about = About::named(project, &args.target)?;
    let target = about.target.clone();
    let network = project.connect(&target).await?;
    require_helper(&network, network.finalized_head().await?).await?;
    let detail = args.detail.clone();
    let body = Body::AuditRevoke(AuditRevocation { attestation, reason: 0, detail });
    let statement = Statement::Statement(general(project, &about, signer, body).await?);
    let subject = revocation_subject(attestation);
    if project.global.typed_data.is_some() {
        // Whoever holds the key elsewhere also posts from there.
        let (to, data) = (helper::address(), helper::post(subject, NEVER));
        project.ui.note("also post it from that wallet, so that deleting the file undoes nothing:");
        project.ui.note(format!("  to {to}, data {data}"));
        statements::sign_and_write(project, signer, statement)?;
        return Ok(0);
    }
    let intent = Intent {
        op: format!("revoke/{attestation}"),
        to: helper::address(),
        value: U256::ZERO,
        data: helper::post(subject, NEVER),
    };
    project.ui.row("revokes", &attestation.to_string());
    let latest = network.latest_head().await?;
    let call = helper::posted(signer.address(), subject);
    let answer = network.call(helper::address(), &call, latest.block).await?;
    let mut post = None;
    if helper::read_posted(&answer).or_kind(Kind::Chain)? == 0 {
        post = Some(send(project, &target, &network, signer, &intent, Vec::new()).await?.hash);
    }
    let digest = statements::sign_and_say(project, signer, statement)?;
    project.ui.line(match post {
        Some(hash) => format!("Posted at the helper on {target}: {hash}"),
        None => format!("It was posted at the helper on {target} before."),
    });
    for (other, _) in project.targets().filter(|(name, _)| **name != target) {
        let again = format!("`tidegate attest --revoke {attestation} --target {other}`");
        project.ui.note(format!("{other} has a helper of its own, post it there too: {again}"));
    }
    project.ui.result(&json!({"revoked": attestation, "digest": digest, "post": post}));
    Ok(0)
}
