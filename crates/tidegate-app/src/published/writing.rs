//! Writing what other programs read.

use std::path::PathBuf;

use tidegate_chain::Network;
use tidegate_model::record::{DeploymentRecord, address_books};
use tidegate_model::release::Release;
use tidegate_safe::helper::Recorded;
use tidegate_store::{to_text, write_atomic};

use super::{abis, counted, file, in_order, promoted_record, release_of};
use crate::error::{AppResult, Kind, OrKind};
use crate::project::Project;

/// Writes the record of a testnet, and the address book and ABIs of the newest deployment there.
pub(crate) async fn write_testnet(
    project: &Project,
    (name, network): (&str, &Network),
    record: &DeploymentRecord,
    release: &Release,
) -> AppResult<PathBuf> {
    let records = counted(project, (name, network), record).await?;
    write(project, name, record, release, &records)
}

/// Writes the record of a promotion, and the address book and ABIs of the newest one.
pub(crate) fn write_target(
    project: &Project,
    name: &str,
    record: &DeploymentRecord,
    release: &Release,
    promotions: &[Recorded],
) -> AppResult<PathBuf> {
    let mut known = vec![record.clone()];
    for path in project.layout.records(name).or_kind(Kind::Config)? {
        let found = file(project, &path, Vec::new(), "").found;
        known.extend(promoted_record(promotions, &path, &found));
    }
    write(project, name, record, release, &in_order(promotions, &known))
}

/// `records` are the network's, the oldest first, this one among them.
fn write(
    project: &Project,
    network: &str,
    record: &DeploymentRecord,
    release: &Release,
    records: &[DeploymentRecord],
) -> AppResult<PathBuf> {
    let path = project.layout.record(network, &record.file_name()).or_kind(Kind::Config)?;
    let mut files = vec![(path.clone(), serde_json::to_value(record)?)];
    if let (Some(last), Some(book)) = (records.last(), address_books(records).pop()) {
        let newest = release_of(project, last, (record.release_root, release))?;
        if let Some(newest) = &newest {
            files.extend(abis(project, network, newest)?);
        }
        files.push((project.layout.addresses(network).or_kind(Kind::Config)?, book));
    }
    for (path, content) in files {
        write_atomic(&path, to_text(&content).as_bytes()).or_kind(Kind::Config)?;
    }
    Ok(path)
}
