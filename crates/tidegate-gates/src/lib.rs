//! The gates: policy and facts in, verdicts and reasons out.
//!
//! Pure. A gate never passes on missing data: facts that could not be read are `Err` and come out
//! as UNKNOWN. Nothing here knows how facts are gathered, and nothing reads a clock; gate time is
//! the target's finalized header, as a fact.

mod audits;
mod code;
pub mod code_match;
pub mod controls;
mod funds;
mod layout;
mod parameters;
mod policy;
pub mod proxy;
mod rules;
mod separation;
pub mod slot_writes;
mod soak;

pub use audits::{
    AcceptanceFact, AttestationFact, AuditFacts, FindingFact, RevocationFact, ScopeHashes,
    audits_gate,
};
pub use code::{CodeFacts, ContractFact, SlotFact, code_verdict};
pub use funds::FundFacts;
pub use layout::{
    Layout, LayoutFact, LayoutFacts, LayoutProblem, LayoutReadError, Place, ProblemKind, Reference,
    TypeFault, compare as compare_layouts,
};
pub use parameters::{ParameterFacts, ParameterRow};
pub use policy::{PolicyFacts, TrustFacts, compare, differences};
pub use rules::{PolicyError, PolicyRules};
pub use separation::SeparationFacts;
pub use soak::{
    Activity, END_MARGIN_SECS, EndOfLife, OtherSoak, Pause, Reset, SampleFact, SoakFacts,
    SoakProgress, User, WINDOW_SECS, Who, Window, changed as changed_by_samples, credited,
    known_end, pauses, progress,
};

use tidegate_model::{GateReport, Verdict};

/// A fact that may not have been readable; the text says what is missing.
pub type Observed<T> = Result<T, String>;

/// Everything the gates look at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Timestamp of the target's latest finalized header.
    pub gate_time: Observed<u64>,
    /// What stands on the soak network.
    pub code: Observed<CodeFacts>,
    /// What stands behind the proxies that are upgraded.
    pub layout: Observed<LayoutFacts>,
    /// Parameters, soaked and on the target.
    pub parameters: Observed<ParameterFacts>,
    /// How long and how much the release was used.
    pub soak: Observed<SoakFacts>,
    /// The other networks on which it soaks.
    pub other_soaks: Vec<OtherSoak>,
    /// Attestations and revocations.
    pub audits: Observed<AuditFacts>,
    /// What the Safe adopted.
    pub policy: Observed<PolicyFacts>,
    /// Test funds.
    pub funds: Observed<FundFacts>,
    /// Who signed what.
    pub separation: Observed<SeparationFacts>,
}

/// Evaluates every gate, in the order in which they are shown.
pub fn evaluate(rules: &PolicyRules, facts: &Facts) -> Vec<GateReport> {
    let soaked = |report| soak::with_others(report, &facts.other_soaks);
    vec![
        soaked(code::gate(&facts.code)),
        layout::gate(&facts.layout),
        soaked(parameters::gate(&facts.parameters)),
        soaked(soak::gate(rules, &facts.soak)),
        audits_gate(rules, &facts.audits, &facts.gate_time),
        policy::gate(&facts.policy),
        funds::gate(&facts.funds),
        separation::gate(&facts.separation),
    ]
}

/// Evaluates the gates that speak of one soak network: `code`, `parameters` and `soak`.
pub fn evaluate_soak(
    rules: &PolicyRules,
    code: &Observed<CodeFacts>,
    parameters: &Observed<ParameterFacts>,
    soak: &Observed<SoakFacts>,
) -> Vec<GateReport> {
    vec![code::gate(code), parameters::gate(parameters), soak::gate(rules, soak)]
}

/// The verdict on the whole: the worst of all gates.
pub fn overall(reports: &[GateReport]) -> Verdict {
    Verdict::worst(reports.iter().map(|report| &report.verdict))
}
