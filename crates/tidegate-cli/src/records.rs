//! Deployment records in git: claims until the chain confirms them.

use std::path::PathBuf;

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

/// The newest deployment of a release on a network.
pub(crate) fn of_release(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> CliResult<Option<DeploymentRecord>> {
    let records = all(project, network)?.into_iter().map(|(_, record)| record);
    Ok(records.filter(|record| record.release_root == release).max_by_key(|record| record.id))
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
