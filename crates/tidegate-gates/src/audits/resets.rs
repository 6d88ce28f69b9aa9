//! What auditors say that sets the soak back.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::StatementDigest;
use tidegate_model::statement::Severity;

use super::judge::Judge;
use super::{AuditFacts, Item, RevocationFact};
use crate::Reset;

/// What a revocation sets back in a release, shown before it is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetBack {
    /// What each firm no longer covers.
    pub uncovered: BTreeMap<String, Vec<Item>>,
    /// Other attestations that end with it, since they rest on it.
    pub resting: Vec<StatementDigest>,
    /// Whether the soak starts anew.
    pub restarts: bool,
}

impl SetBack {
    /// One sentence each; one alone where nothing is set back.
    pub fn sentences(&self, release: &str) -> Vec<String> {
        let mut said = Vec::new();
        if self.restarts {
            said.push(format!("the soak of {release} starts over"));
        }
        for (firm, items) in &self.uncovered {
            let names: Vec<_> = items.iter().map(Item::name).collect();
            said.push(format!("{firm} no longer covers {}", names.join(", ")));
        }
        for digest in &self.resting {
            said.push(format!("attestation {} rests on it and ends", digest.short()));
        }
        if said.is_empty() {
            said.push(format!("nothing of {release}, since it covers nothing of it"));
        }
        said
    }
}

impl AuditFacts {
    /// What the revocation of an attestation by its signer would set back at this time.
    pub fn set_back_by(&self, attestation: StatementDigest, time: u64) -> SetBack {
        let found = self.attestations.iter().find(|fact| fact.digest == attestation);
        let Some(fact) = found else { return SetBack::default() };
        let mut after = self.clone();
        after.revocations.push(RevocationFact {
            attestation,
            by: fact.attestation.auditor,
            at: time,
            found: "now".to_owned(),
            confirmed: Ok(()),
        });
        let (before_firms, after_firms) = (self.coverage(time), after.coverage(time));
        let mut uncovered: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (item, firms) in before_firms {
            let kept = after_firms.get(&item);
            for firm in firms.into_iter().filter(|firm| !kept.is_some_and(|k| k.contains(firm))) {
                uncovered.entry(firm).or_default().push(item.clone());
            }
        }
        let counting: BTreeSet<_> = after.counting(time);
        let ended = self.counting(time).into_iter();
        let resting = ended.filter(|digest| *digest != attestation && !counting.contains(digest));
        SetBack {
            uncovered,
            resting: resting.collect(),
            restarts: after.resets().len() > self.resets().len(),
        }
    }

    /// What starts the soak anew: an auditor takes back what they attested of a contract of the
    /// release or of its plan, or finds something of high severity in nothing but these. That the
    /// finding is withdrawn later does not undo it.
    pub fn resets(&self) -> Vec<Reset> {
        let judge = Judge::new(self, 0);
        let covering = judge.covering();
        let mut resets = Vec::new();
        let mut reset = |time, reason| resets.push(Reset { time, block: None, reason });
        for fact in self.attestations.iter().filter(|fact| covering.contains(&fact.digest)) {
            let (a, short) = (&fact.attestation, fact.digest.short());
            let Some(firm) = judge.firm(a.auditor) else { continue };
            let own = |r: &&RevocationFact| {
                r.attestation == fact.digest && r.by == fact.attestation.auditor
            };
            for revocation in self.revocations.iter().filter(own) {
                let found = &revocation.found;
                reset(revocation.at, format!("{firm} revoked attestation {short} ({found})"));
            }
            let listed = |severity| {
                let open = fact.findings.iter().flat_map(|document| &document.open);
                open.filter(|finding| finding.severity == severity).count()
            };
            let critical = listed(Severity::Critical).max(a.open_critical.into());
            let high = listed(Severity::High).max(a.open_high.into());
            if judge.is_within(fact) && fact.confirmed.is_ok() && critical + high > 0 {
                let reason = format!("{firm} found {critical} critical, {high} high ({short})");
                reset(a.issued_at, reason);
            }
        }
        resets
    }
}
