//! Approval of exactly one plan or digest: typed at a terminal, or given as `--approve`.

use alloy_primitives::{B256, hex};

use crate::error::{CliError, CliResult};
use crate::project::Project;

/// The fewest digits of a hash that name it.
const PREFIX_DIGITS_MIN: usize = 8;

/// What is about to be signed or sent.
#[derive(Debug)]
pub(crate) struct Approval<'a> {
    /// The network's name, typed together with the hash so that the wrong chain is noticed.
    pub(crate) network: &'a str,
    /// The digest of everything that is about to happen.
    pub(crate) hash: B256,
    /// Options that the printed command must repeat so that it freezes the same thing.
    pub(crate) options: Vec<String>,
}

/// Returns once the hash has been approved.
///
/// # Errors
/// Usage, with the exact command to type, if there is no terminal and no approval; or if what was
/// approved is something else.
pub(crate) fn approve(project: &Project, approval: &Approval<'_>) -> CliResult {
    let hash = hex::encode(approval.hash);
    if let Some(given) = &project.global.approve {
        let digits = given.trim_start_matches("0x").to_lowercase();
        if digits.len() >= PREFIX_DIGITS_MIN && hash.starts_with(&digits) {
            return Ok(());
        }
        return Err(CliError::usage(format!(
            "what was approved is {given}, what would happen now \
                                            is {hash}"
        ))
        .hint("look at it again, then approve it:")
        .hint(command(project, approval, &hash)));
    }
    if !project.ui.interactive() {
        return Err(CliError::usage("nobody is at a terminal to approve this")
            .hint("approve exactly this:")
            .hint(command(project, approval, &hash)));
    }
    let short = &hash[..PREFIX_DIGITS_MIN];
    let wanted = format!("{} {short}", approval.network);
    let typed = project.ui.ask(&format!("Type `{wanted}` to go on: "))?;
    if typed == wanted {
        return Ok(());
    }
    Err(CliError::usage("not approved; nothing was signed or sent"))
}

fn command(project: &Project, approval: &Approval<'_>, hash: &str) -> String {
    let mut options: Vec<&str> = approval.options.iter().map(String::as_str).collect();
    options.extend(["--approve", hash]);
    project.ui.command_with("--approve", &options)
}
