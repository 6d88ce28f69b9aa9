use alloy_primitives::B256;
use tidegate_model::statement::no_go_until;

use super::*;
use crate::rules::GoRule;
use crate::told;

const NOW: u64 = 1_000;

fn digest(byte: u8) -> StatementDigest {
    StatementDigest(B256::repeat_byte(byte))
}

fn decision(key: u8, issued_at: u64, saw: Option<&[u8]>) -> Decision {
    Decision {
        digest: digest(100 + key),
        signer: Address::with_last_byte(key),
        issued_at,
        expires_at: u64::MAX,
        discipline: (key == 3).then(|| "security".to_owned()),
        saw: saw.map(|saw| saw.iter().copied().map(digest).collect()),
        records: Vec::new(),
        reason: String::new(),
        confirmed: Ok(()),
    }
}

fn facts(decisions: Vec<Decision>) -> GoFacts {
    let person = |roles: &[&str], keys: &[u8]| Person {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        firm: None,
        keys: keys.iter().map(|key| Address::with_last_byte(*key).into()).collect(),
    };
    GoFacts {
        people: [
            ("kim".to_owned(), person(&["treasurer"], &[1, 2])),
            ("ada".to_owned(), person(&["security"], &[3])),
            ("eva".to_owned(), person(&["security"], &[4])),
        ]
        .into(),
        deployers: vec![Address::with_last_byte(4)],
        decisions,
        known: [(digest(1), 9), (digest(2), 20)].into(),
        unconfirmed: [(digest(3), Reason::new(ReasonCode::SignatureRefused, "refuses it"))].into(),
        unheard: Vec::new(),
        void: [digest(6)].into(),
        bearing: [(digest(1), "a bug".to_owned())].into(),
        records: Ok(RecordsHere::default()),
        freezes: Vec::new(),
        posted: Ok(Vec::new()),
        inputs: Vec::new(),
    }
}

fn word(people: u32, disciplines: &[&str], facts: GoFacts) -> String {
    told(&verdict(people, disciplines, facts))
}

fn verdict(people: u32, disciplines: &[&str], facts: GoFacts) -> Verdict {
    let disciplines = disciplines.iter().map(|d| (*d).to_owned()).collect();
    let rules = PolicyRules { go: GoRule { people, disciplines }, ..PolicyRules::default() };
    gate(&rules, &Ok(facts), &Ok(BugFacts::default()), &Ok(NOW), Some(9)).verdict
}

/// An endpoint that is behind dates no go of today, which is there all the same.
#[test]
fn a_go_that_does_not_count_yet_is_named() {
    let why = Reason::new(ReasonCode::DateAhead, "the go 0x07 by kim does not count: block 9");
    let named = |disciplines: &[&str], decisions| {
        let facts = GoFacts { unheard: vec![why.clone()], ..facts(decisions) };
        let verdict = verdict(1, disciplines, facts);
        (verdict.reasons().contains(&why), verdict.word())
    };
    let said = || vec![decision(1, 20, Some(&[1, 2]))];
    assert_eq!(named(&[], Vec::new()), (true, "UNKNOWN"));
    assert_eq!(named(&["security"], said()), (true, "UNKNOWN"), "a discipline is missing");
    assert!(!named(&[], said()).0, "there are enough without it");
}

