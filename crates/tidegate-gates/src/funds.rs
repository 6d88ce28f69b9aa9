//! Gate `funds`: test funds were approved by somebody else and agree with the chain.

use tidegate_model::{GateId, GateInput, GateReport, Verdict};

use crate::Observed;

/// What the ledger found.
#[derive(Debug, Clone, Default)]
pub struct FundFacts {
    /// Draws without or above their approval, approvals by the requester, one sentence each.
    pub violations: Vec<String>,
    /// Wallets whose ledger and chain balances differ, one sentence each.
    pub residues: Vec<String>,
    /// Requests naming this release that await a decision, one sentence each.
    pub open_requests: Vec<String>,
    /// History that could not be read, one sentence each.
    pub missing: Vec<String>,
    /// For people: what was spent.
    pub summary: String,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

pub(crate) fn gate(facts: &Observed<FundFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => (Verdict::unknown(missing), "could not be read".to_owned(), Vec::new()),
        Ok(facts) => {
            let reasons = [facts.violations.clone(), facts.residues.clone()].concat();
            let missing = [facts.open_requests.clone(), facts.missing.clone()].concat();
            let verdict = Verdict::from_findings(reasons, missing);
            (verdict, facts.summary.clone(), facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Funds, verdict, summary, inputs }
}
