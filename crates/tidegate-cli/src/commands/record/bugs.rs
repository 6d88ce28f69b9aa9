//! Bugs, and what others say of them.

use alloy_primitives::Address;
use tidegate_app::error::{AppError, AppResult, Kind};
use tidegate_app::policy_doc::people;
use tidegate_app::release::built;
use tidegate_app::saying::{About, sign};
use tidegate_app::statements;
use tidegate_evidence::StatementSet;
use tidegate_gates::duplicate_fault;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, Bug, Resolution, Severity, Triage};
use tidegate_model::{StatementDigest, lookup};

use super::{BugArgs, ResolutionArg, SeverityArg, TriageArgs, speaker};
use crate::context::Context;
use crate::signer::LazySigner;

pub(super) async fn bug(project: &Context, signer: &LazySigner, args: &BugArgs) -> AppResult<u8> {
    speaker(project, signer.address())?;
    let about = About::for_stop(project, args.target.target.as_deref())?;
    let release = built(project, args.release.as_deref())?.roots.release_root;
    let severity = match args.severity {
        SeverityArg::Low => Severity::Low,
        SeverityArg::Medium => Severity::Medium,
        SeverityArg::High => Severity::High,
        SeverityArg::Critical => Severity::Critical,
    };
    let (title, link) = (args.title.clone(), args.link.clone());
    let body = Body::Bug(Bug { release, severity, title, link, blocking: args.blocking });
    sign(project, &about, signer, body).await?;
    Ok(0)
}

pub(super) async fn triage(
    project: &Context,
    signer: &LazySigner,
    args: &TriageArgs,
) -> AppResult<u8> {
    let speaker = speaker(project, signer.address())?;
    let set = statements::load_confirmed(project).await?;
    let about = About::named(project, args.target.target.as_deref())?;
    let (digest, bug, finder) = named(&set, &args.bug)?;
    project.ui.row("bug", &bug.title);
    let own = people(project).get(&speaker).is_some_and(|person| person.holds(finder));
    let resolution = match args.resolution {
        ResolutionArg::Confirmed => Resolution::Confirmed,
        _ if own => return Err(AppError::new(Kind::Fail, "a bug is resolved by somebody else")),
        ResolutionArg::Invalid => Resolution::Invalid,
        ResolutionArg::Duplicate => Resolution::Duplicate,
        ResolutionArg::Accepted if bug.severity == Severity::Critical => {
            return Err(AppError::new(Kind::Fail, "nobody can accept a critical bug"));
        }
        ResolutionArg::Accepted => Resolution::Accepted,
    };
    let of = match &args.of {
        Some(other) if resolution == Resolution::Duplicate => {
            Some(original(&set, (digest, bug), other)?)
        }
        Some(_) => return Err(AppError::usage("--of goes with `--resolution duplicate`")),
        None => None,
    };
    let body = Body::Triage(Triage { bug: digest, resolution, of, reason: args.reason.clone() });
    let stops = bug.blocks();
    sign(project, &about, signer, body).await?;
    if stops && matches!(resolution, Resolution::Invalid | Resolution::Duplicate) {
        let ui = &project.ui;
        ui.note("it stops the release until two people have said so; neither of them says go");
    }
    Ok(0)
}

/// The bug of which another one is a duplicate, if it can be.
fn original(
    set: &StatementSet,
    (digest, bug): (StatementDigest, &Bug),
    begins: &str,
) -> AppResult<StatementDigest> {
    let (of, other, _) = named(set, begins)?;
    let fault = (of == digest).then_some("that is the bug itself");
    match fault.or_else(|| duplicate_fault(bug, other)) {
        None => Ok(of),
        Some(why) => Err(AppError::new(Kind::Fail, format!("no duplicate: {why}"))
            .hint("name with --of the bug that stays: of the same release, and as severe")),
    }
}

/// The bug whose digest begins so, and who found it.
fn named<'a>(
    set: &'a StatementSet,
    begins: &str,
) -> AppResult<(StatementDigest, &'a Bug, Address)> {
    let bugs = set.bugs().map(|(said, bug)| (said.digest.0, (said, bug)));
    let (said, bug) = lookup::find(begins, bugs).map_err(|error| {
        AppError::from(error)
            .hint("a bug's digest is the name of its file under deployments/statements/")
    })?;
    Ok((said.digest, bug, said.signer))
}