#[test]
fn a_go_counts_once_and_only_over_everything() {
    let all: Option<&[u8]> = Some(&[1]);
    let cases: [(Vec<Decision>, u32, &[&str], &str); 26] = [
        (vec![], 0, &[], "PASS"),
        (vec![], 1, &[], "UNKNOWN too-few-goes"),
        (vec![decision(1, 9, all)], 1, &[], "PASS"),
        (vec![decision(1, 8, all)], 1, &[], "UNKNOWN too-few-goes go-too-early"),
        (vec![decision(1, 20, Some(&[1, 2]))], 1, &[], "PASS"),
        (vec![decision(1, 19, Some(&[1, 2]))], 1, &[], "UNKNOWN too-few-goes go-backdated"),
        (vec![decision(1, 9, Some(&[]))], 1, &[], "UNKNOWN too-few-goes go-stale"),
        (vec![decision(1, 9, Some(&[1, 7]))], 1, &[], "UNKNOWN seen-gone"),
        (vec![decision(1, 9, Some(&[1, 3]))], 1, &[], "UNKNOWN seen-void signature-refused"),
        (vec![decision(1, NOW + 1, all)], 1, &[], "UNKNOWN too-few-goes"),
        (vec![decision(9, 9, all)], 1, &[], "UNKNOWN too-few-goes go-by-stranger"),
        (vec![decision(4, 9, all)], 1, &[], "UNKNOWN too-few-goes go-by-deployer"),
        (vec![decision(1, 9, all), decision(2, 9, all)], 2, &[], "UNKNOWN too-few-goes"),
        (vec![decision(1, 9, all), decision(3, 9, all)], 2, &[], "PASS"),
        (vec![decision(1, 9, all)], 1, &["security"], "UNKNOWN discipline-missing"),
        (vec![decision(3, 9, all)], 1, &["security"], "PASS"),
        (vec![decision(1, 9, all), decision(3, 10, None)], 1, &[], "FAIL no-go"),
        (vec![decision(1, 9, None), decision(2, 10, all)], 1, &[], "PASS"),
        (vec![decision(1, 9, Some(&[1, 7])), decision(2, 10, all)], 1, &[], "UNKNOWN seen-gone"),
        (vec![decision(1, 9, Some(&[])), decision(2, 9, all)], 1, &[], "PASS"),
        (vec![decision(1, 9, all), decision(9, 10, None)], 1, &[], "PASS"),
        // One dated in the future replaces nothing.
        (vec![decision(1, 9, None), decision(2, NOW + 1, all)], 0, &[], "FAIL no-go"),
        (vec![decision(1, NOW + 1, all), decision(2, 9, None)], 0, &[], "FAIL no-go"),
        (vec![decision(1, 9, None), decision(2, NOW, all)], 0, &[], "PASS"),
        (vec![decision(1, 9, all), decision(2, NOW + 1, all)], 1, &[], "PASS"),
        (vec![decision(1, NOW + 1, all)], 0, &[], "WAITING go-ahead"),
    ];
    for (index, (decisions, people, disciplines, expected)) in cases.into_iter().enumerate() {
        assert_eq!(word(people, disciplines, facts(decisions)), expected, "case {index}");
    }
}

#[test]
fn a_record_that_was_seen_is_missed() {
    let network =
        tidegate_model::NetworkId { chain: tidegate_model::ChainId(1), genesis: B256::ZERO };
    let seen = |byte: u8| SeenRecord {
        digest: tidegate_model::RecordDigest(B256::repeat_byte(byte)),
        deployment: tidegate_model::DeploymentDigest(B256::repeat_byte(byte)),
        anchor: B256::ZERO,
        network,
        file: format!("v-{byte}.json"),
    };
    let here = |digests: &[u8]| {
        let file = |byte: &u8| {
            let SeenRecord { digest, deployment, anchor, file, .. } = seen(*byte);
            let (path, anchor) = (format!("here/{file}"), Some(anchor));
            crate::RecordFile { path, digest, deployment, anchor, counts: true }
        };
        let files = digests.iter().map(file).collect();
        let folders = [(network, "here".to_owned())].into();
        Ok(RecordsHere { files, folders, ..RecordsHere::default() })
    };
    let go = |key, at, records: &[u8]| Decision {
        records: records.iter().copied().map(seen).collect(),
        ..decision(key, at, Some(&[1]))
    };
    let report = |decisions: Vec<Decision>, records| {
        let facts = GoFacts { records, ..facts(decisions) };
        let bugs = Ok(BugFacts::default());
        let report = gate(&PolicyRules::default(), &Ok(facts), &bugs, &Ok(NOW), Some(9));
        (told(&report.verdict), format!("{:?} {}", report.verdict, report.summary))
    };
    assert_eq!(report(vec![go(1, 9, &[1])], here(&[1])).0, "PASS");
    let (word, text) = report(vec![go(1, 9, &[1])], here(&[]));
    assert_eq!(word, "UNKNOWN record-gone");
    assert!(text.contains("record here/v-1.json (0101010101010101) is gone"), "{text}");
    // Nor does a later go hide what an earlier one saw; a stranger's says nothing.
    assert_eq!(report(vec![go(1, 9, &[1]), go(2, 10, &[])], here(&[])).0, "UNKNOWN record-gone");
    assert_eq!(report(vec![go(1, 9, &[]), go(9, 9, &[1])], here(&[])).0, "PASS");
    let (word, text) = report(vec![go(1, 9, &[1])], here(&[1, 2]));
    assert_eq!(word, "PASS");
    assert!(text.contains("nobody who said go lists here/v-2.json"), "{text}");
    // A go that does not count lists nothing, and without a go nobody is asked what it lists.
    let early = report(vec![go(1, 9, &[1]), go(3, 8, &[2])], here(&[1, 2])).1;
    assert!(early.contains("nobody who said go lists here/v-2.json"), "{early}");
    let none = report(vec![], here(&[1, 2])).1;
    assert!(!none.contains("nobody who said go"), "{none}");
    // Some are named, the rest counted.
    let many = |count: u8| {
        let records: Vec<_> = (1..=count).collect();
        report(vec![go(1, 9, &records)], here(&[])).0
    };
    let five = format!("UNKNOWN{}", " record-gone".repeat(5));
    assert_eq!((many(5), many(6)), (five.clone(), format!("{five} more")));
    let unread = report(vec![go(1, 9, &[1])], Err(Reason::unreadable("a file"))).0;
    assert_eq!(unread, "UNKNOWN unreadable");
}

