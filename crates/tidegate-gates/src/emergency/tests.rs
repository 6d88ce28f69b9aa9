use tidegate_model::statement::At;
use tidegate_model::{BlockRef, ChainId};

use super::*;
use crate::told;

const NOW: u64 = 1_000_000;

fn facts(signers: &[u8]) -> EmergencyFacts {
    let root = |byte| ReleaseRoot(B256::repeat_byte(byte));
    let terms = EmergencyTerms {
        baseline_root: root(1),
        gate_set: gate_set(&EMERGENCY_GATES).unwrap(),
        min_soak_seconds: 86_400,
        incident: "INC-1".to_owned(),
        diff_digest: B256::ZERO,
        not_before: NOW,
        expires_at: NOW + EMERGENCY_SECS_MAX,
        retro_due_by: NOW + EMERGENCY_SECS_MAX + 1,
    };
    let person = |roles: &[&str], firm: Option<&str>, key| Person {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        firm: firm.map(str::to_owned),
        keys: vec![Address::with_last_byte(key).into()],
    };
    let waiver = |&key: &u8| EmergencyWaiver {
        guardian: Address::with_last_byte(key),
        release_root: root(2),
        safe_tx_hash: B256::ZERO,
        terms: terms.clone(),
        at: At::new(ChainId(1), BlockRef { number: 1, hash: B256::ZERO }),
        issued_at: NOW,
    };
    EmergencyFacts {
        people: [
            ("ada".to_owned(), person(&["auditor", "guardian"], Some("Acme"), 1)),
            ("kim".to_owned(), person(&["treasurer", "guardian"], None, 2)),
            ("ann".to_owned(), person(&["guardian"], None, 3)),
            ("bob".to_owned(), person(&["guardian"], None, 4)),
            ("cy".to_owned(), person(&["guardian"], None, 5)),
            ("eva".to_owned(), person(&["engineer"], None, 6)),
        ]
        .into(),
        deployers: vec![Address::with_last_byte(7)],
        safe_threshold: 2,
        release: root(2),
        safe_tx_hash: B256::ZERO,
        chain_id: 1,
        waivers: signers.iter().map(waiver).collect(),
        terms,
        baseline: Ok(Baseline { release: root(1), diff_digest: B256::ZERO, layout: Vec::new() }),
        announced_at: Ok(Some(NOW - ANNOUNCED_SECS_MIN)),
        in_debt: false,
    }
}

fn word(signers: &[u8], edit: impl Fn(&mut EmergencyFacts)) -> String {
    let mut facts = facts(signers);
    edit(&mut facts);
    told(&emergency(&PolicyRules::default(), &facts, NOW).0)
}

const FOUR: &[u8] = &[1, 2, 3, 4];
const FEW: &str = "UNKNOWN emergency-too-few-guardians";
const LATELY: &str = "WAITING emergency-announced-lately";
const NO_ROLE: &str = "UNKNOWN emergency-role-missing";
/// The only auditor's signature does not count.
const NO_ADA: &str = "UNKNOWN emergency-too-few-guardians emergency-role-missing";
/// No signature counts.
const NOBODY: &str = "UNKNOWN emergency-too-few-guardians emergency-role-missing \
                      emergency-role-missing";

#[test]
fn an_emergency_takes_guardians_of_every_kind() {
    assert_eq!(word(FOUR, |_| {}), "PASS");
    let role = |name: &'static str, role: &'static str| {
        move |f: &mut EmergencyFacts| f.people.get_mut(name).unwrap().roles.push(role.into())
    };
    let key = |name: &'static str, key| {
        move |f: &mut EmergencyFacts| {
            f.people.get_mut(name).unwrap().keys.push(Address::with_last_byte(key).into());
        }
    };
    assert_eq!(word(&[1, 3, 4, 5], role("ada", "treasurer")), "UNKNOWN emergency-one-person");
    assert_eq!(word(FOUR, role("ada", "treasurer")), "PASS");
    assert_eq!(word(FOUR, key("bob", 7)), FEW);
    for signers in [&[1, 2, 3][..], &[1, 2, 3, 3], &[1, 2, 3, 6]] {
        assert_eq!(word(signers, |_| {}), FEW, "{signers:?}");
    }
    assert_eq!(word(&[2, 3, 4, 5], |_| {}), NO_ROLE);
    assert_eq!(word(&[1, 3, 4, 5], |_| {}), NO_ROLE);
    assert_eq!(word(FOUR, |f| f.in_debt = true), FEW);
    assert_eq!(word(&[1, 2, 3, 4, 5], |f| f.in_debt = true), "PASS");
    assert_eq!(word(FOUR, |f| f.safe_threshold = 4), FEW);
}

