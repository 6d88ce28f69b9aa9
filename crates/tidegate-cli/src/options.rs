//! Options that several commands have.

use std::path::PathBuf;

use clap::Args;

/// Options of every command.
#[derive(Debug, Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The project's directory; default: the nearest one above that holds `tidegate.toml`
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// The key that signs, by its name in `$TIDEGATE_HOME/keys`, or `foundry:NAME`; with
    /// `--typed-data` also an address whose key is elsewhere
    #[arg(long = "as", global = true, value_name = "KEY")]
    pub(crate) signer: Option<String>,
    /// Read the key's password from this file descriptor
    #[arg(long, global = true, value_name = "N")]
    pub(crate) password_fd: Option<u32>,
    /// Approve exactly this plan or digest, instead of being asked; without it, and without a
    /// terminal, the command prints the one to type
    #[arg(long, global = true, value_name = "HASH")]
    pub(crate) approve: Option<String>,
    /// Instead of signing a statement, write it as `eth_signTypedData_v4` takes it, for a wallet;
    /// `-` is standard output. `import` takes the signature
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) typed_data: Option<String>,
    /// Show what would be signed, sent or written, and stop before the first of it: no key is
    /// opened, and nothing is kept but compilations
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Pin this Safe, at first sight or in place of another, instead of being asked
    #[arg(long, global = true, value_name = "CHAIN:SAFE")]
    pub(crate) pin: Option<String>,
}

/// For which target something is said.
#[derive(Debug, Args)]
pub(crate) struct ForTarget {
    /// The target that it is said about; default: the only mainnet network
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
}
