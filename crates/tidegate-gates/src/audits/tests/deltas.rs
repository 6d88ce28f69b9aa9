//! Delta reviews, what they rest on, and what a revocation sets back.

use super::*;

#[test]
fn a_delta_counts_with_what_it_rests_on() {
    let old = [("src/A.sol:A", 1), ("src/B.sol:B", 9)];
    let base = || over(3, &old);
    let fixed = || delta(3, 3, &[("src/B.sol:B", 2)]);
    let with = |list: Vec<AttestationFact>| facts([vec![plain(1)], list].concat());
    check(with(vec![base(), fixed()]), "PASS", &[]);
    check(with(vec![fixed()]), "UNKNOWN", &[TooFewFirms, DeltaBase, BaseMissing]);
    check_named(with(vec![base()]), "UNKNOWN", &[TooFewFirms], &["B has 1 of 2"]);
    check(revoked(with(vec![base(), fixed()]), digest(3), 3), "FAIL", &[Revoked]);
    let edited = |edit: fn(&mut AttestationFact)| {
        let mut base = base();
        edit(&mut base);
        with(vec![base, fixed()])
    };
    let rests = |edit: fn(&mut AttestationFact), code: ReasonCode| {
        let facts = edited(edit);
        let report = audits_gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW));
        let codes = report.verdict.codes();
        assert_eq!(report.verdict.word(), "UNKNOWN");
        assert!(codes.windows(2).any(|pair| pair == [DeltaBase, code]), "{codes:?}");
    };
    rests(|b| b.attestation.valid_until = NOW, BaseExpired);
    rests(|b| b.confirmed = Err(Reason::unreadable("refuses it")), BaseUnconfirmed);
    rests(|b| b.attestation.auditor = Address::with_last_byte(1), BaseOfOtherFirm);
    rests(|b| b.attestation.verdict = AuditVerdict::Deployment, BaseOfDeployment);
    rests(|b| b.attestation.issued_at = NOW + 1, BaseExpired);
    rests(|b| b.attestation.verdict = AuditVerdict::RiskAccepted, BaseFaulty);
    // What the base found is fixed, which is what the delta is for.
    check(
        edited(|b| {
            (b.attestation.verdict, b.attestation.found) = (AuditVerdict::RiskAccepted, 1);
            (b.attestation.open_high, b.attestation.findings_digest) = (1, B256::repeat_byte(5));
        }),
        "PASS",
        &[],
    );
    let lost = edited(|b| b.covers = Err(Reason::unreadable("its preimage is missing")));
    check_named(lost, "UNKNOWN", &[TooFewFirms, ScopeUnknown], &["A has"]);

    // The release before the fix is no longer covered by the base.
    let mut before = with(vec![base(), fixed()]);
    before.contracts = contracts(&old);
    before.attestations[0].covers = Ok(contracts(&old));
    before.attestations[0].attestation.scope_root = ScopeRoot(B256::repeat_byte(1));
    check_named(before.clone(), "UNKNOWN", &[TooFewFirms], &["B has 1 of 2"]);
    assert!(before.relevant_with(None).contains(&digest(103)), "what replaces it is looked at");
    before.attestations[2].covers = Err(Reason::unreadable("its preimage is missing"));
    check_named(before.clone(), "UNKNOWN", &[TooFewFirms, ScopeUnknown], &["1 of 2"]);
    before.attestations.pop();
    check(before, "PASS", &[]);
}

#[test]
fn revocations_and_grave_findings_set_the_soak_back() {
    let mut found = plain(3);
    found.attestation.open_high = 1;
    found.attestation.issued_at = 7;
    let mut of_another_scope = over(5, &[("src/A.sol:A", 9)]);
    of_another_scope.attestation.open_high = 1;
    let facts = revoked(facts(vec![plain(1), found, of_another_scope]), digest(1), 1);
    let resets = facts.resets();
    let said: Vec<_> = resets.iter().map(|r| (r.time, r.reason.as_str())).collect();
    let short = |n| digest(n).short();
    assert_eq!(
        said,
        [
            (NOW, format!("Acme revoked attestation {} (posted at the helper)", short(1)).as_str()),
            (7, format!("Bolt found 0 critical, 1 high ({})", short(3)).as_str()),
        ]
    );
    let by_another = revoked(self::facts(vec![plain(1), plain(3)]), digest(1), 3);
    assert!(by_another.resets().is_empty(), "only who signed takes it back");
}

