use alloy_primitives::B256;
use tidegate_model::release::Compiler;
use tidegate_model::statement::{AuditVerdict, RISK_SECS_MAX, RiskDecision, source_built_by};

use super::*;
use crate::controls::attestation;

const NOW: u64 = 1_000_000;
const DAY: u64 = 86_400;

/// Who is who: Acme has two keys and two people, Bolt one; eva and kim audit nothing.
fn people() -> BTreeMap<String, Person> {
    let person = |role: &str, firm: Option<&str>, keys: &[u8]| Person {
        roles: vec![role.to_owned()],
        firm: firm.map(str::to_owned),
        keys: keys.iter().map(|key| Address::with_last_byte(*key).into()).collect(),
    };
    [
        ("ada", person("auditor", Some("Acme"), &[1, 2])),
        ("cy", person("auditor", Some("Acme"), &[4])),
        ("bo", person("auditor", Some("Bolt"), &[3])),
        ("eva", person("engineer", None, &[11, 12])),
        ("kim", person("treasurer", None, &[13])),
    ]
    .map(|(name, person)| (name.to_owned(), person))
    .into()
}

fn contracts(named: &[(&str, u8)]) -> ScopeHashes {
    named.iter().map(|(name, hash)| (Fqn((*name).to_owned()), B256::repeat_byte(*hash))).collect()
}

fn digest(byte: u8) -> StatementDigest {
    StatementDigest(B256::repeat_byte(byte))
}

/// An attestation of the release by a key, with the key's digest.
fn fact(auditor: u8, edit: impl Fn(&mut AttestationFact)) -> AttestationFact {
    let attestation = AuditAttestation {
        scope_count: 2,
        issued_at: NOW,
        valid_until: NOW + 1,
        ..attestation(Address::with_last_byte(auditor), ScopeRoot(B256::ZERO))
    };
    let mut fact = AttestationFact {
        digest: digest(auditor),
        attestation,
        confirmed: Ok(None),
        covers: Err("its preimage is missing".to_owned()),
        findings: Ok(DocumentFact::default()),
    };
    edit(&mut fact);
    fact
}

fn plain(auditor: u8) -> AttestationFact {
    fact(auditor, |_| {})
}

/// One of another scope, over these contracts.
fn over(auditor: u8, named: &[(&str, u8)]) -> AttestationFact {
    let covers = contracts(named);
    fact(auditor, |f| {
        f.attestation.scope_root = ScopeRoot(B256::repeat_byte(auditor));
        f.covers = Ok(covers.clone());
    })
}

fn delta(auditor: u8, base: u8, named: &[(&str, u8)]) -> AttestationFact {
    let mut fact = over(auditor, named);
    fact.digest = digest(auditor + 100);
    fact.attestation.verdict = AuditVerdict::Delta;
    fact.attestation.supersedes = digest(base);
    fact
}

fn facts(attestations: Vec<AttestationFact>) -> AuditFacts {
    AuditFacts {
        scope_root: ScopeRoot(B256::ZERO),
        contracts: contracts(&[("src/A.sol:A", 1), ("src/B.sol:B", 2)]),
        plan: plain(1).attestation.plan_digest,
        people: people(),
        attestations,
        revocations: Vec::new(),
        acceptances: Vec::new(),
        helper: Ok(Vec::new()),
        remarks: Vec::new(),
    }
}

#[track_caller]
fn check(facts: AuditFacts, expected: &str, says: &[&str]) {
    let report = audits_gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW));
    let reasons = report.verdict.reasons().join(" | ");
    assert_eq!(report.verdict.word(), expected, "{reasons}");
    for words in says {
        assert!(reasons.contains(words), "{words}: {reasons}");
    }
}

fn revoked(mut facts: AuditFacts, digest: StatementDigest, by: u8) -> AuditFacts {
    facts.revocations.push(RevocationFact {
        attestation: digest,
        by: Address::with_last_byte(by),
        at: NOW,
        found: "posted at the helper".to_owned(),
        confirmed: Ok(()),
    });
    facts
}

