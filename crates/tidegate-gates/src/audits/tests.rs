mod deltas;
mod findings;
mod plans;

use alloy_primitives::B256;
use tidegate_model::ReasonCode::*;
use tidegate_model::release::Compiler;
use tidegate_model::statement::{AuditVerdict, source_built_by};

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
        covers: Err(Reason::unreadable("its preimage is missing")),
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

/// A review of a plan alone, of no contract, that rests on another.
fn plan_alone(auditor: u8, base: u8, plan: u8) -> AttestationFact {
    let mut fact = delta(auditor, base, &[]);
    fact.attestation.scope_root = ScopeRoot(alloy_primitives::keccak256([]));
    fact.attestation.scope_count = 0;
    fact.attestation.plan_digest = PlanDigest(B256::repeat_byte(plan));
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
fn check(facts: AuditFacts, expected: &str, codes: &[ReasonCode]) {
    check_named(facts, expected, codes, &[]);
}

/// The same where the reasons name something.
#[track_caller]
fn check_named(facts: AuditFacts, expected: &str, codes: &[ReasonCode], names: &[&str]) {
    let report = audits_gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW));
    let sentences = report.verdict.sentences().join(" | ");
    assert_eq!(report.verdict.word(), expected, "{sentences}");
    assert_eq!(report.verdict.codes(), codes, "{sentences}");
    for name in names {
        assert!(sentences.contains(name), "{name}: {sentences}");
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
    let refuses = || Err(Reason::unreadable("refuses it"));
    let doubtful = |mut facts: AuditFacts| {
        facts.revocations.iter_mut().for_each(|found| found.confirmed = refuses());
        facts
    };
    let both = || facts(vec![plain(1), plain(3)]);
    check_named(
        doubtful(revoked(both(), digest(3), 3)),
        "UNKNOWN",
        &[Revoked, Unreadable, TooFewFirms],
        &["Bolt", "refuses it"],
    );
    check(doubtful(revoked(both(), digest(3), 1)), "PASS", &[]);
    // Of two the one that counts, in either order.
    check(revoked(doubtful(revoked(both(), digest(3), 3)), digest(3), 3), "FAIL", &[Revoked]);
    let mut other = revoked(revoked(both(), digest(3), 3), digest(3), 3);
    other.revocations[1].confirmed = refuses();
    check(other, "FAIL", &[Revoked]);

    let third = |open_high| {
        fact(4, |f| {
            f.attestation.open_high = open_high;
            f.confirmed = Err(Reason::unreadable("refuses it"));
        })
    };
    check(facts(vec![plain(1), plain(3), third(0)]), "PASS", &[]);
    let codes = &[OpenFindings, AttestationUnconfirmed, Unreadable];
    let all = facts(vec![plain(1), plain(3), third(1)]);
    check_named(all, "UNKNOWN", codes, &["by Acme: refuses it"]);
}

#[test]
fn firms_count_not_keys() {
    let all = |list: Vec<AttestationFact>| facts(list);
    check(all(vec![plain(1), plain(3)]), "PASS", &[]);
    let few = &[TooFewFirms];
    check_named(all(vec![plain(1), plain(2)]), "UNKNOWN", few, &["1 of 2"]);
    check_named(all(vec![plain(1), plain(4)]), "UNKNOWN", few, &["1 of 2"]);
    check_named(all(vec![plain(1)]), "UNKNOWN", few, &["1 of 2"]);
    check(all(vec![plain(1), plain(9)]), "UNKNOWN", &[TooFewFirms, NoAuditor]);
    check(all(vec![plain(1), plain(11)]), "UNKNOWN", &[TooFewFirms, NoAuditor]);
    check_named(
        revoked(all(vec![plain(1), plain(3)]), digest(3), 3),
        "FAIL",
        &[Revoked],
        &["Bolt"],
    );
    check(revoked(all(vec![plain(1), plain(3)]), digest(3), 1), "PASS", &[]);
    let mut unread = all(vec![plain(1), plain(3)]);
    unread.helper = Err(Reason::unreadable("no endpoint"));
    check(unread, "UNKNOWN", &[Unreadable]);
    let empty = AuditFacts { contracts: ScopeHashes::new(), ..all(vec![plain(1), plain(3)]) };
    check(empty, "UNKNOWN", &[NothingToAudit]);
}

#[test]
fn what_an_attestation_says_decides_whether_it_counts() {
    type Edit = fn(&mut AttestationFact);
    let cases: [(Edit, &str, &[ReasonCode], &str); 11] = [
        (|f| f.attestation.open_high = 1, "FAIL", &[OpenFindings], "1 high"),
        (|f| f.attestation.open_critical = 1, "FAIL", &[OpenFindings], "1 critical"),
        (|f| f.attestation.valid_until = NOW, "UNKNOWN", &[AttestationExpired], ""),
        (
            |f| f.attestation.verdict = AuditVerdict::Deployment,
            "UNKNOWN",
            &[AttestationOfDeployment],
            "",
        ),
        (
            |f| f.attestation.verdict = AuditVerdict::RiskAccepted,
            "UNKNOWN",
            &[AttestationFaulty],
            "names no document",
        ),
        (
            |f| f.attestation.verdict = AuditVerdict::Delta,
            "UNKNOWN",
            &[AttestationFaulty],
            "names nothing",
        ),
        (|f| f.attestation.open_medium = 1, "UNKNOWN", &[AttestationFaulty], "found 0, of which 1"),
        (
            |f| (f.attestation.found, f.attestation.open_medium) = (1, 1),
            "UNKNOWN",
            &[AttestationFaulty],
            "says clean",
        ),
        (
            |f| f.confirmed = Err(Reason::unreadable("refuses it")),
            "UNKNOWN",
            &[AttestationUnconfirmed, Unreadable],
            "refuses it",
        ),
        (
            |f| f.attestation.scope_root.0 = B256::repeat_byte(7),
            "UNKNOWN",
            &[ScopeUnknown],
            "preimage is missing",
        ),
        // One dated after gate time is not counted yet; nothing waits where enough are.
        (|f| f.attestation.issued_at = NOW + 1, "WAITING", &[AttestationAhead], ""),
    ];
    for (edit, expected, codes, names) in cases {
        let another = fact(3, |f| {
            f.digest = digest(33);
            edit(f);
        });
        let (beside, told) = if expected == "FAIL" { ("FAIL", codes) } else { ("PASS", &[][..]) };
        check(facts(vec![plain(1), plain(3), another]), beside, told);
        // What waits is said beside what is missing.
        let (alone, codes) = match expected {
            "FAIL" => ("FAIL", codes.to_vec()),
            _ => ("UNKNOWN", [&[TooFewFirms], codes].concat()),
        };
        check_named(facts(vec![plain(1), fact(3, edit)]), alone, &codes, &[names]);
    }
}

