//! Writing and copying files.

use std::path::Path;

use crate::TestkitError;

/// Folders deeper than this are a loop.
const DEPTH_MAX: usize = 32;

/// Writes a file, making its folder.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    let fail = |source| TestkitError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    #[expect(clippy::disallowed_methods, reason = "nobody reads it before a test says so")]
    std::fs::write(path, bytes).map_err(fail)
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    write(path, bytes)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    let fail = |source| TestkitError::Write { path: path.to_owned(), source };
    std::fs::set_permissions(path, mode).map_err(fail)
}

/// Reads a file as text.
pub(crate) fn read_text(path: &Path) -> Result<String, TestkitError> {
    std::fs::read_to_string(path)
        .map_err(|source| TestkitError::Read { path: path.to_owned(), source })
}

/// Copies the files of a folder that `wanted` wants, folders below included. Links are skipped.
pub(crate) fn copy_folder(
    from: &Path,
    to: &Path,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<(), TestkitError> {
    copy_level(from, to, wanted, DEPTH_MAX)
}

fn copy_level(
    from: &Path,
    to: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    depth: usize,
) -> Result<(), TestkitError> {
    let read = |source| TestkitError::Read { path: from.to_owned(), source };
    if depth == 0 {
        return Err(read(std::io::Error::other("its folders are too deep")));
    }
    for entry in std::fs::read_dir(from).map_err(read)? {
        let entry = entry.map_err(read)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(read)?;
        if kind.is_dir() {
            copy_level(&source, &target, wanted, depth - 1)?;
        } else if kind.is_file() && wanted(&source) {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// Copies one file, making its folder.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), TestkitError> {
    let fail = |source| TestkitError::Write { path: to.to_owned(), source };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::copy(from, to).map(|_| ()).map_err(fail)
}
