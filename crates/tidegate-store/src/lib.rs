//! The SQLite journal and caches of one machine, and the files that git carries between machines.
//!
//! The journal is append-only, gapless and hash-chained, and an append is durable when it
//! returns. It holds what belongs to one machine; what a team shares lies in the files of
//! [`Layout`]. Losing the store loses no truth.
//!
//! The crate must never know what an event means beyond its kind, and nothing it reads is
//! believed: a statement counts by its signature and a record by the chain, both checked by the
//! caller. The files module is the only place of the project that writes files whole, apart from
//! the keystores of `tidegate-keys`.

mod blobs;
mod checkout;
mod error;
mod files;
mod history;
mod home;
mod journal;
mod layout;
mod lease;
mod mounts;
mod schema;
mod seen;
mod seen_records;
mod seen_transactions;
mod statement_files;
mod store;
mod stream;

#[cfg(test)]
mod tests;

pub use checkout::{Checkout, CheckoutError};
pub use error::{Damage, StoreError, in_words};
pub use files::{
    FileError, begin_dry_run, is_dry_run, read_json, read_limited, to_text, write_atomic,
    write_new, write_private,
};
pub use history::{History, first_commit_with};
pub use home::Home;
pub use journal::{Event, Seq};
pub use layout::{Layout, LayoutError};
pub use lease::{Lease, this_holder};
pub use seen::Seen;
pub use seen_records::SeenRecord;
pub use statement_files::{
    StatementFile, StatementFileError, StatementFiles, StatementRead, read_statements,
};
pub use store::Store;
pub use stream::{Epoch, StreamName};
