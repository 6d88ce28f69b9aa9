//! The git checkout that a folder lies in: repository, commit, and what differs from the commit.
//!
//! Objects and references are read by a library. No git program, hook, filter or monitor that a
//! checkout may name is ever run, so files are compared by their bytes: where git itself would
//! convert line ends or filter content, a file counts as changed. What is staged does not matter,
//! since the files are what is compiled; untracked files are told by [`Checkout::lacks`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix_object::FindExt;
use gix_object::bstr::{BString, ByteSlice};
use gix_object::tree::EntryKind;
use gix_ref::file::ReferenceExt;

use crate::files::{FileError, read_limited};

/// The most files of a commit.
const FILES_MAX: usize = 500_000;
/// The most bytes of a tracked file that is compared; a larger one counts as changed.
const TRACKED_BYTES_MAX: u64 = 256 << 20;
/// The most bytes of a file of git's own that is read.
const GIT_BYTES_MAX: u64 = 1 << 20;
/// Folders deeper than this, and repositories in repositories, are not followed.
const DEPTH_MAX: usize = 64;

pub(crate) const GIT_HASH: gix_hash::Kind = gix_hash::Kind::Sha1;

/// A checkout that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// A file of it cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What git keeps is not as it should be.
    #[error("cannot read the git repository of {}: {why}", folder.display())]
    Git {
        /// The folder of the checkout.
        folder: PathBuf,
        why: String,
    },
}

/// A checkout and its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The folder with `.git`.
    pub root: PathBuf,
    /// The URL of the remote `origin`, without a user's name or password.
    pub repository: Option<String>,
    /// The commit that is checked out.
    pub commit: String,
    /// The tracked files whose bytes are not those of the commit, or that are missing; sorted, by
    /// path below the folder.
    pub changed: Vec<String>,
    tracked: BTreeMap<BString, gix_hash::ObjectId>,
}

impl Checkout {
    /// The checkout that a folder lies in; `None` where it is in none, or nothing is committed yet.
    ///
    /// # Errors
    /// [`CheckoutError`] where git keeps something that cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, CheckoutError> {
        match repository_of(folder) {
            Some(root) => read_at(&root, 0),
            None => Ok(None),
        }
    }

    /// Whether the commit does not have this file with exactly the bytes that it has here.
    pub fn lacks(&self, file: &Path) -> bool {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let Ok(below) = file.strip_prefix(&self.root) else { return true };
        let name = name_of(below);
        let changed = self.changed.iter().any(|changed| changed.as_bytes() == name.as_bytes());
        changed || !self.tracked.contains_key(name.as_bstr())
    }
}

fn name_of(below: &Path) -> BString {
    let parts = below.iter().map(|part| part.as_encoded_bytes().to_vec());
    parts.collect::<Vec<_>>().join(&b'/').into()
}

/// The folder with `.git` that a folder lies in.
pub(crate) fn repository_of(folder: &Path) -> Option<PathBuf> {
    // A folder that is not there yet lies where it would be made.
    let there = folder.ancestors().find_map(|dir| dir.canonicalize().ok())?;
    let found = there.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok());
    found.map(Path::to_owned)
}

/// The objects of a repository and the commit that is checked out, if there is one.
pub(crate) fn head_of(
    root: &Path,
) -> Result<Option<(gix_odb::Handle, gix_hash::ObjectId)>, CheckoutError> {
    let git = |why: String| CheckoutError::Git { folder: root.to_owned(), why };
    let (own, common) = git_dirs(root)?;
    let objects = gix_odb::at(common.join("objects"), GIT_HASH).map_err(|e| git(e.to_string()))?;
    let refs = if own == common {
        gix_ref::file::Store::at(own, GIT_HASH)
    } else {
        gix_ref::file::Store::for_linked_worktree(own, common.clone(), GIT_HASH)
    };
    let mut head = refs.find("HEAD").map_err(|error| git(error.to_string()))?;
    Ok(head.peel_to_id(&refs, &objects).ok().map(|commit| (objects, commit)))
}

fn read_at(root: &Path, depth: usize) -> Result<Option<Checkout>, CheckoutError> {
    let git = |why: String| CheckoutError::Git { folder: root.to_owned(), why };
    let Some((objects, commit)) = head_of(root)? else { return Ok(None) };
    let mut buffer = Vec::new();
    let tree = objects.find_commit(&commit, &mut buffer).map_err(|error| git(error.to_string()))?;
    let mut walk =
        Walk { root, objects: &objects, depth, tracked: BTreeMap::new(), changed: vec![] };
    walk.tree(&tree.tree(), &BString::default(), 0)?;
    let Walk { tracked, mut changed, .. } = walk;
    changed.sort();
    let (_, common) = git_dirs(root)?;
    let repository = origin(&common)?;
    let root = root.to_owned();
    Ok(Some(Checkout { root, repository, commit: commit.to_string(), changed, tracked }))
}

