//! Taking a sample of the soak back.

use clap::Args;
use tidegate_app::drafts::{self, WithdrawRequest};
use tidegate_app::error::AppResult;
use tidegate_model::Head;
use tidegate_model::units::format_utc;

use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// The sample's digest or a prefix of it
    sample: String,
    /// The reason that it was wrong
    #[arg(long, value_name = "WHY")]
    reason: String,
    #[command(flatten)]
    target: ForTarget,
}

/// Shows what was signed beside what the person's own endpoints show at that height now.
pub(super) async fn run(project: &Context, signer: &LazySigner, args: &WithdrawArgs) -> AppResult {
    let request = WithdrawRequest {
        sample: args.sample.clone(),
        reason: args.reason.clone(),
        target: args.target.target.clone(),
    };
    let found = drafts::withdraw(project, signer, request).await?;
    let ui = &project.ui;
    if let Some(by) = &found.by {
        ui.row("by", by);
    }
    ui.row("withdraws", &found.says);
    ui.row("it saw", &shown(found.saw));
    ui.row("now there is", &shown(found.here));
    let (is_own, is_there) = (found.by.is_none(), found.is_there());
    let draft = found.outcome?;
    if is_own && is_there {
        ui.note("its block is on the chain: you withdraw what it says about code and slots");
    }
    draft.sign(project, signer).await?;
    ui.note(if is_own {
        format!("commit the file; the sample of {} then does not count", found.speaker)
    } else {
        "commit the file; where no endpoint keeps the state of the block, one more person must \
         withdraw it too"
            .to_owned()
    });
    Ok(())
}

fn shown(head: Head) -> String {
    let Head { block, timestamp } = head;
    format!("block {} {} of {}", block.number, block.hash, format_utc(timestamp))
}
