//! Gate `bugs`: no open bug is bad enough to stop the release.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::{Bug, Resolution, Severity};
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateReport, StatementDigest, Verdict};

use crate::Observed;
use crate::people::holder;

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
    /// What it comes to.
    pub resolution: Resolution,
}

pub(crate) fn gate(facts: &Observed<BugFacts>) -> GateReport {
    let (verdict, summary) = match facts {
        Err(missing) => (Verdict::unknown(missing), "could not be checked".to_owned()),
        Ok(facts) => {
            // What strangers sign binds nobody.
            let known = facts.bugs.iter().filter(|b| holder(&facts.people, b.signer).is_some());
            let open: Vec<_> = known.filter(|fact| !is_resolved(facts, fact)).collect();
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
    let grave = facts.bugs.iter().filter(|fact| fact.bug.severity >= Severity::High);
    let known = grave.filter(|fact| holder(&facts.people, fact.signer).is_some());
    known.filter(|fact| !is_resolved_as(facts, fact, |r| r != Resolution::Accepted)).collect()
}

/// Somebody other than who found it and who deployed says so.
fn is_resolved(facts: &BugFacts, fact: &BugFact) -> bool {
    is_resolved_as(facts, fact, |resolution| {
        resolution != Resolution::Accepted || fact.bug.severity < Severity::Critical
    })
}

fn is_resolved_as(facts: &BugFacts, fact: &BugFact, allowed: impl Fn(Resolution) -> bool) -> bool {
    let name = |key| holder(&facts.people, key).map(|(name, _)| name);
    let finder = name(fact.signer);
    facts.triages.iter().filter(|triage| triage.bug == fact.digest).any(|triage| {
        let speaker = name(triage.signer);
        let other = speaker.is_some()
            && speaker != finder
            && facts.deployers.iter().all(|key| name(*key) != speaker && *key != triage.signer);
        other && allowed(triage.resolution)
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tidegate_model::ReleaseRoot;

    use super::*;

    #[test]
    fn a_bug_stops_until_somebody_else_resolves_it() {
        let at = Address::with_last_byte;
        let people = [("kim", 1), ("ada", 2), ("eva", 3)].map(|(name, key)| {
            (name.to_owned(), Person { roles: Vec::new(), firm: None, keys: vec![at(key)] })
        });
        let digest = StatementDigest(B256::ZERO);
        let word = |signer, severity, blocking, triage: Option<(u8, Resolution)>, resets: bool| {
            let (title, link) = (String::new(), String::new());
            let bug = Bug { release: ReleaseRoot(B256::ZERO), severity, title, link, blocking };
            let triages = triage.map(|(signer, resolution)| TriageFact {
                bug: digest,
                signer: at(signer),
                resolution,
            });
            let facts = BugFacts {
                people: people.clone().into(),
                deployers: vec![at(3)],
                bugs: vec![BugFact { digest, signer: at(signer), bug }],
                triages: triages.into_iter().collect(),
            };
            assert_eq!(resetting_bugs(&facts).len(), usize::from(resets), "{facts:?}");
            gate(&Ok(facts)).verdict.word()
        };
        use Resolution::{Accepted, Invalid};
        use Severity::{Critical, High, Low};
        assert_eq!(word(1, High, false, None, true), "FAIL");
        assert_eq!(word(1, Low, false, None, false), "PASS");
        assert_eq!(word(1, Low, true, None, false), "FAIL");
        assert_eq!(word(9, High, false, None, false), "PASS");
        assert_eq!(word(1, High, false, Some((2, Invalid)), false), "PASS");
        assert_eq!(word(1, High, false, Some((1, Invalid)), true), "FAIL");
        assert_eq!(word(1, High, false, Some((3, Invalid)), true), "FAIL");
        assert_eq!(word(1, High, false, Some((9, Invalid)), true), "FAIL");
        assert_eq!(word(1, High, false, Some((2, Accepted)), true), "PASS");
        assert_eq!(word(1, Critical, false, Some((2, Accepted)), true), "FAIL");
    }
}
