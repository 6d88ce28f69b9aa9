//! `tidegate plan`.

use clap::Args;
use tidegate_app::deployment::{refuse_faults, safe_executor};
use tidegate_app::error::AppResult;
use tidegate_app::planned::plan;
use tidegate_app::release::select;
use tidegate_model::ports::DigestSigner;
use tidegate_plan::Executor;
use tidegate_plan::config::Stage;

use crate::context::Context;
use crate::signer::LazySigner;

/// Show what a deployment would do: addresses, code, arguments, gas
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    release: Option<String>,
    /// The deployment id; each gives different addresses. Default: the recorded one, or 0
    #[arg(long)]
    id: Option<u64>,
}

pub(crate) async fn run(project: &Context, args: &PlanArgs) -> AppResult<u8> {
    let built = select(project, args.release.as_deref())?;
    let name = match &args.network {
        Some(name) => name.clone(),
        None => project.network_of(None, Stage::Testnet)?,
    };
    let executor = executor(project, &name)?;
    let planned = plan(project, &built, &name, executor, args.id).await?;
    planned.view.tell(&project.ui);
    planned.view.standing.iter().for_each(|line| project.ui.warn(line));
    project.ui.result(&planned.view);
    refuse_faults(&planned.expected)?;
    Ok(0)
}

/// Who acts on a network: the deployer's key on a testnet, the Safe on mainnet.
pub(crate) fn executor(project: &Context, name: &str) -> AppResult<Executor> {
    let settings = project.network(name)?;
    match settings.stage {
        Stage::Mainnet => safe_executor(project, name),
        Stage::Testnet => {
            let key = crate::signer::named(&project.global, settings.deployer.as_deref())?;
            let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
            Ok(Executor::Key(signer.address()))
        }
    }
}
