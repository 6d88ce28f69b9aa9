//! Where a source lies: the one place that leads from the name under which the compiler knows a
//! source to its file.

use std::path::{Path, PathBuf};

use crate::foundry::FoundryConfig;
use crate::remapping::is_inside;
use crate::repository::repository_root;

/// The path of a source's file, relative to the root, or `None` where there is none.
///
/// A name is a path in the project, or else one below the first include path that has it, as
/// with the compiler's `--base-path` and `--include-path`: `@openzeppelin/contracts/…` in
/// `node_modules`, also in that of a folder above, up to the top of the git repository. The name
/// stays what it is, so that metadata is that of other tools.
pub(crate) fn path_of(root: &Path, foundry: &FoundryConfig, name: &str) -> Option<String> {
    if !is_inside(name) {
        return None;
    }
    let included = foundry.include_paths().map(|folder| format!("{folder}/{name}"));
    let near = std::iter::once(name.to_owned()).chain(included);
    let is_file = |path: &String| root.join(path).is_file();
    near.into_iter().find(is_file).or_else(|| {
        let above = modules_above(root).map(|folder| format!("{folder}/{name}"));
        above.into_iter().find(is_file)
    })
}

/// The folders `node_modules` above a project, the nearest first: where the package manager of a
/// workspace puts what several projects need.
fn modules_above(root: &Path) -> impl Iterator<Item = String> {
    let top = repository_root(root);
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let depth = root.strip_prefix(&top).map_or(0, |below| below.components().count());
    (1..=depth).map(|levels| format!("{}node_modules", "../".repeat(levels)))
}

/// The file of a source; one that is not there is looked for under its name.
pub(crate) fn file(root: &Path, foundry: &FoundryConfig, name: &str) -> PathBuf {
    root.join(path_of(root, foundry, name).as_deref().unwrap_or(name))
}
