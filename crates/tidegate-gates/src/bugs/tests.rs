use alloy_primitives::B256;
use tidegate_model::ReleaseRoot;

use super::*;

fn people<const N: usize>(named: [(&str, &[u8]); N]) -> BTreeMap<String, Person> {
    let person = |(name, keys): (&str, &[u8])| {
        let keys = keys.iter().map(|key| Address::with_last_byte(*key).into()).collect();
        (name.to_owned(), Person { roles: Vec::new(), firm: None, keys })
    };
    named.map(person).into()
}

/// The verdict on a bug with what was said of it since, and whether it starts the soak anew.
/// `edit` says what of that is in doubt.
fn judged(
    edit: &dyn Fn(&mut BugFacts),
    (signer, severity, blocking): (u8, Severity, bool),
    triages: &[(u8, Resolution)],
) -> (&'static str, bool) {
    let at = Address::with_last_byte;
    let people =
        people([("kim", &[1]), ("ada", &[2, 6]), ("eva", &[3]), ("bo", &[4]), ("ops", &[5])]);
    let digest = |byte| StatementDigest(B256::repeat_byte(byte));
    let bug = |byte, signer, severity, blocking| {
        let (title, link) = (String::new(), String::new());
        let bug = Bug { release: ReleaseRoot(B256::ZERO), severity, title, link, blocking };
        BugFact { digest: digest(byte), signer: at(signer), bug, confirmed: Ok(()) }
    };
    let triage = |(when, &(signer, resolution)): (u64, &(u8, Resolution))| TriageFact {
        bug: digest(0),
        signer: at(signer),
        issued_at: when,
        resolution,
        of: (resolution == Resolution::Duplicate).then_some(digest(1)),
        confirmed: Ok(()),
    };
    let mut facts = BugFacts {
        people,
        deployers: vec![at(3)],
        bugs: vec![bug(0, signer, severity, blocking), bug(1, 1, Severity::Low, false)],
        triages: (0..).zip(triages).map(triage).collect(),
    };
    edit(&mut facts);
    let resets = !resetting_bugs(&facts).is_empty();
    (gate(&Ok(facts), &Ok(9)).verdict.word(), resets)
}

#[test]
fn a_bug_stops_until_somebody_else_resolves_it() {
    use Resolution::Accepted;
    use Severity::{Critical, High, Low};
    let word = |signer, severity, blocking, triages: &[(u8, Resolution)], resets: bool| {
        let (word, found) = judged(&|_| {}, (signer, severity, blocking), triages);
        assert_eq!(found, resets, "{signer} {severity:?} {triages:?}");
        word
    };
    assert_eq!(word(1, High, false, &[], true), "FAIL");
    assert_eq!(word(1, Low, false, &[], false), "PASS");
    assert_eq!(word(1, Low, true, &[], false), "FAIL");
    assert_eq!(word(9, High, false, &[], false), "PASS");
    assert_eq!(word(1, High, false, &[(2, Accepted)], true), "FAIL");
    assert_eq!(word(1, High, false, &[(2, Accepted), (4, Accepted)], true), "PASS");
    assert_eq!(word(1, Critical, false, &[(2, Accepted), (4, Accepted)], true), "FAIL");
}