#[test]
fn another_build_of_a_compiler_is_named() {
    let compiler = |version: &str, byte| Compiler {
        version: version.to_owned(),
        sha256: B256::repeat_byte(byte),
    };
    let by = |auditor, compilers: &[Compiler]| {
        fact(auditor, |f| f.attestation.source = source_built_by("repository@commit", compilers))
    };
    let native = compiler("0.8.37+commit.f401782d.Linux.g++", 1);
    let wasm = compiler("0.8.37+commit.f401782d.Emscripten.clang", 2);
    let older = compiler("0.8.30+commit.73712a01.Linux.g++", 3);
    let ours = [native.clone(), compiler("vyper 0.4.3+commit.bff19ea2", 4)];
    let said = |attestations| facts(attestations).other_builds(&ours, NOW);
    let honest = || by(1, &[native.clone(), older.clone()]);
    assert_eq!(said(vec![honest(), plain(3)]), Vec::<String>::new());
    let found = said(vec![honest(), by(3, std::slice::from_ref(&wasm))]);
    assert_eq!(found.len(), 1, "{found:?}");
    for words in ["bo (Bolt)", "another build of solc 0.8.37+commit.f401782d", "0x0202", "0x0101"] {
        assert!(found[0].contains(words), "{words}: {found:?}");
    }
    let vyper = compiler("vyper 0.4.3+commit.bff19ea2", 5);
    assert_eq!(said(vec![by(1, &[vyper, native.clone()]), by(3, &[wasm])]).len(), 2);
    // What does not count is not spoken of.
    let expired = fact(3, |f| {
        f.attestation.valid_until = NOW - 1;
        f.attestation.source = source_built_by("", &[compiler("0.8.37+commit.f401782d", 9)]);
    });
    assert_eq!(said(vec![honest(), expired]), Vec::<String>::new());
}

#[test]
fn what_a_contract_no_longer_confirms_is_not_taken_back() {
    let refuses = || Err("refuses it".to_owned());
    let doubtful = |mut facts: AuditFacts| {
        facts.revocations.iter_mut().for_each(|found| found.confirmed = refuses());
        facts
    };
    let both = || facts(vec![plain(1), plain(3)]);
    let says = &["Bolt revoked", "refuses it: have it signed anew"];
    check(doubtful(revoked(both(), digest(3), 3)), "UNKNOWN", says);
    check(doubtful(revoked(both(), digest(3), 1)), "PASS", &[]);
    // Of two the one that counts, in either order.
    check(revoked(doubtful(revoked(both(), digest(3), 3)), digest(3), 3), "FAIL", &says[..1]);
    let mut other = revoked(revoked(both(), digest(3), 3), digest(3), 3);
    other.revocations[1].confirmed = refuses();
    check(other, "FAIL", &says[..1]);

    let third = |open_high| {
        fact(4, |f| {
            f.attestation.open_high = open_high;
            f.confirmed = Err("refuses it".to_owned());
        })
    };
    check(facts(vec![plain(1), plain(3), third(0)]), "PASS", &[]);
    let says = &["Acme reports open findings", "by Acme: refuses it"];
    check(facts(vec![plain(1), plain(3), third(1)]), "UNKNOWN", says);
}

#[test]
fn firms_count_not_keys() {
    let all = |list: Vec<AttestationFact>| facts(list);
    check(all(vec![plain(1), plain(3)]), "PASS", &[]);
    check(all(vec![plain(1), plain(2)]), "UNKNOWN", &["1 of 2"]);
    check(all(vec![plain(1), plain(4)]), "UNKNOWN", &["1 of 2"]);
    check(all(vec![plain(1)]), "UNKNOWN", &["1 of 2"]);
    check(all(vec![plain(1), plain(9)]), "UNKNOWN", &["no auditor of this policy"]);
    check(all(vec![plain(1), plain(11)]), "UNKNOWN", &["no auditor of this policy"]);
    check(revoked(all(vec![plain(1), plain(3)]), digest(3), 3), "FAIL", &["Bolt revoked"]);
    check(revoked(all(vec![plain(1), plain(3)]), digest(3), 1), "PASS", &[]);
    for (edit, expected, says) in [
        ((|f| f.attestation.open_high = 1) as fn(&mut AttestationFact), "FAIL", "1 high"),
        (|f| f.attestation.open_critical = 1, "FAIL", "1 critical"),
        (|f| f.attestation.valid_until = NOW, "UNKNOWN", "expired"),
        (|f| f.attestation.verdict = AuditVerdict::Deployment, "UNKNOWN", "`deployment`"),
        (|f| f.attestation.verdict = AuditVerdict::RiskAccepted, "UNKNOWN", "names no document"),
        (|f| f.attestation.verdict = AuditVerdict::Delta, "UNKNOWN", "names nothing"),
        (|f| f.attestation.open_medium = 1, "UNKNOWN", "found 0, of which 1"),
        (|f| (f.attestation.found, f.attestation.open_medium) = (1, 1), "UNKNOWN", "says clean"),
        (|f| f.confirmed = Err("refuses it".to_owned()), "UNKNOWN", "refuses it"),
        (|f| f.attestation.scope_root.0 = B256::repeat_byte(7), "UNKNOWN", "preimage is missing"),
        // One dated after gate time is not counted yet; nothing waits where enough are.
        (|f| f.attestation.issued_at = NOW + 1, "WAITING", "dated"),
    ] {
        check(
            all(vec![
                plain(1),
                plain(3),
                fact(3, |f| {
                    f.digest = digest(33);
                    edit(f);
                }),
            ]),
            if expected == "FAIL" { "FAIL" } else { "PASS" },
            &[],
        );
        let alone = if expected == "WAITING" { "UNKNOWN" } else { expected };
        // What waits is said beside what is missing.
        let says = if expected == "WAITING" { vec![says, "1 of 2"] } else { vec![says] };
        check(all(vec![plain(1), fact(3, edit)]), alone, &says);
    }
    let mut unread = all(vec![plain(1), plain(3)]);
    unread.helper = Err("no endpoint".to_owned());
    check(unread, "UNKNOWN", &["no endpoint"]);
    check(
        AuditFacts { contracts: ScopeHashes::new(), ..all(vec![plain(1), plain(3)]) },
        "UNKNOWN",
        &[],
    );
}

