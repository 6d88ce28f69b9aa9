//! Gate `funds`: test funds were approved by somebody else and agree with the chain.

use tidegate_model::{GateId, GateInput, GateReport, Verdict};

use crate::Observed;

/// How many sentences on income stand in the summary.
const INCOMES_SHOWN_MAX: usize = 3;

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
    /// What came in that nobody asked for, one sentence each: named, and no fault.
    pub incomes: Vec<String>,
    /// For people: whether something was drawn of which nothing came back yet.
    pub unreturned: bool,
    /// For people: what was spent.
    pub summary: String,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

impl FundFacts {
    /// Adds the books of another network that backs the same target.
    pub fn add(&mut self, network: &str, other: Self) {
        let Self { violations, residues, open_requests, missing, incomes, .. } = self;
        violations.extend(other.violations);
        residues.extend(other.residues);
        open_requests.extend(other.open_requests);
        missing.extend(other.missing);
        incomes.extend(other.incomes);
        self.unreturned |= other.unreturned;
        self.summary += &format!("; on {network} {}", other.summary);
        self.inputs.extend(other.inputs);
    }
}

pub(crate) fn gate(facts: &Observed<FundFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => (Verdict::unknown(missing), "could not be read".to_owned(), Vec::new()),
        Ok(facts) => {
            let reasons = [facts.violations.clone(), facts.residues.clone()].concat();
            let missing = [facts.open_requests.clone(), facts.missing.clone()].concat();
            let verdict = Verdict::from_findings(reasons, missing);
            (verdict, summary(facts), facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Funds, verdict, summary, inputs }
}

/// Anybody may pay in, so what came unasked is said and holds nothing up.
fn summary(facts: &FundFacts) -> String {
    let mut parts = vec![facts.summary.clone()];
    parts.extend(facts.incomes.iter().take(INCOMES_SHOWN_MAX).map(|one| format!("unasked: {one}")));
    let more = facts.incomes.len().saturating_sub(INCOMES_SHOWN_MAX);
    if more > 0 {
        parts.push(format!("{more} more, `tidegate ledger show`"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_of_every_network_count() {
        let says = |text: &str| vec![text.to_owned()];
        let clean = || FundFacts { summary: "2 entries".to_owned(), ..FundFacts::default() };
        let word = |other: FundFacts| {
            let mut all = clean();
            all.add("hoodi", other);
            assert_eq!(all.summary, "2 entries; on hoodi 2 entries");
            gate(&Ok(all)).verdict.word()
        };
        assert_eq!(word(clean()), "PASS");
        assert_eq!(word(FundFacts { violations: says("x"), ..clean() }), "FAIL");
        assert_eq!(word(FundFacts { residues: says("x"), ..clean() }), "FAIL");
        assert_eq!(word(FundFacts { open_requests: says("x"), ..clean() }), "UNKNOWN");
        assert_eq!(word(FundFacts { missing: says("x"), ..clean() }), "UNKNOWN");
    }

    #[test]
    fn income_is_named_and_an_outflow_beside_it_still_fails() {
        let says = |count: usize| (0..count).map(|n| format!("{n} wei came")).collect();
        let income = FundFacts { incomes: says(5), ..FundFacts::default() };
        let report = gate(&Ok(income.clone()));
        assert_eq!(report.verdict.word(), "PASS");
        assert!(report.summary.contains("unasked: 2 wei came; 2 more"), "{}", report.summary);
        let quiet = vec!["1 wei left".to_owned()];
        let outflow = FundFacts { violations: quiet.clone(), ..income.clone() };
        assert_eq!(gate(&Ok(outflow)).verdict.word(), "FAIL");
        let residue = FundFacts { residues: quiet.clone(), ..income.clone() };
        assert_eq!(gate(&Ok(residue)).verdict.word(), "FAIL");
        let missing = FundFacts { missing: quiet, ..income };
        assert_eq!(gate(&Ok(missing)).verdict.word(), "UNKNOWN");
    }
}