#[test]
fn each_contract_needs_its_firms() {
    let (a, b) = (("src/A.sol:A", 1), ("src/B.sol:B", 2));
    // Of releases with more contracts, with fewer, and before a change to B.
    check(facts(vec![plain(1), over(3, &[a, b, ("src/C.sol:C", 3)])]), "PASS", &[]);
    let few = &[TooFewFirms];
    let one = facts(vec![plain(1), over(3, &[a])]);
    check_named(one, "UNKNOWN", few, &["B has 1 of 2 audits (Acme)"]);
    let changed = facts(vec![plain(1), over(3, &[a, ("src/B.sol:B", 9)])]);
    check_named(changed, "UNKNOWN", few, &["B has 1 of 2"]);
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
    check_named(other, "FAIL", &[OpenFindings], &["1 high"]);
}

/// Of a file that was seen and is gone nobody asks where enough firms are without it.
#[test]
fn a_statement_that_is_missing_is_named_where_firms_are_too_few() {
    let without = |attestations| {
        let remarks = vec!["attestation-1.json is gone".to_owned()];
        AuditFacts { remarks, ..facts(attestations) }
    };
    check(without(vec![plain(1), plain(3)]), "PASS", &[]);
    let codes = &[TooFewFirms, StatementMissing];
    check_named(without(vec![plain(1)]), "UNKNOWN", codes, &["attestation-1.json is gone"]);
}

/// What bears on a release is over something of it, or of it nobody knows what it is over.
#[test]
fn which_attestations_bear_on_a_release() {
    let of_nothing = |auditor| {
        let mut fact = over(auditor, &[("src/C.sol:C", 3)]);
        fact.attestation.plan_digest = PlanDigest(B256::ZERO);
        fact
    };
    let mut of_plan = over(3, &[("src/C.sol:C", 3)]);
    of_plan.attestation.plan_digest = plain(1).attestation.plan_digest;
    let unread = || Err(Reason::unreadable("its preimage is missing"));
    let mut unknown = of_nothing(4);
    unknown.covers = unread();
    let mut of_stranger = of_nothing(9);
    of_stranger.covers = unread();
    let list = vec![plain(1), of_nothing(2), of_plan, unknown, of_stranger];
    let facts = facts(list);
    assert_eq!(facts.covering(), [digest(1), digest(3)].into());
    assert_eq!(facts.relevant_with(None), [digest(1), digest(3), digest(4)].into());
    let asked = facts.relevant_with(Some(digest(2)));
    assert_eq!(asked, [digest(1), digest(2), digest(3), digest(4)].into());
}

#[test]
fn items_are_named_in_full_for_programs_and_in_short_for_people() {
    let contract = Item::Contract(Fqn("src/A.sol:A".to_owned()));
    assert_eq!((contract.to_string().as_str(), contract.name()), ("src/A.sol:A", "A"));
    assert_eq!((Item::Plan.to_string().as_str(), Item::Plan.name()), ("plan", "the plan"));
    let written = serde_json::to_value([&contract, &Item::Plan]).unwrap();
    assert_eq!(written, serde_json::json!(["src/A.sol:A", "plan"]));
}

#[test]
fn firms_are_summed_up() {
    let summary = |attestations| {
        audits_gate(&PolicyRules::default(), &Ok(facts(attestations)), &Ok(NOW)).summary
    };
    let suppressed = |auditor, accepted| {
        fact(auditor, |f| {
            (f.attestation.found, f.attestation.accepted) = (accepted, accepted);
            f.attestation.verdict = AuditVerdict::RiskAccepted;
            f.attestation.findings_digest = B256::repeat_byte(5);
            let (found, accepted) = (accepted.into(), accepted.into());
            f.findings = Ok(DocumentFact { found, accepted, ..DocumentFact::default() });
        })
    };
    assert_eq!(summary(vec![]), "0 of 2 firms");
    assert_eq!(summary(vec![plain(1), plain(3)]), "2 of 2 firms (Acme, Bolt)");
    let some = || over(3, &[("src/A.sol:A", 1)]);
    assert_eq!(summary(vec![plain(1), some()]), "2 of 3 items by 2 firms");
    assert_eq!(
        summary(vec![suppressed(1, 2), suppressed(3, 1)]),
        "2 of 2 firms (Acme, Bolt); their auditors accept 3 findings as suppressed"
    );
}
