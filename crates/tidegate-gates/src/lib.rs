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
mod funds;
mod go;
mod layout;
mod loosening;
mod own_code;
mod parameters;
mod people;
mod policy;
pub mod proxy;
mod published;
mod records;
mod rules;
mod safe;
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
    ANNOUNCED_SECS_MIN, Baseline, Debt, EMERGENCY_SECS_MAX, EmergencyFacts, ObligationFacts,
    RETRO_SECS_MAX, appends_only, emergency, has_soaked, lowerings, owed, refusals,
};
pub use ends::good_through;
pub use funds::FundFacts;
pub use go::{Decision, FreezeFact, GoFacts, MissingStatement, PostedStop, listed_and_missing};
pub use layout::{
    Layout, LayoutFact, LayoutFacts, LayoutProblem, LayoutReadError, Place, ProblemKind, Reference,
    TypeFault, compare as compare_layouts,
};
pub use loosening::{loosened, looser_than_defaults};
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
pub use separation::SeparationFacts;
pub use soak::{
    Activity, END_MARGIN_SECS, EndOfLife, OtherSoak, Pause, Reset, SampleFact, SoakFacts,
    SoakProgress, StartPost, StateThere, User, WINDOW_SECS, Who, Window, WithdrawalFact,
    anchor_required, changed as changed_by_samples, credited, disputed, end_of_life, pauses,
    progress, soak_network_fault, to_look_at,
};
pub use waivers::{
    AUDITS_MIN, Lowering, SOAK_SECS_MIN, WAIVER_SECS_MAX, WaiverFact, WaiverFacts, admissible,
};

use tidegate_model::{GateId, GateReport, Reason, Verdict};

/// A fact that may not have been readable; otherwise what is missing.
pub type Observed<T> = Result<T, Reason>;

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
    /// What people found.
    pub bugs: Observed<BugFacts>,
    /// What the Safe adopted.
    pub policy: Observed<PolicyFacts>,
    /// The Safe itself.
    pub safe: Observed<SafeFacts>,
    /// Test funds.
    pub funds: Observed<FundFacts>,
    /// Who signed what.
    pub separation: Observed<SeparationFacts>,
    /// Who says go, and who stops it.
    pub go: Observed<GoFacts>,
    /// What emergencies left to do.
    pub obligations: Observed<ObligationFacts>,
    /// Who lowered what.
    pub waivers: WaiverFacts,
}

/// Evaluates every gate, in the order in which they are shown.
pub fn evaluate(rules: &PolicyRules, facts: &Facts) -> Vec<GateReport> {
    let soaked = |report| soak::with_others(report, &facts.other_soaks);
    let time = &facts.gate_time;
    let waived = waived(rules, facts);
    let soak_secs = waived.rules(rules).soak_secs;
    let soaked_at = facts.soak.as_ref().ok().map(|soak| soak.start.saturating_add(soak_secs));
    let mut reports = vec![
        soaked(code::gate(&facts.code)),
        layout::gate(&facts.layout),
        soaked(parameters::gate(&facts.parameters)),
        waived.ask(GateId::Soak, rules, |rules| soaked(soak::gate(rules, &facts.soak))),
        waived.ask(GateId::Audits, rules, |rules| audits_gate(rules, &facts.audits, time)),
        bugs::gate(&facts.bugs, time),
        policy::gate(&facts.policy, time),
        safe::gate(rules, &facts.safe),
        funds::gate(&facts.funds),
        separation::gate(&facts.separation),
        go::gate(rules, &facts.go, &facts.bugs, time, soaked_at),
        emergency::gate(&facts.obligations, time),
    ];
    for (gate, remark) in waived.unwaivable() {
        for report in reports.iter_mut().filter(|report| report.gate == *gate) {
            report.verdict.append(vec![remark.clone()]);
        }
    }
    reports
}

/// What a release is asked for once waivers count; what it rests on is judged by these.
pub fn effective_rules(rules: &PolicyRules, facts: &Facts) -> PolicyRules {
    waived(rules, facts).rules(rules)
}

fn waived(rules: &PolicyRules, facts: &Facts) -> waivers::InForce {
    match facts.gate_time {
        Ok(time) => waivers::in_force(rules, &facts.waivers, time),
        Err(_) => waivers::InForce::default(),
    }
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

#[cfg(test)]
mod tests;

/// A verdict in one line for tests: its word and the codes of its reasons.
#[cfg(test)]
pub(crate) fn told(verdict: &Verdict) -> String {
    let codes = verdict.codes().into_iter().map(tidegate_model::ReasonCode::name);
    std::iter::once(verdict.word()).chain(codes).collect::<Vec<_>>().join(" ")
}

/// The verdict on the whole: the worst of all gates.
pub fn overall(reports: &[GateReport]) -> Verdict {
    Verdict::worst(reports.iter().map(|report| &report.verdict))
}
