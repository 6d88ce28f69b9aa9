//! Files that other programs read: where contracts stand, and what they are called. They are
//! written once a deployment is done, and compared whenever a network is read back.

mod behind;
mod writing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate_chain::Network;
use tidegate_evidence::{Borne, borne_out};
use tidegate_gates::{FileFact, Findings, Published, published};
use tidegate_model::record::{Deployment, DeploymentRecord, address_books};
use tidegate_model::release::Release;
use tidegate_model::{Head, Reason, ReasonCode, ReleaseRoot};
use tidegate_safe::helper::{PromotionRecord, Recorded};
use tidegate_store::{FileError, read_json};

use self::behind::Later;
pub(crate) use self::writing::{write_target, write_testnet};
use crate::error::{AppResult, Kind, OrKind};
use crate::project::Project;
use crate::records;
use crate::release::{Built, stored_build};

/// The largest of these files, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The release of a record: the one at hand, or a built one of the store.
fn release_of(
    project: &Project,
    record: &DeploymentRecord,
    (root, release): (ReleaseRoot, &Release),
) -> AppResult<Option<Release>> {
    if record.release_root == root {
        return Ok(Some(release.clone()));
    }
    let build = record.deployment.build_digest;
    Ok(stored_build(project, record.release_root, build)?.map(|built| built.release))
}

/// The ABI of each step that has a contract, with its file.
fn abis(project: &Project, network: &str, release: &Release) -> AppResult<Vec<(PathBuf, Value)>> {
    let mut abis = Vec::new();
    for step in release.plan.steps.iter() {
        let artifact = step.contract().and_then(|(contract, _)| release.artifact(contract));
        let Some(artifact) = artifact else { continue };
        let path = project.layout.abi(network, &step.name).or_kind(Kind::Config)?;
        abis.push((path, serde_json::to_value(&artifact.abi)?));
    }
    Ok(abis)
}

/// A file beside what it may hold.
fn file(project: &Project, path: &Path, may_hold: Vec<Value>, anew: &str) -> Published {
    let found = match read_json(path, FILE_BYTES_MAX) {
        Ok(content) => FileFact::Holds(content),
        Err(FileError::Missing(_)) => FileFact::Missing,
        Err(error) => FileFact::Unreadable(tidegate_chain::escape(&error.to_string())),
    };
    let shown = path.strip_prefix(&project.root).unwrap_or(path).display().to_string();
    Published { path: shown, found, may_hold, anew: anew.to_owned() }
}

fn abi_files(
    project: &Project,
    network: &str,
    release: &Release,
    anew: &str,
) -> AppResult<Vec<Published>> {
    let abis = abis(project, network, release)?.into_iter();
    Ok(abis.map(|(path, abi)| file(project, &path, vec![abi], anew)).collect())
}

/// The files of a testnet. Its address book may be that after any deployment there that counts: a
/// newer one may not be pulled yet.
pub(crate) async fn on_testnet(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    record: &DeploymentRecord,
    deployment: &Deployment,
) -> AppResult<Findings> {
    let anew = format!(
        "restore it from git, or run `tidegate deploy {name} --id {}` again, which writes it and \
         sends nothing",
        record.id
    );
    let release_root = built.roots.release_root;
    let (release_name, deployment) = (built.release.name.clone(), deployment.clone());
    let ours = DeploymentRecord { name: release_name, release_root, deployment, ..record.clone() };
    let mut records = counted(project, (name, network), &ours).await?;
    // The name is in no digest: another version of the same release is the same deployment.
    let mut books = Vec::new();
    for own in names(project, name, (&ours, &record.name))? {
        let is_ours =
            |of: &&mut DeploymentRecord| (of.release_root, of.id) == (release_root, ours.id);
        records.iter_mut().filter(is_ours).for_each(|of| of.name.clone_from(&own));
        books.extend(address_books(&records).into_iter().rev());
    }
    records.reverse();
    let path = project.layout.addresses(name).or_kind(Kind::Config)?;
    let book = file(project, &path, books, &anew);
    let found = match &book.found {
        FileFact::Holds(found) => book.may_hold.iter().position(|book| book == found),
        _ => None,
    };
    let of = &records[found.unwrap_or_default() % records.len()];
    let mut files = vec![book];
    if let Some(release) = release_of(project, of, (release_root, &built.release))? {
        files.extend(abi_files(project, name, &release, &anew)?);
    }
    Ok(published(&files))
}

