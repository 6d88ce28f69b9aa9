//! Evidence that gates judge: signed statements, and observations of soak networks, deployments,
//! Safes and executions.
//!
//! Statements count by their signature, wherever they come from; observations are read from a
//! chain at named blocks. The crate must never decide whether either is enough: that is what
//! `tidegate-gates` is for.

mod activity;
mod bundle;
mod contract_signature;
mod dates;
mod deployed;
mod executed;
pub mod exports;
mod fresh;
mod order;
mod safe;
pub mod sarif;
mod shown;
mod soak;
mod statements;
mod stored;
mod succession;

pub use activity::{CountedContract, called_function, counted_functions};
pub use bundle::{BUNDLE_BYTES_MAX, Bundle, BundleError, CONFIG};
pub use contract_signature::{ContractAnswer, ask_contract, stands_on};
pub use dates::{ChainDates, read_dates};
pub use deployed::{Borne, borne_out, is_wiped};
pub use executed::{Executed, execution_of};
pub use fresh::{Untouched, used_before};
pub use safe::{KnownTransactions, SafeReadError, prove_safe, read_safe};
pub use sarif::{Finding, FindingCounts, FindingState, Findings, SarifError, Suppression};
pub use shown::Shown;
pub use soak::{NamedUse, Probe, SeenSample, SoakObservation, SoakRequest, Watched, observe_soak};
pub use statements::{
    Collected, Doubt, Doubtful, Origin, Said, StatementSet, Unconfirmed, collect,
};
pub use stored::{BySafe, Made, compare_stored};
pub use succession::{End, ends};
