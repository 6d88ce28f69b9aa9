//! The answers of use cases: plain data, as `--json` prints it and as every front end shows it.
//!
//! A field that `--json` leaves out stands there for screens and pages.

mod build;
mod deploy;
mod files;
mod plan;
mod promote;
mod soak;
mod status;
mod verify;

pub use self::build::{BuildView, ContractBuildView, DocumentsView};
pub(crate) use self::deploy::FrozenView;
pub use self::deploy::{DeployView, HelperView};
pub(crate) use self::files::TypedDataView;
pub use self::files::{
    AskedView, AuditFilesView, BundleView, ErrorView, KeyView, KeysView, ListedKeyView,
};
pub use self::plan::PlanView;
pub use self::promote::{HeldView, PromoteView, ProposedView};
pub use self::soak::EndView;
pub use self::soak::{SampleView, SoakView, WindowView};
pub use self::status::{
    ApprovalView, Difference, GateView, LocalView, OtherSoakView, PromotedView, StandIn,
    StatusView, WriteView, changed, coverage, gate_views, other_builds, stand_ins, write_views,
};
pub use self::verify::{ContractView, VerifyView};
