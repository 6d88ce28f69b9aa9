//! Gate `code`: what is on the chain is what the sources compile to.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Findings;
use crate::Observed;
use crate::code_match::{CodeMatch, Transformations};
use crate::proxy::Behind;

/// A soak network's contracts, compared with what they should be.
#[derive(Debug, Clone, Default)]
pub struct CodeFacts {
    /// The network's name.
    pub network: String,
    /// Each contract of the plan.
    pub contracts: Vec<ContractFact>,
    /// Each watched slot.
    pub slots: Vec<SlotFact>,
    /// Places where the record disagrees with the chain or with the sources.
    pub record_faults: Vec<Reason>,
    /// Things that could not be read.
    pub missing: Vec<Reason>,
    /// Slots that depend on when they were written, so that nothing says what they must hold.
    pub varying: Vec<String>,
    /// Things that are not final yet.
    pub waiting: Vec<Reason>,
    /// The blocks it was read at.
    pub inputs: Vec<GateInput>,
}

impl CodeFacts {
    /// The slots that are not compared, if there are any.
    pub fn left_out(&self) -> Option<String> {
        let varying = self.varying.join(", ");
        let some = !varying.is_empty();
        some.then(|| format!("not compared, since they depend on the block: {varying}"))
    }

    /// Adds what was found in files or in storage.
    pub fn add(&mut self, findings: Findings) {
        self.record_faults.extend(findings.faults);
        self.missing.extend(findings.missing);
    }
}

/// One contract's code hash.
#[derive(Debug, Clone)]
pub struct ContractFact {
    /// Its step or library.
    pub name: String,
    pub address: Address,
    /// The hash that local execution gives; `None` where it does not create the contract.
    pub expected: Option<B256>,
    /// The hash on the chain.
    pub found: B256,
    /// Where the code differs. It explains; the hashes decide.
    pub matched: CodeMatch,
    /// What turned the compiled code into this, where the code is the plan's.
    pub transformations: Option<Transformations>,
    /// What is behind it, where it is a proxy.
    pub behind: Option<Behind>,
}

/// One slot.
#[derive(Debug, Clone)]
pub struct SlotFact {
    /// What it holds, for people.
    pub name: String,
    /// The contract.
    pub address: Address,
    /// The balance by the books, in wei.
    pub expected: B256,
    pub found: B256,
}

