//! `tidegate record`: what people decide and find, as signed statements.

mod bugs;
mod decide;
mod guard;
mod post;
mod result;
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
use self::result::ResultArgs;
use self::risk::RiskArgs;
use self::start::StartArgs;
use self::withdraw::WithdrawArgs;
use crate::context::Context;
use crate::signer::signer;

/// Sign go or no-go, bugs, freezes, waivers and other statements
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Sign a go for a release, listing every statement about it
    Go(GoArgs),
    /// Sign a no-go for a release
    NoGo(StopArgs),
    /// Post the soak's start on the target; its age is capped by target time
    Start(StartArgs),
    /// Name transactions in which you tried a release; what emits no event counts only so
    Result(ResultArgs),
    /// Report a bug in a release
    Bug(BugArgs),
    /// Resolve or confirm a bug; its reporter can only confirm it
    Triage(TriageArgs),
    /// Withdraw a soak sample that the chain contradicts
    Withdraw(WithdrawArgs),
    /// Stop every promotion until a given time
    Freeze(FreezeArgs),
    /// As a guardian, lower one gate's requirement for one release
    Waiver(WaiverArgs),
    /// Prove that you hold a key listed under your name in the policy
    Key(KeyArgs),
    /// Sign an emergency proposal as a guardian
    Emergency(EmergencyArgs),
    /// Accept the risk of an open finding; two people must sign the same
    ///
    /// The acceptance counts for exactly this scope and until it expires, once two people outside
    /// the reporting firm have signed the same terms. The first passes the options; the second
    /// passes none of them and signs the terms of the first.
    Risk(RiskArgs),
    /// Record the post-mortem of an emergency
    Postmortem(PostmortemArgs),
    /// Post somebody else's freeze, no-go or revocation at the helper
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
        RecordCommand::Result(args) => result::run(project, &mine()?, args).await,
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
