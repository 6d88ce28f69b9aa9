//! Where the git repository around a project begins.

use std::path::{Path, PathBuf};

/// The outermost git repository around a project, or the project itself where it is in none. A
/// repository may hold others: a submodule is written by whoever writes what it is part of.
pub(crate) fn outermost_repository(root: &Path) -> PathBuf {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let is_repository = |dir: &&Path| dir.join(".git").symlink_metadata().is_ok();
    root.ancestors().filter(is_repository).last().unwrap_or(&root).to_owned()
}

/// The folder of the git repository that a project lies in, or of the project itself where it is
/// in none. What lies below is whoever's who can write the repository.
pub(crate) fn repository_root(root: &Path) -> PathBuf {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let found = root.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok());
    found.unwrap_or(&root).to_owned()
}
