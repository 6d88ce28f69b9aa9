//! Deployment records in git: claims until the chain confirms them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, hex};
use tidegate_chain::Transaction;
use tidegate_model::ReleaseRoot;
use tidegate_model::record::DeploymentRecord;
use tidegate_plan::FrozenOp;
use tidegate_plan::config::{NetworkConfig, Stage};
use tidegate_store::{FileError, SeenRecord, read_json, to_text, write_atomic};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::recalled;

/// The largest record, in bytes.
const RECORD_BYTES_MAX: u64 = 16 << 20;

/// Records with their files.
type Records = Vec<(PathBuf, DeploymentRecord)>;

/// Every record of a network that can be read.
pub(crate) fn all(project: &Project, network: &str) -> AppResult<Records> {
    let mut records = Vec::new();
    for path in project.layout.records(network).or_kind(Kind::Config)? {
        let content = read_json(&path, RECORD_BYTES_MAX).map_err(|error| {
            let is_conflict = matches!(error, FileError::Conflict(_));
            let error = AppError::new(Kind::Config, error);
            error.hint(if is_conflict { ONE_SIDE } else { "restore it from git" })
        })?;
        let record: DeploymentRecord = serde_json::from_value(content).map_err(|error| {
            AppError::config(format!("cannot read record {}: {error}", path.display()))
                .hint("restore it from git")
        })?;
        if record.v != DeploymentRecord::VERSION {
            return Err(AppError::config(format!(
                "record {} has format version {}, which this program does not know",
                path.display(),
                record.v
            )));
        }
        records.push((path, record));
    }
    Ok(records)
}

/// How a record in conflict is settled: two people deployed under one id.
const ONE_SIDE: &str = "take one side whole, `git checkout --ours` or `--theirs`, and deploy the \
                        other again with another --id";

/// Those that count: the records by keys under `[people]`. Whoever else deploys a release, and
/// writes a record of it, says nothing about ours. Where nobody is under `[people]`, all count.
pub(crate) fn own(project: &Project, network: &str) -> AppResult<Records> {
    let mut records = all(project, network)?;
    records.retain(|(_, record)| is_own(project, record));
    Ok(records)
}

/// One that names another executor than the anchor's is an edited one of ours.
pub(crate) fn is_own(project: &Project, record: &DeploymentRecord) -> bool {
    let anchor = record.anchor().map(|anchor| anchor.from);
    is_ours(project, record.deployment.executor) || anchor.is_some_and(|by| is_ours(project, by))
}

/// Whether somebody under `[people]` holds a key, or nobody is there at all.
pub(crate) fn is_ours(project: &Project, key: Address) -> bool {
    let people = people(project);
    people.is_empty() || people.values().any(|person| person.holds(key))
}