#[test]
fn two_people_say_that_what_stops_is_none() {
    use Resolution::{Accepted, Confirmed, Duplicate, Invalid};
    use Severity::{Critical, High, Low};
    let both = [(2, Invalid), (4, Invalid)];
    let passes = |severity, blocking, triages: &[(u8, Resolution)]| {
        let (word, resets) = judged(&|_| {}, (1, severity, blocking), triages);
        assert_eq!(resets, word == "FAIL" && severity >= High, "{severity:?} {triages:?}");
        word == "PASS"
    };
    assert!(passes(Critical, false, &both) && passes(High, false, &both));
    assert!(passes(Low, true, &both) && passes(Low, false, &[]));
    let refused: [&[_]; 12] = [
        &[(2, Invalid)],
        // Two keys of one person, the finder, a deployer, a stranger, one who lives with it.
        &[(2, Invalid), (6, Invalid)],
        &[(2, Invalid), (2, Invalid)],
        &[(2, Invalid), (1, Invalid)],
        &[(2, Invalid), (3, Invalid)],
        &[(2, Invalid), (9, Invalid)],
        &[(2, Invalid), (4, Accepted)],
        // The other one is less severe.
        &[(2, Duplicate), (4, Duplicate)],
        &[(2, Invalid), (4, Duplicate)],
        &[(2, Invalid), (4, Invalid), (2, Confirmed)],
        &[(2, Invalid), (4, Invalid), (1, Confirmed)],
        &[(2, Invalid), (4, Invalid), (3, Confirmed)],
    ];
    for triages in refused {
        assert!(!passes(High, false, triages), "{triages:?}");
    }
    assert!(passes(High, false, &[(2, Invalid), (4, Invalid), (9, Confirmed)]));
    assert!(passes(High, false, &[(2, Confirmed), (2, Invalid), (4, Invalid)]));
    // The finder's second key is the finder.
    let own = judged(&|_| {}, (2, High, false), &[(6, Invalid), (4, Invalid)]);
    assert_eq!(own, ("FAIL", true));
}

#[test]
fn who_calls_away_what_stops_is_named() {
    use Resolution::{Accepted, Confirmed, Duplicate, Invalid};
    let named = |severity, triages: &[(u8, Resolution)]| {
        let mut named = Vec::new();
        let read = |f: &mut BugFacts| {
            assert!(dismissals(f, 0).len() <= 1, "none is of later than it is judged");
        };
        judged(&read, (1, severity, false), triages);
        let keep = std::cell::RefCell::new(&mut named);
        let keeps = |f: &mut BugFacts| {
            keep.borrow_mut().extend(dismissals(f, 9).into_keys().map(str::to_owned));
        };
        judged(&keeps, (1, severity, false), triages);
        named.join(" ")
    };
    use Severity::{High, Low};
    assert_eq!(named(High, &[(2, Invalid), (4, Duplicate)]), "ada bo");
    assert_eq!(named(High, &[(6, Invalid), (4, Accepted)]), "ada");
    assert_eq!(named(High, &[(2, Invalid), (6, Confirmed), (9, Invalid)]), "");
    assert_eq!(named(Low, &[(2, Invalid), (4, Invalid)]), "");
}

#[test]
fn what_a_contract_no_longer_confirms_is_open() {
    use Resolution::{Confirmed, Invalid};
    use Severity::{High, Low};
    let refuses = || Err(Reason::unreadable("refuses it"));
    let bug = |f: &mut BugFacts| f.bugs[0].confirmed = refuses();
    assert_eq!(judged(&bug, (1, High, false), &[]), ("UNKNOWN", true));
    assert_eq!(judged(&bug, (1, Low, false), &[]), ("PASS", false));
    assert_eq!(judged(&bug, (9, High, false), &[]), ("PASS", false));
    assert_eq!(judged(&bug, (1, High, false), &[(2, Invalid)]), ("UNKNOWN", true));
    assert_eq!(judged(&bug, (1, High, false), &[(2, Invalid), (4, Invalid)]), ("PASS", false));
    assert_eq!(judged(&bug, (1, High, false), &[(1, Invalid)]), ("UNKNOWN", true));
    let last = |f: &mut BugFacts| f.triages.last_mut().unwrap().confirmed = refuses();
    let contested = [(2, Invalid), (5, Invalid), (4, Confirmed)];
    assert_eq!(judged(&last, (1, High, false), &contested), ("UNKNOWN", true));
    assert_eq!(judged(&last, (1, High, false), &[(4, Confirmed)]), ("FAIL", true));
    let first = |f: &mut BugFacts| f.triages[0].confirmed = refuses();
    let replaced = [(4, Confirmed), (4, Invalid), (2, Invalid)];
    assert_eq!(judged(&first, (1, High, false), &replaced), ("PASS", false));
}

