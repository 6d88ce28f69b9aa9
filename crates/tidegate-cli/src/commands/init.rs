//! `tidegate init`.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::error::AppResult;
use tidegate_app::init::{self, InitRequest};
use tidegate_app::settings::Environment;
use tidegate_model::units::counted;

use crate::clock;
use crate::context::here;
use crate::options::{Global, path};
use crate::ui::Ui;

/// Write a `tidegate.toml` for an existing project
///
/// Steps come from the latest `forge script --broadcast` to the chain; without one, from the
/// contracts in the sources.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The project's name; default: the name of its folder
    #[arg(long)]
    name: Option<String>,
    /// The testnet's name; default: the chain's own, such as hoodi
    #[arg(long)]
    network: Option<String>,
    /// The testnet's chain id; default: that of the only broadcasts to a testnet, or Hoodi's
    #[arg(long)]
    chain: Option<u64>,
    /// The testnet's endpoint: a URL, or `${NAME}` to read it from the environment; default: a
    /// variable with the network's name, such as `${HOODI_RPC}`
    #[arg(long)]
    rpc: Option<String>,
    /// The profile of `foundry.toml`
    #[arg(long)]
    profile: Option<String>,
    /// The broadcast file; default: the file with the latest block
    #[arg(long, value_name = "FILE", value_parser = path)]
    broadcast: Option<PathBuf>,
}

pub(crate) async fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    args: &InitArgs,
) -> AppResult<u8> {
    let root = global.project.clone().map_or_else(here, Ok)?;
    let request = InitRequest {
        name: args.name.clone(),
        network: args.network.clone(),
        chain: args.chain,
        rpc: args.rpc.clone(),
        profile: args.profile.clone(),
        broadcast: args.broadcast.clone(),
    };
    let drafted = init::draft(&root, env, clock::now, ui, &request).await?;
    drafted.warnings().iter().for_each(|warning| ui.warn(warning));
    drafted.notes().iter().for_each(|note| ui.note(note));
    let view = drafted.write()?;
    ui.line(format!("Wrote {} with {}.", view.file.display(), counted(view.steps, "step")));
    view.also.iter().for_each(|file| ui.line(format!("Wrote {}.", file.display())));
    ui.note("next: put the steps in order, fill in arguments, then run `tidegate build`");
    ui.result(&view);
    Ok(0)
}
