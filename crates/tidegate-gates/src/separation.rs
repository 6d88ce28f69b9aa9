//! Gate `separation`: nobody approved or audited their own work, judged on signatures.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateReport, Verdict};

use crate::Observed;

/// Who signed what.
#[derive(Debug, Clone, Default)]
pub struct SeparationFacts {
    /// Who is who.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed this release.
    pub deployers: Vec<Address>,
    /// Signers of attestations that cover this release.
    pub auditors: Vec<Address>,
    /// Requester and decider of each fund request, with the request's short name.
    pub decisions: Vec<(String, Address, Address)>,
}

pub(crate) fn gate(facts: &Observed<SeparationFacts>) -> GateReport {
    let (verdict, summary) = match facts {
        Err(missing) => (Verdict::unknown(missing), "could not be checked".to_owned()),
        Ok(facts) => {
            let summary = format!(
                "{} people, {}, {}",
                facts.people.len(),
                counted(facts.decisions.len(), "decision"),
                counted(facts.auditors.len(), "audit")
            );
            (Verdict::from_findings(faults(facts), Vec::new()), summary)
        }
    };
    GateReport { gate: GateId::Separation, verdict, summary, inputs: Vec::new() }
}

fn faults(facts: &SeparationFacts) -> Vec<String> {
    let mut faults = Vec::new();
    let mut owners: BTreeMap<Address, &str> = BTreeMap::new();
    for (name, person) in &facts.people {
        for key in &person.keys {
            if let Some(other) = owners.insert(*key, name) {
                faults.push(format!("key {key} belongs to both {other} and {name}"));
            }
        }
    }
    // Two keys of one person are one person; a key of nobody stands for itself.
    let same = |a: Address, b: Address| {
        a == b || matches!((owners.get(&a), owners.get(&b)), (Some(a), Some(b)) if a == b)
    };
    for auditor in &facts.auditors {
        if facts.deployers.iter().any(|deployer| same(*deployer, *auditor)) {
            faults.push(format!("{auditor} both deployed and audited this release"));
        }
    }
    for (request, requester, decider) in &facts.decisions {
        if same(*requester, *decider) {
            faults.push(format!("{decider} decided on their own fund request {request}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(keys: &[u8]) -> Person {
        let keys = keys.iter().copied().map(Address::with_last_byte).collect();
        Person { roles: Vec::new(), firm: None, keys }
    }

    fn check(edit: impl Fn(&mut SeparationFacts), expected: &str) {
        let key = Address::with_last_byte;
        let mut facts = SeparationFacts {
            people: [("kim".to_owned(), person(&[1, 2])), ("ada".to_owned(), person(&[3]))].into(),
            deployers: vec![key(9)],
            auditors: vec![key(3)],
            decisions: vec![("r".to_owned(), key(9), key(1))],
        };
        edit(&mut facts);
        assert_eq!(gate(&Ok(facts)).verdict.word(), expected);
    }

    #[test]
    fn nobody_approves_their_own_work() {
        let key = Address::with_last_byte;
        check(|_| {}, "PASS");
        check(|f| f.decisions[0].2 = key(9), "FAIL");
        check(|f| f.decisions[0] = ("r".to_owned(), key(1), key(2)), "FAIL");
        check(|f| f.auditors.push(key(9)), "FAIL");
        check(|f| drop(f.people.insert("eve".to_owned(), person(&[3]))), "FAIL");
    }
}
