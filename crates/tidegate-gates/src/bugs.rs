//! Gate `bugs`: no open bug is bad enough to stop the release.
//!
//! Two people say that a bug which stops the release is none, or the same as one that stays, or
//! that they accept it. Neither its finder nor a deployer is one of them.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::{Bug, Resolution, Severity};
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateReport, Reason, ReasonCode, StatementDigest, Verdict};

use crate::Observed;
use crate::people::holder;

/// How many people must agree before a bug that stops the release stops it no more.
const PEOPLE_MIN: usize = 2;

/// What people found, and what others say about it.
#[derive(Debug, Clone, Default)]
pub struct BugFacts {
    /// People with their keys and roles, by name.
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
    pub digest: StatementDigest,
    /// The reporter's address.
    pub signer: Address,
    pub bug: Bug,
    /// Whether it is confirmed: by the contract that signed it, and by the block that it names.
    /// Otherwise why not.
    pub confirmed: Observed<()>,
}

/// A word about a bug.
#[derive(Debug, Clone)]
pub struct TriageFact {
    pub bug: StatementDigest,
    /// The signer's address.
    pub signer: Address,
    /// Seconds since 1970.
    pub issued_at: u64,
    pub resolution: Resolution,
    /// The other bug, for a duplicate.
    pub of: Option<StatementDigest>,
    /// As for a bug.
    pub confirmed: Observed<()>,
}

