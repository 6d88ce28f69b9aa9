//! Tests of the store, one module a feature.

mod checkout;
mod damage;
mod files;
mod history;
mod journal;
mod kept;
mod layout;
mod lease;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{Store, StreamName};

/// A folder with a store in it.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join(".tidegate/store.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.db()).unwrap()
    }

    /// The database without Tidegate, and with the triggers out of the way.
    fn raw(&self) -> rusqlite::Connection {
        let conn = rusqlite::Connection::open(self.db()).unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        conn
    }
}

fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}