#[test]
fn signatures_are_of_this_emergency() {
    assert_eq!(word(FOUR, |f| f.safe_tx_hash = B256::repeat_byte(9)), NOBODY);
    assert_eq!(word(FOUR, |f| f.chain_id = 2), NOBODY);
    assert_eq!(word(FOUR, |f| f.release = ReleaseRoot(B256::ZERO)), NOBODY);
    assert_eq!(word(FOUR, |f| f.waivers[0].issued_at = NOW + 1), NO_ADA);
}

#[test]
fn an_emergency_keeps_its_terms() {
    type Edit = fn(&mut EmergencyFacts);
    let cases: [(Edit, &str); 9] = [
        (|f| f.announced_at = Ok(None), "UNKNOWN emergency-unannounced"),
        (|f| f.announced_at = Ok(Some(NOW)), "WAITING emergency-announced-lately"),
        (
            |f| f.baseline = Err(Reason::new(ReasonCode::NothingPromoted, "never")),
            "FAIL nothing-promoted",
        ),
        (
            |f| f.baseline.as_mut().unwrap().diff_digest = B256::repeat_byte(1),
            "FAIL emergency-other-diff",
        ),
        (
            |f| f.baseline.as_mut().unwrap().release = ReleaseRoot(B256::ZERO),
            "FAIL emergency-other-baseline",
        ),
        (|f| f.baseline.as_mut().unwrap().layout.push("moved".into()), "FAIL emergency-layout"),
        (|f| f.terms.min_soak_seconds = 86_399, "FAIL emergency-soak-too-short"),
        (|f| f.terms.expires_at += 1, "FAIL emergency-too-long emergency-due-too-late"),
        (|f| f.terms.expires_at = NOW, "FAIL emergency-too-long emergency-over"),
    ];
    for (edit, expected) in cases {
        assert_eq!(word(FOUR, edit), expected);
    }
}

#[test]
fn terms_are_within_their_bounds() {
    type Edit = fn(&mut EmergencyFacts);
    let end = NOW + EMERGENCY_SECS_MAX;
    assert_eq!(facts(FOUR).terms.expires_at, end, "at most as long");
    let cases: [(Edit, &str); 11] = [
        (|f| f.terms.min_soak_seconds = 86_401, "PASS"),
        (|f| f.terms.retro_due_by = f.terms.expires_at + RETRO_SECS_MAX, "PASS"),
        (
            |f| f.terms.retro_due_by = f.terms.expires_at + RETRO_SECS_MAX + 1,
            "FAIL emergency-due-too-late",
        ),
        (|f| f.terms.retro_due_by = f.terms.expires_at, "FAIL emergency-due-too-late"),
        (|f| f.terms.retro_due_by = 0, "FAIL emergency-due-too-late"),
        (|f| f.terms.gate_set = B256::ZERO, "FAIL emergency-other-gates"),
        (|f| f.terms.gate_set = gate_set(&[GateId::Soak]).unwrap(), "FAIL emergency-other-gates"),
        (|f| f.terms.not_before = NOW + 1, "WAITING emergency-ahead"),
        (|f| f.terms.not_before = f.terms.expires_at + 1, "FAIL emergency-too-long"),
        (|f| f.announced_at = Ok(Some(NOW - ANNOUNCED_SECS_MIN + 1)), LATELY),
        (|f| f.announced_at = Err(Reason::unreadable("silence")), "UNKNOWN unreadable"),
    ];
    for (edit, expected) in cases {
        let edited = |f: &mut EmergencyFacts| {
            edit(f);
            f.waivers.iter_mut().for_each(|waiver| waiver.terms = f.terms.clone());
        };
        assert_eq!(word(FOUR, edited), expected);
    }
    let at = |time| told(&emergency(&PolicyRules::default(), &facts(FOUR), time).0);
    assert_eq!((at(end - 1).as_str(), at(end).as_str()), ("PASS", "FAIL emergency-over"));
}

