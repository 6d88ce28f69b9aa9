//! Reading with a limit and writing whole, for the few files this crate touches.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use sha2::{Digest, Sha256};

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system says no.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is larger than it may be.
    #[error("cannot read {}: it is larger than {limit} bytes", path.display())]
    TooLarge {
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A folder has more files than it may have.
    #[error("cannot list {}: it has more than {limit} files", path.display())]
    TooMany { path: PathBuf, limit: usize },
    /// It is a link, where what it leads to could change unnoticed.
    #[error("cannot read {}: it is a link", path.display())]
    Link { path: PathBuf },
    /// It is not text.
    #[error("cannot read {}: it is not UTF-8", path.display())]
    NotText { path: PathBuf },
}

/// Reads a UTF-8 file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    let bytes = read(path, limit)?;
    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.to_owned() })
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let io = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(FileError::TooLarge { path: path.to_owned(), limit })
    }
}

/// The beginning of a file.
pub(crate) fn beginning(path: &Path, bytes: u64) -> Result<Vec<u8>, FileError> {
    let io = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let mut start = Vec::new();
    File::open(path).map_err(io)?.take(bytes).read_to_end(&mut start).map_err(io)?;
    Ok(start)
}

/// The folder below this one that is kept empty, for programs to run in.
pub(crate) fn empty_folder(cache_dir: &Path) -> Result<PathBuf, FileError> {
    let path = cache_dir.join("empty");
    let io = |source| FileError::Io { action: "make", path: path.clone(), source };
    std::fs::create_dir_all(&path).map_err(io)?;
    match path.read_dir().map_err(io)?.next() {
        None => Ok(path),
        Some(_) => Err(io(io::Error::other("it must be empty: delete what is in it"))),
    }
}

/// The SHA-256 of a file of at most `limit` bytes.
pub(crate) fn sha256(path: &Path, limit: u64) -> Result<B256, FileError> {
    let io = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?.take(limit + 1);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(B256::from_slice(hasher.finalize().as_slice()));
        }
        length += read as u64;
        if length > limit {
            return Err(FileError::TooLarge { path: path.to_owned(), limit });
        }
        hasher.update(&buffer[..read]);
    }
}

/// Writes a file whole or not at all, and its folder if that is missing.
pub(crate) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let io = |source| FileError::Io { action: "write", path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match access {
            Access::Data => 0o644,
            Access::Program => 0o755,
        };
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// The purpose of a written file, which decides its mode.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// To be read.
    Data,
    /// To be run.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests run what they write"))]
    Program,
}
