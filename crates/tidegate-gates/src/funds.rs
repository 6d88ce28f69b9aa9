//! Gate `funds`: test funds were approved by somebody else and agree with the chain.

use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Observed;

/// The most sentences on income in the summary.
const INCOMES_SHOWN_MAX: usize = 3;

/// The result of the ledger.
#[derive(Debug, Clone, Default)]
pub struct FundFacts {
    /// Draws without or above their approval, approvals by the requester, and the like.
    pub violations: Vec<Reason>,
    /// Wallets whose ledger and chain balances differ, one sentence each.
    pub residues: Vec<String>,
    /// Requests naming this release that await a decision, one sentence each.
    pub open_requests: Vec<String>,
    /// History that could not be read, one sentence each.
    pub missing: Vec<String>,
    /// Income that nobody requested, one sentence each; it is not a fault.
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
        Err(missing) => {
            (missing.clone().into_unknown(), "could not be read".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let all = |code, texts: &[String]| -> Vec<_> {
                texts.iter().map(|text| Reason::new(code, text)).collect()
            };
            let mut reasons = facts.violations.clone();
            reasons.extend(all(ReasonCode::BalanceDiffers, &facts.residues));
            let mut missing = all(ReasonCode::RequestOpen, &facts.open_requests);
            missing.extend(all(ReasonCode::HistoryUnread, &facts.missing));
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
    use crate::told;

    #[test]
    fn the_books_of_every_network_count() {
        let says = |text: &str| vec![text.to_owned()];
        let drawn = Reason::new(ReasonCode::UnapprovedDraw, "x");
        let clean = || FundFacts { summary: "2 entries".to_owned(), ..FundFacts::default() };
        let word = |other: FundFacts| {
            let mut all = clean();
            all.add("hoodi", other);
            assert_eq!(all.summary, "2 entries; on hoodi 2 entries");
            told(&gate(&Ok(all)).verdict)
        };
        assert_eq!(word(clean()), "PASS");
        assert_eq!(word(FundFacts { violations: vec![drawn], ..clean() }), "FAIL unapproved-draw");
        assert_eq!(word(FundFacts { residues: says("x"), ..clean() }), "FAIL balance-differs");
        assert_eq!(word(FundFacts { open_requests: says("x"), ..clean() }), "UNKNOWN request-open");
        assert_eq!(word(FundFacts { missing: says("x"), ..clean() }), "UNKNOWN history-unread");
    }

    #[test]
    fn income_is_named_and_an_outflow_beside_it_still_fails() {
        let says = |count: usize| (0..count).map(|n| format!("{n} wei came")).collect();
        let income = FundFacts { incomes: says(5), ..FundFacts::default() };
        let report = gate(&Ok(income.clone()));
        assert_eq!(report.verdict.word(), "PASS");
        assert!(report.summary.contains("unasked: 2 wei came; 2 more"), "{}", report.summary);
        let quiet = vec!["1 wei left".to_owned()];
        let left = vec![Reason::new(ReasonCode::OutflowWithoutDraw, "1 wei left")];
        let outflow = FundFacts { violations: left, ..income.clone() };
        assert_eq!(gate(&Ok(outflow)).verdict.word(), "FAIL");
        let residue = FundFacts { residues: quiet.clone(), ..income.clone() };
        assert_eq!(gate(&Ok(residue)).verdict.word(), "FAIL");
        let missing = FundFacts { missing: quiet, ..income };
        assert_eq!(gate(&Ok(missing)).verdict.word(), "UNKNOWN");
    }

    #[test]
    fn what_is_unreturned_anywhere_is_unreturned() {
        for (here, there) in [(false, false), (false, true), (true, false), (true, true)] {
            let of = |unreturned| FundFacts { unreturned, ..FundFacts::default() };
            let mut all = of(here);
            all.add("hoodi", of(there));
            assert_eq!(all.unreturned, here || there);
        }
    }

    #[test]
    fn only_what_is_left_out_is_counted() {
        let incomes = (0..3).map(|n| format!("{n} wei came")).collect();
        let summary = gate(&Ok(FundFacts { incomes, ..FundFacts::default() })).summary;
        assert!(summary.ends_with("unasked: 2 wei came"), "{summary}");
    }
}
