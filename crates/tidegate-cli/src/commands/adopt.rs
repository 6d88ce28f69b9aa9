//! `tidegate adopt`.

use clap::Args;
use tidegate_app::adopt::{AdoptView, Place, adopt, require_known};
use tidegate_app::error::AppResult;
use tidegate_app::existing::Baseline;
use tidegate_app::release::select;

use crate::commands::plan::executor;
use crate::context::Context;

/// Adopt live contracts as the baseline for upgrades
///
/// Rebuilds the source named under `[existing]`, compares it with the code behind each proxy on
/// each network, and stores code and storage layout beside the records. Upgrades are compared with
/// this baseline.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// A name under [existing]; default: all
    name: Option<String>,
    /// Only on this network; default: every network on which it has an address
    #[arg(long)]
    network: Option<String>,
}

pub(crate) async fn run(project: &Context, args: &AdoptArgs) -> AppResult<u8> {
    require_known(project, args.name.as_deref(), args.network.as_deref())?;
    let mut view = AdoptView::default();
    let outcome = each(project, args, &mut view).await;
    if !view.adopted.is_empty() || outcome.is_ok() {
        project.ui.note("commit the baselines; `tidegate plan` shows the upgrade");
        project.ui.result(&view);
    }
    outcome.map(|()| 0)
}

/// Adopts on one network after the other, and shows what was written before the next one is asked,
/// also where it broke off.
async fn each(project: &Context, args: &AdoptArgs, view: &mut AdoptView) -> AppResult {
    let existing = &project.config.existing;
    let built = select(project, None)?;
    for network in project.config.networks.keys() {
        let wanted = args.network.as_ref().is_none_or(|only| only == network);
        if wanted && existing.values().any(|e| e.networks.contains_key(network)) {
            let place = (network.as_str(), executor(project, network)?);
            let before = view.adopted.len();
            let outcome = adopt(project, &built, place, args.name.as_deref(), view).await;
            let taken = view.places.iter().zip(&view.adopted).skip(before);
            taken.for_each(|(place, found)| show(project, place, found));
            outcome?;
        }
    }
    Ok(())
}

fn show(project: &Context, place: &Place, baseline: &Baseline) {
    let ui = &project.ui;
    let Place { target, network, reference, other_text, file } = place;
    ui.line(format!("@{target} on {network} is {reference}"));
    ui.row("proxy", &baseline.address.to_string());
    ui.row("implementation", &baseline.implementation.to_string());
    for (immutable, value) in &baseline.immutables {
        ui.row(immutable, value);
    }
    if *other_text {
        ui.warn(format!(
            "the code is the same, but not the source text: metadata of {reference} differs"
        ));
    }
    let shown = file.strip_prefix(&project.root).unwrap_or(file);
    ui.row("baseline", &shown.display().to_string());
}
