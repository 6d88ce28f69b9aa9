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
    /// A title that says what is wrong
    title: String,
    /// The severity; high and critical stop the release
    #[arg(long, value_enum)]
    severity: SeverityArg,
    /// Link to details
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
    /// The bug's digest or a prefix of it
    bug: String,
    /// The resolution; a fixed bug needs none, because the fix is another release
    #[arg(long, value_enum, value_name = "WHAT")]
    resolution: ResolutionArg,
    /// The bug that it duplicates: its digest or a prefix of it
    #[arg(long, value_name = "BUG", required_if_eq("resolution", "duplicate"))]
    of: Option<String>,
    /// The reason, for the record
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ResolutionArg {
    /// It is not a bug
    Invalid,
    /// Another statement reports the same bug
    Duplicate,
    /// Release with the bug; two people must sign this, and never for a critical bug
    Accepted,
    /// Confirm the bug; overrides other triage
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
        ui.note(
            "it stops the release until two people have signed this; neither of them can sign \
                 the go",
        );
    }
    Ok(())
}
