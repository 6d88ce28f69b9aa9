//! `tidegate deploy`.

use clap::Args;
use tidegate_app::deploy::{self, DeployRequest, Done, HelperPlace, Testnet};
use tidegate_app::error::AppResult;
use tidegate_app::release::select_for_testnet;
use tidegate_app::view::{DeployView, HelperView};

use crate::context::Context;
use crate::signer::{LazySigner, named};
use crate::ui::Ui;

/// Deploy a release to a testnet and start its soak
///
/// Each transaction is signed and journaled before it is first sent. After an interruption, run the
/// same command again: it continues where it stopped. The last transaction is the soak's anchor.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The network; default: the only testnet
    network: Option<String>,
    /// Deploy only the helper contract, on this network or on the only target
    #[arg(long)]
    helper: bool,
    /// The release; default: the release that the working tree builds
    #[arg(long, conflicts_with = "helper")]
    release: Option<String>,
    /// The deployment id; each gives different addresses. Default: the recorded one, or 0
    #[arg(long, conflicts_with = "helper")]
    id: Option<u64>,
    /// Make this call again, though the deployer made it before; repeat it for others
    #[arg(long, value_name = "CALL", conflicts_with = "helper")]
    again: Vec<String>,
    /// Treat this chain id as a testnet, if Tidegate does not know it
    #[arg(long, value_name = "CHAIN")]
    testnet: Option<u64>,
}

pub(crate) async fn run(project: &Context, args: &DeployArgs) -> AppResult<u8> {
    if args.helper {
        return create_helper(project, args).await;
    }
    let name = Testnet::name(project, args.network.as_deref(), args.testnet)?;
    let built = select_for_testnet(project, args.release.as_deref())?;
    let key = named(&project.global, project.network(&name)?.deployer.as_deref())?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    let testnet = Testnet::of(project, Some(&name), args.testnet).await?;
    let request = DeployRequest { id: args.id, again: args.again.clone() };
    let frozen = deploy::freeze(project, &testnet, &built, &signer, &request).await?;
    if frozen.begun_before() {
        project.ui.note("this plan was approved before; it continues where it stopped");
    }
    let was_complete = frozen.is_complete();
    let approved = frozen.approve()?;
    let ui = project.ui.clone();
    let mut report = |done: &Done| {
        if !was_complete {
            show_done(&ui, done);
        }
    };
    let view = approved.run(&mut report).await?;
    finish(&ui, &view);
    Ok(0)
}

fn show_done(ui: &Ui, done: &Done) {
    let op = &done.op;
    ui.note(match done.landed {
        Some((block, gas)) => format!("  {op:<26} block {block:<9} {gas:>9} gas"),
        None => format!("  {op:<26} exists already"),
    });
}

fn finish(ui: &Ui, view: &DeployView) {
    let DeployView { release, network, .. } = view;
    ui.line(match &view.again {
        Some(call) => format!("{release} was deployed on {network} already; {call} is made again."),
        None if view.was_complete => {
            format!("{release} was deployed on {network} already; nothing was sent.")
        }
        None => format!("{release} is deployed on {network}; its soak has started."),
    });
    for (step, place) in &view.steps {
        ui.row(step, &place.address.to_string());
    }
    for (library, address) in &view.libraries {
        ui.row(library.name(), &address.to_string());
    }
    ui.row("anchor", &view.anchor.to_string());
    ui.row("record", &view.record.display().to_string());
    ui.note("commit the record; `tidegate status` shows the soak");
    for target in &view.starts {
        ui.note(format!(
            "once it is final, post its start: `tidegate record start --target {target}`"
        ));
    }
    ui.result(view);
}

/// Creates the helper contract where it is missing.
async fn create_helper(project: &Context, args: &DeployArgs) -> AppResult<u8> {
    let place = HelperPlace::of(project, args.network.as_deref(), args.testnet).await?;
    let settings = project.network(place.name())?;
    if place.is_empty().await? {
        let pays = settings.relayer.as_deref().or(settings.deployer.as_deref());
        let key = named(&project.global, pays)?;
        let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
        place.create(project, &signer).await?;
    }
    let view = HelperView::on(place.name());
    project.ui.line(format!("The helper contract is at {} on {}.", view.helper, place.name()));
    project.ui.result(&view);
    Ok(0)
}
