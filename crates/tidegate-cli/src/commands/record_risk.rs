//! `tidegate record risk`: somebody would live with a finding, and somebody else agrees.

use alloy_primitives::Address;
use clap::Args;
use tidegate_app::assess::audits::acceptances;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::policy_doc::people;
use tidegate_app::release::{Built, built};
use tidegate_app::saying::{About, general, now, sign_statement};
use tidegate_app::scopes;
use tidegate_app::statements;
use tidegate_gates::AcceptanceFact;
use tidegate_model::lookup;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, General, RISK_SECS_MAX, RiskAcceptance, RiskDecision, Severity, Statement,
};
use tidegate_model::units::{format_span_secs, format_utc, parse_span_secs};

use crate::args::ForTarget;
use crate::context::Context;
use crate::signer::{LazySigner, named};

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

/// An acceptance, and when it ends.
struct Wanted {
    acceptance: RiskAcceptance,
    expires_at: u64,
}

pub(crate) async fn run(project: &Context, args: &RiskArgs) -> AppResult<u8> {
    let built = built(project, args.release.as_deref())?;
    let about = About::named(project, args.target.target.as_deref())?;
    let key = named(&project.global, None)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let date = now(project, &about).await?;
    let set = statements::load_confirmed(project).await?;
    let accepted = acceptances(&set, Some(about.id));
    let attestations = set.attestations().map(|(_, attestation, _)| attestation);
    let findings = attestations.filter(|a| !a.findings_digest.is_zero()).map(|a| a.findings_digest);
    let documents = findings.filter_map(|digest| scopes::findings(project, digest).ok());
    let found = documents
        .flat_map(|document| document.findings)
        .filter(|finding| finding.is_open())
        .map(|finding| (finding.key, finding));
    let finding = lookup::find(&args.finding, found).map_err(|error| {
        AppError::from(error).hint("`tidegate status` names each open finding by its key")
    })?;
    if finding.severity > Severity::Medium {
        let severity = finding.severity.word();
        return Err(AppError::new(Kind::Fail, format!("a {severity} finding must be fixed")));
    }
    let wanted = match decision(args) {
        Some(decision) => {
            let acceptance = RiskAcceptance {
                scope_root: built.roots.scope_root,
                finding: finding.key,
                severity: finding.severity,
                decision,
                justification: args.reason.clone().ok_or_else(|| missing("--reason TEXT"))?,
                control: args.control.clone(),
            };
            let span = args.until.as_deref().ok_or_else(|| missing("--until 90d"))?;
            let secs = parse_span_secs(span).or_kind(Kind::Usage)?;
            Wanted { acceptance, expires_at: date.time.saturating_add(secs) }
        }
        None => asked(project, &built, &accepted, finding.key.as_slice(), signer.address())?,
    };
    if wanted.expires_at.saturating_sub(date.time) > RISK_SECS_MAX {
        let most = format_span_secs(RISK_SECS_MAX);
        return Err(AppError::usage(format!("a risk is accepted for at most {most}")));
    }
    let ui = &project.ui;
    ui.row("finding", &format!("{}: {}", finding.rule, finding.message));
    ui.row("scopeRoot", &wanted.acceptance.scope_root.to_string());
    if !wanted.acceptance.control.is_empty() {
        ui.row("meanwhile", &wanted.acceptance.control);
    }
    ui.row("until", &format_utc(wanted.expires_at));
    let Wanted { acceptance, expires_at } = wanted;
    let general = general(project, &about, &signer, Body::RiskAccept(acceptance)).await?;
    let statement = Statement::Statement(General { expires_at, ..general });
    sign_statement(project, &signer, statement)?;
    Ok(0)
}

fn missing(option: &str) -> AppError {
    AppError::usage(format!("say why, and until when: {option} is missing"))
}

const fn decision(args: &RiskArgs) -> Option<RiskDecision> {
    match (args.accept, args.false_positive, args.mitigated, args.defer) {
        (true, ..) => Some(RiskDecision::Accept),
        (_, true, ..) => Some(RiskDecision::FalsePositive),
        (_, _, true, _) => Some(RiskDecision::Mitigated),
        (.., true) => Some(RiskDecision::Defer),
        _ => None,
    }
}

/// What somebody else has asked for, newest first.
fn asked(
    project: &Context,
    built: &Built,
    accepted: &[AcceptanceFact],
    key: &[u8],
    signer: Address,
) -> AppResult<Wanted> {
    let people = people(project);
    let person = |key: Address| people.iter().find(|(_, p)| p.holds(key)).map(|(n, _)| n);
    let here = accepted.iter().filter(|fact| {
        fact.acceptance.finding == key && fact.acceptance.scope_root == built.roots.scope_root
    });
    let (own, others): (Vec<_>, Vec<_>) =
        here.partition(|fact| fact.by == signer || person(fact.by) == person(signer));
    match (others.into_iter().max_by_key(|fact| fact.issued_at), own.is_empty()) {
        (Some(fact), _) => {
            Ok(Wanted { acceptance: fact.acceptance.clone(), expires_at: fact.expires_at })
        }
        (None, false) => {
            Err(AppError::new(Kind::Fail, "somebody else must agree to what you asked")
                .hint("separation of duties: two people accept a risk"))
        }
        (None, true) => Err(AppError::usage("nobody has asked to accept this finding")
            .hint("ask with --accept --reason TEXT --until 90d")),
    }
}