/// One person said go at 9.
#[track_caller]
fn check(edit: &dyn Fn(&mut GoFacts), expected: &str) {
    let mut facts = facts(vec![decision(1, 9, Some(&[1]))]);
    edit(&mut facts);
    assert_eq!(word(1, &[], facts), expected);
}

fn stop(by: u8, freeze: bool, until: u64) -> PostedStop {
    PostedStop { by: Address::with_last_byte(by), freeze, until }
}

#[test]
fn who_stops_it() {
    let frozen = |by, until| FreezeFact {
        digest: digest(1),
        signer: Address::with_last_byte(by),
        until,
        reason: String::new(),
        confirmed: Ok(()),
    };
    let doubtful = || Err(Reason::new(ReasonCode::SignatureRefused, "refuses it"));
    let no_go = |by, at| Decision { confirmed: doubtful(), ..decision(by, at, None) };
    let thawed = |by, until| FreezeFact { confirmed: doubtful(), ..frozen(by, until) };
    check(&|f| f.decisions.push(no_go(3, 9)), "UNKNOWN no-go signature-refused");
    check(&|f| f.decisions.push(no_go(9, 9)), "PASS");
    check(&|f| f.decisions.push(no_go(2, 10)), "UNKNOWN no-go signature-refused too-few-goes");
    check(&|f| f.decisions.push(no_go(2, 8)), "PASS");
    check(&|f| f.decisions.extend([no_go(3, 9), decision(3, 10, None)]), "FAIL no-go");
    check(&|f| f.freezes.push(thawed(3, NOW + 1)), "UNKNOWN frozen signature-refused");
    check(&|f| f.freezes.push(thawed(3, NOW)), "PASS");
    check(&|f| f.freezes.push(thawed(9, NOW + 1)), "PASS");
    check(
        &|f| f.freezes.extend([thawed(3, NOW + 2), frozen(3, NOW + 1)]),
        "UNKNOWN frozen signature-refused",
    );
    check(&|f| f.freezes.extend([thawed(3, NOW + 1), frozen(3, NOW + 1)]), "WAITING frozen");
    check(&|f| f.freezes.push(frozen(3, NOW + 1)), "WAITING frozen");
    check(&|f| f.freezes.push(frozen(3, NOW)), "PASS");
    check(&|f| f.freezes.push(frozen(9, NOW + 1)), "PASS");
    check(&|f| f.posted = Ok(vec![stop(3, true, NOW + 1)]), "WAITING frozen-posted");
    check(&|f| f.posted = Ok(vec![stop(3, false, NOW + 1)]), "FAIL no-go-posted");
    check(&|f| f.posted = Ok(vec![stop(9, false, NOW + 1)]), "PASS");
    check(&|f| f.posted = Ok(vec![stop(3, true, NOW), stop(3, false, NOW)]), "PASS");
    check(&|f| f.posted = Err(Reason::unreadable("no answer")), "UNKNOWN unreadable");
}

