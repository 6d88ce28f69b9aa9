//! What guardians sign, and what people show and learn.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::drafts::{self, PostmortemRequest, WaiverRequest};
use tidegate_app::error::{AppResult, Kind, OrKind};
use tidegate_model::statement::Lowered;
use tidegate_model::units::{End, counted, format_utc, parse_end, parse_span_secs};

use super::subject::OfRelease;
use crate::commands::diff::show_changes;
use crate::context::Context;
use crate::options::{ForTarget, path};
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct WaiverArgs {
    /// The gate
    #[arg(value_parser = ["soak", "audits"])]
    gate: String,
    /// The soak required instead: at least half of the policy's, and at least 24h
    #[arg(long, value_name = "SPAN")]
    soak: Option<String>,
    /// Number of firms required instead: at least half of the policy's, and at least 1
    #[arg(long)]
    audits: Option<u32>,
    /// Number of transactions by outsiders required instead
    #[arg(long)]
    transactions: Option<u32>,
    /// Number of outside senders required instead
    #[arg(long)]
    senders: Option<u32>,
    /// Percentage of the functions that must be used instead
    #[arg(long)]
    selectors_percent: Option<u32>,
    /// End of the waiver in target chain time: a date, a span from now such as `30d`, or Unix
    /// seconds; all guardians must sign the same end
    #[arg(long, value_name = "WHEN", value_parser = parse_end)]
    until: End,
    /// The reason, for the record
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// Link to details
    #[arg(long, default_value = "")]
    link: String,
    #[command(flatten)]
    of: OfRelease,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Your name under `[people]`
    name: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct EmergencyArgs {
    /// The proposal's safeTxHash or a prefix of it; default: the only proposal
    proposal: Option<String>,
    /// Also announce it at the helper; owners can sign one hour later
    #[arg(long)]
    post: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PostmortemArgs {
    /// The post-mortem file
    #[arg(value_parser = path)]
    document: PathBuf,
    /// URI of the published document
    #[arg(long, default_value = "")]
    uri: String,
    #[command(flatten)]
    of: OfRelease,
}

pub(super) async fn waiver(project: &Context, signer: &LazySigner, args: &WaiverArgs) -> AppResult {
    let soak_secs = args.soak.as_deref().map(parse_span_secs).transpose().or_kind(Kind::Usage)?;
    let request = WaiverRequest {
        subject: args.of.subject(),
        gate: args.gate.clone(),
        lowers: Lowered {
            soak_secs,
            audits: args.audits,
            transactions: args.transactions,
            senders: args.senders,
            selectors_percent: args.selectors_percent,
        },
        until: args.until,
        reason: args.reason.clone(),
        link: args.link.clone(),
    };
    drafts::waiver(project, signer, request).await?.sign(project, signer).await?;
    let wanted = counted(project.rules.waiver_signers, "guardian");
    project.ui.note(format!("it counts once exactly this is signed by {wanted}"));
    Ok(())
}

pub(super) async fn key(project: &Context, signer: &LazySigner, args: &KeyArgs) -> AppResult {
    let target = args.target.target.as_deref();
    drafts::key_claim(project, signer, &args.name, target).await?.sign(project, signer).await
}

pub(super) async fn emergency(
    project: &Context,
    signer: &LazySigner,
    args: &EmergencyArgs,
) -> AppResult {
    let draft = drafts::emergency(project, signer, args.proposal.as_deref(), args.post).await?;
    let (ui, urgency) = (&project.ui, draft.shown());
    let (terms, differs) = (&urgency.terms, urgency.changes.furthest().words());
    ui.row("incident", &terms.incident);
    ui.row("replaces", &terms.baseline_root.to_string());
    ui.row("release", &urgency.release.to_string());
    ui.row("differs", &format!("{differs}; digest {}", terms.diff_digest));
    show_changes(ui, &urgency.changes.contracts, &urgency.changes.plan);
    ui.row("soak", &format!("{} s instead of {} s", terms.min_soak_seconds, urgency.soak_secs));
    ui.row("counts", &format!("until {}", format_utc(terms.expires_at)));
    let due = format_utc(terms.retro_due_by);
    ui.row("owes", &format!("soak, audits and a post-mortem until {due}"));
    draft.sign(project, signer).await
}

pub(super) async fn postmortem(
    project: &Context,
    signer: &LazySigner,
    args: &PostmortemArgs,
) -> AppResult {
    let (subject, document) = (args.of.subject(), args.document.clone());
    let request = PostmortemRequest { subject, document, uri: args.uri.clone() };
    drafts::postmortem(project, signer, request).await?.sign(project, signer).await
}
