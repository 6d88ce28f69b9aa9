//! `tidegate adopt`.

use clap::Args;
use serde_json::json;
use tidegate_app::deployment::prepare;
use tidegate_app::error::{AppError, AppResult, Kind};
use tidegate_app::existing::{Baseline, behind};
use tidegate_app::release::{Built, built};
use tidegate_plan::Start;

use crate::commands::plan::executor;
use crate::context::Context;

/// Take live contracts as the baseline of upgrades
///
/// Rebuilds the source that `[existing]` names, compares it with what is behind each proxy on each
/// network, and keeps code and storage layout beside the records. An upgrade is compared with it.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// A name under [existing]; default: all
    name: Option<String>,
    /// Only on this network; default: all that the name has an address on
    #[arg(long)]
    network: Option<String>,
}

pub(crate) async fn run(project: &Context, args: &AdoptArgs) -> AppResult<u8> {
    let existing = &project.config.existing;
    if existing.is_empty() {
        return Err(AppError::config("nothing stands under [existing]")
            .hint("[existing.vault] contract = \"VaultV1\", proxy = \"uups\", NETWORK = {…}"));
    }
    if let Some(name) = args.name.as_ref().filter(|name| !existing.contains_key(*name)) {
        let known: Vec<_> = existing.keys().map(String::as_str).collect();
        let known = format!("under [existing] stand: {}", known.join(", "));
        return Err(AppError::usage(format!("`{name}` is not under [existing]")).hint(known));
    }
    if let Some(network) = &args.network {
        project.network(network)?;
    }
    let built = built(project, None)?;
    let mut adopted = Vec::new();
    for network in project.config.networks.keys() {
        let wanted = args.network.as_ref().is_none_or(|only| only == network);
        if wanted && existing.values().any(|e| e.networks.contains_key(network)) {
            adopted.extend(adopt(project, &built, network, args.name.as_deref()).await?);
        }
    }
    project.ui.note("commit the baselines; `tidegate plan` shows the upgrade");
    project.ui.result(&json!({ "adopted": adopted }));
    Ok(0)
}

async fn adopt(
    project: &Context,
    built: &Built,
    name: &str,
    only: Option<&str>,
) -> AppResult<Vec<Baseline>> {
    let prepared = prepare(project, built, name, executor(project, name)?, 0)?;
    let network = project.connect_single(name).await?;
    let head = network.latest_head().await?;
    let ui = &project.ui;
    let mut adopted = Vec::new();
    let wanted = |start: &&Start| !start.in_plan && only.is_none_or(|only| only == start.target);
    for start in prepared.resolved.starts.iter().filter(wanted) {
        let found = behind(&network, built, start, head.block).await?;
        if let Some(first) = found.faults.first() {
            let mut error = AppError::new(Kind::Fail, first.clone());
            for fault in &found.faults[1..] {
                error = error.hint(format!("also: {fault}"));
            }
            return Err(error.hint("name the source of what is there now under [existing]"));
        }
        let baseline = Baseline::of(&network, built, start, &found, head.block)?;
        let path = baseline.write(project, name)?;
        ui.line(format!("@{} on {name} is {}", start.target, start.reference));
        ui.row("proxy", &start.address.to_string());
        ui.row("implementation", &found.implementation.to_string());
        for (immutable, value) in &baseline.immutables {
            ui.row(immutable, value);
        }
        if found.other_text {
            ui.warn(format!(
                "the code is the same, but not the source text: metadata of {} differs",
                start.reference
            ));
        }
        let shown = path.strip_prefix(&project.root).unwrap_or(&path);
        ui.row("baseline", &shown.display().to_string());
        adopted.push(baseline);
    }
    Ok(adopted)
}
