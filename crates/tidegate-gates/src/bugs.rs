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
}

pub(crate) fn gate(facts: &Observed<BugFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (Verdict::unknown(missing), "could not be checked".to_owned())
        }
        (Ok(facts), Ok(time)) => {
            let open: Vec<_> = facts.known().filter(|bug| !is_closed(facts, bug, *time)).collect();
            let reasons = open.iter().filter(|fact| fact.bug.blocks()).map(|fact| {
                let severity = fact.bug.severity.word();
                format!("{severity} bug {} is open: {}", fact.digest.short(), fact.bug.title)
            });
            let summary = format!("{} open", counted(open.len(), "bug"));
            (Verdict::from_findings(reasons.collect(), Vec::new()), summary)
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

    #[test]
    fn a_bug_stops_until_somebody_else_resolves_it() {
        let at = Address::with_last_byte;
        let people = [("kim", 1), ("ada", 2), ("eva", 3), ("bo", 4)].map(|(name, key)| {
            (name.to_owned(), Person { roles: Vec::new(), firm: None, keys: vec![at(key)] })
        });
        let digest = |byte| StatementDigest(B256::repeat_byte(byte));
        let bug = |byte, signer, severity, blocking| {
            let (title, link) = (String::new(), String::new());
            let bug = Bug { release: ReleaseRoot(B256::ZERO), severity, title, link, blocking };
            BugFact { digest: digest(byte), signer: at(signer), bug }
        };
        let word = |signer, severity, blocking, triages: &[(u8, Resolution)], resets: bool| {
            let triage = |(when, &(signer, resolution)): (u64, &(u8, Resolution))| TriageFact {
                bug: digest(0),
                signer: at(signer),
                issued_at: when,
                resolution,
                of: (resolution == Resolution::Duplicate).then_some(digest(1)),
            };
            let facts = BugFacts {
                people: people.clone().into(),
                deployers: vec![at(3)],
                bugs: vec![bug(0, signer, severity, blocking), bug(1, 1, Severity::Low, false)],
                triages: (0..).zip(triages).map(triage).collect(),
            };
            assert_eq!(resetting_bugs(&facts).len(), usize::from(resets), "{facts:?}");
            gate(&Ok(facts), &Ok(9)).verdict.word()
        };
        use Resolution::{Accepted, Confirmed, Duplicate, Invalid};
        use Severity::{Critical, High, Low};
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
    fn two_duplicates_of_each_other_stay() {
        let at = Address::with_last_byte;
        let digest = |byte| StatementDigest(B256::repeat_byte(byte));
        let person = |key| Person { roles: Vec::new(), firm: None, keys: vec![at(key)] };
        let fact = |byte| {
            let (title, link, release) = (String::new(), String::new(), ReleaseRoot(B256::ZERO));
            let bug = Bug { release, severity: Severity::High, title, link, blocking: false };
            BugFact { digest: digest(byte), signer: at(1), bug }
        };
        let triage = |bug, of| TriageFact {
            bug: digest(bug),
            signer: at(2),
            issued_at: 0,
            resolution: Resolution::Duplicate,
            of: Some(digest(of)),
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
