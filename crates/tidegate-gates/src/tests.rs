//! All gates together: what waivers reach, and what the whole comes to.

use alloy_primitives::B256;
use tidegate_model::statement::{Lowered, Waiver};
use tidegate_model::{GateId, Reason, ReasonCode, StatementDigest, Verdict};

use super::*;
use crate::controls::exemplar;

const DAY: u64 = 86_400;

/// Facts that pass but for a soak that is a day short, which somebody lowered.
fn lowered() -> Facts {
    let mut facts = exemplar(&PolicyRules::default());
    facts.soak.as_mut().unwrap().windows.pop();
    let lowers = Lowered { soak_secs: Some(7 * DAY), ..Lowered::default() };
    let (gate, by, until) = (GateId::Soak, "ann, bob".to_owned(), u64::MAX);
    facts.waivers.emergency.push(Lowering { gate, lowers, by, until });
    facts
}

fn words(facts: &Facts) -> Vec<(GateId, String)> {
    let reports = evaluate(&PolicyRules::default(), facts);
    let other = reports.iter().filter(|report| report.verdict != Verdict::Pass);
    other.map(|report| (report.gate, told(&report.verdict))).collect()
}

#[test]
fn what_is_lowered_is_asked_in_its_own_gate() {
    let rules = PolicyRules::default();
    assert_eq!(words(&lowered()), [(GateId::Soak, "WAIVED too-young".to_owned())]);
    let asked = PolicyRules { soak_secs: 7 * DAY, ..rules.clone() };
    assert_eq!(effective_rules(&rules, &lowered()), asked);
    let without = Facts { waivers: exemplar(&rules).waivers, ..lowered() };
    assert_eq!(words(&without), [(GateId::Soak, "WAITING too-young".to_owned())]);
    assert_eq!(effective_rules(&rules, &without), rules);
    // Without a time nobody knows what is in force.
    let timeless = Facts { gate_time: Err(Reason::unreadable("x")), ..lowered() };
    assert_eq!(effective_rules(&rules, &timeless), rules);
}

#[test]
fn a_waiver_of_what_is_never_waived_is_named_at_its_gate_alone() {
    let mut facts = exemplar(&PolicyRules::default());
    let waiver = Waiver {
        release: facts.waivers.release,
        gate: GateId::Code,
        lowers: Lowered { audits: Some(1), ..Lowered::default() },
        until: u64::MAX,
        reason: String::new(),
        link: String::new(),
    };
    let signer = alloy_primitives::Address::ZERO;
    let digest = StatementDigest(B256::ZERO);
    facts.waivers.waivers.push(WaiverFact { digest, signer, issued_at: 0, waiver });
    assert!(words(&facts).is_empty());
    facts.code.as_mut().unwrap().contracts[0].found = B256::ZERO;
    facts.parameters = Err(Reason::unreadable("x"));
    let code = "FAIL code-differs waiver-void not-waivable".to_owned();
    let expected = [(GateId::Code, code), (GateId::Parameters, "UNKNOWN unreadable".to_owned())];
    assert_eq!(words(&facts), expected);
}

#[test]
fn the_gates_of_one_soak_network() {
    let Facts { code, parameters, soak, .. } = exemplar(&PolicyRules::default());
    let gates = |code: &Observed<CodeFacts>| {
        let reports = evaluate_soak(&PolicyRules::default(), code, &parameters, &soak);
        let said = reports.iter().map(|report| (report.gate, report.verdict.word()));
        (said.collect::<Vec<_>>(), overall(&reports))
    };
    let (said, whole) = gates(&code);
    let passes = [GateId::Code, GateId::Parameters, GateId::Soak].map(|gate| (gate, "PASS"));
    assert_eq!((said, whole), (passes.to_vec(), Verdict::Pass));
    let (said, whole) = gates(&Err(Reason::unreadable("x")));
    assert_eq!(said[0], (GateId::Code, "UNKNOWN"));
    assert_eq!(whole.codes(), [ReasonCode::Unreadable]);
    assert_eq!(overall(&[]).codes(), [ReasonCode::NothingEvaluated]);
}