#[test]
fn what_a_revocation_sets_back_is_said_before() {
    let list = vec![plain(1), plain(3), plan_alone(3, 3, 8)];
    let facts = AuditFacts { plan: PlanDigest(B256::repeat_byte(8)), ..facts(list) };
    let set_back = facts.set_back_by(digest(3), NOW);
    assert!(set_back.restarts);
    assert_eq!(set_back.resting, [digest(103)]);
    let said = set_back.sentences("vault-1").join(" | ");
    for words in ["soak of vault-1 starts over", "Bolt no longer covers A, B, the plan"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut elsewhere = over(4, &[("src/C.sol:C", 3)]);
    elsewhere.attestation.plan_digest = PlanDigest(B256::repeat_byte(9));
    let with_more = AuditFacts {
        attestations: [facts.attestations.clone(), vec![elsewhere]].concat(),
        ..facts.clone()
    };
    assert_eq!(with_more.set_back_by(digest(4), NOW), SetBack::default());
    let nothing = facts.set_back_by(digest(77), NOW).sentences("vault-1").join(" | ");
    assert!(nothing.contains("nothing of vault-1"), "{nothing}");

    let revoked = revoked(facts, digest(3), 3);
    let standings = revoked.standings(NOW);
    assert!(standings[&digest(3)].contains("Bolt revoked attestation"), "{standings:?}");
    assert!(standings[&digest(103)].contains("was revoked"), "{standings:?}");
    assert_eq!(standings[&digest(1)], "counts");
    let key = Address::with_last_byte(3);
    assert!(revoked.holds_for_delta(digest(3), key, NOW).is_err_and(|w| w.code == BaseRevoked));
    assert_eq!(revoked.holds_for_delta(digest(1), Address::with_last_byte(2), NOW), Ok(()));
    assert!(revoked.holds_for_delta(digest(1), key, NOW).is_err(), "of another firm");
}

/// A chain of delta reviews rests on one that is none, and is as long as it may be.
#[test]
fn delta_reviews_rest_on_at_most_sixteen_others() {
    let chain = |deltas: u8| {
        let mut list = vec![plain(1), plain(3)];
        list[1].digest = digest(100);
        for number in 1..=deltas {
            let mut next = delta(3, 99 + number, &[("src/A.sol:A", 1), ("src/B.sol:B", 2)]);
            next.digest = digest(100 + number);
            // What is said of the same later replaces it.
            next.attestation.issued_at = NOW - u64::from(deltas - number);
            list.push(next);
        }
        facts(list)
    };
    check(chain(16), "PASS", &[]);
    let named = &["more than 16 delta reviews"];
    check_named(chain(17), "UNKNOWN", &[TooFewFirms, DeltaBase, BaseTooDeep], named);
}

/// A grave finding sets back what is audited alone; in a scope of more it may be of the rest.
#[test]
fn a_grave_finding_sets_back_only_what_it_must_be_in() {
    let (a, c) = (("src/A.sol:A", 1), ("src/C.sol:C", 3));
    let resets = |contracts: &[(&str, u8)], of_plan: bool| {
        let mut found = over(3, contracts);
        found.attestation.open_high = 1;
        let mut facts = facts(vec![plain(1), found]);
        if !of_plan {
            facts.attestations[1].attestation.plan_digest = PlanDigest(B256::repeat_byte(9));
        }
        facts.resets().len()
    };
    assert_eq!((resets(&[a], true), resets(&[a], false)), (1, 1));
    assert_eq!((resets(&[a, c], true), resets(&[a, c], false)), (0, 0));
    assert_eq!((resets(&[], true), resets(&[], false)), (1, 0));
    // What only its document lists, and what nobody confirms.
    let listed = |severity, edit: fn(&mut AttestationFact)| {
        let mut found = plain(3);
        let open = vec![FindingFact { key: B256::ZERO, severity, title: String::new() }];
        found.findings = Ok(DocumentFact { found: 1, open, ..DocumentFact::default() });
        edit(&mut found);
        let resets = facts(vec![plain(1), found]).resets();
        resets.first().map(|reset| reset.reason.clone()).unwrap_or_default()
    };
    assert!(listed(Severity::High, |_| {}).starts_with("Bolt found 0 critical, 1 high"));
    assert!(listed(Severity::Critical, |_| {}).starts_with("Bolt found 1 critical, 0 high"));
    assert_eq!(listed(Severity::Medium, |_| {}), "");
    let doubtful = |f: &mut AttestationFact| f.confirmed = Err(Reason::unreadable("refuses it"));
    assert_eq!(listed(Severity::High, doubtful), "");
}

/// What follows ends what it follows if it is of the firm, confirmed and of now.
#[test]
fn what_follows_ends_only_its_own_firm_s_word() {
    let b = [("src/B.sol:B", 2)];
    let followed = |auditor, edit: fn(&mut AttestationFact)| {
        let mut next = delta(auditor, 3, &b);
        // It does not count by itself.
        next.attestation.verdict = AuditVerdict::Deployment;
        edit(&mut next);
        let facts = facts(vec![plain(1), plain(3), next]);
        audits_gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW)).verdict.word()
    };
    assert_eq!(followed(3, |_| {}), "UNKNOWN");
    assert_eq!(followed(3, |f| f.attestation.issued_at = NOW + 1), "PASS");
    assert_eq!(followed(3, |f| f.confirmed = Err(Reason::unreadable("refuses it"))), "PASS");
    assert_eq!(followed(1, |_| {}), "PASS");
}
