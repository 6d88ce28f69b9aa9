use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

use alloy_primitives::{hex, keccak256};
use rusqlite::{OptionalExtension, params};

use crate::error::{Fault, StoreError};
use crate::journal::{current_epoch, signed};
use crate::store::Store;
use crate::stream::{Epoch, NAME_BYTES_MAX, StreamName, check_name, is_name_char};

/// The right to append to one stream. It ends when it is dropped or the process dies: the
/// operating system releases the lock file, so a restart gets the next lease at once.
#[derive(Debug)]
pub struct Lease {
    stream: StreamName,
    epoch: Epoch,
    /// Locked as long as it is open.
    _lock: File,
}

impl Lease {
    /// The stream that the lease is for.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// The number of the lease within its stream; appends under an older one are refused.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}

impl Store {
    /// Takes the lease of a stream, with the epoch after the last one. It does not wait.
    ///
    /// # Effects
    /// Locks `locks/<hash of the stream>.lock` and writes the holder and epoch, durably.
    ///
    /// # Errors
    /// [`StoreError::Held`] with the holder if another lease of the stream is alive, here or in
    /// another process; [`StoreError::Lock`]; [`StoreError::Name`] for the holder; or the
    /// database's own failure.
    pub fn acquire(&self, stream: &StreamName, holder: &str) -> Result<Lease, StoreError> {
        check_name("a lease holder", holder, NAME_BYTES_MAX)?;
        let path = self.lock_path(stream);
        let lock =
            open_lock(&path).map_err(|source| StoreError::Lock { path: path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = self.holder(stream)?;
                let holder = holder.unwrap_or_else(|| "a process that just started".to_owned());
                return Err(StoreError::Held { stream: stream.to_string(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::Lock { path, source }),
        }
        let epoch = self.next_epoch(stream, holder)?;
        Ok(Lease { stream: stream.clone(), epoch, _lock: lock })
    }

    /// The holder of the stream's newest lease, whether or not it is still held.
    ///
    /// # Errors
    /// The database's own failure.
    pub(crate) fn holder(&self, stream: &StreamName) -> Result<Option<String>, StoreError> {
        self.read_with("read the lease", |tx| {
            let mut query = tx.prepare_cached("SELECT holder FROM leases WHERE stream = ?1")?;
            Ok(query.query_row([stream.as_str()], |row| row.get(0)).optional()?)
        })
    }

    fn next_epoch(&self, stream: &StreamName, holder: &str) -> Result<Epoch, StoreError> {
        self.write("take the lease", |tx| -> Result<Epoch, Fault> {
            let epoch = current_epoch(tx, stream.as_str())?.unwrap_or(0) + 1;
            let mut upsert = tx.prepare_cached(
                "INSERT INTO leases (stream, holder, epoch) VALUES (?1, ?2, ?3)
                 ON CONFLICT (stream) DO UPDATE SET holder = ?2, epoch = ?3",
            )?;
            upsert.execute(params![stream.as_str(), holder, signed(epoch)?])?;
            Ok(Epoch(epoch))
        })
    }

    /// A hash, because a stream's name is no file name and case may not count in one.
    fn lock_path(&self, stream: &StreamName) -> PathBuf {
        let hash = keccak256(stream.as_str());
        self.locks.join(format!("{}.lock", hex::encode(&hash[..16])))
    }
}

/// `pid@host` of this process.
pub fn this_holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|c| is_name_char(*c)).take(64).collect();
    let host = if host.is_empty() { "localhost" } else { host.as_str() };
    format!("{}@{host}", std::process::id())
}

fn open_lock(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