/// Records of a release that count for nothing, one sentence each: strangers wrote them, or they
/// are named for it and hold another one.
pub(crate) fn void(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<String>> {
    let mut void = Vec::new();
    for (path, record) in all(project, network)? {
        let (file, by) = (name(&path), record.deployment.executor);
        if record.release_root != release && is_named_for(&path, release) {
            let what = "is named for this release and contains another; restore it from git";
            void.push(format!("deployments/{network}/{file} {what}"));
        } else if record.release_root == release && !is_own(project, &record) {
            let what = "deployed this release and is nobody under [people]; the record does not \
                        count";
            void.push(format!("deployments/{network}/{file}: {by} {what}"));
        }
    }
    Ok(void)
}

/// The newest deployment of a release on a network, by its content or by its file's name, so that
/// an edited record does not pass for a missing one; of those that count.
pub(crate) fn of_release(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Option<DeploymentRecord>> {
    let found = all_of_release(project, network, release)?;
    Ok(found.into_iter().max_by_key(|record| record.id))
}

/// The same; on a target it is the deployment that the network's Safe executed.
pub(crate) fn executed(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Option<DeploymentRecord>> {
    let settings = project.network(network)?;
    if settings.stage != Stage::Mainnet {
        return of_release(project, network, release);
    }
    let mut found = all(project, network)?;
    found.retain(|(_, record)| record.release_root == release && is_by_safe(settings, record));
    Ok(found.into_iter().map(|(_, record)| record).max_by_key(|record| record.id))
}

fn is_by_safe(settings: &NetworkConfig, record: &DeploymentRecord) -> bool {
    Some(record.deployment.executor) == settings.safe
}

/// The newest deployment of another release on a network, by the block of its last transaction: by
/// somebody under `[people]`, on a target by its Safe.
pub(crate) fn earlier(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Option<DeploymentRecord>> {
    Ok(earlier_ones(project, network, release)?.into_iter().next())
}

/// All of them, the newest first.
pub(crate) fn earlier_ones(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<DeploymentRecord>> {
    let settings = project.network(network)?;
    let counts = |record: &DeploymentRecord| match settings.stage {
        Stage::Testnet => is_own(project, record),
        Stage::Mainnet => is_by_safe(settings, record),
    };
    let records = all(project, network)?.into_iter().map(|(_, record)| record);
    let others = records.filter(|record| record.release_root != release && counts(record));
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|record| std::cmp::Reverse(last_block(record)));
    Ok(others)
}

/// The block of a deployment's last transaction, by which the newest is known.
pub(crate) fn last_block(record: &DeploymentRecord) -> u64 {
    record.transactions.iter().map(|sent| sent.block.number).max().unwrap_or_default()
}

/// Every deployment of a release on a network that counts.
pub(crate) fn all_of_release(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<DeploymentRecord>> {
    Ok(found(project, network, release)?.into_iter().map(|(_, record)| record).collect())
}

/// The same; where none counts, the newest one of anybody: whoever is nobody under `[people]` may
/// deploy, and look at it.
pub(crate) fn of_anybody(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Option<DeploymentRecord>> {
    if let Some(own) = of_release(project, network, release)? {
        return Ok(Some(own));
    }
    let all = all(project, network)?.into_iter().map(|(_, record)| record);
    Ok(all.filter(|record| record.release_root == release).max_by_key(|record| record.id))
}

/// A network's chain in this machine's memory: names can change, chains do not.
fn place(project: &Project, network: &str) -> AppResult<String> {
    let id = crate::network::identity(project, network)?.id;
    Ok(format!("{}-{}", id.chain, &hex::encode(id.genesis)[..16]))
}

/// Remembers a record that the chain has confirmed.
pub(crate) fn remember(project: &Project, network: &str, record: &DeploymentRecord) -> AppResult {
    let text = to_text(&serde_json::to_value(record)?);
    let place = place(project, network)?;
    let digest = record.digest()?;
    Ok(project.store()?.remember_record(&place, network, digest, text.as_bytes())?)
}

/// Every record that this machine has seen a network's chain confirm.
fn remembered(project: &Project, network: &str) -> AppResult<Vec<(SeenRecord, DeploymentRecord)>> {
    let seen = project.store()?.seen_records(&place(project, network)?)?;
    seen.into_iter().map(|seen| Ok((seen.clone(), serde_json::from_slice(&seen.json)?))).collect()
}

/// The records that commits before had in a network's folder and that are neither there nor
/// remembered: claims of keys under `[people]`, each deployment once.
pub(crate) fn recalled(project: &Project, network: &str) -> AppResult<Vec<DeploymentRecord>> {
    let mut known: Vec<_> = all(project, network)?.into_iter().map(|(_, here)| here).collect();
    known.extend(remembered(project, network)?.into_iter().map(|(_, seen)| seen));
    let mut found = Vec::new();
    for bytes in recalled::gone_from(project, network) {
        let Ok(record) = serde_json::from_slice::<DeploymentRecord>(&bytes) else { continue };
        let is_read = record.v == DeploymentRecord::VERSION && is_own(project, &record);
        if is_read && !known.iter().any(|known| is_same(known, &record)) {
            known.push(record.clone());
            found.push(record);
        }
    }
    Ok(found)
}

/// Whether a transaction sends just what an operation does.
pub(crate) fn is_of(tx: &Transaction, op: &FrozenOp) -> bool {
    let sent = op.tx();
    tx.to == Some(sent.to) && tx.input == sent.data && tx.value == sent.value
}

/// Whether two records are of one deployment: what it is, and the transaction that anchors it.
fn is_same(a: &DeploymentRecord, b: &DeploymentRecord) -> bool {
    let anchor = |record: &DeploymentRecord| record.anchor().map(|tx| tx.hash);
    a.release_root == b.release_root && a.deployment == b.deployment && anchor(a) == anchor(b)
}

/// Whether this machine has seen the chain confirm the deployment of a record.
pub(crate) fn is_remembered(
    project: &Project,
    network: &str,
    record: &DeploymentRecord,
) -> AppResult<bool> {
    Ok(remembered(project, network)?.iter().any(|(_, seen)| is_same(seen, record)))
}

/// The records of a release that this machine has seen confirmed and that are gone from a network's
/// folder: no file there is of their deployment. Each deployment once. Of a network that has no
/// name any more, a file under any name of its chain will do.
pub(crate) fn gone(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<DeploymentRecord>> {
    let chain = place(project, network)?;
    let networks = project.config.networks.keys();
    let names = networks.filter(|name| place(project, name).is_ok_and(|other| other == chain));
    let names: BTreeSet<String> = names.cloned().collect();
    let mut gone: Vec<DeploymentRecord> = Vec::new();
    for (seen, record) in remembered(project, network)? {
        let is_known = |record| gone.iter().any(|known| is_same(known, record));
        if record.release_root != release || !seen.is_of(network, &names) || is_known(&record) {
            continue;
        }
        let is_named = seen.network.as_deref() == Some(network);
        let folders = names.iter().filter(|name| !is_named || *name == network);
        let mut is_here = false;
        for folder in folders {
            is_here |= all(project, folder)?.iter().any(|(_, here)| is_same(here, &record));
        }
        if !is_here {
            gone.push(record);
        }
    }
    Ok(gone)
}

/// Writes the files of those that are gone, as this machine remembers them: others find them then.
pub(crate) fn restore(project: &Project, target: &str, release: ReleaseRoot) -> AppResult {
    for network in &project.network(target)?.soaks_on {
        for record in gone(project, network, release)? {
            let file = record.file_name();
            let path = project.layout.record(network, &file).or_kind(Kind::Config)?;
            if path.exists() {
                let what = format!("deployments/{network}/{file} is not what was seen here");
                project.front.warn(format!("{what}; restore it from git"));
                continue;
            }
            let text = to_text(&serde_json::to_value(&record)?);
            write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
            project.front.line(format!("restored deployments/{network}/{file}"));
        }
    }
    Ok(())
}

/// The records of other releases on a network by keys under `[people]`: those in git, and those
/// that this machine has seen the chain confirm.
pub(crate) fn of_others(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<DeploymentRecord>> {
    let mut records: Vec<_> =
        all(project, network)?.into_iter().map(|(_, record)| record).collect();
    for (_, seen) in remembered(project, network)? {
        if !records.contains(&seen) {
            records.push(seen);
        }
    }
    let by = |record: &DeploymentRecord| is_ours(project, record.deployment.executor);
    records.retain(|record| record.release_root != release && by(record));
    Ok(records)
}

fn found(project: &Project, network: &str, release: ReleaseRoot) -> AppResult<Records> {
    let mut found = own(project, network)?;
    found.retain(|(path, record)| record.release_root == release || is_named_for(path, release));
    Ok(found)
}

fn is_named_for(path: &Path, release: ReleaseRoot) -> bool {
    name(path).contains(&format!("-{}-", release.short()))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Fields of the newest deployment that disagree with its file's name.
pub(crate) fn name_faults(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<String>> {
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
