//! The answers of use cases: plain data, as `--json` prints it and as every front end shows it.
//!
//! A field that `--json` leaves out stands there for screens and pages.

mod build;
mod files;
mod promote;
mod soak;
mod status;
mod testnets;
mod verify;

pub use self::build::{BuildView, ContractBuildView, DocumentsView};
pub use self::files::{
    AskedView, AuditFilesView, BundleView, ErrorView, KeyView, KeysView, ListedKeyView,
};
pub use self::promote::{HeldView, PromoteView, ProposedView};
pub use self::soak::EndView;
pub use self::soak::{SampleView, SoakView, WindowView};
pub(crate) use self::status::coverage;
pub use self::status::{
    ApprovalView, Difference, GateView, LocalView, OtherSoakView, PromotedView, StandIn,
    StatusView, WriteView, changed, gate_views, other_builds, stand_ins, write_views,
};
pub use self::testnets::{TestnetView, TestnetsView};
pub use self::verify::{ContractView, VerifyView};
pub use crate::deploy::{DeployView, HelperView};
pub use crate::planned::PlanView;

/// The field in which a document has the warnings that came on the way.
pub const WARNED: &str = "warned";
