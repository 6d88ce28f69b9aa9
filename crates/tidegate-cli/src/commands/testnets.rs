//! `tidegate status` of a project without a target.

use tidegate_app::error::{AppError, AppResult};
use tidegate_app::release::Built;
use tidegate_app::view::TestnetsView;
use tidegate_plan::config::Stage;

use super::status::{StatusArgs, gate, interruptions, next_rows, soak_bar};
use crate::context::Context;
use crate::exit;

/// Whether a project has testnets alone.
pub(super) fn are_all(project: &Context) -> bool {
    project.config.networks.values().all(|network| network.stage == Stage::Testnet)
}

pub(super) async fn run(project: &Context, built: &Built, args: &StatusArgs) -> AppResult<u8> {
    if args.explain || args.report.is_some() || args.watch || args.sample {
        let text = "--explain, --report, --watch and --sample speak of a target";
        return Err(AppError::usage(text).hint("tidegate.toml has testnets alone"));
    }
    let view = TestnetsView::read(project, built).await?;
    let ui = &project.ui;
    ui.line(format!("{}   release {}", view.release, view.release_root.short()));
    for testnet in &view.testnets {
        ui.line("");
        ui.line(&testnet.network);
        if let Some(soak) = &testnet.soak {
            ui.line(soak_bar(soak));
            interruptions(ui, soak);
        }
        testnet.gates.iter().for_each(|view| gate(ui, view));
    }
    next_rows(ui, &view.next);
    ui.result(&view);
    Ok(if args.check { exit::of(&view.overall) } else { 0 })
}
