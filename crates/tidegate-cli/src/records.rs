//! Deployment records in git: claims until the chain confirms them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alloy_primitives::hex;
use tidegate_model::ReleaseRoot;
use tidegate_model::record::DeploymentRecord;
use tidegate_store::{read_limited, to_text, write_atomic};

use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::project::Project;

/// The largest record, in bytes.
const RECORD_BYTES_MAX: u64 = 16 << 20;

/// Every record of a network that can be read.
pub(crate) fn all(project: &Project, network: &str) -> CliResult<Vec<(PathBuf, DeploymentRecord)>> {
    let mut records = Vec::new();
    for path in project.layout.records(network).or_kind(Kind::Config)? {
        let bytes = read_limited(&path, RECORD_BYTES_MAX).or_kind(Kind::Config)?;
        let record: DeploymentRecord = serde_json::from_slice(&bytes).map_err(|error| {
            CliError::config(format!("read record {}: {error}", path.display()))
                .hint("restore it from git")
        })?;
        if record.v != DeploymentRecord::VERSION {
            return Err(CliError::config(format!(
                "record {} has format version {}, which this program does not know",
                path.display(),
                record.v
            )));
        }
        records.push((path, record));
    }
    Ok(records)
}

/// The newest deployment of a release on a network, by its content or by its file's name, so that
/// an edited record does not pass for a missing one.
pub(crate) fn of_release(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Option<DeploymentRecord>> {
    let found = all_of_release(project, network, release)?;
    Ok(found.into_iter().max_by_key(|record| record.id))
}

/// Every deployment of a release on a network.
pub(crate) fn all_of_release(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Vec<DeploymentRecord>> {
    Ok(found(project, network, release)?.into_iter().map(|(_, record)| record).collect())
}

/// A network in this machine's memory: names can change, chains do not.
fn place(project: &Project, network: &str) -> CliResult<String> {
    let id = crate::network::identity(project, network)?.id;
    Ok(format!("{}-{}", id.chain, &hex::encode(id.genesis)[..16]))
}

/// Remembers a record that the chain has confirmed.
pub(crate) fn remember(project: &Project, network: &str, record: &DeploymentRecord) -> CliResult {
    let text = to_text(&serde_json::to_value(record)?);
    let place = place(project, network)?;
    Ok(project.store()?.remember_record(&place, &record.file_name(), text.as_bytes())?)
}

/// The records of a release that this machine has seen confirmed and whose files are gone.
pub(crate) fn gone(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Vec<DeploymentRecord>> {
    let here: BTreeSet<_> =
        project.layout.records(network).or_kind(Kind::Config)?.iter().map(|p| name(p)).collect();
    let mut gone = Vec::new();
    for (file, bytes) in project.store()?.seen_records(&place(project, network)?)? {
        let record: DeploymentRecord = serde_json::from_slice(&bytes)?;
        if record.release_root == release && !here.contains(&file) {
            gone.push(record);
        }
    }
    Ok(gone)
}

/// The last block before another release took the place of this deployment: the one before the
/// first transaction of the next record that has one of its addresses.
pub(crate) fn succeeded_at(
    project: &Project,
    network: &str,
    record: &DeploymentRecord,
) -> CliResult<Option<u64>> {
    let blocks = |record: &DeploymentRecord| {
        let own = record.transactions.iter().filter(|sent| sent.op != "foreign");
        own.map(|sent| sent.block.number).collect::<Vec<_>>()
    };
    let last = blocks(record).into_iter().max().unwrap_or_default();
    let places = |record: &DeploymentRecord| {
        record.deployment.steps.values().map(|place| place.address).collect::<BTreeSet<_>>()
    };
    let own = places(record);
    let next = all(project, network)?.into_iter().map(|(_, other)| other);
    let next = next.filter(|other| {
        other.release_root != record.release_root && !places(other).is_disjoint(&own)
    });
    let first = next.filter_map(|other| blocks(&other).into_iter().filter(|n| *n > last).min());
    Ok(first.min().map(|block| block - 1))
}

fn found(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Vec<(PathBuf, DeploymentRecord)>> {
    let root = format!("-{}-", release.short());
    let mut found = all(project, network)?;
    found.retain(|(path, record)| record.release_root == release || name(path).contains(&root));
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Fields of the newest deployment that disagree with its file's name.
pub(crate) fn name_faults(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Vec<String>> {
    let newest = found(project, network, release)?.into_iter().max_by_key(|(_, r)| r.id);
    let Some((path, record)) = newest else { return Ok(Vec::new()) };
    let file = name(&path);
    let mut faults = Vec::new();
    if !file.starts_with(&format!("{}-", record.name)) {
        faults.push(format!("name: the file is named {file}"));
    }
    if !file.ends_with(&format!("-{}.json", record.id)) {
        faults.push(format!("id: the file is named {file}"));
    }
    Ok(faults)
}

/// Writes a record and the network's address book.
pub(crate) fn write(
    project: &Project,
    network: &str,
    record: &DeploymentRecord,
) -> CliResult<PathBuf> {
    let path = project.layout.record(network, &record.file_name()).or_kind(Kind::Config)?;
    let text = to_text(&serde_json::to_value(record)?);
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    let book = serde_json::json!({
        "release": record.name,
        "releaseRoot": record.release_root,
        "addresses": record.deployment.steps,
        "libraries": record.deployment.libraries,
        "externals": record.deployment.externals,
    });
    let addresses = project.layout.addresses(network).or_kind(Kind::Config)?;
    write_atomic(&addresses, to_text(&book).as_bytes()).or_kind(Kind::Config)?;
    Ok(path)
}
