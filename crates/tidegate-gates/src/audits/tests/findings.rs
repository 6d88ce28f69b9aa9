//! Findings of medium severity, who accepts them, and documents that list them.

use tidegate_model::statement::{RISK_SECS_MAX, RiskDecision};

use super::*;

fn medium(auditor: u8) -> AttestationFact {
    fact(auditor, |f| {
        f.attestation.verdict = AuditVerdict::RiskAccepted;
        (f.attestation.found, f.attestation.open_medium) = (1, 1);
        f.attestation.findings_digest = B256::repeat_byte(5);
        let (key, title) = (B256::repeat_byte(6), "rounding".to_owned());
        let open = vec![FindingFact { key, severity: Severity::Medium, title }];
        f.findings = Ok(DocumentFact { found: 1, open, ..DocumentFact::default() });
    })
}

fn acceptance(by: u8) -> AcceptanceFact {
    AcceptanceFact {
        digest: digest(by),
        by: Address::with_last_byte(by),
        acceptance: RiskAcceptance {
            scope_root: ScopeRoot(B256::ZERO),
            finding: B256::repeat_byte(6),
            severity: Severity::Medium,
            decision: RiskDecision::Accept,
            justification: "a cap".to_owned(),
            control: String::new(),
        },
        issued_at: NOW - DAY,
        expires_at: NOW + DAY,
    }
}

#[test]
fn an_open_medium_is_accepted_by_two_people_or_blocks() {
    let with = |acceptances: Vec<AcceptanceFact>| {
        let mut facts = facts(vec![plain(1), medium(3)]);
        facts.acceptances = acceptances;
        facts
    };
    let two = |edit: fn(&mut AcceptanceFact)| {
        let mut both = vec![acceptance(11), acceptance(13)];
        both.iter_mut().for_each(edit);
        with(both)
    };
    check(two(|_| {}), "PASS", &[]);
    // Somebody of the other firm may; whoever reported it may not.
    check(with(vec![acceptance(11), acceptance(1)]), "PASS", &[]);
    // All of it stays open: Bolt's attestation does not count, and so a firm is missing too.
    let open = |code| [code, TooFewFirms];
    let one = open(FindingAcceptedByOne);
    let own = with(vec![acceptance(11), acceptance(3)]);
    check_named(own, "UNKNOWN", &one, &["0606060606060606", "eva"]);
    check(with(vec![]), "UNKNOWN", &open(FindingOpen));
    check_named(with(vec![acceptance(11), acceptance(12)]), "UNKNOWN", &one, &["eva"]);
    check_named(with(vec![acceptance(11), acceptance(99)]), "UNKNOWN", &one, &["eva"]);
    check(two(|a| a.expires_at = NOW), "UNKNOWN", &open(FindingAcceptanceExpired));
    check(two(|a| a.issued_at = NOW + 1), "UNKNOWN", &open(FindingOpen));
    let endless = two(|a| a.expires_at = NOW - DAY + RISK_SECS_MAX + 1);
    check(endless, "UNKNOWN", &open(FindingOpen));
    let elsewhere = two(|a| a.acceptance.scope_root.0 = B256::repeat_byte(9));
    check_named(elsewhere, "UNKNOWN", &open(FindingAcceptedElsewhere), &["09090909"]);
    check(two(|a| a.acceptance.finding = B256::ZERO), "UNKNOWN", &open(FindingOpen));
    check(two(|a| a.acceptance.severity = Severity::Low), "UNKNOWN", &open(FindingOpen));
    let mut apart = two(|_| {});
    apart.acceptances[1].acceptance.justification = "another reason".to_owned();
    check_named(apart, "UNKNOWN", &one, &["eva accepts it"]);
}

