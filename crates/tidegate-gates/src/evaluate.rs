//! All gates together, in the order in which they are shown.

use tidegate_model::{GateId, GateReport, Verdict};

use crate::audits::{AuditFacts, audits_gate};
use crate::bugs::{self, BugFacts};
use crate::code::{self, CodeFacts};
use crate::emergency::{self, ObligationFacts};
use crate::funds::{self, FundFacts};
use crate::go::{self, GoFacts};
use crate::layout::{self, LayoutFacts};
use crate::observed::Observed;
use crate::parameters::{self, ParameterFacts};
use crate::policy::{self, PolicyFacts};
use crate::rules::PolicyRules;
use crate::safe::{self, SafeFacts};
use crate::separation::{self, SeparationFacts};
use crate::soak::{self, OtherSoak, SoakFacts};
use crate::waivers::{self, WaiverFacts};

/// Everything the gates look at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Timestamp of the target's latest finalized header.
    pub gate_time: Observed<u64>,
    /// Code and slots on the soak network.
    pub code: Observed<CodeFacts>,
    /// The storage layouts behind the proxies that are upgraded.
    pub layout: Observed<LayoutFacts>,
    /// Parameters, soaked and on the target.
    pub parameters: Observed<ParameterFacts>,
    /// The soak: time and use on the soak network.
    pub soak: Observed<SoakFacts>,
    /// The other networks on which it soaks.
    pub other_soaks: Vec<OtherSoak>,
    /// Attestations and revocations.
    pub audits: Observed<AuditFacts>,
    /// Reported bugs and their triage.
    pub bugs: Observed<BugFacts>,
    /// The policy that the Safe adopted.
    pub policy: Observed<PolicyFacts>,
    /// The Safe itself.
    pub safe: Observed<SafeFacts>,
    /// Test funds.
    pub funds: Observed<FundFacts>,
    /// The signers whose duties must be separate.
    pub separation: Observed<SeparationFacts>,
    /// Goes, no-goes and freezes.
    pub go: Observed<GoFacts>,
    /// The obligations that emergencies left.
    pub obligations: Observed<ObligationFacts>,
    /// Waivers and the emergency, which lower requirements.
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

/// A verdict in one line for tests: its word and the codes of its reasons.
#[cfg(test)]
pub(crate) fn told(verdict: &Verdict) -> String {
    let codes = verdict.codes().into_iter().map(tidegate_model::ReasonCode::name);
    std::iter::once(verdict.word()).chain(codes).collect::<Vec<_>>().join(" ")
}

/// The overall verdict: the worst of all gates.
pub fn overall(reports: &[GateReport]) -> Verdict {
    Verdict::worst(reports.iter().map(|report| &report.verdict))
}
