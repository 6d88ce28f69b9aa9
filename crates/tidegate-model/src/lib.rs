//! Ids, units, statements, verdicts and digests of Tidegate, and the pure functions over them.
//!
//! Everything that people sign or chains record is computed from these types; the preimages
//! follow `docs/formats.md`. The crate does no I/O, knows no time and depends on no runtime, so
//! that a digest means the same on every machine.

pub mod address;
mod artifact;
pub mod cbor;
pub mod changes;
pub mod decimal;
pub mod digest;
pub mod endpoint;
pub mod event;
pub mod functions;
pub mod hazard;
pub mod ids;
pub mod instructions;
pub mod lookup;
pub mod masks;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod record;
pub mod release;
pub mod scope;
pub mod shared;
pub mod slots;
pub mod statement;
pub mod stored;
pub mod trailer;
pub mod units;
pub mod verdict;

pub use ids::{
    BlockRef, BuildDigest, ChainId, CodeRoot, DeploymentDigest, EvidenceDigest, Fqn, Head,
    NetworkId, PlanDigest, PolicyDigest, ProjectId, RecordDigest, ReleaseRoot, ScopeRoot,
    StatementDigest,
};
pub use verdict::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};
