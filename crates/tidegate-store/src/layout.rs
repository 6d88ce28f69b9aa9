use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256};
use tidegate_model::shared::{
    DEPLOYMENTS, FINDINGS, RELEASES, SCOPES, STATEMENTS, SharedFile, is_network, is_plain,
    is_record_name, parse_hash, policy_version,
};
use tidegate_model::{ReleaseRoot, ScopeRoot, StatementDigest};

use crate::files::{FileError, read_error, refuse_link};

/// The deepest nesting of folders below `deployments/`.
const DEPTH_MAX: usize = 3;
/// The most entries a folder may have.
const ENTRIES_MAX: usize = 100_000;

/// The paths of a project's files. They are computed; only the listings read folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder with `tidegate.toml`.
    pub project_root: PathBuf,
}

/// A name that would not be one plain file or folder name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The name of a network.
    #[error(
        "cannot use {0:?} as a network's name: it must be letters, digits and `._-`, begin with a \
         letter or digit, and not be `statements`, `scopes`, `findings` or `releases`"
    )]
    Network(String),
    /// The name of a file.
    #[error(
        "cannot use {0:?} as a file name: it must be letters, digits and `._-`, and begin with a \
         letter or digit"
    )]
    File(String),
}

impl Layout {
    /// The layout of the project in this folder.
    pub fn new(project_root: impl Into<PathBuf>) -> Self {
        Self { project_root: project_root.into() }
    }

    /// `tidegate.toml`.
    pub fn config(&self) -> PathBuf {
        self.project_root.join("tidegate.toml")
    }

    /// `deployments/bundle.toml`: the configuration of a bundle that was taken in this folder. It
    /// counts only where there is no `tidegate.toml`, and nothing is compiled under it.
    pub fn bundle_config(&self) -> PathBuf {
        self.deployments_dir().join("bundle.toml")
    }

    /// Refuses links where files decide something or are written: the configuration, and
    /// everything below `deployments/`. One could lead anywhere on this machine.
    ///
    /// # Errors
    /// [`FileError::Link`] names the first one; [`FileError`] if a folder cannot be listed.
    pub fn refuse_links(&self) -> Result<(), FileError> {
        refuse_link(&self.config())?;
        refuse_link(&self.deployments_dir())?;
        let mut folders = vec![self.deployments_dir()];
        for _ in 0..DEPTH_MAX {
            let mut below = Vec::new();
            for folder in folders {
                for entry in entries(&folder)? {
                    let path = entry.path();
                    let kind = entry.file_type().map_err(|source| read_error(&path, source))?;
                    if kind.is_symlink() {
                        return Err(FileError::Link(path));
                    }
                    if kind.is_dir() {
                        below.push(path);
                    }
                }
            }
            folders = below;
        }
        Ok(())
    }

    /// `deployments/`, where everything of it lies.
    pub fn deployments_dir(&self) -> PathBuf {
        self.project_root.join(DEPLOYMENTS)
    }

    /// `deployments/statements/`.
    pub(crate) fn statements_dir(&self) -> PathBuf {
        self.deployments_dir().join(STATEMENTS)
    }

    /// `deployments/statements/<digest>.json`.
    pub fn statement(&self, digest: StatementDigest) -> PathBuf {
        self.statements_dir().join(format!("{digest}.json"))
    }

    /// `deployments/scopes/<scopeRoot>.json`: the preimage of a scope root.
    pub fn scope(&self, root: ScopeRoot) -> PathBuf {
        self.deployments_dir().join(SCOPES).join(format!("{root}.json"))
    }

    /// `deployments/findings/<digest>.sarif`: what an audit found.
    pub fn findings(&self, digest: B256) -> PathBuf {
        self.deployments_dir().join(FINDINGS).join(format!("{digest}.sarif"))
    }

    /// `deployments/releases/<releaseRoot>.json`: a release that another one follows.
    pub fn release(&self, root: ReleaseRoot) -> PathBuf {
        self.deployments_dir().join(RELEASES).join(format!("{root}.json"))
    }

