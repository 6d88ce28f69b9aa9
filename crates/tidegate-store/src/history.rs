//! What the commits of a checkout had below a folder and the folder has no more: files that were
//! deleted or altered since. Every clone of one commit has the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use gix_hash::ObjectId;
use gix_object::FindExt;
use gix_object::bstr::ByteSlice;
use gix_object::tree::EntryKind;

use crate::checkout::{CheckoutError, GIT_HASH, head_of, repository_of};
use crate::files::read_limited;

/// The most commits that are looked at, the newest first.
const COMMITS_MAX: usize = 100_000;
/// The most bytes that are kept.
const BYTES_MAX: usize = 256 << 20;
/// The folders below the one that is asked for are followed so deep.
const DEPTH_MAX: usize = 3;

/// What commits had below a folder, and the folder has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// By path below the folder, each content that a commit had there and that the file there has
    /// not, in the order of their hashes.
    pub gone: BTreeMap<String, Vec<Vec<u8>>>,
    /// Whether some commits are not here, as in a clone that was made with `--depth`, or are too
    /// many: more may be gone than is known.
    pub is_cut: bool,
}

impl History {
    /// Reads what is gone from a folder, of the files that `wanted` gives a size for at most; empty
    /// where the folder is in no repository, or nothing is committed.
    ///
    /// # Errors
    /// [`CheckoutError`] where git keeps something that cannot be read.
    pub fn below(
        folder: &Path,
        wanted: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, CheckoutError> {
        let mut history = Self::default();
        let Some(root) = repository_of(folder) else { return Ok(history) };
        let Some((objects, head)) = head_of(&root)? else { return Ok(history) };
        let Some(below) = place_in(&root, folder) else { return Ok(history) };
        let steps: Vec<_> = below.iter().map(|step| step.as_encoded_bytes().to_vec()).collect();
        let mut walk = Walk { objects, wanted: &wanted, trees: BTreeSet::new(), files: Vec::new() };
        history.is_cut = walk.commits(head, &steps);
        walk.files.sort();
        walk.files.dedup();
        let mut bytes = 0;
        let mut buffer = Vec::new();
        for (path, id) in walk.files {
            let most = wanted(&path).unwrap_or_default();
            if is_same(&folder.join(&path), most, &id) {
                continue;
            }
            match walk.objects.find_blob(&id, &mut buffer) {
                Ok(blob) if blob.data.len() <= most && bytes + blob.data.len() <= BYTES_MAX => {
                    bytes += blob.data.len();
                    history.gone.entry(path).or_default().push(blob.data.to_vec());
                }
                // Larger than such a file may be: it never was one.
                Ok(blob) if blob.data.len() > most => {}
                Ok(_) | Err(_) => history.is_cut = true,
            }
        }
        Ok(history)
    }
}

/// The commit, of those up to the one that is checked out, in which a file lies for the first time;
/// of several such the oldest. `None` where no commit has it, or it is in no repository.
///
/// # Errors
/// [`CheckoutError`] where git keeps something that cannot be read.
pub fn first_commit_with(file: &Path) -> Result<Option<String>, CheckoutError> {
    let Some(root) = repository_of(file) else { return Ok(None) };
    let Some((objects, head)) = head_of(&root)? else { return Ok(None) };
    let Some(below) = place_in(&root, file) else { return Ok(None) };
    let steps: Vec<_> = below.iter().map(|step| step.as_encoded_bytes().to_vec()).collect();
    let (mut all, mut next) = (BTreeMap::new(), VecDeque::from([head]));
    let (mut order, mut buffer) = (Vec::new(), Vec::new());
    while let Some(id) = next.pop_front() {
        if all.contains_key(&id) || all.len() == COMMITS_MAX {
            continue;
        }
        let Ok(commit) = objects.find_commit(&id, &mut buffer) else { continue };
        let (tree, parents) = (commit.tree(), commit.parents().collect::<Vec<_>>());
        next.extend(parents.iter().copied());
        all.insert(id, (has(&objects, tree, &steps), parents));
        order.push(id);
    }
    let is_in = |id: &ObjectId| all.get(id).is_some_and(|(has, _)| *has);
    let is_first = |id: &&ObjectId| {
        is_in(id) && all.get(*id).is_some_and(|(_, parents)| !parents.iter().any(is_in))
    };
    Ok(order.iter().rev().find(is_first).map(ToString::to_string))
}

/// Whether a tree has an entry at the end of these steps.
fn has(objects: &gix_odb::Handle, mut tree: ObjectId, steps: &[Vec<u8>]) -> bool {
    let mut buffer = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Ok(entries) = objects.find_tree(&tree, &mut buffer).map(|tree| tree.entries) else {
            return false;
        };
        let found = entries.iter().find(|entry| entry.filename == step.as_bstr());
        match found {
            Some(_) if at + 1 == steps.len() => return true,
            Some(entry) if entry.mode.is_tree() => tree = entry.oid.to_owned(),
            _ => return false,
        }
    }
    false
}

