//! The gates: policy and facts in, verdicts and reasons out.
//!
//! Pure. A gate never passes on missing data: facts that could not be read are `Err` and come out
//! as UNKNOWN. Nothing here knows how facts are gathered, and nothing reads a clock; gate time is
//! the target's finalized header, as a fact.

mod audits;
mod bugs;
mod code;
pub mod code_match;
pub mod controls;
mod dating;
mod emergency;
mod ends;
mod evaluate;
mod eventless;
mod funds;
mod go;
mod layout;
mod loosening;
mod observed;
mod own_code;
mod parameters;
mod people;
mod policy;
pub mod proxy;
mod published;
mod records;
mod rules;
mod safe;
mod safety;
mod separation;
pub mod slot_writes;
mod soak;
mod waivers;

pub use audits::{
    AcceptanceFact, AttestationFact, AuditFacts, Coverage, DocumentFact, FindingFact, Item,
    RevocationFact, ScopeHashes, SetBack, audits_gate,
};
pub use bugs::{BugFact, BugFacts, TriageFact, duplicate_fault, resetting_bugs};
pub use code::{CodeFacts, ContractFact, SlotFact, code_verdict};
pub use dating::{Dating, dating};
pub use emergency::{
    Baseline, Debt, EMERGENCY_SECS_MAX, EmergencyFacts, ObligationFacts, appends_only, emergency,
    has_soaked, lowerings, owed, refusals, undeclarable,
};
pub use ends::good_through;
#[cfg(test)]
pub(crate) use evaluate::told;
pub use evaluate::{Facts, effective_rules, evaluate, evaluate_soak, overall};
pub use eventless::Functions;
pub use funds::FundFacts;
pub use go::{Decision, FreezeFact, GoFacts, MissingStatement, PostedStop, listed_and_missing};
pub use layout::{
    Layout, LayoutFact, LayoutFacts, LayoutProblem, LayoutReadError, Place, ProblemKind, Reference,
    TypeFault, compare as compare_layouts, hidden_sentence,
};
pub use loosening::{loosened, looser_than_defaults};
pub use observed::Observed;
pub use own_code::{Account, Outsider, foreign_code};
pub use parameters::{ExternalRow, ParameterFacts, ParameterRow, WriteRow};
pub use policy::{
    LOOSENING_SECS, Loosening, OtherProject, PolicyFacts, TrustFacts, compare, differences,
    new_name,
};
pub use published::{FileFact, Findings, Published, published};
pub use records::{MissingRecord, RecordFile, RecordsHere, missing_records};
pub use rules::{GoRule, PolicyError, PolicyRules};
pub use safe::{SafeChange, SafeFacts, SafeProof, UnknownExecution};
pub use safety::{
    allowed_hazard, hazards_behind, is_proxy_admin, is_remark, own_proxy, unjudged, unsafe_reason,
};
pub use separation::SeparationFacts;
pub use soak::{
    Activity, EndOfLife, OtherSoak, Pause, Reset, SampleFact, SetAside, SoakFacts, SoakProgress,
    StartPost, StateThere, User, WINDOW_SECS, Who, Window, WithdrawalFact, anchor_required,
    changed as changed_by_samples, credited, disputed, end_of_life, pauses, progress,
    soak_network_fault, to_look_at,
};
pub use waivers::{Lowering, WAIVER_SECS_MAX, WaiverFact, WaiverFacts, admissible};

#[cfg(test)]
mod tests;