    /// `deployments/<network>/`.
    ///
    /// # Errors
    /// [`LayoutError::Network`] if the name would leave the folder or hide in it.
    pub(crate) fn network_dir(&self, network: &str) -> Result<PathBuf, LayoutError> {
        match is_network(network) {
            true => Ok(self.deployments_dir().join(network)),
            false => Err(LayoutError::Network(network.to_owned())),
        }
    }

    /// `deployments/<network>/<file name>`: a deployment record, named by
    /// `DeploymentRecord::file_name`.
    ///
    /// # Errors
    /// [`LayoutError`] if a name is not plain, or the file name is not a record's.
    pub fn record(&self, network: &str, file_name: &str) -> Result<PathBuf, LayoutError> {
        let folder = self.network_dir(network)?;
        if is_plain(file_name) && is_record_name(file_name) {
            Ok(folder.join(file_name))
        } else {
            Err(LayoutError::File(file_name.to_owned()))
        }
    }

    /// `deployments/<network>/policy-<version>.json`.
    ///
    /// # Errors
    /// [`LayoutError::Network`].
    pub fn policy(&self, network: &str, version: u64) -> Result<PathBuf, LayoutError> {
        Ok(self.network_dir(network)?.join(format!("policy-{version}.json")))
    }

    /// `deployments/<network>/addresses.json`.
    ///
    /// # Errors
    /// [`LayoutError::Network`].
    pub fn addresses(&self, network: &str) -> Result<PathBuf, LayoutError> {
        Ok(self.network_dir(network)?.join("addresses.json"))
    }

    /// `deployments/<network>/existing/<name>.json`: a live contract as it was adopted.
    ///
    /// # Errors
    /// [`LayoutError`] if a name is not plain.
    pub fn existing(&self, network: &str, name: &str) -> Result<PathBuf, LayoutError> {
        let folder = self.network_dir(network)?.join("existing");
        match is_plain(name) {
            true => Ok(folder.join(format!("{name}.json"))),
            false => Err(LayoutError::File(name.to_owned())),
        }
    }

    /// `deployments/<network>/abi/<name>.json`.
    ///
    /// # Errors
    /// [`LayoutError`] if a name is not plain.
    pub fn abi(&self, network: &str, name: &str) -> Result<PathBuf, LayoutError> {
        let folder = self.network_dir(network)?.join("abi");
        match is_plain(name) {
            true => Ok(folder.join(format!("{name}.json"))),
            false => Err(LayoutError::File(name.to_owned())),
        }
    }

    /// `deployments/<network>/proposals/`.
    ///
    /// # Errors
    /// [`LayoutError::Network`].
    pub(crate) fn proposals_dir(&self, network: &str) -> Result<PathBuf, LayoutError> {
        Ok(self.network_dir(network)?.join("proposals"))
    }

    /// `deployments/<network>/proposals/<safeTxHash>.json`.
    ///
    /// # Errors
    /// [`LayoutError::Network`].
    pub fn proposal(&self, network: &str, safe_tx_hash: B256) -> Result<PathBuf, LayoutError> {
        Ok(self.proposals_dir(network)?.join(format!("{safe_tx_hash}.json")))
    }

    /// `deployments/<network>/proposals/<safeTxHash>.<owner>.json`, the owner with its checksum.
    ///
    /// # Errors
    /// [`LayoutError::Network`].
    pub fn proposal_signature(
        &self,
        network: &str,
        safe_tx_hash: B256,
        owner: Address,
    ) -> Result<PathBuf, LayoutError> {
        Ok(self.proposals_dir(network)?.join(format!("{safe_tx_hash}.{owner}.json")))
    }

    /// The networks that have a folder, sorted.
    ///
    /// # Errors
    /// [`FileError`] if `deployments/` cannot be listed; it may be missing.
    pub fn networks(&self) -> Result<Vec<String>, FileError> {
        let names = list(&self.deployments_dir(), Kind::Folder)?.into_iter();
        Ok(names.filter(|name| self.network_dir(name).is_ok()).collect())
    }

    /// The deployment records of a network, sorted by file name.
    ///
    /// # Errors
    /// [`FileError`] if its folder cannot be listed; it may be missing.
    pub fn records(&self, network: &str) -> Result<Vec<PathBuf>, FileError> {
        self.listed(self.network_dir(network), |folder, name| {
            is_record_name(name).then(|| folder.join(name))
        })
    }

