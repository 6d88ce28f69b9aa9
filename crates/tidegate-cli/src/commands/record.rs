//! `tidegate record`: what people decide and find, as signed statements.

mod bugs;
mod decide;
mod guard;
mod post;
mod withdraw;

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{Args, Subcommand, ValueEnum};
use tidegate_app::error::{AppError, AppResult, Kind};
use tidegate_app::policy_doc::people;
use tidegate_app::relied;

use self::bugs::{bug, triage};
use self::decide::{freeze, go, no_go, start};
use self::guard::{emergency, key_claim, postmortem, waiver};
use self::post::PostArgs;
use self::withdraw::withdraw;
use super::record_risk::{self, RiskArgs};
use crate::args::ForTarget;
use crate::context::Context;
use crate::signer::{LazySigner, named};

/// Say go or no-go, and record bugs, freezes, waivers and keys
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Say that a release may go, having seen every statement there is
    Go(GoArgs),
    /// Say that a release must not go
    NoGo(StopArgs),
    /// Post on the target that a deployment soaks from now on; no more age counts than passes there
    Start(StartArgs),
    /// Report a bug of a release
    Bug(BugArgs),
    /// Say what a bug comes to; who found it can only confirm it
    Triage(TriageArgs),
    /// Take back a sample of the soak of which the chain shows something else
    Withdraw(WithdrawArgs),
    /// Stop every promotion for a while
    Freeze(FreezeArgs),
    /// Lower a gate's requirement as a guardian, for one release and for a while
    Waiver(WaiverArgs),
    /// Show that you hold a key that the policy lists under your name
    Key(KeyArgs),
    /// Sign an emergency's proposal as a guardian
    Emergency(EmergencyArgs),
    /// Accept a finding that stays open; two people must say the same
    Risk(RiskArgs),
    /// Record what was learnt after an emergency
    Postmortem(PostmortemArgs),
    /// Post at the helper what somebody else signed: a freeze, a no-go, a revocation
    Post(PostArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// The release; default: what the working tree builds
    release: Option<String>,
    /// For which discipline you speak, where the policy names disciplines
    #[arg(long)]
    discipline: Option<String>,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct GoArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Say it without this statement, which an earlier go lists and nobody has; its whole digest
    #[arg(long, value_name = "DIGEST")]
    without: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The release; default: what the working tree builds
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Post it at the helper too, so that deleting the file undoes nothing
    #[arg(long)]
    post: bool,
}

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
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
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

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// The sample's digest or its beginning
    sample: String,
    /// Why it was wrong
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct FreezeArgs {
    /// For how long, at most 90 days
    #[arg(long = "for", value_name = "SPAN")]
    span: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// Post it at the helper too, so that deleting the file undoes nothing
    #[arg(long)]
    post: bool,
    #[command(flatten)]
    target: ForTarget,
}

#[derive(Debug, Args)]
pub(crate) struct WaiverArgs {
    /// The gate: soak or audits
    gate: String,
    /// The soak that is asked for instead: at least half of the policy's, and 24 h
    #[arg(long, value_name = "SPAN")]
    soak: Option<String>,
    /// How many firms are asked for instead: at least half of the policy's, and 1
    #[arg(long)]
    audits: Option<u32>,
    /// How many transactions by outsiders
    #[arg(long)]
    transactions: Option<u32>,
    /// How many outside senders
    #[arg(long)]
    senders: Option<u32>,
    /// Which part of the functions, in percent
    #[arg(long)]
    selectors_percent: Option<u32>,
    /// Until when, by the target's chain time in seconds; all guardians sign the same
    #[arg(long, value_name = "SECONDS")]
    until: u64,
    /// Why
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// Where more stands
    #[arg(long, default_value = "")]
    link: String,
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
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
    /// The proposal's safeTxHash or its beginning; default: the only one
    proposal: Option<String>,
    /// Announce it at the helper too; owners can sign an hour later
    #[arg(long)]
    post: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PostmortemArgs {
    /// The document
    document: PathBuf,
    /// Where it lies
    #[arg(long, default_value = "")]
    uri: String,
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
}

impl RecordCommand {
    /// Whether it stops something, which no line in git may hinder.
    const fn stops(&self) -> bool {
        matches!(self, Self::NoGo(_) | Self::Freeze(_) | Self::Bug(_) | Self::Post(_))
    }
}

pub(crate) async fn run(project: &Context, command: &RecordCommand) -> AppResult<u8> {
    let signer = || -> AppResult<LazySigner> {
        let key = named(&project.global, None)?;
        LazySigner::new(&project.ui, &project.env, &project.global, key)
    };
    if !command.stops() {
        relied::require(project).await?;
    }
    match command {
        RecordCommand::Risk(args) => record_risk::run(project, args).await,
        RecordCommand::Post(args) => post::post(project, args).await,
        RecordCommand::Go(args) => go(project, &signer()?, args).await,
        RecordCommand::NoGo(args) => no_go(project, &signer()?, args).await,
        RecordCommand::Start(args) => start(project, &signer()?, args).await,
        RecordCommand::Bug(args) => bug(project, &signer()?, args).await,
        RecordCommand::Triage(args) => triage(project, &signer()?, args).await,
        RecordCommand::Withdraw(args) => withdraw(project, &signer()?, args).await,
        RecordCommand::Freeze(args) => freeze(project, &signer()?, args).await,
        RecordCommand::Waiver(args) => waiver(project, &signer()?, args).await,
        RecordCommand::Key(args) => key_claim(project, &signer()?, args).await,
        RecordCommand::Emergency(args) => emergency(project, &signer()?, args).await,
        RecordCommand::Postmortem(args) => postmortem(project, &signer()?, args).await,
    }
}

/// The person who holds the signing key. What nobody of the policy says binds nobody.
fn speaker(project: &Context, key: Address) -> AppResult<String> {
    let found = people(project).into_iter().find(|(_, person)| person.holds(key));
    found.map(|(name, _)| name).ok_or_else(|| {
        AppError::new(Kind::Keys, format!("{key} belongs to nobody under [people]"))
            .hint("what nobody of the policy says binds nobody")
    })
}