/// A no-go that is posted ends for a newer go of the same person, and for nothing else.
#[test]
fn who_lifts_a_posted_no_go() {
    let said = |f: &mut GoFacts, posted: &[(u8, u64)]| {
        let stops = posted.iter().map(|(by, at)| stop(*by, false, no_go_until(*at)));
        f.posted = Ok(stops.collect());
    };
    check(&|f| said(f, &[(1, 8)]), "PASS");
    check(&|f| said(f, &[(2, 8)]), "PASS");
    check(&|f| said(f, &[(1, 9)]), "FAIL no-go-posted");
    check(&|f| said(f, &[(1, 10)]), "FAIL no-go-posted");
    check(&|f| said(f, &[(3, 8)]), "FAIL no-go-posted");
    check(&|f| said(f, &[(1, 8), (3, 8)]), "FAIL no-go-posted");
    check(&|f| said(f, &[(1, NOW + 9)]), "FAIL no-go-posted");
    check(&|f| f.posted = Ok(vec![stop(1, false, NOW + 1)]), "FAIL no-go-posted");
    check(&|f| f.posted = Ok(vec![stop(1, false, u64::MAX)]), "FAIL no-go-posted");
    // Not by one of a later day, nor by one that has ended.
    let late = decision(1, NOW + 1, Some(&[1]));
    let lifts = |f: &mut GoFacts, go: &Decision| {
        said(f, &[(1, 50)]);
        f.decisions.push(go.clone());
    };
    check(&|f| lifts(f, &decision(1, 51, Some(&[1]))), "PASS");
    check(&|f| lifts(f, &late), "FAIL no-go-posted");
    check(
        &|f| lifts(f, &Decision { expires_at: 60, ..decision(1, 51, Some(&[1])) }),
        "FAIL no-go-posted",
    );
    check(
        &|f| {
            lifts(f, &decision(1, 51, Some(&[1])));
            f.decisions.push(decision(2, 52, None));
        },
        "FAIL no-go-posted no-go",
    );
}

#[test]
fn who_calls_a_bug_away_does_not_say_go_too() {
    use tidegate_model::ReleaseRoot;
    use tidegate_model::statement::{Bug, Resolution, Severity};

    use crate::{BugFact, TriageFact};

    let found = |severity, by: u8, resolution| {
        let (title, link, release) = (String::new(), String::new(), ReleaseRoot(B256::ZERO));
        let bug = Bug { release, severity, title, link, blocking: false };
        let (digest, signer) = (digest(50), Address::with_last_byte(4));
        let people = facts(Vec::new()).people;
        let triage = TriageFact {
            bug: digest,
            signer: Address::with_last_byte(by),
            issued_at: 3,
            resolution,
            of: None,
            confirmed: Ok(()),
        };
        let bugs = vec![BugFact { digest, signer, bug, confirmed: Ok(()) }];
        Ok(BugFacts { people, deployers: Vec::new(), bugs, triages: vec![triage] })
    };
    let word = |bugs: &Observed<BugFacts>| {
        let facts = facts(vec![decision(1, 9, Some(&[1]))]);
        let go = GoRule { people: 1, disciplines: Vec::new() };
        let rules = PolicyRules { go, ..PolicyRules::default() };
        gate(&rules, &Ok(facts), bugs, &Ok(NOW), Some(9)).verdict
    };
    for by in [1, 2] {
        let verdict = word(&found(Severity::High, by, Resolution::Invalid));
        assert_eq!(told(&verdict), "UNKNOWN too-few-goes go-by-dismisser");
        assert!(verdict.sentences()[1].starts_with("kim dismissed bug"), "{verdict:?}");
    }
    let open = [
        found(Severity::High, 3, Resolution::Invalid),
        found(Severity::High, 1, Resolution::Accepted),
        found(Severity::Low, 1, Resolution::Invalid),
    ];
    assert!(open.iter().all(|bugs| word(bugs) == Verdict::Pass));
}

