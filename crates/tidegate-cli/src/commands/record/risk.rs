//! `tidegate record risk`: somebody would live with a finding, and somebody else agrees.

use clap::Args;
use tidegate_app::drafts::{self, RiskAsked, RiskRequest};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_model::statement::RiskDecision;
use tidegate_model::units::{format_utc, parse_span_secs};

use super::subject::subject;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

/// Accept a finding of medium severity that stays open
///
/// It holds in exactly this scope, until its time is over, once two people who are not of the firm
/// that reported it have signed the same. With the options somebody asks for it; without them
/// somebody else agrees to what was asked.
#[derive(Debug, Args)]
pub(crate) struct RiskArgs {
    /// The finding, by the beginning of its key; gate `audits` and `attest` name it
    finding: String,
    /// It is as reported, and accepted
    #[arg(long, group = "decision")]
    accept: bool,
    /// It is no fault
    #[arg(long, group = "decision")]
    false_positive: bool,
    /// Something else prevents it
    #[arg(long, group = "decision")]
    mitigated: bool,
    /// It is fixed later
    #[arg(long, group = "decision")]
    defer: bool,
    /// Why
    #[arg(long, requires = "decision")]
    reason: Option<String>,
    /// What stands in its way meanwhile
    #[arg(long, default_value = "", requires = "decision")]
    control: String,
    /// How long it is accepted, such as `90d`
    #[arg(long, value_name = "SPAN", requires = "decision")]
    until: Option<String>,
    #[command(flatten)]
    target: ForTarget,
    /// The release; default: what the working tree builds
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
        let span = self.until.as_deref().ok_or_else(|| missing("--until 90d"))?;
        let secs = parse_span_secs(span).or_kind(Kind::Usage)?;
        Ok(Some(RiskAsked { decision, reason, control: self.control.clone(), secs }))
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
    AppError::usage(format!("say why, and until when: {option} is missing"))
}