/// Two people call each of these bugs a duplicate of another one, and how many still start the
/// soak anew. The bugs are of this severity, one digest each.
fn left_of(bugs: &[(u8, Severity, bool)], said: &[(u8, u8)]) -> usize {
    let at = Address::with_last_byte;
    let digest = |byte| StatementDigest(B256::repeat_byte(byte));
    let fact = |&(byte, severity, blocking): &(u8, Severity, bool)| {
        let (title, link, release) = (String::new(), String::new(), ReleaseRoot(B256::ZERO));
        let bug = Bug { release, severity, title, link, blocking };
        BugFact { digest: digest(byte), signer: at(1), bug, confirmed: Ok(()) }
    };
    let triage = |signer, &(bug, of): &(u8, u8)| TriageFact {
        bug: digest(bug),
        signer: at(signer),
        issued_at: 0,
        resolution: Resolution::Duplicate,
        of: Some(digest(of)),
        confirmed: Ok(()),
    };
    let facts = BugFacts {
        people: people([("kim", &[1]), ("ada", &[2]), ("bo", &[4])]),
        deployers: Vec::new(),
        bugs: bugs.iter().map(fact).collect(),
        triages: said.iter().flat_map(|of| [triage(2, of), triage(4, of)]).collect(),
    };
    resetting_bugs(&facts).len()
}

#[test]
fn a_duplicate_is_of_one_that_stays_and_stops_as_much() {
    use Severity::{Critical, High, Low};
    let high = [(1, High, false), (2, High, false), (3, High, false)];
    assert_eq!(left_of(&high[..2], &[(1, 2)]), 1);
    // In a circle, in a chain, of itself, of one that nobody knows.
    assert_eq!(left_of(&high[..2], &[(1, 2), (2, 1)]), 2);
    assert_eq!(left_of(&high, &[(1, 2), (2, 3)]), 2);
    assert_eq!(left_of(&high, &[(1, 2), (2, 3), (3, 1)]), 3);
    assert_eq!(left_of(&high[..2], &[(1, 1)]), 2);
    assert_eq!(left_of(&high[..2], &[(1, 3)]), 2);
    assert_eq!(left_of(&[(1, Critical, false), (2, High, false)], &[(1, 2)]), 2);
    assert_eq!(left_of(&[(1, High, false), (2, Low, true)], &[(1, 2)]), 1);
    assert_eq!(left_of(&[(1, High, false), (2, Critical, false)], &[(1, 2)]), 1);
    let (title, link, release) = (String::new(), String::new(), ReleaseRoot(B256::ZERO));
    let bug = Bug { release, severity: High, title, link, blocking: false };
    let elsewhere = Bug { release: ReleaseRoot(B256::repeat_byte(1)), ..bug.clone() };
    assert!(duplicate_fault(&bug, &elsewhere).is_some() && duplicate_fault(&bug, &bug).is_none());
    let low = Bug { severity: Low, ..bug };
    let blocking = Bug { blocking: true, ..low.clone() };
    assert!(duplicate_fault(&blocking, &low).is_some());
    assert!(duplicate_fault(&low, &blocking).is_none());
}

#[test]
fn of_two_words_at_one_time_the_one_that_leaves_more_counts() {
    use Resolution::{Accepted, Confirmed, Invalid};
    let at_once = |f: &mut BugFacts| f.triages.iter_mut().for_each(|triage| triage.issued_at = 5);
    for (first, second, of_other, expected) in [
        (Invalid, Confirmed, Invalid, "FAIL"),
        (Accepted, Confirmed, Accepted, "FAIL"),
        (Invalid, Accepted, Invalid, "FAIL"),
        (Invalid, Accepted, Accepted, "PASS"),
        (Invalid, Invalid, Invalid, "PASS"),
    ] {
        for (one, two) in [(first, second), (second, first)] {
            let triages = [(2, one), (2, two), (4, of_other)];
            let (word, _) = judged(&at_once, (1, Severity::High, false), &triages);
            assert_eq!(word, expected, "{triages:?}");
        }
    }
}