/// What one go lists that never was, or that its chain contradicts, holds nothing for good; and one
/// person alone, whoever deployed, or who spoke before, hides nothing.
#[test]
fn what_nobody_has_is_left_out_by_two() {
    let with = |key, at, saw: &[u8]| decision(key, at, Some(saw));
    let verdict = |decisions: Vec<Decision>| {
        let mut facts = facts(decisions);
        let bo =
            Person { roles: vec![], firm: None, keys: vec![Address::with_last_byte(5).into()] };
        facts.people.insert("bo".to_owned(), bo);
        word(1, &[], facts)
    };
    let invented = with(3, 10, &[1, 7]);
    let listed = invented.clone();
    assert_eq!(verdict(vec![listed.clone(), with(1, 11, &[1])]), "UNKNOWN seen-gone");
    assert_eq!(verdict(vec![listed.clone(), with(1, 11, &[1]), with(5, 11, &[1])]), "PASS");
    // Its author and one more, where it was a mistake.
    assert_eq!(verdict(vec![listed.clone(), with(3, 12, &[1]), with(1, 11, &[1])]), "PASS");
    assert_eq!(
        verdict(vec![listed.clone(), with(3, 12, &[1])]),
        "UNKNOWN seen-gone",
        "its author alone"
    );
    assert_eq!(
        verdict(vec![listed.clone(), with(1, 11, &[1]), with(2, 11, &[1])]),
        "UNKNOWN seen-gone"
    );
    assert_eq!(
        verdict(vec![listed.clone(), with(1, 11, &[1]), with(4, 11, &[1])]),
        "UNKNOWN seen-gone go-by-deployer"
    );
    assert_eq!(
        verdict(vec![listed.clone(), with(1, 10, &[1]), with(5, 11, &[1])]),
        "UNKNOWN seen-gone"
    );
    assert_eq!(verdict(vec![listed, with(1, 11, &[1, 7]), with(5, 11, &[1])]), "UNKNOWN seen-gone");
    // One of no block of its chain was never there to be missed.
    assert_eq!(verdict(vec![with(1, 11, &[1, 6])]), "PASS");
    assert_eq!(
        verdict(vec![with(1, 11, &[1, 3])]),
        "UNKNOWN seen-void signature-refused",
        "nobody knows of that one"
    );
    let missing = missing_statements(&facts(vec![invented]));
    assert_eq!(missing.keys().collect::<Vec<_>>(), [&digest(7)]);
    assert_eq!((missing[&digest(7)].by.as_str(), missing[&digest(7)].listed_at), ("ada", 10));
}

#[test]
fn what_a_go_has_not_seen_is_named_and_the_rest_counted() {
    let unseen = |count: u8| {
        let mut facts = facts(vec![decision(1, 9, Some(&[]))]);
        facts.bearing = (1..=count).map(|byte| (digest(byte), "a bug".to_owned())).collect();
        let verdict =
            gate(&PolicyRules::default(), &Ok(facts), &Ok(BugFacts::default()), &Ok(NOW), None)
                .verdict;
        assert_eq!(told(&verdict), "UNKNOWN too-few-goes go-stale");
        verdict.sentences()[1].clone()
    };
    let (five, seven) = (unseen(5), unseen(7));
    assert_eq!(five.matches("it has not seen").count(), 5, "{five}");
    assert!(!five.contains("more"), "{five}");
    assert_eq!(seven.matches("it has not seen").count(), 5, "{seven}");
    assert!(seven.ends_with("; and 2 more"), "{seven}");
}

#[test]
fn what_is_gone_is_named_and_the_rest_counted() {
    let gone = |count: u8| {
        let saw: Vec<u8> = [1].into_iter().chain(11..11 + count).collect();
        word(1, &[], facts(vec![decision(1, 9, Some(&saw))]))
    };
    let five = format!("UNKNOWN{}", " seen-gone".repeat(5));
    assert_eq!((gone(5), gone(6)), (five.clone(), format!("{five} more")));
}

#[test]
fn what_two_people_leave_out_is_named() {
    let summary = |decisions| {
        let rules = PolicyRules::default();
        let bugs = Ok(BugFacts::default());
        gate(&rules, &Ok(facts(decisions)), &bugs, &Ok(NOW), Some(9)).summary
    };
    let listed = || decision(1, 9, Some(&[1, 7]));
    let without = |key| decision(key, 10, Some(&[1]));
    let both = summary(vec![listed(), without(1), without(3)]);
    let named = format!("; two people say go without {},", digest(7).short());
    assert!(both.contains(&named), "{both}");
    assert!(!summary(vec![listed(), without(3)]).contains("two people"));
    assert!(!summary(vec![without(1), without(3)]).contains("two people"));
}
