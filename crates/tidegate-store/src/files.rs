//! Files are written whole or not at all, and read within a limit.
//!
//! A temporary file carries a name that begins with `.tmp-`, beside the file it becomes; a crash
//! can leave one behind, and every listing skips it.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// It is a folder, a pipe or a device.
    #[error("cannot read {}: it is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It is a link, where none may be.
    #[error("cannot use {}: it is a link, which could lead anywhere", .0.display())]
    Link(PathBuf),
    /// It has more bytes than its kind may have.
    #[error("cannot read {}: it has more than {bytes_max} bytes", path.display())]
    TooLarge { path: PathBuf, bytes_max: u64 },
    /// A folder has more entries than it may have.
    #[error("cannot list {}: it has more than {entries_max} entries", path.display())]
    TooMany { path: PathBuf, entries_max: usize },
    /// It could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It is not JSON.
    #[error("cannot read {}: it is not valid JSON", path.display())]
    Json {
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Two branches wrote it, and nobody has said yet what holds.
    #[error("cannot read {}: git has left a conflict in it; take one side whole", .0.display())]
    Conflict(PathBuf),
    /// It is there already, with other content.
    #[error("cannot write {}: it exists with other content", .0.display())]
    Exists(PathBuf),
    /// Nothing is written in a dry run.
    #[error("write {}", .0.display())]
    DryRun(PathBuf),
    /// It could not be written; what was there before is untouched.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Whether this process is a dry run. A process is one or is not: nothing turns it back.
static DRY_RUN: AtomicBool = AtomicBool::new(false);

/// From here on this process writes no file and no store of this crate. A store that is opened
/// afterwards is a copy that is thrown away.
pub fn begin_dry_run() {
    DRY_RUN.store(true, Ordering::SeqCst);
}

/// Whether [`begin_dry_run`] was called.
pub fn is_dry_run() -> bool {
    DRY_RUN.load(Ordering::SeqCst)
}

fn require_wet(path: &Path) -> Result<(), FileError> {
    if is_dry_run() { Err(FileError::DryRun(path.to_path_buf())) } else { Ok(()) }
}

/// Replaces a file, durably: after a crash it has the old bytes or the new ones. A symbolic link
/// is replaced, not followed.
///
/// # Effects
/// Creates missing folders, writes and syncs a temporary file, renames it, syncs the folder.
///
/// # Errors
/// [`FileError::DryRun`], or [`FileError::Write`]; no temporary file is left then, unless the
/// process dies.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, SHARED_MODE)
}

/// As [`write_atomic`], for a file that only its owner may read.
///
/// # Effects
/// As [`write_atomic`].
///
/// # Errors
/// [`FileError::Write`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, PRIVATE_MODE)
}

/// The umask applies, so the file gets the mode that an editor would give it.
const SHARED_MODE: u32 = 0o666;
const PRIVATE_MODE: u32 = 0o600;

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    require_wet(path)?;
    let folder = make_folder(path)?;
    let temp = write_temp(path, folder, bytes, mode)?;
    temp.persist(path).map_err(|error| write_error(path, error.error))?;
    sync_folder(folder)
}

/// Creates a file, durably, and never replaces one. A file that has exactly these bytes already
/// is fine.
///
/// # Effects
/// As [`write_atomic`].
///
/// # Errors
/// As [`write_atomic`], and [`FileError::Exists`] if the file is there with other bytes.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    require_wet(path)?;
    let folder = make_folder(path)?;
    let temp = write_temp(path, folder, bytes, SHARED_MODE)?;
    match temp.persist_noclobber(path) {
        Ok(_) => sync_folder(folder),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            match read_limited(path, bytes.len() as u64) {
                Ok(present) if present == bytes => Ok(()),
                _ => Err(FileError::Exists(path.to_path_buf())),
            }
        }
        Err(error) => Err(write_error(path, error.error)),
    }
}

/// Refuses a path that is a link; one that is missing is none.
pub(crate) fn refuse_link(path: &Path) -> Result<(), FileError> {
    match path.symlink_metadata() {
        Ok(found) if found.file_type().is_symlink() => Err(FileError::Link(path.to_path_buf())),
        _ => Ok(()),
    }
}

/// Reads a regular file of at most `bytes_max` bytes. Nothing larger is ever held in memory.
///
/// # Errors
/// [`FileError::Missing`], [`FileError::NotAFile`], [`FileError::TooLarge`] or
/// [`FileError::Read`].
pub fn read_limited(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    // The kind is looked up first, because opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(|source| read_error(path, source))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile(path.to_path_buf()));
    }
    let file = File::open(path).map_err(|source| read_error(path, source))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| read_error(path, source))?;
    if bytes.len() as u64 > bytes_max {
        return Err(FileError::TooLarge { path: path.to_path_buf(), bytes_max });
    }
    Ok(bytes)
}

/// Reads a JSON file of at most `bytes_max` bytes.
///
/// # Errors
/// As [`read_limited`], and [`FileError::Json`].
pub fn read_json(path: &Path, bytes_max: u64) -> Result<Value, FileError> {
    let bytes = read_limited(path, bytes_max)?;
    serde_json::from_slice(&bytes).map_err(|source| match is_conflicted(&bytes) {
        true => FileError::Conflict(path.to_path_buf()),
        false => FileError::Json { path: path.to_path_buf(), source },
    })
}

/// Whether git has left the marks of a conflict in a file.
fn is_conflicted(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines.any(|line| line.starts_with(b"<<<<<<< "))
}

/// The text of a JSON file in git: two spaces, keys sorted, a line feed at the end. Equal values
/// give equal text.
pub fn to_text(value: &Value) -> String {
    let mut text = format!("{:#}", sorted(value));
    text.push('\n');
    text
}

/// Recursion is bounded by the depth that JSON parsing permits.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(Map::from_iter(entries))
        }
        other => other.clone(),
    }
}

/// Creates the file's folder where it is missing, durably, and returns it.
fn make_folder(path: &Path) -> Result<&Path, FileError> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err(write_error(path, ErrorKind::IsADirectory.into())),
    };
    let missing = folder.ancestors().take_while(|a| !a.as_os_str().is_empty() && !a.exists());
    let missing: Vec<&Path> = missing.collect();
    std::fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
    for created in missing {
        if let Some(parent) = created.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            sync_folder(parent)?;
        }
    }
    Ok(folder)
}

fn write_temp(
    path: &Path,
    folder: &Path,
    bytes: &[u8],
    mode: u32,
) -> Result<NamedTempFile, FileError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-");
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut temp = builder.tempfile_in(folder).map_err(|source| write_error(path, source))?;
    temp.write_all(bytes)
        .and_then(|()| temp.as_file().sync_all())
        .map_err(|source| write_error(path, source))?;
    Ok(temp)
}

/// Without this a crash could lose the new name although the file's bytes are safe.
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| write_error(folder, source))
}

fn write_error(path: &Path, source: std::io::Error) -> FileError {
    FileError::Write { path: path.to_path_buf(), source }
}

pub(crate) fn read_error(path: &Path, source: std::io::Error) -> FileError {
    match source.kind() {
        ErrorKind::NotFound => FileError::Missing(path.to_path_buf()),
        _ => FileError::Read { path: path.to_path_buf(), source },
    }
}
