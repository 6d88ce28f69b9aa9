//! Posting what somebody else signed: a stop that its author cannot pay for.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::error::AppResult;
use tidegate_app::posting::of_others;

use crate::context::Context;
use crate::options::path;
use crate::signer::signer;

#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// File with the signed freeze, no-go or revocation
    #[arg(value_parser = path)]
    file: PathBuf,
}

pub(super) async fn run(project: &Context, args: &PostArgs) -> AppResult {
    let stop = of_others(project, &args.file).await?;
    let ui = &project.ui;
    ui.row("statement", &stop.digest.to_string());
    ui.row("signed by", &format!("{}, {}", stop.who, stop.by));
    ui.row("says", &stop.says);
    ui.row("stops", &stop.stops);
    ui.note("It also voids every open proposal that checks it; propose those again.");
    let settings = project.network(&stop.target)?;
    let signer = signer(project, settings.relayer.as_deref().or(settings.deployer.as_deref()))?;
    ui.result(&stop.post(project, &signer).await?);
    Ok(())
}
