//! `tidegate record`: what people decide and find, as signed statements.

mod bugs;
mod decide;
mod guard;
mod post;
mod risk;
mod start;
mod subject;
mod withdraw;

use clap::Subcommand;
use tidegate_app::error::AppResult;
use tidegate_app::relied;

use self::bugs::{BugArgs, TriageArgs};
use self::decide::{FreezeArgs, GoArgs, StopArgs};
use self::guard::{EmergencyArgs, KeyArgs, PostmortemArgs, WaiverArgs};
use self::post::PostArgs;
use self::risk::RiskArgs;
use self::start::StartArgs;
use self::withdraw::WithdrawArgs;
use crate::context::Context;
use crate::signer::signer;

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

impl RecordCommand {
    /// Whether it stops something, which no line in git may hinder.
    const fn stops(&self) -> bool {
        matches!(self, Self::NoGo(_) | Self::Freeze(_) | Self::Bug(_) | Self::Post(_))
    }
}

pub(crate) async fn run(project: &Context, command: &RecordCommand) -> AppResult<u8> {
    // Before a key is opened or anything is built.
    if !command.stops() {
        relied::require(project).await?;
    }
    let mine = || signer(project, None);
    match command {
        RecordCommand::Go(args) => decide::go(project, &mine()?, args).await,
        RecordCommand::NoGo(args) => decide::no_go(project, &mine()?, args).await,
        RecordCommand::Start(args) => start::run(project, &mine()?, args).await,
        RecordCommand::Bug(args) => bugs::bug(project, &mine()?, args).await,
        RecordCommand::Triage(args) => bugs::triage(project, &mine()?, args).await,
        RecordCommand::Withdraw(args) => withdraw::run(project, &mine()?, args).await,
        RecordCommand::Freeze(args) => decide::freeze(project, &mine()?, args).await,
        RecordCommand::Waiver(args) => guard::waiver(project, &mine()?, args).await,
        RecordCommand::Key(args) => guard::key(project, &mine()?, args).await,
        RecordCommand::Emergency(args) => guard::emergency(project, &mine()?, args).await,
        RecordCommand::Risk(args) => risk::run(project, &mine()?, args).await,
        RecordCommand::Postmortem(args) => guard::postmortem(project, &mine()?, args).await,
        RecordCommand::Post(args) => post::run(project, args).await,
    }?;
    Ok(0)
}