    /// The policy files of a network with their versions, oldest first.
    ///
    /// # Errors
    /// [`FileError`] if its folder cannot be listed; it may be missing.
    pub fn policies(&self, network: &str) -> Result<Vec<(u64, PathBuf)>, FileError> {
        let mut policies = self.listed(self.network_dir(network), |folder, name| {
            policy_version(name).map(|version| (version, folder.join(name)))
        })?;
        policies.sort_unstable();
        Ok(policies)
    }

    /// The proposals of a network.
    ///
    /// # Errors
    /// [`FileError`] if its folder cannot be listed; it may be missing.
    pub fn proposals(&self, network: &str) -> Result<Vec<(B256, PathBuf)>, FileError> {
        self.listed(self.proposals_dir(network), |folder, name| {
            let hash = parse_hash(name.strip_suffix(".json")?)?;
            Some((hash, folder.join(name)))
        })
    }

    /// The signature files of one proposal, with the owners that their names claim.
    ///
    /// # Errors
    /// [`FileError`] if its folder cannot be listed; it may be missing.
    pub fn proposal_signatures(
        &self,
        network: &str,
        safe_tx_hash: B256,
    ) -> Result<Vec<(Address, PathBuf)>, FileError> {
        self.listed(self.proposals_dir(network), |folder, name| {
            let (hash, owner) = name.strip_suffix(".json")?.split_once('.')?;
            let owner: Address = owner.parse().ok()?;
            (parse_hash(hash)? == safe_tx_hash).then(|| (owner, folder.join(name)))
        })
    }

    /// Every shared file below `deployments/`, sorted. What is no file of this layout is left out.
    ///
    /// # Errors
    /// [`FileError`] if a folder cannot be listed; they may be missing.
    pub fn shared_files(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut files = Vec::new();
        let mut folders = vec![(self.deployments_dir(), 1)];
        while let Some((folder, depth)) = folders.pop() {
            files.extend(list(&folder, Kind::File)?.into_iter().map(|name| folder.join(name)));
            if depth < DEPTH_MAX {
                let below = list(&folder, Kind::Folder)?.into_iter();
                folders.extend(below.map(|name| (folder.join(name), depth + 1)));
            }
        }
        files.retain(|path| self.shared(path).is_some());
        files.sort();
        Ok(files)
    }

    /// The path of a shared file relative to the project, and its kind.
    pub fn shared(&self, path: &Path) -> Option<(String, SharedFile)> {
        let parts: Option<Vec<_>> =
            path.strip_prefix(&self.project_root).ok()?.iter().map(|part| part.to_str()).collect();
        let name = parts?.join("/");
        SharedFile::of(&name).map(|kind| (name, kind))
    }

    /// An unusable network name has no files, so its listing is empty.
    fn listed<T>(
        &self,
        folder: Result<PathBuf, LayoutError>,
        pick: impl Fn(&Path, &str) -> Option<T>,
    ) -> Result<Vec<T>, FileError> {
        let Ok(folder) = folder else { return Ok(Vec::new()) };
        let names = list(&folder, Kind::File)?;
        Ok(names.iter().filter_map(|name| pick(&folder, name)).collect())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// The entries of a folder; none if it is missing.
fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, FileError> {
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(read_error(folder, source)),
    };
    let mut entries = Vec::new();
    for entry in found {
        if entries.len() >= ENTRIES_MAX {
            let (path, entries_max) = (folder.to_path_buf(), ENTRIES_MAX);
            return Err(FileError::TooMany { path, entries_max });
        }
        entries.push(entry.map_err(|source| read_error(folder, source))?);
    }
    Ok(entries)
}

/// The names of a folder's regular files or folders, sorted; empty if the folder is missing.
/// Symbolic links, hidden names and names that are not UTF-8 are skipped: the files come out of
/// git and may be anyone's.
pub(crate) fn list(folder: &Path, kind: Kind) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        let file_type = entry.file_type().map_err(|source| read_error(folder, source))?;
        let wanted = match kind {
            Kind::File => file_type.is_file(),
            Kind::Folder => file_type.is_dir(),
        };
        if let (true, Some(name)) = (wanted, entry.file_name().to_str())
            && !name.starts_with('.')
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}
