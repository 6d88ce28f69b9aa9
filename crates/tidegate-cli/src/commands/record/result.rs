//! Naming the transactions in which a release was tried.

use alloy_primitives::B256;
use clap::Args;
use tidegate_app::drafts::{self, ResultRequest};
use tidegate_app::error::AppResult;

use super::subject::OfRelease;
use crate::context::Context;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct ResultArgs {
    /// The hash of a transaction on a soak network of the target; up to 32
    #[arg(long = "tx", value_name = "HASH", required = true, num_args = 1..)]
    transactions: Vec<B256>,
    /// What was tried, for the record
    #[arg(long, value_name = "WHAT", default_value = "")]
    reason: String,
    #[command(flatten)]
    of: OfRelease,
}

pub(super) async fn run(project: &Context, signer: &LazySigner, args: &ResultArgs) -> AppResult {
    let request = ResultRequest {
        subject: args.of.subject(),
        transactions: args.transactions.clone(),
        reason: args.reason.clone(),
    };
    let draft = drafts::result(project, signer, request).await?;
    let (ui, tried) = (&project.ui, draft.shown());
    ui.row("network", &tried.network);
    for call in &tried.calls {
        ui.line(call.transaction.to_string());
        ui.row("", &format!("{} by {}", call.function, call.from));
    }
    let by_deployer = tried.calls.iter().filter(|call| call.by_deployer).count();
    let all = by_deployer == tried.calls.len();
    draft.sign(project, signer).await?;
    if by_deployer > 0 {
        let what = if all { "the sender" } else { "a sender" };
        ui.note(format!(
            "{what} deployed the release: the functions count as called, but such a transaction \
             and its sender do not"
        ));
    }
    ui.note("commit the file; the transactions count once they are final");
    Ok(())
}
