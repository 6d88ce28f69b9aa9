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
mod funds;
mod invariant;
mod reconcile;
mod rules;

pub use account::{Account, Commodity, NATIVE_DECIMALS, NetworkLabel};
pub use build::{Closing, Ledger, PickError, build_ledger};
pub use claims::counting;
pub use entry::{Entry, EntryKind, Evidence, NaturalKey, Posting};
pub use error::LedgerError;
pub use export::{BEANCOUNT_DIGITS_MAX, ExportError, Format, export};
pub use facts::{
    AuthorizationFacts, Facts, FundStatement, Move, NetworkFacts, NonceBounds, Opening, Outflows,
    Rise, TREASURER_ROLE, TransactionFacts, Unwatched, WalletFacts, WalletRole,
};
pub use funds::{
    FundsReport, Income, OpenRequest, OwnFunds, RequestState, RequestView, Violation, funds_report,
};
pub use invariant::{Breach, check_ledger};
pub use reconcile::{Row, reconcile};
pub use rules::FundRules;