pub(crate) fn gate(facts: &Observed<BugFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (missing.clone().into_unknown(), "could not be checked".to_owned())
        }
        (Ok(facts), Ok(time)) => {
            let open: Vec<_> = facts.known().filter(|bug| !is_closed(facts, bug, *time)).collect();
            let (mut reasons, mut missing) = (Vec::new(), Vec::new());
            for fact in open.iter().filter(|fact| fact.bug.blocks()) {
                let (severity, short) = (fact.bug.severity.word(), fact.digest.short());
                let text = format!("{severity} bug {short} is open: {}", fact.bug.title);
                let reason = Reason::new(ReasonCode::BugOpen, text);
                match doubt(facts, fact, *time) {
                    None => reasons.push(reason),
                    Some(why) => {
                        missing.push(reason.reworded(|it| format!("{it}; {why}")).within(&why));
                    }
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
    grave.filter(|fact| !is_none(facts, fact, u64::MAX)).collect()
}

/// Why a bug is no duplicate of another one, if it is none: what stays must stop as much.
pub fn duplicate_fault(bug: &Bug, of: &Bug) -> Option<&'static str> {
    if bug.release != of.release {
        return Some("the other one is of another release");
    }
    let is_less = of.severity < bug.severity || (bug.blocks() && !of.blocks());
    is_less.then_some("the other one is less severe")
}

/// Who called a bug that stops the release no bug of its own, and which one. Whoever does so has
/// an interest in what they call away, and does not say go too.
pub(crate) fn dismissals(facts: &BugFacts, time: u64) -> BTreeMap<&str, StatementDigest> {
    let blocking = facts.known().filter(|fact| fact.bug.blocks());
    let said = blocking.flat_map(|fact| said(facts, fact, time));
    let away = said.filter(|(_, triage)| is_away(triage.resolution));
    away.map(|(name, triage)| (name, triage.bug)).collect()
}

const fn is_away(resolution: Resolution) -> bool {
    matches!(resolution, Resolution::Invalid | Resolution::Duplicate)
}

impl BugFacts {
    /// Bugs by people of the policy. What strangers sign binds nobody.
    fn known(&self) -> impl Iterator<Item = &BugFact> {
        self.bugs.iter().filter(|fact| holder(&self.people, fact.signer).is_some())
    }
}

/// Why nobody knows whether an open bug is one: the contract that said so does not confirm it.
fn doubt(facts: &BugFacts, fact: &BugFact, time: u64) -> Option<Reason> {
    if let Err(why) = &fact.confirmed {
        let words = |why: &str| format!("{why}: have it signed again, or triaged");
        return Some(why.clone().reworded(words));
    }
    let (sure, doubtful): (Vec<_>, Vec<_>) =
        facts.triages.iter().cloned().partition(|triage| triage.confirmed.is_ok());
    let certain = BugFacts { triages: sure, ..facts.clone() };
    let of_bug = doubtful.into_iter().find(|triage| triage.bug == fact.digest);
    let why = of_bug.and_then(|triage| triage.confirmed.err());
    why.filter(|_| is_closed(&certain, fact, time)).map(|why| {
        why.reworded(|why| {
            format!(
                "a contract that signed a triage of it {why}: have that signed again, or replaced"
            )
        })
    })
}

/// Whether a bug holds nothing up any more.
fn is_closed(facts: &BugFacts, fact: &BugFact, time: u64) -> bool {
    let said = said(facts, fact, time);
    let accepted = said.values().filter(|triage| triage.resolution == Resolution::Accepted).count();
    let acceptable = fact.bug.severity < Severity::Critical;
    is_none(facts, fact, time) || acceptable && is_uncontested(&said) && accepted >= PEOPLE_MIN
}

/// Whether enough people say that it is no bug, or that another one that stays is the same.
fn is_none(facts: &BugFacts, fact: &BugFact, time: u64) -> bool {
    let said = said(facts, fact, time);
    let none = said.values().filter(|triage| match triage.resolution {
        Resolution::Invalid => true,
        Resolution::Duplicate => triage.of.is_some_and(|of| stays(facts, fact, of, time)),
        Resolution::Accepted | Resolution::Confirmed => false,
    });
    let wanted = if fact.bug.blocks() { PEOPLE_MIN } else { 1 };
    none.count() >= wanted && is_uncontested(&said)
}

/// Whether another bug stands in for this one: as bad, and not called away itself. So no chain of
/// duplicates leads to one that nobody sees.
fn stays(facts: &BugFacts, fact: &BugFact, of: StatementDigest, time: u64) -> bool {
    let mut known = facts.known().filter(|other| other.digest == of && of != fact.digest);
    known.any(|other| {
        let called_away = said(facts, other, time).values().any(|it| is_away(it.resolution));
        duplicate_fault(&fact.bug, &other.bug).is_none() && !called_away
    })
}

fn is_uncontested(said: &Said<'_>) -> bool {
    said.values().all(|triage| triage.resolution != Resolution::Confirmed)
}

/// The newest word of each person, by their name.
type Said<'a> = BTreeMap<&'a str, &'a TriageFact>;

/// The newest word of each person on a bug. Who found it and who deployed can only confirm it.
fn said<'a>(facts: &'a BugFacts, fact: &BugFact, time: u64) -> Said<'a> {
    let name = |key| holder(&facts.people, key).map(|(name, _)| name);
    let finder = name(fact.signer);
    let mut newest = Said::new();
    let of_bug = facts.triages.iter().filter(|triage| triage.bug == fact.digest);
    for triage in of_bug.filter(|triage| triage.issued_at <= time) {
        let Some(speaker) = name(triage.signer) else { continue };
        let deployed = facts.deployers.iter().any(|key| name(*key) == Some(speaker));
        let confirms = triage.resolution == Resolution::Confirmed;
        if !confirms && (deployed || Some(speaker) == finder) {
            continue;
        }
        // Of two at one time, the one that leaves more of it.
        let rank = |triage: &TriageFact| {
            let accepts = triage.resolution == Resolution::Accepted;
            (triage.issued_at, triage.resolution == Resolution::Confirmed, accepts)
        };
        match newest.get(speaker) {
            Some(other) if rank(other) >= rank(triage) => {}
            _ => drop(newest.insert(speaker, triage)),
        }
    }
    newest
}

#[cfg(test)]
mod tests;
