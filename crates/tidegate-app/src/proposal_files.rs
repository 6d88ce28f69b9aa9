//! Proposals and their signatures as files.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use tidegate_evidence::KnownTransactions;
use tidegate_model::lookup::Prefix;
use tidegate_safe::{
    Checked, Preimage, SafeState, SignatureSet, helper, read_proposal, read_signature,
};
use tidegate_store::{read_limited, write_atomic};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::relied;

/// A proposal file with the network it lies under.
#[derive(Debug)]
pub struct Found {
    /// The network's name.
    pub network: String,
    /// The proposal, which agrees with itself.
    pub checked: Checked,
}

/// Writes a proposal's file. Returns its path below the project.
pub(crate) fn write(project: &Project, network: &str, checked: &Checked) -> AppResult<PathBuf> {
    let path = project.layout.proposal(network, checked.hash().0).or_kind(Kind::Config)?;
    let text = checked.to_text().or_kind(Kind::Internal)?;
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    remember(project, checked);
    Ok(path.strip_prefix(&project.root).map(PathBuf::from).unwrap_or(path))
}

/// Every proposal of every target that can be read. One that is damaged is named and counts for
/// nothing: it must not hide the others.
pub(crate) fn all(project: &Project) -> AppResult<Vec<Found>> {
    let mut found = Vec::new();
    for (hash, read) in read_all(project)? {
        match read {
            Ok(proposal) => found.push(proposal),
            Err(error) => {
                project.front.warn(format!("proposal {hash}: {error}; it does not count"));
            }
        }
    }
    Ok(found)
}

type Read = (B256, AppResult<Found>);

/// Every proposal file, by the hash that it is named after.
fn read_all(project: &Project) -> AppResult<Vec<Read>> {
    let mut all = Vec::new();
    for (network, _) in project.targets() {
        for (hash, path) in project.layout.proposals(network)? {
            let read = text(&path).and_then(|text| {
                let checked = read_proposal(&name(&path), &text, helper::address());
                checked.map_err(|error| {
                    AppError::new(Kind::Fail, error)
                        .hint(format!("{} is damaged; restore it from git", path.display()))
                })
            });
            let network = network.clone();
            all.push((hash, read.map(|checked| Found { network, checked })));
        }
    }
    Ok(all)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn text(path: &Path) -> AppResult<String> {
    let bytes =
        read_limited(path, tidegate_safe::PROPOSAL_BYTES_MAX as u64).or_kind(Kind::Config)?;
    String::from_utf8(bytes).or_kind(Kind::Config)
}

/// The proposal whose hash begins with this, or the only open one.
///
/// # Errors
/// If there is none or several, it is damaged, or the file names another Safe than this machine
/// relies on.
pub async fn find_trusted(project: &Project, wanted: Option<&str>) -> AppResult<Found> {
    relied::require(project).await?;
    find(project, wanted)
}

/// The same, whichever Safe the file names.
pub(crate) fn find(project: &Project, wanted: Option<&str>) -> AppResult<Found> {
    let wanted = wanted.map(Prefix::parse).transpose()?;
    let mut all = Vec::new();
    for (hash, read) in read_all(project)? {
        let meant = wanted.as_ref().is_none_or(|wanted| wanted.begins(hash));
        match read {
            Ok(found) => all.push(found),
            // Nobody may take another proposal for the one that was damaged.
            Err(error) if meant => return Err(error),
            Err(_) => {}
        }
    }
    let known: Vec<_> = all.iter().map(|found| found.checked.hash().to_string()).collect();
    // Without a name the newest nonce is meant; what came before it is done or void.
    let newest = all.iter().map(|found| found.checked.proposal().safe_tx.nonce).max();
    let matches = |found: &&Found| match &wanted {
        Some(wanted) => wanted.begins(found.checked.hash().0),
        None => Some(found.checked.proposal().safe_tx.nonce) == newest,
    };
    let mut matching = all.iter().filter(matches).map(|found| found.checked.hash());
    let (first, more) = (matching.next(), matching.next());
    match (first, more) {
        (Some(hash), None) => all
            .into_iter()
            .find(|found| found.checked.hash() == hash)
            .ok_or_else(|| AppError::new(Kind::Internal, "a proposal vanished")),
        (None, _) => Err(AppError::usage("there is no such proposal")
            .hint("`tidegate proposal list` shows those that are here; pull, if it is newer")),
        _ => {
            Err(AppError::usage("several proposals; name one by its hash")
                .hint(known.join("\nhint: ")))
        }
    }
}

/// The signatures of a proposal's files that are by present owners.
pub(crate) fn signatures(
    project: &Project,
    found: &Found,
    state: &SafeState,
) -> AppResult<SignatureSet> {
    let hash = found.checked.hash();
    let mut set = SignatureSet::new(hash, state.trust.owners.iter().copied());
    for (_, path) in project.layout.proposal_signatures(&found.network, hash.0)? {
        let name = name(&path);
        let signed = read_signature(&name, &text(&path)?)
            .map_err(|error| error.to_string())
            .and_then(|file| file.verify().map_err(|error| error.to_string()))
            .and_then(|signature| set.add(signature).map_err(|error| error.to_string()));
        if let Err(why) = signed {
            project.front.warn(format!("{name}: {why}; it does not count"));
        }
    }
    if !set.signed().is_empty() {
        remember(project, &found.checked);
    }
    Ok(set)
}

/// Keeps what a proposal's Safe would execute: it stays known after the file is gone. Done for what
/// was made, checked or signed by an owner here, so that files of strangers fill nothing.
pub(crate) fn remember(project: &Project, checked: &Checked) {
    Known(project).keep(checked.hash().0, &Preimage::from(&checked.proposal().safe_tx));
}

/// What files and memory know of a Safe's transactions.
#[derive(Debug)]
pub(crate) struct Known<'a>(pub &'a Project);

impl KnownTransactions for Known<'_> {
    fn candidates(&self, hash: B256) -> Vec<Preimage> {
        let Self(project) = self;
        let seen = project.store().ok().and_then(|store| store.seen_safe_transaction(hash).ok());
        if let Some(tx) = seen.flatten().and_then(|json| serde_json::from_slice(&json).ok()) {
            return vec![tx];
        }
        let networks = project.layout.networks().unwrap_or_default().into_iter();
        let paths = networks.filter_map(|network| project.layout.proposal(&network, hash).ok());
        let texts = paths.filter_map(|path| text(&path).ok());
        texts.filter_map(|text| Preimage::in_proposal(text.as_bytes())).collect()
    }

    /// Where it cannot be kept, it is known from elsewhere now, and missed later, not believed.
    fn keep(&self, hash: B256, tx: &Preimage) {
        let Self(project) = self;
        let kept = serde_json::to_vec(tx)
            .map_err(AppError::from)
            .and_then(|json| Ok(project.store()?.remember_safe_transaction(hash, &json)?));
        if let Err(error) = kept {
            tracing::debug!(%hash, %error, "a Safe's transaction is not remembered");
        }
    }
}
