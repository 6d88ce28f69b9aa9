//! Folders: copied for each case, compared before and after.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders deeper than this are a loop.
const DEPTH_MAX: usize = 32;

/// What a folder holds: the bytes of each file, by its path below the folder.
pub(crate) type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Copies a folder. What lies below a `node_modules` is linked, not copied; [`write`] leaves the
/// other names of a file as they are.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for path in walk(from)? {
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let source = from.join(&path);
        if path.iter().any(|part| part == "node_modules") {
            std::fs::hard_link(source, target)?;
        } else {
            std::fs::copy(source, target)?;
        }
    }
    Ok(())
}

/// Copies what git carries of a project, and the packages that `npm ci` would install.
pub(crate) fn copy_clone(from: &Path, to: &Path) -> io::Result<()> {
    copy_tree(from, to)
}

/// Runs git in a folder, as somebody.
pub(crate) fn git(folder: &Path, args: &[&str]) -> io::Result<()> {
    let identity = ["-c", "user.name=eva", "-c", "user.email=eva@example.org"];
    let output = Command::new("git").current_dir(folder).args(identity).args(args).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{args:?}: {output:?}")))
}

/// Reads everything below a folder but what is under a name that `skipped` names.
pub(crate) fn read_tree(root: &Path, skipped: &[&str]) -> io::Result<Tree> {
    let mut tree = Tree::new();
    for path in walk(root)? {
        if !path.iter().any(|part| skipped.iter().any(|skip| part == *skip)) {
            let bytes = std::fs::read(root.join(&path))?;
            tree.insert(path, bytes);
        }
    }
    Ok(tree)
}

/// The paths at which two trees differ.
pub(crate) fn differences(before: &Tree, after: &Tree) -> Vec<PathBuf> {
    let paths = before.keys().chain(after.keys());
    let mut paths: Vec<_> =
        paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Writes a file, making its folder. A file that is there is replaced and not changed: it may be
/// linked from elsewhere.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    #[expect(clippy::disallowed_methods, reason = "nobody reads it before a case says so")]
    std::fs::write(path, bytes)
}

/// The paths of all files below a folder, relative to it, sorted.
fn walk(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if depth > DEPTH_MAX {
            return Err(io::Error::other("folders are too deep"));
        }
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), depth + 1));
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                files.push(path.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
