//! Going and stopping: go, no-go, freezes.

use clap::Args;
use tidegate_app::drafts::{self, FreezeRequest, GoRequest, StopRequest};
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_model::units::parse_span_secs;

use super::subject::subject;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// The release; default: the release that the working tree builds
    release: Option<String>,
    /// The discipline that you speak for, if the policy names disciplines
    #[arg(long)]
    discipline: Option<String>,
    /// The reason, for the record
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct GoArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Leave out this statement, which an earlier go lists and which is lost; its full digest
    #[arg(long, value_name = "DIGEST")]
    without: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Also post it at the helper, so that deleting the file cannot undo it
    #[arg(long)]
    post: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FreezeArgs {
    /// How long the freeze lasts, at most 90d
    #[arg(long = "for", value_name = "SPAN")]
    span: String,
    /// The reason, for the record
    #[arg(long)]
    reason: String,
    /// Also post it at the helper, so that deleting the file cannot undo it
    #[arg(long)]
    post: bool,
    #[command(flatten)]
    target: ForTarget,
}

pub(super) async fn go(project: &Context, signer: &LazySigner, args: &GoArgs) -> AppResult {
    let DecisionArgs { release, discipline, reason, target } = &args.decision;
    let request = GoRequest {
        subject: subject(release.as_ref(), target),
        discipline: discipline.clone(),
        reason: reason.clone(),
        without: args.without.clone(),
    };
    let draft = drafts::go(project, signer, request).await?;
    let (ui, going) = (&project.ui, draft.shown());
    for (digest, by) in &going.without {
        ui.row("without", &format!("{digest}, which {by} listed"));
    }
    ui.line(format!("Go for {}, having seen:", going.name));
    for (digest, text) in &going.seen {
        ui.row(&digest.short(), text);
    }
    if going.seen.is_empty() {
        ui.note("there is no statement about this release yet");
    }
    for (network, record) in &going.records {
        ui.row(&record.digest.short(), &format!("record deployments/{network}/{}", record.file));
    }
    draft.sign(project, signer).await?;
    ui.note("commit the file and every record; any later statement makes this go stale");
    Ok(())
}

pub(super) async fn no_go(project: &Context, signer: &LazySigner, args: &StopArgs) -> AppResult {
    let DecisionArgs { release, discipline, reason, target } = &args.decision;
    let request = StopRequest {
        subject: subject(release.as_ref(), target),
        discipline: discipline.clone(),
        reason: reason.clone(),
        post: args.post,
    };
    drafts::no_go(project, signer, request).await?.sign(project, signer).await
}

pub(super) async fn freeze(project: &Context, signer: &LazySigner, args: &FreezeArgs) -> AppResult {
    let request = FreezeRequest {
        secs: parse_span_secs(&args.span).or_kind(Kind::Usage)?,
        reason: args.reason.clone(),
        post: args.post,
        target: args.target.target.clone(),
    };
    drafts::freeze(project, signer, request).await?.sign(project, signer).await
}
