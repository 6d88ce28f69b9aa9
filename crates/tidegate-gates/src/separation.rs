//! Gate `separation`: nobody approved or audited their own work, judged on signatures.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateReport, Reason, ReasonCode, Verdict};

use crate::people::{GUARDIAN, has_role, holder};
use crate::{MissingRecord, Observed};

/// The signers whose duties must be separate.
#[derive(Debug, Clone, Default)]
pub struct SeparationFacts {
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed this release.
    pub deployers: Vec<Address>,
    /// Records that a go lists and that are gone: who deployed by them is unknown.
    pub gone: Vec<MissingRecord>,
    /// Signers of attestations that cover this release.
    pub auditors: Vec<Address>,
    /// Requester and decider of each fund request, with the request's short name.
    pub decisions: Vec<(String, Address, Address)>,
    /// Keys that have signed something for this project, and so are held by somebody.
    pub proven: BTreeSet<Address>,
}

pub(crate) fn gate(facts: &Observed<SeparationFacts>) -> GateReport {
    let (verdict, summary) = match facts {
        Err(missing) => (missing.clone().into_unknown(), "could not be checked".to_owned()),
        Ok(facts) => {
            let keys = facts.people.values().flat_map(Person::addresses);
            let unproven = keys.filter(|key| !facts.proven.contains(key)).count();
            let summary = format!(
                "{}, {}, {}, {} not proven",
                counted(facts.people.len(), "person"),
                counted(facts.decisions.len(), "decision"),
                counted(facts.auditors.len(), "audit"),
                counted(unproven, "key"),
            );
            (Verdict::from_findings(faults(facts), missing(facts)), summary)
        }
    };
    GateReport { gate: GateId::Separation, verdict, summary, inputs: Vec::new() }
}

/// Thresholds count on guardians: one whose key nobody holds would make them a formality. And of a
/// deployer whom nobody knows, nobody knows what else they approve.
fn missing(facts: &SeparationFacts) -> Vec<Reason> {
    let unknown = facts.deployers.iter().filter(|key| holder(&facts.people, **key).is_none());
    let mut missing: Vec<_> = unknown
        .map(|key| {
            let text = format!("{key} deployed this release and belongs to nobody under [people]");
            Reason::new(ReasonCode::DeployerUnknown, text)
        })
        .collect();
    missing.extend(facts.gone.iter().map(|record| {
        let text = format!("who deployed is in no record that is here: {}", record.sentence());
        Reason::new(ReasonCode::RecordGone, text)
    }));
    let guardians = facts.people.iter().filter(|(_, person)| has_role(person, GUARDIAN));
    let keys = guardians.flat_map(|(name, person)| person.addresses().map(move |key| (name, key)));
    missing.extend(keys.filter(|(_, key)| !facts.proven.contains(key)).map(|(name, key)| {
        let text = format!(
            "guardian {name} has not proven that they hold {key}; they run `tidegate \
                     record key`"
        );
        Reason::new(ReasonCode::KeyUnproven, text)
    }));
    missing
}

fn faults(facts: &SeparationFacts) -> Vec<Reason> {
    let mut faults = Vec::new();
    let mut fault = |code, text: String| faults.push(Reason::new(code, text));
    let mut owners: BTreeMap<Address, &str> = BTreeMap::new();
    for (name, person) in &facts.people {
        for key in person.addresses() {
            if let Some(other) = owners.insert(key, name) {
                let text = format!("key {key} belongs to both {other} and {name}");
                fault(ReasonCode::KeyOfTwo, text);
            }
        }
    }
    // Two keys of one person are one person; a key of nobody stands for itself.
    let same = |a: Address, b: Address| {
        a == b || matches!((owners.get(&a), owners.get(&b)), (Some(a), Some(b)) if a == b)
    };
    for auditor in &facts.auditors {
        if facts.deployers.iter().any(|deployer| same(*deployer, *auditor)) {
            let text = format!("{auditor} both deployed and audited this release");
            fault(ReasonCode::DeployerAudited, text);
        }
    }
    for (request, requester, decider) in &facts.decisions {
        if same(*requester, *decider) {
            let text = format!("{decider} decided on their own fund request {request}");
            fault(ReasonCode::OwnRequestDecided, text);
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use tidegate_model::{ChainId, NetworkId, StatementDigest};

    use super::*;
    use crate::told;

    fn person(keys: &[u8]) -> Person {
        let keys = keys.iter().map(|key| Address::with_last_byte(*key).into()).collect();
        Person { roles: Vec::new(), firm: None, keys }
    }

    fn facts(edit: impl Fn(&mut SeparationFacts)) -> SeparationFacts {
        let key = Address::with_last_byte;
        let mut facts = SeparationFacts {
            people: [("kim", &[1, 2][..]), ("ada", &[3]), ("eva", &[9])]
                .map(|(name, keys)| (name.to_owned(), person(keys)))
                .into(),
            deployers: vec![key(9)],
            gone: Vec::new(),
            auditors: vec![key(3)],
            decisions: vec![("r".to_owned(), key(9), key(1))],
            proven: [key(1)].into(),
        };
        edit(&mut facts);
        facts
    }

    fn check(edit: impl Fn(&mut SeparationFacts), expected: &str) {
        assert_eq!(told(&gate(&Ok(facts(edit))).verdict), expected);
    }

    #[test]
    fn what_was_checked_is_summed_up() {
        let report = gate(&Ok(facts(|_| {})));
        let summary = "3 people, 1 decision, 1 audit, 3 keys not proven";
        assert_eq!((report.gate, report.summary.as_str()), (GateId::Separation, summary));
        let unread = gate(&Err(Reason::unreadable("x")));
        assert_eq!(told(&unread.verdict), "UNKNOWN unreadable");
    }

    #[test]
    fn nobody_approves_their_own_work() {
        let key = Address::with_last_byte;
        check(|_| {}, "PASS");
        check(|f| f.decisions[0].2 = key(9), "FAIL own-request-decided");
        check(|f| f.decisions[0] = ("r".to_owned(), key(1), key(2)), "FAIL own-request-decided");
        check(|f| f.auditors.push(key(9)), "FAIL deployer-audited");
        check(|f| f.deployers.push(key(8)), "UNKNOWN deployer-unknown");
        check(
            |f| {
                f.gone.push(MissingRecord {
                    seen: tidegate_model::statement::SeenRecord {
                        digest: tidegate_model::RecordDigest(B256::ZERO),
                        deployment: tidegate_model::DeploymentDigest(B256::ZERO),
                        anchor: B256::ZERO,
                        network: NetworkId { chain: ChainId(1), genesis: B256::ZERO },
                        file: "v-1.json".to_owned(),
                    },
                    go: StatementDigest(B256::ZERO),
                    by: "kim".to_owned(),
                    path: None,
                    is_changed: false,
                });
            },
            "UNKNOWN record-gone",
        );
        check(|f| drop(f.people.insert("eve".to_owned(), person(&[3]))), "FAIL key-of-two");
        let guardian = |f: &mut SeparationFacts| {
            f.people.get_mut("ada").unwrap().roles.push("guardian".to_owned());
        };
        check(guardian, "UNKNOWN key-unproven");
        check(
            |f| {
                guardian(f);
                f.proven.insert(key(3));
            },
            "PASS",
        );
    }
}