#[test]
fn each_contract_needs_its_firms() {
    let (a, b) = (("src/A.sol:A", 1), ("src/B.sol:B", 2));
    // Of releases with more contracts, with fewer, and before a change to B.
    check(facts(vec![plain(1), over(3, &[a, b, ("src/C.sol:C", 3)])]), "PASS", &[]);
    check(facts(vec![plain(1), over(3, &[a])]), "UNKNOWN", &["B has 1 of 2 audits (Acme)"]);
    check(facts(vec![plain(1), over(3, &[a, ("src/B.sol:B", 9)])]), "UNKNOWN", &["B has 1 of 2"]);
    let mut two = facts(vec![plain(1), over(3, &[a])]);
    let mut second = over(3, &[b]);
    second.digest = digest(33);
    two.attestations.push(second);
    let shown = two.coverage(NOW);
    assert!(shown.values().all(|firms| firms.len() == 2), "{shown:?}");
    check(two, "PASS", &[]);
    // What is said of other code is no obstacle here.
    let elsewhere = [("src/C.sol:C", 3)];
    let mut other = facts(vec![plain(1), plain(3), over(4, &elsewhere)]);
    let a = &mut other.attestations[2].attestation;
    (a.open_high, a.plan_digest) = (1, PlanDigest(B256::ZERO));
    check(other.clone(), "PASS", &[]);
    // Unless it is of the same plan.
    other.attestations[2].attestation.plan_digest = other.plan;
    check(other, "FAIL", &["1 high"]);
}

