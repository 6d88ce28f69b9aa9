//! Bugs, and what others say of them.

use clap::{Args, ValueEnum};
use tidegate_app::drafts::{self, BugRequest, Resolution, Severity, TriageRequest};
use tidegate_app::error::AppResult;

use super::subject::OfRelease;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct BugArgs {
    /// What it is
    title: String,
    /// How bad it is; high and critical stop the release
    #[arg(long, value_enum)]
    severity: SeverityArg,
    /// Where more stands
    #[arg(long, default_value = "")]
    link: String,
    /// Stop the release whatever the severity
    #[arg(long)]
    blocking: bool,
    #[command(flatten)]
    of: OfRelease,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SeverityArg {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Args)]
pub(crate) struct TriageArgs {
    /// The bug's digest or its beginning
    bug: String,
    /// What it comes to; one that is fixed is fixed in another release
    #[arg(long, value_enum, value_name = "WHAT")]
    resolution: ResolutionArg,
    /// The bug of which it is a duplicate: its digest or its beginning
    #[arg(long, value_name = "BUG", required_if_eq("resolution", "duplicate"))]
    of: Option<String>,
    /// Why
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ResolutionArg {
    /// It is none
    Invalid,
    /// Another statement says the same
    Duplicate,
    /// The release goes with it; two people say so, and never of a critical one
    Accepted,
    /// It is one after all, whoever says otherwise
    Confirmed,
}

pub(super) async fn bug(project: &Context, signer: &LazySigner, args: &BugArgs) -> AppResult {
    let request = BugRequest {
        subject: args.of.subject(),
        title: args.title.clone(),
        severity: match args.severity {
            SeverityArg::Low => Severity::Low,
            SeverityArg::Medium => Severity::Medium,
            SeverityArg::High => Severity::High,
            SeverityArg::Critical => Severity::Critical,
        },
        link: args.link.clone(),
        blocking: args.blocking,
    };
    drafts::bug(project, signer, request).await?.sign(project, signer).await
}

pub(super) async fn triage(project: &Context, signer: &LazySigner, args: &TriageArgs) -> AppResult {
    let request = TriageRequest {
        bug: args.bug.clone(),
        resolution: match args.resolution {
            ResolutionArg::Invalid => Resolution::Invalid,
            ResolutionArg::Duplicate => Resolution::Duplicate,
            ResolutionArg::Accepted => Resolution::Accepted,
            ResolutionArg::Confirmed => Resolution::Confirmed,
        },
        of: args.of.clone(),
        reason: args.reason.clone(),
        target: args.target.target.clone(),
    };
    let draft = drafts::triage(project, signer, request).await?;
    let (ui, needs_two) = (&project.ui, draft.shown().needs_two);
    ui.row("bug", &draft.shown().title);
    draft.sign(project, signer).await?;
    if needs_two {
        ui.note("it stops the release until two people have said so; neither of them says go");
    }
    Ok(())
}
