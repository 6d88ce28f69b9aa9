//! Deployments whose records are here and that their chain does not have: it was begun anew, as a
//! local one is at each start, or its endpoint is behind.

use tidegate_chain::{Network, is_known_testnet};
use tidegate_evidence::is_wiped;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{ReasonCode, ReleaseRoot};
use tidegate_plan::config::Stage;

use crate::error::{AppError, AppResult, Kind};
use crate::follow;
use crate::project::Project;
use crate::records;
use crate::release::Built;

/// Refuses to judge a deployment that its testnet does not have: what stands there by now says
/// nothing of it.
pub(crate) async fn require_there(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    record: &DeploymentRecord,
) -> AppResult {
    if !is_wiped(network, record).await? {
        return Ok(());
    }
    let mut ways = followed(project, (name, network), built, record.id).await?;
    ways.push(command(project, name, &built.release.name, None)?);
    let text = format!("{}; run {} to deploy it again", nothing(&record.name, name), then(&ways));
    Err(AppError::new(Kind::Unknown, text).coded(ReasonCode::TransactionGone))
}

/// Refuses a plan on a testnet that has nothing of what it follows, with the commands that bring
/// that back.
pub(crate) async fn require_followed(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    id: u64,
) -> AppResult {
    let Some(chain) = follow::of(project, built)? else { return Ok(()) };
    let ways = followed(project, (name, network), built, id).await?;
    if ways.is_empty() {
        return Ok(());
    }
    let text = format!("cannot go on: {}", nothing(&chain.followed.name, name));
    let way = format!("to deploy again what is followed, run {}; then this again", then(&ways));
    Err(AppError::new(Kind::Fail, text).hint(way))
}

/// The newest deployment of another release on a network that its chain has.
pub(crate) async fn earlier(
    project: &Project,
    (name, network): (&str, &Network),
    release: ReleaseRoot,
) -> AppResult<Option<DeploymentRecord>> {
    for record in records::earlier_ones(project, name, release)? {
        if !is_wiped(network, &record).await? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// These records without those that their chain does not have.
pub(crate) async fn there(
    network: &Network,
    records: impl IntoIterator<Item = DeploymentRecord>,
) -> AppResult<Vec<DeploymentRecord>> {
    let mut there = Vec::new();
    for record in records {
        if !is_wiped(network, &record).await? {
            there.push(record);
        }
    }
    Ok(there)
}

fn nothing(of: &str, name: &str) -> String {
    format!(
        "{name} has nothing of {of}, which was deployed there: the chain was begun anew, or its \
         endpoint is behind"
    )
}

/// The commands that deploy again what a deployment follows and its chain does not have, the oldest
/// first.
async fn followed(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    id: u64,
) -> AppResult<Vec<String>> {
    let Some(chain) = follow::of(project, built)? else { return Ok(Vec::new()) };
    if project.network(name)?.stage != Stage::Testnet {
        return Ok(Vec::new());
    }
    let mut ways = Vec::new();
    let mut own = Some((built.roots.release_root, id));
    for kept in chain.releases.iter().rev() {
        let root = kept.roots.release_root;
        let Some(record) = follow::recorded_of(project, name, root, own)? else { break };
        own = Some((root, record.id));
        if is_wiped(network, &record).await? {
            let newest = records::of_release(project, name, root)?.map(|newest| newest.id);
            let id = (newest != Some(record.id)).then_some(record.id);
            ways.push(command(project, name, &record.name, id)?);
        }
    }
    ways.reverse();
    Ok(ways)
}

/// What deploys a release, as it is typed.
pub(crate) fn command(
    project: &Project,
    name: &str,
    release: &str,
    id: Option<u64>,
) -> AppResult<String> {
    let mut command = format!("tidegate deploy {name}");
    if *release != *project.config.release_name() {
        command += &format!(" --release {release}");
    }
    if let Some(id) = id {
        command += &format!(" --id {id}");
    }
    let chain = project.network(name)?.chain;
    if !is_known_testnet(chain) {
        command += &format!(" --testnet {chain}");
    }
    Ok(command)
}

fn then(ways: &[String]) -> String {
    let ways: Vec<_> = ways.iter().map(|way| format!("`{way}`")).collect();
    ways.join(", then ")
}