#[test]
fn a_delta_counts_with_what_it_rests_on() {
    let old = [("src/A.sol:A", 1), ("src/B.sol:B", 9)];
    let base = || over(3, &old);
    let fixed = || delta(3, 3, &[("src/B.sol:B", 2)]);
    let with = |list: Vec<AttestationFact>| facts([vec![plain(1)], list].concat());
    check(with(vec![base(), fixed()]), "PASS", &[]);
    check(with(vec![fixed()]), "UNKNOWN", &["that it rests on is missing"]);
    check(with(vec![base()]), "UNKNOWN", &["B has 1 of 2"]);
    check(revoked(with(vec![base(), fixed()]), digest(3), 3), "FAIL", &["revoked"]);
    let edited = |edit: fn(&mut AttestationFact)| {
        let mut base = base();
        edit(&mut base);
        with(vec![base, fixed()])
    };
    check(edited(|b| b.attestation.valid_until = NOW), "UNKNOWN", &["holds from"]);
    check(edited(|b| b.confirmed = Err("refuses it".to_owned())), "UNKNOWN", &["refuses it"]);
    check(edited(|b| b.attestation.auditor = Address::with_last_byte(1)), "UNKNOWN", &["not by"]);
    check(edited(|b| b.attestation.verdict = AuditVerdict::Deployment), "UNKNOWN", &["nothing of"]);
    // What the base found is fixed, which is what the delta is for.
    check(
        edited(|b| {
            (b.attestation.verdict, b.attestation.found) = (AuditVerdict::RiskAccepted, 1);
            (b.attestation.open_high, b.attestation.findings_digest) = (1, B256::repeat_byte(5));
        }),
        "PASS",
        &[],
    );
    check(edited(|b| b.covers = Err("its preimage is missing".to_owned())), "UNKNOWN", &["A has"]);

    // The release before the fix is no longer covered by the base.
    let mut before = with(vec![base(), fixed()]);
    before.contracts = contracts(&old);
    before.attestations[0].covers = Ok(contracts(&old));
    before.attestations[0].attestation.scope_root = ScopeRoot(B256::repeat_byte(1));
    check(before.clone(), "UNKNOWN", &["B has 1 of 2"]);
    assert!(before.relevant().contains(&digest(103)), "what replaces it is looked at");
    before.attestations[2].covers = Err("its preimage is missing".to_owned());
    check(before.clone(), "UNKNOWN", &["1 of 2"]);
    before.attestations.pop();
    check(before, "PASS", &[]);
}

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
    check(
        with(vec![acceptance(11), acceptance(3)]),
        "UNKNOWN",
        &["0606060606060606", "eva accepts it"],
    );
    check(with(vec![]), "UNKNOWN", &["two people must accept it"]);
    check(with(vec![acceptance(11), acceptance(12)]), "UNKNOWN", &["eva accepts it"]);
    check(with(vec![acceptance(11), acceptance(99)]), "UNKNOWN", &["eva accepts it"]);
    check(two(|a| a.expires_at = NOW), "UNKNOWN", &["expired"]);
    check(two(|a| a.issued_at = NOW + 1), "UNKNOWN", &["two people"]);
    check(two(|a| a.expires_at = NOW - DAY + RISK_SECS_MAX + 1), "UNKNOWN", &["two people"]);
    check(
        two(|a| a.acceptance.scope_root.0 = B256::repeat_byte(9)),
        "UNKNOWN",
        &["scope 09090909"],
    );
    check(two(|a| a.acceptance.finding = B256::ZERO), "UNKNOWN", &["two people"]);
    check(two(|a| a.acceptance.severity = Severity::Low), "UNKNOWN", &["two people"]);
    let mut apart = two(|_| {});
    apart.acceptances[1].acceptance.justification = "another reason".to_owned();
    check(apart, "UNKNOWN", &["accepts it"]);
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
    check(third(|_| {}), "UNKNOWN", &["medium finding 0606060606060606 of Dune (rounding)"]);
    // Deleting or editing the document hides nothing.
    check(third(|f| f.findings = Err("it is missing".to_owned())), "UNKNOWN", &["it is missing"]);
    let grave = |f: &mut AttestationFact| {
        if let Ok(document) = &mut f.findings {
            document.open[0].severity = Severity::High;
        }
    };
    check(third(grave), "FAIL", &["list open ones", "1 high"]);
    // The firm's later word replaces it.
    let mut later = third(|f| f.attestation.issued_at = NOW - 1);
    later.attestations.push(plain(5));
    check(later, "PASS", &[]);
    // A count that its document does not bear out is no attestation.
    let mut off = facts(vec![plain(1), medium(3)]);
    let a = &mut off.attestations[1].attestation;
    (a.found, a.open_medium) = (2, 2);
    check(off, "UNKNOWN", &["its document (1, 0, 0, 1)"]);
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
    let says = &["the plan has 1 of 2 audits (Acme)"];
    check(planned(7, vec![of_plan(1, 7), of_plan(3, 8)]), "UNKNOWN", says);
    check(planned(7, vec![of_plan(1, 7), of_plan(3, 0)]), "UNKNOWN", says);
    check(planned(9, vec![of_plan(1, 7), of_plan(3, 7)]), "UNKNOWN", &["the plan has 0 of 2"]);
    let coverage = planned(9, vec![of_plan(1, 7), of_plan(3, 7)]).coverage(NOW);
    assert!(coverage.iter().all(|(item, firms)| (*item == Item::Plan) == firms.is_empty()));
    // One over some contracts may name it; what a part says counts for that part.
    let part = |mut f: AttestationFact| {
        f.attestation.plan_digest = PlanDigest(B256::repeat_byte(7));
        f
    };
    let some = || part(over(3, &[("src/A.sol:A", 1)]));
    check(planned(7, vec![of_plan(1, 7), some()]), "UNKNOWN", &["B has 1 of 2 audits (Acme)"]);
    let mut rest = over(3, &[("src/B.sol:B", 2)]);
    (rest.digest, rest.attestation.plan_digest) = (digest(33), PlanDigest(B256::ZERO));
    check(planned(7, vec![of_plan(1, 7), some(), rest]), "PASS", &[]);
    // A waiver lowers both.
    let one = PolicyRules { audits: 1, ..PolicyRules::default() };
    let report = audits_gate(&one, &Ok(planned(7, vec![of_plan(1, 7), of_plan(3, 8)])), &Ok(NOW));
    assert_eq!(report.verdict, Verdict::Pass);
}

