//! The start of a soak, posted on the target.

use clap::Args;
use tidegate_app::drafts::{self, StartedView, Starts};
use tidegate_app::error::AppResult;

use super::subject::subject;
use crate::context::Context;
use crate::options::ForTarget;
use crate::signer::LazySigner;

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The release; default: the release that the working tree builds
    release: Option<String>,
    #[command(flatten)]
    target: ForTarget,
}

pub(super) async fn run(project: &Context, signer: &LazySigner, args: &StartArgs) -> AppResult {
    let subject = subject(args.release.as_ref(), &args.target);
    let Starts { ready, outcome } = drafts::starts(project, signer, &subject).await?;
    for start in &ready {
        project.ui.line(format!("{} soaks on {}.", start.name, start.soak));
        start.post(project, signer).await?;
    }
    if !ready.is_empty() {
        project.ui.result(&StartedView::of(ready));
    }
    outcome
}