#[test]
fn findings_block_whoever_else_is_content() {
    let third = |edit: fn(&mut AttestationFact)| {
        let mut third = medium(3);
        third.digest = digest(33);
        edit(&mut third);
        let mut facts = facts(vec![plain(1), plain(3), third]);
        facts.people.insert(
            "dan".to_owned(),
            Person {
                roles: vec!["auditor".to_owned()],
                firm: Some("Dune".to_owned()),
                keys: vec![Address::with_last_byte(5).into()],
            },
        );
        facts.attestations[2].attestation.auditor = Address::with_last_byte(5);
        facts
    };
    let names = &["medium finding 0606060606060606 of Dune (rounding)"];
    check_named(third(|_| {}), "UNKNOWN", &[FindingOpen], names);
    // Deleting or editing the document hides nothing.
    let lost = third(|f| f.findings = Err(Reason::unreadable("it is missing")));
    check(lost, "UNKNOWN", &[FindingsUnread]);
    // Where nothing was left open, whoever lacks it lacks its own word alone.
    let clean = third(|f| {
        f.attestation.verdict = AuditVerdict::Clean;
        (f.attestation.found, f.attestation.open_medium) = (0, 0);
        f.findings = Err(Reason::unreadable("it is missing"));
    });
    check(clean, "PASS", &[]);
    let grave = |f: &mut AttestationFact| {
        if let Ok(document) = &mut f.findings {
            document.open[0].severity = Severity::High;
        }
    };
    check_named(third(grave), "FAIL", &[OpenFindingsListed], &["1 high"]);
    // The firm's later word replaces it.
    let mut later = third(|f| f.attestation.issued_at = NOW - 1);
    later.attestations.push(plain(5));
    check(later, "PASS", &[]);
    // A count that its document does not bear out is no attestation.
    let mut off = facts(vec![plain(1), medium(3)]);
    let a = &mut off.attestations[1].attestation;
    (a.found, a.open_medium) = (2, 2);
    let names = &["its document (1, 0, 0, 1)"];
    check_named(off, "UNKNOWN", &[TooFewFirms, FindingsMiscounted], names);
}

#[test]
fn numbers_of_a_document_are_those_that_were_signed() {
    let documented = |edit: fn(&mut AttestationFact)| {
        let mut bolt = medium(3);
        edit(&mut bolt);
        let mut facts = facts(vec![plain(1), bolt]);
        facts.acceptances = vec![acceptance(11), acceptance(13)];
        facts
    };
    check(documented(|_| {}), "PASS", &[]);
    // A suppression that the auditor did not sign closes nothing.
    let miscounted = &[TooFewFirms, FindingsMiscounted];
    let suppressed = documented(|f| {
        f.attestation.found = 2;
        if let Ok(document) = &mut f.findings {
            (document.found, document.accepted) = (2, 1);
        }
    });
    check_named(suppressed, "UNKNOWN", miscounted, &["its document (2, 0, 1, 1)"]);
    check(
        documented(|f| {
            (f.attestation.found, f.attestation.accepted) = (2, 1);
            if let Ok(document) = &mut f.findings {
                (document.found, document.accepted) = (2, 1);
            }
        }),
        "PASS",
        &[],
    );
    let fixed = documented(|f| f.attestation.fixed = 1);
    check_named(fixed, "UNKNOWN", miscounted, &["counts (1, 1, 0, 1) findings"]);
}

/// Findings that two people accept, with what both signed.
#[test]
fn accepted_findings_are_listed_with_who_accepts_them() {
    let mut facts = facts(vec![plain(1), medium(3)]);
    let listed = |facts: &AuditFacts| {
        let found = facts.accepted(&facts.attestations[1], NOW).into_iter();
        let by = |(key, by): (B256, Vec<&AcceptanceFact>)| {
            (key, by.iter().map(|one| one.digest).collect::<Vec<_>>())
        };
        found.map(by).collect::<Vec<_>>()
    };
    facts.acceptances = vec![acceptance(11)];
    assert_eq!(listed(&facts), []);
    facts.acceptances.push(acceptance(3));
    assert_eq!(listed(&facts), [], "who reported it does not accept it");
    facts.acceptances.push(acceptance(13));
    let [(key, by)] = &listed(&facts)[..] else { panic!("one finding") };
    assert_eq!(*key, B256::repeat_byte(6));
    assert!(by.contains(&digest(11)) && by.contains(&digest(13)), "{by:?}");
}