pub(crate) fn gate(facts: &Observed<CodeFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => {
            (missing.clone().into_unknown(), "nothing to compare".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let mut summary = format!(
                "{} and {} on {} compared with local execution",
                counted(facts.contracts.len(), "contract"),
                counted(facts.slots.len(), "slot"),
                facts.network
            );
            if let Some(left_out) = facts.left_out() {
                summary += &format!("; {left_out}");
            }
            (code_verdict(facts), summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Code, verdict, summary, inputs }
}

/// The verdict over these facts.
pub fn code_verdict(facts: &CodeFacts) -> Verdict {
    let mut reasons = facts.record_faults.clone();
    // What is not final yet has no code in the finalized state.
    let not_yet = |found: B256| !facts.waiting.is_empty() && found == KECCAK256_EMPTY;
    let contracts = facts.contracts.iter().filter(|contract| !not_yet(contract.found));
    for contract in contracts.filter(|contract| contract.expected != Some(contract.found)) {
        let ContractFact { name, address, expected, found, matched, .. } = contract;
        let (why, network) = (matched.summary(), &facts.network);
        let expected = match expected {
            Some(hash) => hash.to_string(),
            None => "none: local execution does not create it".to_owned(),
        };
        let text = format!(
            "{name} at {address} on {network}: {why} (code hash {found}, expected {expected})"
        );
        reasons.push(Reason::new(ReasonCode::CodeDiffers, text));
    }
    let empty = |slot: &&SlotFact| !facts.waiting.is_empty() && slot.found.is_zero();
    let slots = facts.slots.iter().filter(|slot| !empty(slot));
    for slot in slots.filter(|slot| slot.found != slot.expected) {
        let text = format!(
            "{} of {} on {} holds {}, expected {}",
            slot.name, slot.address, facts.network, slot.found, slot.expected
        );
        reasons.push(Reason::new(ReasonCode::SlotDiffers, text));
    }
    let mut missing = facts.missing.clone();
    if facts.contracts.is_empty() {
        let text = format!("no contract was compared on {}", facts.network);
        missing.push(Reason::new(ReasonCode::NothingCompared, text));
    }
    let found = Verdict::from_findings(reasons, missing);
    if facts.waiting.is_empty() {
        return found;
    }
    found.and(Verdict::Waiting { reasons: facts.waiting.clone(), eta: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code_match::CodeMatch;
    use crate::told;

    const CODE: B256 = B256::repeat_byte(1);
    const WORD: B256 = B256::repeat_byte(2);
    const OTHER: B256 = B256::repeat_byte(9);

    /// A contract and a slot, both as they should be.
    fn facts() -> CodeFacts {
        let address = Address::repeat_byte(7);
        let contract = ContractFact {
            name: "vault".to_owned(),
            address,
            expected: Some(CODE),
            found: CODE,
            matched: CodeMatch::NotDeployed,
            transformations: None,
            behind: None,
        };
        let name = "implementation".to_owned();
        let slot = SlotFact { name, address, expected: WORD, found: WORD };
        let network = "sepolia".to_owned();
        CodeFacts { network, contracts: vec![contract], slots: vec![slot], ..CodeFacts::default() }
    }

    fn wait(facts: &mut CodeFacts) {
        facts.waiting.push(Reason::new(ReasonCode::NotFinal, "two blocks"));
    }

    fn judged(edit: fn(&mut CodeFacts)) -> Verdict {
        let mut facts = facts();
        edit(&mut facts);
        code_verdict(&facts)
    }

    #[test]
    fn what_differs_fails_and_what_is_missing_is_unknown() {
        type Edit = fn(&mut CodeFacts);
        let cases: [(Edit, &str); 12] = [
            (|_| {}, "PASS"),
            (|f| f.contracts[0].found = OTHER, "FAIL code-differs"),
            (|f| f.contracts[0].expected = None, "FAIL code-differs"),
            (|f| f.contracts[0].found = KECCAK256_EMPTY, "FAIL code-differs"),
            (|f| f.slots[0].found = OTHER, "FAIL slot-differs"),
            (|f| f.slots[0].found = B256::ZERO, "FAIL slot-differs"),
            (
                |f| (f.contracts[0].found, f.slots[0].found) = (OTHER, OTHER),
                "FAIL code-differs slot-differs",
            ),
            (
                |f| f.record_faults.push(Reason::new(ReasonCode::RecordDiffers, "x")),
                "FAIL record-differs",
            ),
            (|f| f.missing.push(Reason::unreadable("x")), "UNKNOWN unreadable"),
            (|f| f.contracts.clear(), "UNKNOWN nothing-compared"),
            (
                |f| {
                    f.missing.push(Reason::unreadable("x"));
                    f.contracts.clear();
                },
                "UNKNOWN unreadable nothing-compared",
            ),
            // What contradicts is said without what is missing.
            (
                |f| {
                    f.contracts[0].found = OTHER;
                    f.missing.push(Reason::unreadable("x"));
                },
                "FAIL code-differs",
            ),
        ];
        for (edit, expected) in cases {
            assert_eq!(told(&judged(edit)), expected);
        }
    }

    /// What is not there yet excuses only what has nothing yet.
    #[test]
    fn what_is_not_final_waits_and_hides_no_difference() {
        type Edit = fn(&mut CodeFacts);
        let cases: [(Edit, &str); 7] = [
            (|_| {}, "WAITING not-final"),
            (|f| f.contracts[0].found = KECCAK256_EMPTY, "WAITING not-final"),
            (|f| f.slots[0].found = B256::ZERO, "WAITING not-final"),
            (|f| f.contracts[0].found = OTHER, "FAIL code-differs"),
            (|f| f.contracts[0].found = B256::ZERO, "FAIL code-differs"),
            (|f| f.slots[0].found = OTHER, "FAIL slot-differs"),
            (|f| f.contracts.clear(), "UNKNOWN nothing-compared"),
        ];
        for (edit, expected) in cases {
            let mut facts = facts();
            wait(&mut facts);
            edit(&mut facts);
            assert_eq!(told(&code_verdict(&facts)), expected);
        }
    }

    #[test]
    fn differences_are_named_with_both_sides() {
        let both = judged(|f| (f.contracts[0].found, f.slots[0].found) = (OTHER, OTHER));
        let [code, slot] = &both.sentences()[..] else { panic!("{both:?}") };
        let address = Address::repeat_byte(7).to_string();
        for word in ["vault", &address, "sepolia", "no code", &CODE.to_string()] {
            assert!(code.contains(word), "{word}: {code}");
        }
        for word in ["implementation", &address, &WORD.to_string(), &OTHER.to_string()] {
            assert!(slot.contains(word), "{word}: {slot}");
        }
    }

    #[test]
    fn the_gate_counts_what_it_compared_and_names_what_it_left_out() {
        let report = gate(&Ok(facts()));
        assert_eq!((report.gate, report.verdict), (GateId::Code, Verdict::Pass));
        let compared = "1 contract and 1 slot on sepolia compared with local execution";
        assert_eq!(report.summary, compared);
        let mut some = facts();
        some.varying = vec!["vault.start".to_owned(), "vault.last".to_owned()];
        assert_eq!(some.left_out().unwrap(), gate(&Ok(some.clone())).summary[compared.len() + 2..]);
        assert!(some.left_out().unwrap().ends_with(": vault.start, vault.last"));
        assert_eq!(told(&gate(&Err(Reason::unreadable("x"))).verdict), "UNKNOWN unreadable");
    }

    #[test]
    fn findings_of_files_are_added() {
        let mut facts = facts();
        let missing = vec![Reason::new(ReasonCode::FileMissing, "x")];
        facts.add(Findings { faults: Vec::new(), missing: missing.clone() });
        assert_eq!(told(&code_verdict(&facts)), "UNKNOWN file-missing");
        facts.add(Findings { faults: vec![Reason::new(ReasonCode::FileDiffers, "x")], missing });
        assert_eq!(told(&code_verdict(&facts)), "FAIL file-differs");
    }
}
