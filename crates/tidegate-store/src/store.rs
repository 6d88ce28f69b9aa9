use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tempfile::TempDir;

use crate::error::{Damage, Fault, StoreError};
use crate::files::{self, FileError, refuse_link};
use crate::{journal, mounts, schema};

/// The longest wait of a writer for another process, in milliseconds. Transactions here take a few.
const BUSY_WAIT_MS_MAX: u64 = 10_000;

/// One machine's store: the journal, leases, blobs and every statement ever seen.
///
/// It may be shared between threads; calls are serialised and block. Other processes may have
/// the same store open: each stream has one writer at a time ([`Store::acquire`]).
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    pub(crate) locks: PathBuf,
    conn: Mutex<Connection>,
    /// Where a dry run works on a copy.
    #[expect(dead_code, reason = "it is removed when the store is dropped")]
    copy: Option<TempDir>,
}

impl Store {
    /// Opens the database, or creates it, and checks all of it: format, tables, SQLite's
    /// integrity check and the hash chain of the journal. It costs about a millisecond for a
    /// small store and grows with its size.
    ///
    /// # Effects
    /// Creates the folder with mode 0700, and the database and `locks/` in it. In a dry run all of
    /// that is a copy in a temporary folder, which goes when the store is dropped.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if anything does not hold, [`StoreError::Newer`] if a later
    /// program wrote it, [`StoreError::NetworkFileSystem`], [`StoreError::Folder`],
    /// [`StoreError::Busy`] or [`StoreError::Sqlite`] if it cannot be used. A link where the
    /// database, its folder or its locks should be is refused.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !files::is_dry_run() {
            return Self::open_at(path);
        }
        let (copy, file) = copied(path).map_err(StoreError::Folder)?;
        Ok(Self { copy: Some(copy), ..Self::open_at(&file)? })
    }

    fn open_at(path: &Path) -> Result<Self, StoreError> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let locks = folder.join("locks");
        for own in [path, folder, &locks] {
            refuse_link(own).map_err(StoreError::Folder)?;
        }
        create_private_dir(folder).map_err(StoreError::Folder)?;
        if let Some(kind) = mounts::network_file_system(folder) {
            return Err(StoreError::NetworkFileSystem { path: path.to_path_buf(), kind });
        }
        create_private_dir(&locks).map_err(StoreError::Folder)?;
        create_private_file(path).map_err(StoreError::Folder)?;
        let conn = open_checked(path).map_err(|fault| fault.at("open files", path))?;
        let path = path.to_path_buf();
        Ok(Self { path, locks, conn: Mutex::new(conn), copy: None })
    }

    /// The path of the database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one transaction that may write. It is durable when this returns.
    pub(crate) fn write<T>(
        &self,
        op: &'static str,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Immediate, run)
            .map_err(|fault| fault.at(op, &self.path))
    }

    /// Runs one transaction that only reads, so that all of it sees one state.
    pub(crate) fn read_with<T>(
        &self,
        op: &'static str,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.transaction(TransactionBehavior::Deferred, run)
            .map_err(|fault| fault.at(op, &self.path))
    }

    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut conn = self.lock();
        let transaction = conn.transaction_with_behavior(behavior)?;
        let value = run(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// A panic in another thread rolled its transaction back, so the connection is sound.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_checked(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))?;
    create_or_refuse(&mut conn, path)?;
    configure(&conn)?;
    schema::check(&conn)?;
    check_integrity(&conn)?;
    let transaction = conn.transaction()?;
    journal::verify(&transaction)?;
    drop(transaction);
    Ok(conn)
}

fn create_or_refuse(conn: &mut Connection, path: &Path) -> Result<(), Fault> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let application_id = pragma(&transaction, "application_id")?;
    let version = pragma(&transaction, "user_version")?;
    let objects: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application_id, version) {
        (0, 0) if objects == 0 => {
            schema::create(&transaction)?;
            transaction.commit()?;
            Ok(())
        }
        (schema::APPLICATION_ID, schema::VERSION) => Ok(()),
        (schema::APPLICATION_ID, found) if found > schema::VERSION => {
            let known = schema::VERSION;
            Err(StoreError::Newer { path: path.to_path_buf(), found, known }.into())
        }
        (schema::APPLICATION_ID, version) => Err(Damage::Schema { version }.into()),
        (application_id, _) => Err(Damage::Foreign { application_id }.into()),
    }
}

/// `synchronous = FULL` is what makes an append durable at power loss; the settings are read
/// back because SQLite ignores a pragma that it does not like.
fn configure(conn: &Connection) -> Result<(), Fault> {
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "recursive_triggers", true)?;
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    switch_to_wal(conn)?;
    conn.pragma_update(None, "synchronous", "full")?;
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous = pragma(conn, "synchronous")?;
    let foreign_keys = pragma(conn, "foreign_keys")?;
    if (mode.as_str(), synchronous, foreign_keys) == ("wal", 2, 1) {
        Ok(())
    } else {
        let report = format!("journal mode {mode}, synchronous {synchronous}");
        Err(Damage::Integrity { report }.into())
    }
}

/// Several processes that create one store switch it at the same time. SQLite reads the mode first
/// and then upgrades its lock, and for an upgrade it does not wait: it says busy at once.
fn switch_to_wal(conn: &Connection) -> rusqlite::Result<()> {
    const STEP_MS: u64 = 20;
    let mut tries_left = BUSY_WAIT_MS_MAX / STEP_MS;
    loop {
        let switched = conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match switched {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries_left > 0 =>
            {
                tries_left -= 1;
                std::thread::sleep(Duration::from_millis(STEP_MS));
            }
            result => return result,
        }
    }
}

/// The full check and not the quick one: only it compares indexes with their tables.
fn check_integrity(conn: &Connection) -> Result<(), Fault> {
    let report: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if report == "ok" { Ok(()) } else { Err(Damage::Integrity { report }.into()) }
}

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// A copy of a database with what is not yet in its main file; an empty folder where there is none.
fn copied(path: &Path) -> Result<(TempDir, PathBuf), FileError> {
    let fault = |source| FileError::Read { path: path.to_path_buf(), source };
    let folder = tempfile::tempdir().map_err(fault)?;
    let file = folder.path().join("store.sqlite");
    for ending in ["", "-wal"] {
        let with = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        match std::fs::copy(with(path), with(&file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
    }
    Ok((folder, file))
}

fn create_private_dir(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| FileError::Write { path: path.to_path_buf(), source })
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database.
fn create_private_file(path: &Path) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(FileError::Write { path: path.to_path_buf(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_another_process_creates_now_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("store.db");
        let open = || Connection::open(&db).unwrap();
        let (other, conn) = (open(), open());
        other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE t (x);").unwrap();
        let creator = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            other.execute_batch("COMMIT").unwrap();
        });
        switch_to_wal(&conn).unwrap();
        creator.join().unwrap();
        let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
