//! Options that several commands have.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::project::TO_FRONT_END;

/// Options of every command.
#[derive(Debug, Args, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The project's directory; default: this directory or the nearest parent that holds
    /// `tidegate.toml`
    #[arg(long, global = true, value_name = "DIR", value_parser = path)]
    pub(crate) project: Option<PathBuf>,
    /// Sign with this key: its name in `$TIDEGATE_HOME/keys`, or `foundry:NAME`; with
    /// `--typed-data`, also the address of a wallet
    #[arg(long = "as", global = true, value_name = "KEY")]
    pub(crate) signer: Option<String>,
    /// Read the key's password from this file descriptor
    #[arg(long, global = true, value_name = "N")]
    pub(crate) password_fd: Option<u32>,
    /// Approve exactly this plan or digest without a prompt. Without a terminal, run once without
    /// it: the command prints the hash to pass
    #[arg(long, global = true, value_name = "HASH")]
    pub(crate) approve: Option<String>,
    /// Do not sign the statement; write it as `eth_signTypedData_v4` input for a wallet (`-` for
    /// standard output). `import` takes the signature
    #[arg(long, global = true, value_name = "FILE", value_parser = typed_data)]
    pub(crate) typed_data: Option<String>,
    /// Show what would be signed, sent or written, and stop there: no key is opened, and only
    /// compilations are stored
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Pin this Safe without a prompt, at first use or in place of the pinned one
    #[arg(long, global = true, value_name = "CHAIN:SAFE")]
    pub(crate) pin: Option<String>,
}

/// A path as it was typed, from the directory in which it was typed: use cases know none.
pub(crate) fn path(typed: &str) -> Result<PathBuf, String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where words become paths")]
    std::path::absolute(typed).map_err(|error| error.to_string())
}

fn typed_data(typed: &str) -> Result<String, String> {
    if typed == TO_FRONT_END {
        return Ok(typed.to_owned());
    }
    path(typed)?.into_os_string().into_string().map_err(|path| format!("{path:?} is not UTF-8"))
}

/// The target that a statement is about.
#[derive(Debug, Args)]
pub(crate) struct ForTarget {
    /// The target network that the statement is about; default: the only mainnet network
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_a_dash_is_none() {
        for typed in ["a", "./a", "../a/b", "/a"] {
            assert!(path(typed).unwrap().is_absolute(), "{typed}");
            assert!(typed_data(typed).unwrap().starts_with('/'), "{typed}");
        }
        assert_eq!(path("/a/b"), Ok(PathBuf::from("/a/b")));
        assert_eq!(typed_data("-").as_deref(), Ok("-"));
        assert!(path("").is_err());
    }
}
