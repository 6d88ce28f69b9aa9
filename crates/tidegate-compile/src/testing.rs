//! Projects in temporary folders, for tests.

use std::path::Path;

use tempfile::TempDir;

use crate::files::{self, Access};

/// A folder with these files.
pub(crate) fn project(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(root.path(), name, text);
    }
    root
}

/// Writes one file of a project.
pub(crate) fn write(root: &Path, name: &str, text: &str) {
    files::write(&root.join(name), text.as_bytes(), Access::Data).unwrap();
}
