//! `tidegate record`: what the team says of a release.

use clap::Subcommand;

use super::record_risk::{self, RiskArgs};
use crate::error::CliResult;
use crate::project::Project;

/// Record what the team says of a release
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Accept a finding that stays open; two people must say the same
    Risk(RiskArgs),
}

pub(crate) async fn run(project: &Project, command: &RecordCommand) -> CliResult<u8> {
    match command {
        RecordCommand::Risk(args) => record_risk::run(project, args).await,
    }
}
