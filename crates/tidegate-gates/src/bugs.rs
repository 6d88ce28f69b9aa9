//! Gate `bugs`: no open bug is bad enough to stop the release.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::{Bug, Resolution, Severity};
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateReport, StatementDigest, Verdict};

use crate::Observed;
use crate::people::holder;

/// How many people must accept a bug that stops the release.
const ACCEPTED_BY_MIN: usize = 2;

/// What people found, and what others say about it.
#[derive(Debug, Clone, Default)]
pub struct BugFacts {
    /// Who is who.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed this release.
    pub deployers: Vec<Address>,
    /// Bugs of this release.
    pub bugs: Vec<BugFact>,
    /// What was said about bugs.
    pub triages: Vec<TriageFact>,
}

/// A bug.
#[derive(Debug, Clone)]
pub struct BugFact {
    /// The statement.
    pub digest: StatementDigest,
    /// Who found it.
    pub signer: Address,
    /// What it says.
    pub bug: Bug,
    /// Whether it is confirmed: by the contract that signed it, and by the block that it names.
    /// Otherwise why not.
    pub confirmed: Observed<()>,
}

/// A word about a bug.
#[derive(Debug, Clone)]
pub struct TriageFact {
    /// The bug.
    pub bug: StatementDigest,
    /// Who speaks.
    pub signer: Address,
    /// When.
    pub issued_at: u64,
    /// What it comes to.
    pub resolution: Resolution,
    /// The other bug, for a duplicate.
    pub of: Option<StatementDigest>,
    /// As for a bug.
    pub confirmed: Observed<()>,
}

pub(crate) fn gate(facts: &Observed<BugFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (Verdict::unknown(missing), "could not be checked".to_owned())
        }
        (Ok(facts), Ok(time)) => {
            let open: Vec<_> = facts.known().filter(|bug| !is_closed(facts, bug, *time)).collect();
            let (mut reasons, mut missing) = (Vec::new(), Vec::new());
            for fact in open.iter().filter(|fact| fact.bug.blocks()) {
                let (severity, short) = (fact.bug.severity.word(), fact.digest.short());
                let reason = format!("{severity} bug {short} is open: {}", fact.bug.title);
                match doubt(facts, fact, *time) {
                    None => reasons.push(reason),
                    Some(why) => missing.push(format!("{reason}; {why}")),
                }
            }
            let summary = format!("{} open", counted(open.len(), "bug"));
            (Verdict::from_findings(reasons, missing), summary)
        }
    };
    GateReport { gate: GateId::Bugs, verdict, summary, inputs: Vec::new() }
}

/// Bugs that start the soak anew: of high severity, by people of the policy, and bugs indeed. That
/// somebody accepts one does not undo that it was found.
pub fn resetting_bugs(facts: &BugFacts) -> Vec<&BugFact> {
    let grave = facts.known().filter(|fact| fact.bug.severity >= Severity::High);
    grave.filter(|fact| !is_none(facts, &said(facts, fact, u64::MAX))).collect()
}

impl BugFacts {
    /// Bugs by people of the policy. What strangers sign binds nobody.
    fn known(&self) -> impl Iterator<Item = &BugFact> {
        self.bugs.iter().filter(|fact| holder(&self.people, fact.signer).is_some())
    }
}

/// Why nobody knows whether an open bug is one: the contract that said so does not confirm it.
fn doubt(facts: &BugFacts, fact: &BugFact, time: u64) -> Option<String> {
    if let Err(why) = &fact.confirmed {
        return Some(format!("{why}: have it signed anew, or triaged"));
    }
    let (sure, doubtful): (Vec<_>, Vec<_>) =
        facts.triages.iter().cloned().partition(|triage| triage.confirmed.is_ok());
    let certain = BugFacts { triages: sure, ..facts.clone() };
    let of_bug = doubtful.into_iter().find(|triage| triage.bug == fact.digest);
    let why = of_bug.and_then(|triage| triage.confirmed.err());
    why.filter(|_| is_closed(&certain, fact, time)).map(|why| {
        format!("the contract that signed a word on it {why}: have that signed anew, or replaced")
    })
}

/// Whether a bug holds nothing up any more.
fn is_closed(facts: &BugFacts, fact: &BugFact, time: u64) -> bool {
    let said = said(facts, fact, time);
    let accepted = said.iter().filter(|triage| triage.resolution == Resolution::Accepted).count();
    let acceptable = fact.bug.severity < Severity::Critical;
    is_none(facts, &said) || acceptable && is_uncontested(&said) && accepted >= ACCEPTED_BY_MIN
}

/// Whether it is no bug, or another one that stays is the same.
fn is_none(facts: &BugFacts, said: &[&TriageFact]) -> bool {
    let stays = |other: StatementDigest| {
        let known = facts.known().find(|known| known.digest == other);
        let duplicate =
            |triage: &TriageFact| triage.bug == other && triage.resolution == Resolution::Duplicate;
        known.is_some() && !facts.triages.iter().any(duplicate)
    };
    let none = said.iter().any(|triage| match triage.resolution {
        Resolution::Invalid => true,
        Resolution::Duplicate => triage.of.is_some_and(stays),
        Resolution::Accepted | Resolution::Confirmed => false,
    });
    none && is_uncontested(said)
}

fn is_uncontested(said: &[&TriageFact]) -> bool {
    said.iter().all(|triage| triage.resolution != Resolution::Confirmed)
}

