//! `tidegate record risk`: somebody would live with a finding, and somebody else agrees.

use clap::Args;
use tidegate_app::drafts::{self, RiskAsked, RiskRequest};
use tidegate_app::error::{AppError, AppResult};
use tidegate_model::statement::RiskDecision;
use tidegate_model::units::{End, format_utc, parse_end};

use super::subject::subject;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

/// The acceptance of one open finding.
#[derive(Debug, Args)]
pub(crate) struct RiskArgs {
    /// The finding: a prefix of its key, as gate `audits` and `attest` show it
    finding: String,
    /// Accept the risk as reported
    #[arg(long, group = "decision")]
    accept: bool,
    /// The finding is a false positive
    #[arg(long, group = "decision")]
    false_positive: bool,
    /// Something else mitigates the risk
    #[arg(long, group = "decision")]
    mitigated: bool,
    /// The fix comes later
    #[arg(long, group = "decision")]
    defer: bool,
    /// The reason, for the record
    #[arg(long, requires = "decision")]
    reason: Option<String>,
    /// The control that limits the risk until then
    #[arg(long, default_value = "", requires = "decision")]
    control: String,
    /// End of the acceptance in target chain time: a date, a span from now such as `90d`, or Unix
    /// seconds
    #[arg(long, value_name = "WHEN", requires = "decision", value_parser = parse_end)]
    until: Option<End>,
    #[command(flatten)]
    target: ForTarget,
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    release: Option<String>,
}

impl RiskArgs {
    /// What is asked for; nothing agrees to what somebody else has asked.
    fn asked(&self) -> AppResult<Option<RiskAsked>> {
        let decision = match (self.accept, self.false_positive, self.mitigated, self.defer) {
            (true, ..) => RiskDecision::Accept,
            (_, true, ..) => RiskDecision::FalsePositive,
            (_, _, true, _) => RiskDecision::Mitigated,
            (.., true) => RiskDecision::Defer,
            _ => return Ok(None),
        };
        let reason = self.reason.clone().ok_or_else(|| missing("--reason TEXT"))?;
        let until = self.until.ok_or_else(|| missing("--until 90d"))?;
        Ok(Some(RiskAsked { decision, reason, control: self.control.clone(), until }))
    }
}

pub(super) async fn run(project: &Context, signer: &LazySigner, args: &RiskArgs) -> AppResult {
    let request = RiskRequest {
        subject: subject(args.release.as_ref(), &args.target),
        finding: args.finding.clone(),
        asked: args.asked()?,
    };
    let draft = drafts::risk(project, signer, request).await?;
    let (ui, shown) = (&project.ui, draft.shown());
    ui.row("finding", &shown.finding);
    ui.row("scopeRoot", &shown.scope_root.to_string());
    if !shown.control.is_empty() {
        ui.row("meanwhile", &shown.control);
    }
    ui.row("until", &format_utc(shown.expires_at));
    draft.sign(project, signer).await
}

fn missing(option: &str) -> AppError {
    AppError::usage(format!("a new acceptance needs a reason and an end: {option} is missing"))
}
