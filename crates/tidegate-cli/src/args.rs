//! The command line. Parsing validates and does nothing else.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::options::Global;

/// The version, and the commit that it is built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("TIDEGATE_COMMIT"), ")");

/// Take smart contracts from a testnet to mainnet.
///
/// Tidegate compiles and deploys, proves that exactly this code has soaked on a testnet and has
/// been audited, accounts for the test funds to the wei, and promotes to mainnet through a Safe
/// proposal that each signer can re-check independently.
///
/// Exit codes: 0 done or PASS, 1 FAIL, 2 usage, 3 configuration, files or output, 4 chain or
/// endpoint, 5 keys, 6 conflict, 10 WAIVED, 20 WAITING, 30 UNKNOWN, 70 internal.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version = VERSION)]
#[command(disable_help_subcommand = true, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::InitArgs),
    Build(commands::build::BuildArgs),
    Diff(commands::diff::DiffArgs),
    Adopt(commands::adopt::AdoptArgs),
    Plan(commands::plan::PlanArgs),
    Deploy(commands::deploy::DeployArgs),
    Verify(commands::verify::VerifyArgs),
    Status(commands::status::StatusArgs),
    Promote(commands::promote::PromoteArgs),
    Attest(Box<commands::attest::AttestArgs>),
    Import(commands::import::ImportArgs),
    Export(commands::export::ExportArgs),
    #[command(subcommand)]
    Record(commands::record::RecordCommand),
    #[command(subcommand)]
    Policy(commands::policy::PolicyCommand),
    #[command(subcommand)]
    Proposal(commands::proposal::ProposalCommand),
    #[command(subcommand)]
    Fund(commands::fund::FundCommand),
    #[command(subcommand)]
    Ledger(commands::ledger::LedgerCommand),
    #[command(subcommand)]
    Key(commands::key::KeyCommand),
    Doctor(commands::doctor::DoctorArgs),
}
