//! Posting what somebody else signed: a stop that its author cannot pay for.

use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use clap::Args;
use serde_json::json;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::policy_doc::people;
use tidegate_app::posting::{posted_line, posted_until};
use tidegate_app::saying::for_stop;
use tidegate_app::sending::ready;
use tidegate_app::{relied, statements};
use tidegate_model::event::Intent;
use tidegate_model::statement::{Body, NEVER, ProjectRef, SignedStatement};
use tidegate_model::units::format_utc;
use tidegate_safe::{Posting, ProjectSafe, helper, posting};
use tidegate_store::read_limited;

use crate::context::Context;
use crate::signer::{LazySigner, named};

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// The file with the signed statement: a freeze, a no-go or a revocation
    file: PathBuf,
}

pub(super) async fn post(project: &Context, args: &PostArgs) -> AppResult<u8> {
    let name = args.file.display();
    let bytes = read_limited(&args.file, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
    let signed: SignedStatement = serde_json::from_slice(&bytes)
        .map_err(|error| AppError::config(format!("read {name} as a signed statement: {error}")))?;
    let digest = statements::check(project, &signed).await?;
    let posting = posting(&signed).or_kind(Kind::Fail)?;
    let by = signed.signer();
    let before = relied::before_on(project, posting.general.at.chain)?;
    let who = match signer_name(project, by) {
        // Who takes people out of a file that names another Safe hinders no stop.
        Err(_) if !before.is_empty() => "nobody of this tidegate.toml".to_owned(),
        found => found?,
    };
    let (target, stops) = stopped(project, &posting, by, &before)?;
    // Nobody waits for finality to stop a release.
    let (network, _) = for_stop(project.connect(&target).await?).await;
    let (until, now) = posted_until(&network, by, posting.subject).await?;
    if posting.until <= now || posting.until <= until {
        let why = if posting.until <= now { "it is over" } else { "it is posted already" };
        return Err(AppError::new(Kind::Conflict, format!("posting {digest} does nothing: {why}"))
            .hint("nothing was sent"));
    }
    let ui = &project.ui;
    ui.row("statement", &digest.to_string());
    ui.row("signed by", &format!("{who}, {by}"));
    ui.row("says", &posting.general.text());
    ui.row("stops", &stops);
    ui.note("It also ends every open proposal that asks for it: those are proposed anew.");
    let settings = project.network(&target)?;
    let pays = settings.relayer.as_deref().or(settings.deployer.as_deref());
    let key = named(&project.global, pays)?;
    let signer = LazySigner::new(ui, &project.env, &project.global, key)?;
    let intent = Intent {
        op: format!("post/{digest}"),
        to: helper::address(),
        value: U256::ZERO,
        data: posting.data.clone(),
        alike: None,
    };
    let ready = ready(project, &target, &network, &signer, &intent, Vec::new()).await?;
    statements::write_confirmed(project, &signed).await?;
    let landed = ready.send().await?;
    posted_line(project, &target, posting.until, landed.hash);
    ui.result(&json!({ "digest": digest, "target": target, "post": landed.hash }));
    Ok(0)
}

/// Who signed, by their name in the policy. What strangers post binds nobody.
fn signer_name(project: &Context, by: Address) -> AppResult<String> {
    let found = people(project).into_iter().find(|(_, person)| person.holds(by));
    found.map(|(name, _)| name).ok_or_else(|| {
        let what = format!("posting it does nothing: {by}, who signed, is nobody under [people]");
        AppError::new(Kind::Fail, what)
    })
}

/// On which target it is posted, and what it stops there.
/// It counts for the Safes that this machine relied on before, whatever the file names now.
fn stopped(
    project: &Context,
    posting: &Posting<'_>,
    by: Address,
    before: &[ProjectSafe],
) -> AppResult<(String, String)> {
    let (general, nothing) = (posting.general, "posting it does nothing");
    let chain = general.at.chain;
    let mut targets = project.targets().filter(|(_, target)| target.chain == chain);
    let id = general.project_id();
    let found = match &general.project {
        Some(ProjectRef { name, safe })
            if before.iter().any(|one| (&one.project, &one.safe) == (name, safe)) =>
        {
            targets.next()
        }
        Some(_) => targets.find(|(name, target)| {
            project.id(target).is_ok_and(|own| own == id)
                && relied::other(project, name).is_ok_and(|why| why.is_none())
        }),
        None => targets.next(),
    };
    let Some((target, _)) = found else {
        let what =
            format!("{nothing}: it is for a project on chain {chain} that is no target here");
        return Err(AppError::new(Kind::Fail, what).hint("its own project posts it"));
    };
    let stops = match &general.body {
        Body::Freeze(freeze) => {
            let until = format_utc(freeze.until);
            let name = general.project.as_ref().map_or("", |project| project.name.as_str());
            format!("every promotion of {name} to {target} until {until}")
        }
        Body::AuditRevoke(revocation) => {
            let set = statements::load(project)?;
            let attestation = revocation.attestation;
            let known = set.attestations().find(|(digest, ..)| *digest == attestation);
            match known {
                Some((_, attested, _)) if attested.auditor != by => {
                    let what = format!("{nothing}: {attestation} is not an attestation by {by}");
                    return Err(AppError::new(Kind::Fail, what));
                }
                Some((_, attested, _)) => {
                    format!("what rests on attestation {attestation} of {}", attested.release)
                }
                None => format!("what rests on attestation {attestation}, which is not here"),
            }
        }
        _ => {
            let of = general.subject();
            format!("release {of} on {target}, until its author says go after this no-go's block")
        }
    };
    let stops = if posting.until == NEVER { format!("{stops}; without end") } else { stops };
    Ok((target.clone(), stops))
}
