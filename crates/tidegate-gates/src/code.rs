//! Gate `code`: what is on the chain is what the sources compile to.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Findings;
use crate::Observed;
use crate::code_match::{CodeMatch, Transformations};
use crate::proxy::Behind;

/// What stands on a soak network, beside what should.
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
    /// Its address.
    pub address: Address,
    /// The hash that local execution gives.
    pub expected: B256,
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
    /// What it should hold.
    pub expected: B256,
    /// What it holds.
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

/// What these facts come to.
pub fn code_verdict(facts: &CodeFacts) -> Verdict {
    let mut reasons = facts.record_faults.clone();
    // What is not final yet has no code in the finalized state.
    let not_yet = |found: B256| !facts.waiting.is_empty() && found == KECCAK256_EMPTY;
    let contracts = facts.contracts.iter().filter(|contract| !not_yet(contract.found));
    for contract in contracts.filter(|contract| contract.found != contract.expected) {
        let ContractFact { name, address, expected, found, matched, .. } = contract;
        let (why, network) = (matched.summary(), &facts.network);
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
