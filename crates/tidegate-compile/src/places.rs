//! Where a source lies: the one place that leads from the name under which the compiler knows a
//! source to its file.

use std::path::{Path, PathBuf};

use crate::foundry::FoundryConfig;
use crate::remapping::is_clean;

/// The path of a source's file, relative to the root, or `None` where there is none.
///
/// A name is a path in the project, or else one below the first include path that has it, as
/// with the compiler's `--base-path` and `--include-path`: `@openzeppelin/contracts/…` in
/// `node_modules`. The name stays what it is, so that metadata is that of other tools.
pub(crate) fn path_of(root: &Path, foundry: &FoundryConfig, name: &str) -> Option<String> {
    if !is_clean(name) {
        return None;
    }
    let included = foundry.include_paths().map(|folder| format!("{folder}/{name}"));
    std::iter::once(name.to_owned()).chain(included).find(|path| root.join(path).is_file())
}

/// The file of a source; one that is not there is looked for under its name.
pub(crate) fn file(root: &Path, foundry: &FoundryConfig, name: &str) -> PathBuf {
    root.join(path_of(root, foundry, name).as_deref().unwrap_or(name))
}

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
