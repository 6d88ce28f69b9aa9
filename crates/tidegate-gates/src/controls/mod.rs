//! Negative controls: gates that prove they can fail.
//!
//! A check that never fails looks like one that passes. So each gate is given inputs that are
//! damaged in one place (a flipped byte, a second key of one firm, an attestation that has
//! expired), under the very rules of the project, and has to refuse each. A gate that no longer
//! looks at its input is found here; a rule that asks for nothing, such as `audits = 0`, is named.

mod damage;
mod exemplar;

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::{GateId, GateReport, Verdict};

#[cfg(test)]
pub(crate) use exemplar::attestation;
pub use exemplar::exemplar;

use crate::{Facts, PolicyRules, evaluate};

/// One way in which inputs are damaged.
#[derive(Debug, Clone, Copy)]
struct Damage {
    gate: GateId,
    name: &'static str,
    /// Damages the facts; `false` if they have nothing of the kind, or the rules do not ask for it.
    apply: fn(&PolicyRules, &mut Facts) -> bool,
}

/// The result of one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Control {
    pub gate: GateId,
    /// The name of the damage.
    pub name: &'static str,
    /// The gate's verdict on it; nothing if there was nothing to damage, or the rules do not ask
    /// for it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

impl Control {
    /// Whether the gate let it through.
    pub fn let_through(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::allows)
    }
}

/// Runs every control on facts that pass under these rules, made for the purpose, so that each
/// damage is seen by a gate that would have passed without it.
pub fn controls(rules: &PolicyRules) -> Vec<Control> {
    controls_on(rules, &exemplar(rules))
}

/// Runs every control on facts as they were gathered.
pub fn controls_on(rules: &PolicyRules, facts: &Facts) -> Vec<Control> {
    damage::ALL.iter().map(|damage| run(rules, facts, damage)).collect()
}

fn run(rules: &PolicyRules, facts: &Facts, damage: &Damage) -> Control {
    let mut damaged = facts.clone();
    // What is asked for is what the policy asks for: a waiver is no damage that got through.
    damaged.waivers.waivers.clear();
    damaged.waivers.emergency.clear();
    if let Ok(obligations) = &mut damaged.obligations {
        obligations.excused = None;
    }
    let applies = (damage.apply)(rules, &mut damaged);
    let verdict = applies.then(|| verdict_of(evaluate(rules, &damaged), damage.gate));
    Control { gate: damage.gate, name: damage.name, verdict }
}

/// A gate without a report is one that never refuses anything.
fn verdict_of(reports: Vec<GateReport>, gate: GateId) -> Verdict {
    let report = reports.into_iter().find(|report| report.gate == gate);
    report.map_or(Verdict::Pass, |report| report.verdict)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_gate_passes_on_the_exemplar_and_refuses_every_damage() {
        for rules in [
            PolicyRules::default(),
            PolicyRules { soak_secs: 100_000, audits: 5, ..PolicyRules::default() },
            PolicyRules { transactions: 1, senders: 1, audits: 1, ..PolicyRules::default() },
        ] {
            for report in evaluate(&rules, &exemplar(&rules)) {
                assert_eq!(report.verdict, Verdict::Pass, "{:?}", report.gate);
            }
            refused(&controls(&rules), rules.audits > 1);
        }
    }

    fn refused(controls: &[Control], several_firms: bool) {
        let gates: BTreeSet<_> = controls.iter().map(|control| control.gate).collect();
        assert_eq!(gates, GateId::ALL.into(), "a gate without a control");
        for control in controls {
            let nothing_to_damage = !several_firms && control.name == "two keys of one firm";
            assert_eq!(control.verdict.is_none(), nothing_to_damage, "{control:?}");
            assert!(!control.let_through(), "{control:?}");
        }
    }

    #[test]
    fn rules_that_ask_for_nothing_are_named() {
        let asked = |rules: PolicyRules, gate: GateId| {
            let controls = controls(&rules);
            assert!(!controls.iter().any(Control::let_through), "{controls:?}");
            controls.iter().filter(|c| c.gate == gate && c.verdict.is_some()).count()
        };
        let all = |gate| asked(PolicyRules::default(), gate);
        let rules = PolicyRules { audits: 0, ..PolicyRules::default() };
        assert_eq!(asked(rules, GateId::Audits) + 9, all(GateId::Audits));
        let rules = PolicyRules { soak_secs: 0, senders: 0, ..PolicyRules::default() };
        assert_eq!(asked(rules, GateId::Soak) + 6, all(GateId::Soak));
    }

    #[test]
    fn what_was_gathered_is_damaged_where_there_is_something() {
        let rules = PolicyRules::default();
        let mut facts = exemplar(&rules);
        facts.layout = Ok(crate::LayoutFacts::default());
        let controls = controls_on(&rules, &facts);
        let layout: Vec<_> = controls.iter().filter(|c| c.gate == GateId::Layout).collect();
        assert!(layout.iter().any(|control| control.verdict.is_none()));
        assert!(!controls.iter().any(Control::let_through));
    }

    #[test]
    fn what_passes_or_is_waived_was_let_through() {
        let through = |verdict| Control { gate: GateId::Code, name: "", verdict }.let_through();
        let waived = Verdict::Waived { by: String::new(), until: 0, reasons: Vec::new() };
        assert!(through(Some(Verdict::Pass)) && through(Some(waived)));
        let missing = tidegate_model::Reason::unreadable("x");
        assert!(!through(None) && !through(Some(missing.clone().into_unknown())));
        assert!(!through(Some(missing.into_fail())));
    }
}