/// The folder of this checkout's own state, and the one that it may share with others.
fn git_dirs(root: &Path) -> Result<(PathBuf, PathBuf), CheckoutError> {
    let dot_git = root.join(".git");
    let text = |path: &Path| -> Result<String, CheckoutError> {
        let bytes = read_limited(path, GIT_BYTES_MAX)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    let own = if dot_git.is_dir() {
        dot_git
    } else {
        let named = text(&dot_git)?;
        let folder = named.strip_prefix("gitdir:").ok_or_else(|| CheckoutError::Git {
            folder: root.to_owned(),
            why: "its .git is neither a folder nor the name of one".to_owned(),
        })?;
        root.join(folder.trim())
    };
    let shared = own.join("commondir");
    let common = if shared.is_file() { own.join(text(&shared)?) } else { own.clone() };
    Ok((own, common))
}

/// The URL of `origin`, of the repository's own configuration alone and without includes.
fn origin(common: &Path) -> Result<Option<String>, CheckoutError> {
    let path = common.join("config");
    if !path.is_file() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&read_limited(&path, GIT_BYTES_MAX)?).into_owned();
    let config = gix_config::File::try_from(text.as_str()).ok();
    let url = config.and_then(|config| config.string("remote.origin.url"));
    Ok(url.map(|url| without_user(&url.to_str_lossy())))
}

/// A URL without the name or token before its host.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(&rest[..end], |at| &rest[at + 1..end]);
    format!("{scheme}://{host}{}", &rest[end..])
}

/// Compares the files of a commit with those of a folder.
struct Walk<'a> {
    root: &'a Path,
    objects: &'a gix_odb::Handle,
    depth: usize,
    tracked: BTreeMap<BString, gix_hash::ObjectId>,
    changed: Vec<String>,
}

impl Walk<'_> {
    fn tree(
        &mut self,
        id: &gix_hash::oid,
        folder: &BString,
        depth: usize,
    ) -> Result<(), CheckoutError> {
        let git = |why: String| CheckoutError::Git { folder: self.root.to_owned(), why };
        if depth > DEPTH_MAX || self.tracked.len() > FILES_MAX {
            return Err(git(format!("more than {FILES_MAX} files, or {DEPTH_MAX} folders deep")));
        }
        let mut buffer = Vec::new();
        let tree = self.objects.find_tree(id, &mut buffer);
        let tree = tree.map_err(|error| git(error.to_string()))?;
        for entry in tree.entries {
            let mut name = folder.clone();
            name.extend_from_slice(entry.filename);
            match entry.mode.kind() {
                EntryKind::Tree => {
                    name.push(b'/');
                    self.tree(entry.oid, &name, depth + 1)?;
                }
                EntryKind::Commit => self.submodule(entry.oid, name)?,
                kind => {
                    if !self.is_same(&name, kind, entry.oid) {
                        self.changed.push(name.to_str_lossy().into_owned());
                    }
                    self.tracked.insert(name, entry.oid.to_owned());
                }
            }
        }
        Ok(())
    }

    fn is_same(&self, name: &BString, kind: EntryKind, id: &gix_hash::oid) -> bool {
        let Ok(name) = name.to_path() else { return false };
        let path = self.root.join(name);
        let Ok(found) = path.symlink_metadata() else { return false };
        let is_link = found.file_type().is_symlink();
        if is_link != (kind == EntryKind::Link) {
            return false;
        }
        let bytes = match is_link {
            true => path.read_link().map(|to| to.as_os_str().as_encoded_bytes().to_vec()).ok(),
            false => read_limited(&path, TRACKED_BYTES_MAX).ok(),
        };
        let hash =
            |bytes: Vec<u8>| gix_object::compute_hash(GIT_HASH, gix_object::Kind::Blob, &bytes);
        bytes.and_then(|bytes| hash(bytes).ok()).is_some_and(|found| *found == *id)
    }

    /// A repository in the repository is as committed where it is at the commit that is named and
    /// nothing in it differs. One that is not checked out holds no file that could be compiled.
    fn submodule(&mut self, id: &gix_hash::oid, name: BString) -> Result<(), CheckoutError> {
        let path = name.to_path().map(|below| self.root.join(below));
        let path = path.unwrap_or_else(|_| self.root.to_owned());
        if !path.join(".git").exists() {
            let mut entries = path.read_dir().into_iter().flatten();
            if entries.next().is_some() {
                self.changed.push(name.to_str_lossy().into_owned());
            }
            return Ok(());
        }
        let inner = if self.depth < DEPTH_MAX { read_at(&path, self.depth + 1)? } else { None };
        let Some(inner) = inner.filter(|inner| id.to_hex() == *inner.commit) else {
            self.changed.push(name.to_str_lossy().into_owned());
            return Ok(());
        };
        let below = name.to_str_lossy().into_owned();
        self.changed.extend(inner.changed.iter().map(|changed| format!("{below}/{changed}")));
        for (file, id) in inner.tracked {
            self.tracked.insert([name.as_slice(), b"/", &file].concat().into(), id);
        }
        Ok(())
    }
}