#[test]
fn an_auditor_is_of_a_firm_and_who_signed_is_named() {
    let alone = |f: &mut EmergencyFacts| f.people.get_mut("ada").unwrap().firm = None;
    assert_eq!(word(FOUR, alone), NO_ROLE);
    let others = |f: &mut EmergencyFacts| f.waivers[3].terms.incident.push('2');
    assert_eq!(word(FOUR, others), FEW);
    let (_, names) = emergency(&PolicyRules::default(), &facts(&[4, 3, 2, 1]), NOW);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ada", "ann", "bob", "kim"]);
}

#[test]
fn contracts_with_storage_keep_it_and_their_names() {
    use tidegate_model::release::LayoutNotes;
    let layout = |variables: &[&str]| {
        let uint = serde_json::json!({
            "encoding": "inplace", "label": "uint256", "numberOfBytes": "32",
        });
        let item = |(slot, label): (usize, &&str)| {
            let slot = slot.to_string();
            serde_json::json!({"label": label, "slot": slot, "offset": 0, "type": uint})
        };
        let items: Vec<_> = variables.iter().enumerate().map(item).collect();
        let written = serde_json::json!({"items": items, "namespaces": []});
        Layout::read(&written, &LayoutNotes::default()).unwrap()
    };
    let release = |contracts: &[(&str, &[&str])]| -> BTreeMap<Fqn, Layout> {
        let named = |name: &str| Fqn(format!("src/{name}.sol:{name}"));
        contracts.iter().map(|(name, held)| (named(name), layout(held))).collect()
    };
    let old = release(&[("Vault", &["total"]), ("Lib", &[])]);
    let problems = |contracts: &[(&str, &[&str])]| appends_only(&old, &release(contracts));
    assert!(problems(&[("Vault", &["total"])]).is_empty());
    assert!(problems(&[("Vault", &["total", "cap"]), ("New", &["x"])]).is_empty());
    let changed = problems(&[("Vault", &["cap", "total"])]);
    assert!(changed.iter().all(|what| what.starts_with("Vault: ")), "{changed:?}");
    assert!(!changed.is_empty());
    let gone = problems(&[("Vault2", &["total"])]);
    assert!(gone.len() == 1 && gone[0].starts_with("Vault is gone"), "{gone:?}");
}

#[test]
fn an_emergency_lowers_soak_and_audits_until_its_end() {
    let terms = facts(FOUR).terms;
    let [soak, audits] = &lowerings(&terms, "ann, bob")[..] else { panic!("two gates") };
    assert_eq!((soak.gate, audits.gate), (GateId::Soak, GateId::Audits));
    let asked = PolicyRules::default();
    let in_force = crate::waivers::in_force(&asked, &waived(&terms), NOW).rules(&asked);
    assert_eq!((in_force.soak_secs, in_force.audits), (86_400, AUDITS_MIN));
    let used = (in_force.transactions, in_force.senders, in_force.selectors_percent);
    assert_eq!(used, (0, 0, 0));
    for lowering in [soak, audits] {
        assert_eq!(
            (lowering.by.as_str(), lowering.until),
            ("emergency (ann, bob)", terms.expires_at)
        );
    }
}

fn waived(terms: &EmergencyTerms) -> crate::WaiverFacts {
    let exemplar = crate::controls::exemplar(&PolicyRules::default());
    crate::WaiverFacts { emergency: lowerings(terms, "ann"), ..exemplar.waivers }
}

