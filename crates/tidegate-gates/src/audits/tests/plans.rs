//! The plan, which firms review beside the contracts.

use super::*;

/// What each firm says of the plan, with the contracts all audited.
fn of_plan(auditor: u8, plan: u8) -> AttestationFact {
    fact(auditor, |f| f.attestation.plan_digest = PlanDigest(B256::repeat_byte(plan)))
}

fn planned(plan: u8, attestations: Vec<AttestationFact>) -> AuditFacts {
    AuditFacts { plan: PlanDigest(B256::repeat_byte(plan)), ..facts(attestations) }
}

#[test]
fn the_plan_is_one_more_item() {
    check(planned(7, vec![of_plan(1, 7), of_plan(3, 7)]), "PASS", &[]);
    // Another plan, or none: the contracts stay covered, the plan is not.
    let short = |facts, names: &str| check_named(facts, "UNKNOWN", &[TooFewFirms], &[names]);
    let one = "the plan has 1 of 2 audits (Acme)";
    short(planned(7, vec![of_plan(1, 7), of_plan(3, 8)]), one);
    short(planned(7, vec![of_plan(1, 7), of_plan(3, 0)]), one);
    short(planned(9, vec![of_plan(1, 7), of_plan(3, 7)]), "the plan has 0 of 2");
    let coverage = planned(9, vec![of_plan(1, 7), of_plan(3, 7)]).coverage(NOW);
    assert!(coverage.iter().all(|(item, firms)| (*item == Item::Plan) == firms.is_empty()));
    // One over some contracts may name it; what a part says counts for that part.
    let part = |mut f: AttestationFact| {
        f.attestation.plan_digest = PlanDigest(B256::repeat_byte(7));
        f
    };
    let some = || part(over(3, &[("src/A.sol:A", 1)]));
    short(planned(7, vec![of_plan(1, 7), some()]), "B has 1 of 2 audits (Acme)");
    let mut rest = over(3, &[("src/B.sol:B", 2)]);
    (rest.digest, rest.attestation.plan_digest) = (digest(33), PlanDigest(B256::ZERO));
    check(planned(7, vec![of_plan(1, 7), some(), rest]), "PASS", &[]);
    // A waiver lowers both.
    let one = PolicyRules { audits: 1, ..PolicyRules::default() };
    let report = audits_gate(&one, &Ok(planned(7, vec![of_plan(1, 7), of_plan(3, 8)])), &Ok(NOW));
    assert_eq!(report.verdict, Verdict::Pass);
}

#[test]
fn a_changed_plan_is_reviewed_alone_and_the_old_one_stays_covered() {
    let both = |plan: u8| {
        let list = vec![of_plan(1, 7), of_plan(3, 7), plan_alone(1, 1, 8), plan_alone(3, 3, 8)];
        planned(plan, list)
    };
    check(both(8), "PASS", &[]);
    // A return to the release before, whose plan nothing ends.
    check(both(7), "PASS", &[]);
    let short = |facts, names: &str| check_named(facts, "UNKNOWN", &[TooFewFirms], &[names]);
    let one = "the plan has 1 of 2 audits (Acme)";
    short(both(9), "the plan has 0 of 2");
    check_named(revoked(both(8), digest(3), 3), "FAIL", &[Revoked], &["Bolt"]);
    check_named(revoked(both(8), digest(103), 3), "FAIL", &[Revoked], &["Bolt"]);
    // A delta that names no plan carries the one that it rests on, if that is still the plan.
    let carried = |plan: u8| {
        let mut delta = delta(3, 3, &[("src/B.sol:B", 2)]);
        delta.attestation.plan_digest = PlanDigest(B256::ZERO);
        let mut base = over(3, &[("src/A.sol:A", 1), ("src/B.sol:B", 9)]);
        base.attestation.plan_digest = PlanDigest(B256::repeat_byte(7));
        planned(plan, vec![of_plan(1, plan), base, delta])
    };
    check(carried(7), "PASS", &[]);
    short(carried(8), one);
    // A second word on the same plan replaces the first: what it does not bear out is over.
    let mut ended = both(7);
    let again = &mut ended.attestations[3].attestation;
    (again.plan_digest, again.valid_until) = (PlanDigest(B256::repeat_byte(7)), NOW);
    check_named(ended, "UNKNOWN", &[TooFewFirms, AttestationExpired], &[one]);
    let mut nothing = both(8);
    nothing.attestations[3].attestation.plan_digest = PlanDigest(B256::ZERO);
    check_named(nothing, "UNKNOWN", &[TooFewFirms, AttestationFaulty], &[one]);
}
