use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use tidegate_model::digest::JcsError;

use crate::files::FileError;
use crate::stream::Epoch;

/// A failed operation on a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is damaged or altered. It is never repaired in place: the way on is to move
    /// it away (`mv <path> <path>.broken`, with its `-wal` file) and start from the chain.
    #[error("cannot use the store {}: it is damaged", path.display())]
    Corrupt {
        path: PathBuf,
        /// What does not hold.
        #[source]
        damage: Damage,
    },
    /// A later program wrote it.
    #[error("cannot open the store {}: its format {found} is newer than {known}", path.display())]
    Newer {
        path: PathBuf,
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// File locks do not hold between machines there.
    #[error("cannot open the store {}: it lies on a network file system ({kind})", path.display())]
    NetworkFileSystem {
        path: PathBuf,
        /// The file system's type.
        kind: String,
    },
    /// Its folder, file or locks could not be made or read.
    #[error("cannot open the store")]
    Folder(#[source] FileError),
    /// Another process held the database for longer than the store waits.
    #[error("cannot {op} in the store {}: another process keeps it busy", path.display())]
    Busy { op: &'static str, path: PathBuf },
    /// The disk took no more. After a failed append nothing may be sent.
    #[error("cannot {op} in the store {}: its disk is full or read-only", path.display())]
    Disk {
        op: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    /// The database refused. After a failed append nothing may be sent.
    #[error("cannot {op} in the store {}", path.display())]
    Sqlite {
        op: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    /// Another process works on this stream (a conflict, exit code 6).
    #[error("cannot work on {stream}: {} works on it now", in_words(holder))]
    Held {
        stream: String,
        /// Who holds it, as `pid@host`.
        holder: String,
    },
    /// Somebody else took the stream since this lease was given (a conflict, exit code 6).
    #[error(
        "cannot append to {stream}: its lease of epoch {epoch} has ended; the current epoch is \
         {current}"
    )]
    StaleLease {
        stream: String,
        /// The epoch of the lease that was shown.
        epoch: Epoch,
        current: Epoch,
    },
    /// The lease's lock file could not be used.
    #[error("cannot lock {}", path.display())]
    Lock {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A stream, kind, key or holder that is empty, too long or has other characters.
    #[error("cannot use {text:?} as {what}: write 1 to {max} characters of {charset}")]
    Name {
        /// What it was to be.
        what: &'static str,
        /// The text, cut to a readable length.
        text: String,
        /// The longest permitted length, in bytes.
        max: usize,
        /// The characters that are permitted.
        charset: &'static str,
    },
    /// More bytes than one row may hold.
    #[error("cannot store {what} of {bytes} bytes: the limit is {max}")]
    TooLarge { what: &'static str, bytes: usize, max: usize },
    /// The key already names other bytes; what is stored under a key never changes.
    #[error("cannot store {kind} {key}: the key already holds {present}, not {given}")]
    BlobConflict {
        kind: String,
        key: String,
        /// keccak256 of the bytes that are there.
        present: B256,
        /// keccak256 of the bytes that were given.
        given: B256,
    },
    /// The value has no canonical JSON form.
    #[error(transparent)]
    Encode(#[from] JcsError),
    /// The value has a number that canonical JSON would round: write it as a string.
    #[error("cannot store {what}: it holds a number that canonical JSON cannot carry exactly")]
    Rounded { what: &'static str },
}

/// The holder of a lease for people.
pub fn in_words(holder: &str) -> String {
    match holder.split_once('@') {
        Some((process, machine)) => format!("process {process} on machine {machine}"),
        None => holder.to_owned(),
    }
}

/// A property of a store's contents that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A database of something else.
    #[error("it is not a Tidegate store (application id {application_id:#x})")]
    Foreign {
        /// The id in its header.
        application_id: i64,
    },
    /// Tables or triggers were changed.
    #[error("its tables or triggers are not those of format {version}")]
    Schema {
        /// The format version it names.
        version: i64,
    },
    /// SQLite's own check failed.
    #[error("its integrity check says: {report}")]
    Integrity { report: String },
    /// SQLite could not read it.
    #[error("it cannot be read")]
    Unreadable(#[source] rusqlite::Error),
    /// An event is missing, added, moved or altered.
    #[error("its journal does not hold at event {seq}: {flaw}")]
    Journal {
        /// The first event that does not hold.
        seq: u64,
        flaw: &'static str,
    },
    /// A row outside the journal does not agree with its own hash.
    #[error("its row {key} in {table} does not agree with its hash")]
    Row { table: &'static str, key: String },
}

/// An error within a database operation, before the path is known.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Damage(Damage),
    Refused(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    /// Names the operation and the database. A value of the wrong type is damage: the schema
    /// fixes all types, so only an altered file can hold one.
    pub(crate) fn at(self, op: &'static str, path: &Path) -> StoreError {
        use rusqlite::{Error as Sql, ErrorCode};

        let path = path.to_path_buf();
        let source = match self {
            Self::Refused(error) => return error,
            Self::Damage(damage) => return StoreError::Corrupt { path, damage },
            Self::Sqlite(source) => source,
        };
        match (&source, source.sqlite_error_code()) {
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
                StoreError::Busy { op, path }
            }
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            | (
                Sql::FromSqlConversionFailure(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::InvalidColumnType(..)
                | Sql::QueryReturnedNoRows
                | Sql::Utf8Error(..),
                _,
            ) => StoreError::Corrupt { path, damage: Damage::Unreadable(source) },
            (_, Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)) => {
                StoreError::Disk { op, path, source }
            }
            _ => StoreError::Sqlite { op, path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_full_disk_and_a_lease_are_said_in_words() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_WRITE] {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = Fault::Sqlite(source).at("append", Path::new("store.db"));
            assert!(matches!(error, StoreError::Disk { .. }), "{code}: {error}");
        }
        for (holder, says) in [("4700@vm", "process 4700 on machine vm"), ("nobody", "nobody")] {
            assert_eq!(in_words(holder), says);
        }
    }
}
