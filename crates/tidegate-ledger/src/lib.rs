//! Test funds as double entry: entries from chain facts and signed statements, their invariants,
//! reconciliation with the chain, and exports.
//!
//! Everything is a pure function of [`Facts`], so that every clone with its own endpoints builds
//! the same ledger. The crate must never send anything: draws and returns are made elsewhere and
//! seen here once they are finalized.

mod account;
mod build;
mod claims;
mod entry;
mod error;
mod export;
mod facts;
#[cfg(test)]
mod fixture;
mod funds_report;
mod invariant;
mod reconcile;
mod request;
mod rules;
mod tally;
mod uncovered;
mod violation;

pub use account::{Account, Commodity, NetworkLabel};
pub use build::{Closing, Ledger, PickError, build_ledger};
pub use claims::counting;
pub use entry::{Entry, EntryKind, Evidence, NaturalKey, Posting};
pub use error::LedgerError;
pub use export::{ExportError, Format, export};
pub use facts::{
    AuthorizationFacts, Facts, FundStatement, Move, NetworkFacts, NonceBounds, Opening, Outflows,
    Rise, TransactionFacts, Unwatched, WalletFacts, WalletRole,
};
pub use funds_report::{FundsReport, OpenRequest, funds_report};
pub use reconcile::{Row, reconcile};
pub use request::{RequestState, RequestView};
pub use rules::FundRules;
pub use uncovered::{Income, OwnFunds};
pub use violation::{Breach, Violation};