/// The names of a deployment: the present one, and those of its records.
fn names(
    project: &Project,
    network: &str,
    (ours, recorded): (&DeploymentRecord, &str),
) -> AppResult<Vec<String>> {
    let mut names = vec![ours.name.clone(), recorded.to_owned()];
    let all = records::all_of_release(project, network, ours.release_root)?.into_iter();
    names.extend(all.filter(|record| record.id == ours.id).map(|record| record.name));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

/// The deployments of a testnet that count and that its chain shows, the oldest first, with this
/// one of ours among them.
async fn counted(
    project: &Project,
    (name, network): (&str, &Network),
    ours: &DeploymentRecord,
) -> AppResult<Vec<DeploymentRecord>> {
    let mut counted = vec![ours.clone()];
    for (_, record) in records::own(project, name)? {
        let is_ours = (record.release_root, record.id) == (ours.release_root, ours.id);
        if !is_ours && borne_out(network, &record).await? != Borne::Nothing {
            counted.push(record);
        }
    }
    let last = |record: &DeploymentRecord| {
        record.transactions.iter().map(|tx| (tx.block.number, tx.nonce)).max()
    };
    counted.sort_by_key(last);
    Ok(counted)
}

/// What a Safe has promoted to a target, beside its files.
#[derive(Debug)]
pub(crate) struct OnTarget<'a> {
    pub name: &'a str,
    pub built: &'a Built,
    /// The block that `promotions` were read at.
    pub head: Head,
    /// What the Safe has recorded, newest first.
    pub promotions: &'a [Recorded],
    /// The record of `built`, if its execution was found.
    pub record: Option<&'a DeploymentRecord>,
}

