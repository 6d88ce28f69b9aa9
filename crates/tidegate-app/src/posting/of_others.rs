//! Posting what somebody else signed: a stop that its author cannot pay for.

use std::path::Path;

use alloy_primitives::{Address, B256, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_chain::Network;
use tidegate_model::StatementDigest;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, NEVER, ProjectRef, SignedStatement};
use tidegate_model::units::format_utc;
use tidegate_safe::{Posting, ProjectSafe, helper, posting};
use tidegate_store::read_limited;

use super::{posted_line, posted_until};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::policy_doc::people;
use crate::project::Project;
use crate::saying::for_stop;
use crate::sending::ready_to_post;
use crate::{relied, statements};

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// A stop that somebody else signed, and that is not posted yet.
#[derive(Debug)]
pub struct OthersStop {
    /// The statement's digest.
    pub digest: StatementDigest,
    /// The key that signed it.
    pub by: Address,
    /// Whose key that is.
    pub who: String,
    /// The statement in words.
    pub says: String,
    pub stops: String,
    /// The target at whose helper it is posted.
    pub target: String,
    network: Network,
    signed: SignedStatement,
    intent: Intent,
    until: u64,
}

/// A stop that was posted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PostView<'a> {
    /// The statement's digest.
    pub digest: StatementDigest,
    /// The target's name.
    pub target: &'a str,
    /// The transaction that posted it.
    pub post: B256,
}

/// Reads a signed statement that somebody else made, and what posting it would stop.
///
/// # Errors
/// If its signature does not hold, or posting it does nothing.
pub async fn of_others(project: &Project, file: &Path) -> AppResult<OthersStop> {
    let name = file.display();
    let bytes = read_limited(absolute(file)?, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
    let signed: SignedStatement = serde_json::from_slice(&bytes).map_err(|error| {
        AppError::config(format!("cannot read {name} as a signed statement: {error}"))
    })?;
    let digest = statements::check(project, &signed).await?;
    let posting = posting(&signed).or_kind(Kind::Fail)?;
    let by = signed.signer();
    let before = relied::before_on(project, posting.general.at.chain)?;
    let who = match signer_name(project, by) {
        // Who takes people out of a file that names another Safe hinders no stop.
        Err(_) if !before.is_empty() => "nobody under [people]".to_owned(),
        found => found?,
    };
    let (target, stops) = stopped(project, &posting, by, &before)?;
    // Nobody waits for finality to stop a release.
    let (network, _) = for_stop(project.connect(&target).await?).await;
    let (until, now) = posted_until(&network, by, posting.subject).await?;
    if posting.until <= now || posting.until <= until {
        let why = if posting.until <= now { "it has ended" } else { "it is posted already" };
        return Err(AppError::new(
            Kind::Conflict,
            format!("posting {digest} has no effect: {why}"),
        )
        .hint("nothing was sent"));
    }
    let intent = Intent {
        op: format!("post/{digest}"),
        to: helper::address(),
        value: U256::ZERO,
        data: posting.data.clone(),
        alike: None,
    };
    let (says, until) = (posting.general.text(), posting.until);
    Ok(OthersStop { digest, by, who, says, stops, target, network, signed, intent, until })
}

impl OthersStop {
    /// Keeps the statement and posts it, once that is approved.
    ///
    /// # Errors
    /// If nobody approves it, or it cannot be sent.
    pub async fn post(
        &self,
        project: &Project,
        signer: &dyn DigestSigner,
    ) -> AppResult<PostView<'_>> {
        let Self { digest, target, network, signed, intent, .. } = self;
        let ready = ready_to_post(project, target, network, signer, intent).await?;
        statements::write_confirmed(project, signed).await?;
        let landed = ready.send().await?;
        posted_line(project, target, self.until, landed.hash);
        Ok(PostView { digest: *digest, target, post: landed.hash })
    }
}

/// Who signed, by their name in the policy. What strangers post binds nobody.
fn signer_name(project: &Project, by: Address) -> AppResult<String> {
    let found = people(project).into_iter().find(|(_, person)| person.holds(by));
    found.map(|(name, _)| name).ok_or_else(|| {
        let what = format!("posting it has no effect: its signer {by} is nobody under [people]");
        AppError::new(Kind::Fail, what)
    })
}

/// On which target it is posted, and what it stops there.
/// It counts for the Safes that this machine relied on before, whatever the file names now.
fn stopped(
    project: &Project,
    posting: &Posting<'_>,
    by: Address,
    before: &[ProjectSafe],
) -> AppResult<(String, String)> {
    let (general, nothing) = (posting.general, "posting it has no effect");
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
            format!("{nothing}: it is for a project on chain {chain} that is not a target here");
        return Err(
            AppError::new(Kind::Fail, what).hint("post it from the checkout of its own project")
        );
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
