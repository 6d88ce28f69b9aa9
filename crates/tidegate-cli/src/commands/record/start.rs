//! The start of a soak, posted on the target.

use clap::Args;
use tidegate_app::drafts::{self, StartedView};
use tidegate_app::error::AppResult;

use super::subject::subject;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The release; default: what the working tree builds
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
}

pub(super) async fn run(project: &Context, signer: &LazySigner, args: &StartArgs) -> AppResult {
    let subject = subject(args.release.as_ref(), &args.target);
    let starts = drafts::starts(project, signer, &subject).await?;
    for start in &starts {
        project.ui.line(format!("{} soaks on {}.", start.name, start.soak));
        start.post(project, signer).await?;
    }
    project.ui.result(&StartedView::of(starts));
    Ok(())
}