impl OnTarget<'_> {
    /// Compares each record there with what the Safe recorded; address book and ABIs are of what it
    /// promoted last.
    pub(crate) fn findings(&self, project: &Project) -> AppResult<Findings> {
        let Self { name, built, promotions, record, head } = *self;
        let layout = &project.layout;
        let named = self.own_name(project)?;
        let renamed =
            record.map(|record| DeploymentRecord { name: named.clone(), ..record.clone() });
        let record = renamed.as_ref();
        let nothing = format!("belongs to nothing that the Safe promoted to {name}; delete it");
        let (mut files, mut known, mut later) = (Vec::new(), Vec::new(), Vec::new());
        let own = self.own_path(project, &named)?;
        if let (Some(path), Some(record)) = (&own, record) {
            files.push(file(project, path, vec![serde_json::to_value(record)?], &anew(record)));
            known.push(record.clone());
        }
        for path in layout.records(name).or_kind(Kind::Config)? {
            if record.is_some() && own.as_ref() == Some(&path) {
                continue;
            }
            let mut found = file(project, &path, Vec::new(), &nothing);
            match promoted_record(promotions, &path, &found.found) {
                Some(record) => known.push(record),
                None if matches!(found.found, FileFact::Unreadable(_)) => {
                    "restore it from git".clone_into(&mut found.anew);
                    files.push(found);
                }
                None => match Later::of(head, &path, &found.found) {
                    Some(of) => later.push(of),
                    None => files.push(found),
                },
            }
        }
        if let Some(path) = own.filter(|path| record.is_none() && !path.exists()) {
            files.push(file(project, &path, vec![Value::Null], EXECUTE));
        }
        let book = layout.addresses(name).or_kind(Kind::Config)?;
        let mut missing: Vec<_> = later.iter().map(|later| later.reason(name, head)).collect();
        match promotions.first() {
            None => {
                let books = behind::books(Vec::new(), later);
                files.push(file(project, &book, books, &nothing));
            }
            Some(last) => match known.iter().find(|record| is_of(record, &last.record)) {
                Some(record) => {
                    let is_last = later.is_empty();
                    let books = behind::books(in_order(promotions, &known), later);
                    files.push(file(project, &book, books, &anew(record)));
                    let ours = (built.roots.release_root, &built.release);
                    // Those of a later release are not known here.
                    let release = release_of(project, record, ours)?.filter(|_| is_last);
                    if let Some(release) = release {
                        files.extend(abi_files(project, name, &release, &anew(record))?);
                    }
                }
                None => {
                    let text = format!(
                        "deployments/{name}/addresses.json cannot be compared: no record is here \
                         of release {}, which the Safe promoted last; restore it from git",
                        last.record.release_root.short()
                    );
                    missing.push(Reason::new(ReasonCode::FileNotCompared, text));
                }
            },
        }
        let mut findings = published(&files);
        findings.missing.extend(missing);
        Ok(findings)
    }

    /// The name under which `built` was promoted, where a record of that is here: a version that
    /// was raised since, and nothing else, makes it no other release.
    fn own_name(&self, project: &Project) -> AppResult<String> {
        let Self { name, built, promotions, .. } = *self;
        let mut named = None;
        for path in project.layout.records(name).or_kind(Kind::Config)? {
            let found = file(project, &path, Vec::new(), "").found;
            let of = promoted_record(promotions, &path, &found);
            let Some(of) = of.filter(|of| of.release_root == built.roots.release_root) else {
                continue;
            };
            if of.name == built.release.name {
                return Ok(of.name);
            }
            named = Some(of.name);
        }
        Ok(named.unwrap_or_else(|| built.release.name.clone()))
    }

    /// Where the record of `built` belongs, if the Safe has promoted it.
    fn own_path(&self, project: &Project, named: &str) -> AppResult<Option<PathBuf>> {
        let root = self.built.roots.release_root;
        if !self.promotions.iter().any(|promotion| promotion.record.release_root == root) {
            return Ok(None);
        }
        let file = DeploymentRecord::file_name_of(named, root, 0);
        Ok(Some(project.layout.record(self.name, &file).or_kind(Kind::Config)?))
    }
}

/// The record of a file, if the Safe has promoted what it says.
fn promoted_record(
    promotions: &[Recorded],
    path: &Path,
    found: &FileFact,
) -> Option<DeploymentRecord> {
    let FileFact::Holds(content) = found else { return None };
    let record: DeploymentRecord = serde_json::from_value(content.clone()).ok()?;
    let is_promoted = promotions.iter().any(|by| is_of(&record, &by.record));
    let named = path.file_name()?.to_str()? == record.file_name();
    (is_promoted && named).then_some(record)
}

/// The records of these promotions, which are the newest first, in the order of promotion.
fn in_order(promotions: &[Recorded], records: &[DeploymentRecord]) -> Vec<DeploymentRecord> {
    let of = |by: &Recorded| records.iter().find(|record| is_of(record, &by.record)).cloned();
    promotions.iter().rev().filter_map(of).collect()
}

/// How a promotion's files are made anew where its execution was not found.
const EXECUTE: &str = "`tidegate proposal execute` on that promotion writes it anew";

/// The same by the hash of its Safe transaction.
fn anew(record: &DeploymentRecord) -> String {
    let hash = record.transactions.iter().find_map(|tx| tx.op.strip_prefix("execute/"));
    let exact = |hash| format!("`tidegate proposal execute {hash}` writes it anew");
    hash.map_or_else(|| EXECUTE.to_owned(), exact)
}

fn is_of(record: &DeploymentRecord, promotion: &PromotionRecord) -> bool {
    let digest = record.deployment.digest();
    record.release_root == promotion.release_root
        && digest.is_ok_and(|digest| digest == promotion.deployment_digest)
}