#[test]
fn an_emergency_owes_what_it_left_out() {
    let rules = PolicyRules::default();
    let whole = crate::controls::exemplar(&rules);
    let codes = |soak: &Observed<SoakFacts>, audits: &Observed<AuditFacts>, postmortem| {
        let owed = owed(&rules, soak, audits, postmortem, &whole.gate_time);
        owed.iter().flat_map(Reason::codes).map(ReasonCode::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(codes(&whole.soak, &whole.audits, true), "");
    assert_eq!(codes(&whole.soak, &whole.audits, false), "postmortem-missing");
    let mut few = whole.audits.clone();
    few.as_mut().unwrap().attestations.clear();
    assert_eq!(codes(&whole.soak, &few, true), "too-few-firms");
    let mut young = whole.soak.clone();
    young.as_mut().unwrap().windows.pop();
    assert_eq!(codes(&young, &whole.audits, true), "too-young");
    // Beside what is missing the time that is left is said too, and only if some is.
    for (mut soak, time) in [(young, " too-young"), (whole.soak.clone(), "")] {
        soak.as_mut().unwrap().activity.transactions = 0;
        let expected = format!("too-few-transactions{time}");
        assert_eq!(codes(&soak, &whole.audits, true), expected);
    }
    let unread = Err(Reason::unreadable("x"));
    assert_eq!(codes(&unread, &whole.audits, true), "unreadable");
}

#[test]
fn a_release_soaked_if_it_stands_and_is_old_enough() {
    let rules = PolicyRules::default();
    let whole = crate::controls::exemplar(&rules);
    let has =
        |soak: &Observed<SoakFacts>, code: &Observed<CodeFacts>| has_soaked(&rules, soak, code);
    assert!(has(&whole.soak, &whole.code));
    let mut young = whole.soak.clone();
    young.as_mut().unwrap().windows.pop();
    assert!(!has(&young, &whole.code));
    let mut other = whole.code.clone();
    other.as_mut().unwrap().contracts[0].found = B256::ZERO;
    assert!(!has(&whole.soak, &other));
    assert!(!has(&whole.soak, &Err(Reason::unreadable("x"))));
    assert!(!has(&Err(Reason::unreadable("x")), &whole.code));
}

#[test]
fn obligations_are_summed_up() {
    let debt = |unmet: &[ReasonCode]| Debt {
        release: ReleaseRoot(B256::ZERO),
        due_by: NOW,
        unmet: unmet.iter().map(|code| Reason::new(*code, "owed")).collect(),
    };
    let report = |debts: Vec<Debt>| {
        let facts = ObligationFacts { debts, ..ObligationFacts::default() };
        gate(&Ok(facts), &Ok(NOW))
    };
    assert_eq!(report(Vec::new()).summary, "no emergency owes anything");
    let both = report(vec![debt(&[]), debt(&[ReasonCode::PostmortemMissing])]);
    assert_eq!(both.summary, "2 emergency promotions, 1 owing");
    assert_eq!((both.gate, both.verdict.word()), (GateId::Obligations, "UNKNOWN"));
    let unread = gate(&Ok(ObligationFacts::default()), &Err(Reason::unreadable("x")));
    assert_eq!(told(&unread.verdict), "UNKNOWN unreadable");
}

#[test]
fn what_is_owed_blocks() {
    let word = |unmet: &[ReasonCode], excused: bool, time| {
        let unmet = unmet.iter().map(|code| Reason::new(*code, "owed")).collect();
        let debts = vec![Debt { release: ReleaseRoot(B256::ZERO), due_by: NOW, unmet }];
        let excused = excused.then(|| ("ann".to_owned(), NOW));
        let facts = ObligationFacts { debts, excused, inputs: Vec::new() };
        told(&gate(&Ok(facts), &Ok(time)).verdict)
    };
    assert_eq!(word(&[], false, NOW), "PASS");
    assert_eq!(word(&[], true, NOW), "PASS", "nothing is excused");
    // What is owed stands within the sentence, and so do its codes.
    let owed = [ReasonCode::TooFewFirms, ReasonCode::PostmortemMissing];
    let told = "emergency-owes too-few-firms postmortem-missing";
    assert_eq!(word(&owed, false, NOW), format!("UNKNOWN {told}"));
    assert_eq!(word(&owed, false, NOW + 1), format!("FAIL {told}"));
    assert_eq!(word(&owed, true, NOW), format!("WAIVED {told}"));
}

#[test]
fn people_who_can_never_declare_one_are_told_so() {
    let lacks = |edit: fn(&mut BTreeMap<String, Person>), threshold: u32| {
        let mut people = facts(&[]).people;
        edit(&mut people);
        undeclarable(&PolicyRules::default(), &people, threshold).unwrap_or_default()
    };
    assert_eq!(lacks(|_| {}, 2), "");
    assert_eq!(lacks(|_| {}, 4), "", "five of five");
    assert!(lacks(|_| {}, 5).starts_with("it needs signatures of 6 guardians; under [people]: 5"));
    assert!(
        lacks(BTreeMap::clear, 2)
            .starts_with("it needs signatures of 4 guardians; under [people]: 0")
    );
    assert!(lacks(|p| p.get_mut("ada").unwrap().firm = None, 2).starts_with("no auditor"));
    assert!(lacks(|p| drop(p.remove("kim")), 2).starts_with("no treasurer"));
    let one = |people: &mut BTreeMap<String, Person>| {
        people.remove("kim");
        people.get_mut("ada").unwrap().roles.push("treasurer".to_owned());
    };
    assert!(lacks(one, 2).contains("only auditor"));
}
