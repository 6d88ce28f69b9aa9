//! Taking live contracts as the baseline of upgrades.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::Fqn;
use tidegate_plan::{Executor, Start};

use crate::deployment::prepare;
use crate::error::{AppError, AppResult, Kind};
use crate::existing::{Baseline, read_behind};
use crate::project::Project;
use crate::release::Built;

/// The baselines that were taken.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct AdoptView {
    /// Each as its file has it.
    pub adopted: Vec<Baseline>,
    /// Where each stands, and whether only its source text differs from ours.
    #[serde(skip)]
    pub places: Vec<Place>,
}

/// Where a baseline was taken, and what was found there.
#[derive(Debug, Clone, JsonSchema)]
pub struct Place {
    /// The name under `[existing]`.
    pub target: String,
    /// The network's name.
    pub network: String,
    /// The contract of the sources.
    pub reference: Fqn,
    /// Whether the code is the same and the source text is not.
    pub other_text: bool,
    /// The baseline's file.
    pub file: PathBuf,
}

/// Whether the names are known: one under `[existing]`, and a network.
///
/// # Errors
/// If one is not, or nothing stands under `[existing]`.
pub fn require_known(project: &Project, name: Option<&str>, network: Option<&str>) -> AppResult {
    let existing = &project.config.existing;
    if existing.is_empty() {
        return Err(AppError::config("[existing] is empty")
            .hint("[existing.vault] contract = \"VaultV1\", proxy = \"uups\", NETWORK = {…}"));
    }
    if let Some(name) = name.filter(|name| !existing.contains_key(*name)) {
        let known: Vec<_> = existing.keys().map(String::as_str).collect();
        let known = format!("[existing] has: {}", known.join(", "));
        return Err(AppError::usage(format!("`{name}` is not under [existing]")).hint(known));
    }
    network.map_or(Ok(()), |network| project.network(network).map(|_| ()))
}

/// Compares what is behind each proxy on a network with its source, and keeps it as a baseline.
/// Each is in the view once its file is written, also where a later one fails.
///
/// # Errors
/// If other code is there, or the network cannot be read.
pub async fn adopt(
    project: &Project,
    built: &Built,
    (name, executor): (&str, Executor),
    only: Option<&str>,
    view: &mut AdoptView,
) -> AppResult {
    let prepared = prepare(project, built, name, executor, 0)?;
    let network = project.connect_single(name).await?;
    let head = network.latest_head().await?;
    let wanted = |start: &&Start| !start.in_plan && only.is_none_or(|only| only == start.target);
    for start in prepared.resolved.starts.iter().filter(wanted) {
        let found = read_behind(&network, built, start, head.block).await?;
        let faults = found.faults.iter().map(|fault| AppError::new(Kind::Fail, fault.clone()));
        AppError::first(faults).map_err(|error| {
            error.hint("under [existing], name the source of the code that is there now")
        })?;
        let older = Baseline::load(project, name, &start.target)?;
        let baseline = Baseline::of(&network, built, start, &found, head.block)?.after(older);
        view.places.push(Place {
            target: start.target.clone(),
            network: name.to_owned(),
            reference: start.reference.clone(),
            other_text: found.other_text,
            file: baseline.write(project, name)?,
        });
        view.adopted.push(baseline);
    }
    Ok(())
}
