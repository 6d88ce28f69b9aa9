//! Proposals, as owners list, sign, execute and read them back.

mod execution;
mod listing;
mod opened;
mod signing;

pub use self::execution::{Executed, ExecutedView, Finished, Promoted, Ready};
pub use self::listing::{Listing, ProposalRow, ProposalsView, Readiness, list};
pub use self::opened::Opened;
pub(crate) use self::opened::Proposed;
pub use self::signing::{ProposalView, SheetView, SignatureView};
pub use crate::proposal_files::{Found, find_trusted};