/// A review of a plan alone, of no contract, that rests on another.
fn plan_alone(auditor: u8, base: u8, plan: u8) -> AttestationFact {
    let mut fact = delta(auditor, base, &[]);
    fact.attestation.scope_root = ScopeRoot(alloy_primitives::keccak256([]));
    fact.attestation.scope_count = 0;
    fact.attestation.plan_digest = PlanDigest(B256::repeat_byte(plan));
    fact
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
    check(both(9), "UNKNOWN", &["the plan has 0 of 2"]);
    check(revoked(both(8), digest(3), 3), "FAIL", &["Bolt revoked"]);
    check(revoked(both(8), digest(103), 3), "FAIL", &["Bolt revoked"]);
    // A delta that names no plan carries the one that it rests on, if that is still the plan.
    let carried = |plan: u8| {
        let mut delta = delta(3, 3, &[("src/B.sol:B", 2)]);
        delta.attestation.plan_digest = PlanDigest(B256::ZERO);
        let mut base = over(3, &[("src/A.sol:A", 1), ("src/B.sol:B", 9)]);
        base.attestation.plan_digest = PlanDigest(B256::repeat_byte(7));
        planned(plan, vec![of_plan(1, plan), base, delta])
    };
    check(carried(7), "PASS", &[]);
    check(carried(8), "UNKNOWN", &["the plan has 1 of 2 audits (Acme)"]);
    // A second word on the same plan replaces the first: what it does not bear out is over.
    let mut ended = both(7);
    let again = &mut ended.attestations[3].attestation;
    (again.plan_digest, again.valid_until) = (PlanDigest(B256::repeat_byte(7)), NOW);
    check(ended, "UNKNOWN", &["the plan has 1 of 2 audits (Acme)"]);
    let mut nothing = both(8);
    nothing.attestations[3].attestation.plan_digest = PlanDigest(B256::ZERO);
    check(nothing, "UNKNOWN", &["the plan has 1 of 2 audits (Acme)"]);
}

#[test]
fn what_a_revocation_sets_back_is_said_before() {
    let list = vec![plain(1), plain(3), plan_alone(3, 3, 8)];
    let facts = AuditFacts { plan: PlanDigest(B256::repeat_byte(8)), ..facts(list) };
    let set_back = facts.set_back_by(digest(3), NOW);
    assert!(set_back.restarts);
    assert_eq!(set_back.resting, [digest(103)]);
    let said = set_back.sentences("vault-1").join(" | ");
    for words in ["soak of vault-1 starts anew", "Bolt no longer covers A, B, the plan"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let nothing = facts.set_back_by(digest(77), NOW).sentences("vault-1").join(" | ");
    assert!(nothing.contains("nothing of vault-1"), "{nothing}");

    let revoked = revoked(facts, digest(3), 3);
    let standings = revoked.standings(NOW);
    assert!(standings[&digest(3)].contains("Bolt revoked attestation"), "{standings:?}");
    assert!(standings[&digest(103)].contains("was revoked"), "{standings:?}");
    assert_eq!(standings[&digest(1)], "counts");
    let key = Address::with_last_byte(3);
    assert!(revoked.holds_for_delta(digest(3), key, NOW).is_err_and(|w| w.contains("revoked")));
    assert_eq!(revoked.holds_for_delta(digest(1), Address::with_last_byte(2), NOW), Ok(()));
    assert!(revoked.holds_for_delta(digest(1), key, NOW).is_err(), "of another firm");
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
    check(
        documented(|f| {
            f.attestation.found = 2;
            if let Ok(document) = &mut f.findings {
                (document.found, document.accepted) = (2, 1);
            }
        }),
        "UNKNOWN",
        &["its document (2, 0, 1, 1)"],
    );
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
    check(documented(|f| f.attestation.fixed = 1), "UNKNOWN", &["counts (1, 1, 0, 1) findings"]);
}