/// The path of a folder below its repository; also of one that is not there any more.
fn place_in(root: &Path, folder: &Path) -> Option<PathBuf> {
    let (there, full) = folder.ancestors().find_map(|dir| Some((dir, dir.canonicalize().ok()?)))?;
    Some(full.strip_prefix(root).ok()?.join(folder.strip_prefix(there).ok()?))
}

/// Whether a file has just the content of this hash.
fn is_same(path: &Path, most: usize, id: &ObjectId) -> bool {
    let bytes = read_limited(path, most as u64).ok();
    let hash = |bytes: Vec<u8>| gix_object::compute_hash(GIT_HASH, gix_object::Kind::Blob, &bytes);
    bytes.and_then(|bytes| hash(bytes).ok()).is_some_and(|found| found == *id)
}

struct Walk<'a> {
    objects: gix_odb::Handle,
    wanted: &'a dyn Fn(&str) -> Option<usize>,
    /// The folders that were looked at, with where they lay: most commits change none of them.
    trees: BTreeSet<(String, ObjectId)>,
    files: Vec<(String, ObjectId)>,
}

impl Walk<'_> {
    /// Looks at a commit and all before it. Answers whether some are not here or too many.
    fn commits(&mut self, head: ObjectId, steps: &[Vec<u8>]) -> bool {
        let mut known = BTreeSet::from([head]);
        let mut next = VecDeque::from([head]);
        let mut is_cut = false;
        let mut buffer = Vec::new();
        while let Some(id) = next.pop_front() {
            let Ok(commit) = self.objects.find_commit(&id, &mut buffer) else {
                is_cut = true;
                continue;
            };
            let tree = commit.tree();
            for parent in commit.parents() {
                if known.len() == COMMITS_MAX && !known.contains(&parent) {
                    is_cut = true;
                } else if known.insert(parent) {
                    next.push_back(parent);
                }
            }
            is_cut |= self.root(tree, steps).is_none();
        }
        is_cut
    }

    /// Looks at the folder in the files of one commit; `None` where something is not here.
    fn root(&mut self, mut tree: ObjectId, steps: &[Vec<u8>]) -> Option<()> {
        let mut buffer = Vec::new();
        for (depth, step) in steps.iter().enumerate() {
            if !self.trees.insert(("../".repeat(steps.len() - depth), tree)) {
                return Some(());
            }
            let entries = self.objects.find_tree(&tree, &mut buffer).ok()?.entries;
            let found = entries.iter().find(|entry| entry.filename == step.as_bstr());
            match found {
                Some(entry) if entry.mode.is_tree() => tree = entry.oid.to_owned(),
                _ => return Some(()),
            }
        }
        self.folder(tree, "")
    }

    fn folder(&mut self, tree: ObjectId, name: &str) -> Option<()> {
        let is_new = self.trees.insert((name.to_owned(), tree));
        if !is_new || name.matches('/').count() > DEPTH_MAX {
            return Some(());
        }
        let mut buffer = Vec::new();
        let entries = self.objects.find_tree(&tree, &mut buffer).ok()?.entries;
        let (mut folders, mut is_whole) = (Vec::new(), Some(()));
        for entry in entries {
            let path = format!("{name}{}", entry.filename.to_str_lossy());
            match entry.mode.kind() {
                EntryKind::Tree => folders.push((entry.oid.to_owned(), format!("{path}/"))),
                EntryKind::Blob | EntryKind::BlobExecutable if (self.wanted)(&path).is_some() => {
                    self.files.push((path, entry.oid.to_owned()));
                }
                _ => {}
            }
        }
        for (tree, name) in folders {
            if self.folder(tree, &name).is_none() {
                is_whole = None;
            }
        }
        is_whole
    }
}