/// The newest word of each person on a bug. Who found it and who deployed can only confirm it.
fn said<'a>(facts: &'a BugFacts, fact: &BugFact, time: u64) -> Vec<&'a TriageFact> {
    let name = |key| holder(&facts.people, key).map(|(name, _)| name);
    let finder = name(fact.signer);
    let mut newest: BTreeMap<&str, &TriageFact> = BTreeMap::new();
    let of_bug = facts.triages.iter().filter(|triage| triage.bug == fact.digest);
    for triage in of_bug.filter(|triage| triage.issued_at <= time) {
        let Some(speaker) = name(triage.signer) else { continue };
        let deployed = facts.deployers.iter().any(|key| name(*key) == Some(speaker));
        let confirms = triage.resolution == Resolution::Confirmed;
        if !confirms && (deployed || Some(speaker) == finder) {
            continue;
        }
        // Of two at one time, the one that confirms it.
        let rank =
            |triage: &TriageFact| (triage.issued_at, triage.resolution == Resolution::Confirmed);
        match newest.get(speaker) {
            Some(other) if rank(other) >= rank(triage) => {}
            _ => drop(newest.insert(speaker, triage)),
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tidegate_model::ReleaseRoot;

    use super::*;

    /// The verdict on a bug with what was said of it since, and whether it starts the soak anew.
    /// `edit` says what of that is in doubt.
    fn judged(
        edit: &dyn Fn(&mut BugFacts),
        (signer, severity, blocking): (u8, Severity, bool),
        triages: &[(u8, Resolution)],
    ) -> (&'static str, bool) {
        let at = Address::with_last_byte;
        let people = [("kim", 1), ("ada", 2), ("eva", 3), ("bo", 4)].map(|(name, key)| {
            (name.to_owned(), Person { roles: Vec::new(), firm: None, keys: vec![at(key).into()] })
        });
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
            people: people.into(),
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
        use Resolution::{Accepted, Confirmed, Duplicate, Invalid};
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
        assert_eq!(word(1, High, false, &[(2, Invalid)], false), "PASS");
        assert_eq!(word(1, High, false, &[(1, Invalid)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(3, Invalid)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(9, Invalid)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(2, Accepted)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(2, Accepted), (4, Accepted)], true), "PASS");
        assert_eq!(word(1, Critical, false, &[(2, Accepted), (4, Accepted)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(2, Invalid), (2, Confirmed)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(2, Invalid), (1, Confirmed)], true), "FAIL");
        assert_eq!(word(1, High, false, &[(2, Invalid), (9, Confirmed)], false), "PASS");
        assert_eq!(word(1, High, false, &[(2, Confirmed), (2, Invalid)], false), "PASS");
        assert_eq!(word(1, High, false, &[(2, Duplicate)], false), "PASS");
    }

    #[test]
    fn what_a_contract_no_longer_confirms_is_open() {
        use Resolution::{Confirmed, Invalid};
        use Severity::{High, Low};
        let refuses = || Err("refuses it".to_owned());
        let bug = |f: &mut BugFacts| f.bugs[0].confirmed = refuses();
        assert_eq!(judged(&bug, (1, High, false), &[]), ("UNKNOWN", true));
        assert_eq!(judged(&bug, (1, Low, false), &[]), ("PASS", false));
        assert_eq!(judged(&bug, (9, High, false), &[]), ("PASS", false));
        assert_eq!(judged(&bug, (1, High, false), &[(2, Invalid)]), ("PASS", false));
        assert_eq!(judged(&bug, (1, High, false), &[(1, Invalid)]), ("UNKNOWN", true));
        let last = |f: &mut BugFacts| f.triages.last_mut().unwrap().confirmed = refuses();
        let contested = [(2, Invalid), (4, Confirmed)];
        assert_eq!(judged(&last, (1, High, false), &contested), ("UNKNOWN", true));
        assert_eq!(judged(&last, (1, High, false), &[(4, Confirmed)]), ("FAIL", true));
        let first = |f: &mut BugFacts| f.triages[0].confirmed = refuses();
        let replaced = [(4, Confirmed), (4, Invalid)];
        assert_eq!(judged(&first, (1, High, false), &replaced), ("PASS", false));
    }

    #[test]
    fn two_duplicates_of_each_other_stay() {
        let at = Address::with_last_byte;
        let digest = |byte| StatementDigest(B256::repeat_byte(byte));
        let person = |key| Person { roles: Vec::new(), firm: None, keys: vec![at(key).into()] };
        let fact = |byte| {
            let (title, link, release) = (String::new(), String::new(), ReleaseRoot(B256::ZERO));
            let bug = Bug { release, severity: Severity::High, title, link, blocking: false };
            BugFact { digest: digest(byte), signer: at(1), bug, confirmed: Ok(()) }
        };
        let triage = |bug, of| TriageFact {
            bug: digest(bug),
            signer: at(2),
            issued_at: 0,
            resolution: Resolution::Duplicate,
            of: Some(digest(of)),
            confirmed: Ok(()),
        };
        let facts = |triages| BugFacts {
            people: [("kim".to_owned(), person(1)), ("ada".to_owned(), person(2))].into(),
            deployers: Vec::new(),
            bugs: vec![fact(1), fact(2)],
            triages,
        };
        assert_eq!(resetting_bugs(&facts(vec![triage(1, 2)])).len(), 1);
        assert_eq!(resetting_bugs(&facts(vec![triage(1, 2), triage(2, 1)])).len(), 2);
        assert_eq!(resetting_bugs(&facts(vec![triage(1, 3)])).len(), 2);
    }
}
