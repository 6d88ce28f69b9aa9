//! Gate `soak`: the release has lived long enough, on chain time, and was used by others.

use alloy_primitives::{Address, B256};
use tidegate_model::units::format_span_secs;
use tidegate_model::{GateId, GateInput, GateReport, Head, Verdict};

use crate::{Observed, PolicyRules};

/// Seconds in one window of the soak.
pub const WINDOW_SECS: u64 = 86_400;

/// What the soak network shows.
#[derive(Debug, Clone)]
pub struct SoakFacts {
    /// The network's name.
    pub network: String,
    /// Its latest finalized header.
    pub head: Head,
    /// When the soak started: the latest of anchor, creations, last step and last reset.
    pub start: u64,
    /// What set the start, for people.
    pub started_by: String,
    /// Expected seconds between blocks.
    pub block_time_secs: u64,
    /// Blocks in each window from the start; the last one may be running.
    pub windows: Vec<Window>,
    /// What others did with it.
    pub activity: Activity,
    /// Evidence that contradicts, one sentence each.
    pub faults: Vec<String>,
    /// Evidence that could not be read, one sentence each.
    pub missing: Vec<String>,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

/// One window of the soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Blocks that the chain produced in it.
    pub blocks: u64,
    /// Seconds of it that have passed.
    pub elapsed_secs: u64,
}

/// What was done with the release since the start.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// Successful transactions to plan contracts by outsiders.
    pub transactions: u32,
    /// Their distinct senders.
    pub senders: Vec<Address>,
    /// Counted functions that were called, as `Contract.function`.
    pub called: Vec<String>,
    /// Counted functions that were not.
    pub uncalled: Vec<String>,
    /// keccak256 over the transactions, as evidence.
    pub digest: B256,
}

/// How far the clock has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoakProgress {
    /// Credited seconds.
    pub credited_secs: u64,
    /// Required seconds.
    pub required_secs: u64,
    /// Full windows that did not count.
    pub lost_windows: u32,
    /// The chain timestamp at which the requirement is met if no further window is lost.
    pub eta: u64,
}

/// Credits each window that holds at least half of its expected blocks: a full window in full, the
/// running one with its elapsed seconds.
pub fn progress(rules: &PolicyRules, facts: &SoakFacts) -> SoakProgress {
    let mut credited_secs = 0;
    let mut lost_windows = 0;
    for window in &facts.windows {
        let expected = window.elapsed_secs / facts.block_time_secs.max(1);
        if window.blocks * 2 >= expected {
            credited_secs += window.elapsed_secs;
        } else if window.elapsed_secs == WINDOW_SECS {
            lost_windows += 1;
        }
    }
    let left = rules.soak_secs.saturating_sub(credited_secs);
    let eta = facts.head.timestamp + left;
    SoakProgress { credited_secs, required_secs: rules.soak_secs, lost_windows, eta }
}

pub(crate) fn gate(rules: &PolicyRules, facts: &Observed<SoakFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => (Verdict::unknown(missing), "not soaking".to_owned(), Vec::new()),
        Ok(facts) => {
            let progress = progress(rules, facts);
            let summary = format!(
                "{} of {} on {}; {} transactions by {} outsiders, {} of {} functions",
                format_span_secs(progress.credited_secs),
                format_span_secs(progress.required_secs),
                facts.network,
                facts.activity.transactions,
                facts.activity.senders.len(),
                facts.activity.called.len(),
                facts.activity.called.len() + facts.activity.uncalled.len(),
            );
            (judge(rules, facts, progress), summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Soak, verdict, summary, inputs }
}

fn judge(rules: &PolicyRules, facts: &SoakFacts, progress: SoakProgress) -> Verdict {
    let age = if progress.credited_secs >= progress.required_secs {
        Verdict::Pass
    } else {
        let left = progress.required_secs - progress.credited_secs;
        let mut reason = format!("{} of chain time left", format_span_secs(left));
        if progress.lost_windows > 0 {
            let lost = progress.lost_windows;
            reason += &format!("; {lost} days did not count, the chain produced too few blocks");
        }
        Verdict::Waiting { reasons: vec![reason], eta: Some(progress.eta) }
    };
    let mut missing = facts.missing.clone();
    let activity = &facts.activity;
    let senders = activity.senders.len();
    if activity.transactions < rules.transactions {
        missing.push(format!(
            "{} of {} transactions by outsiders",
            activity.transactions, rules.transactions
        ));
    }
    if senders < rules.senders as usize {
        missing.push(format!("{senders} of {} outside senders", rules.senders));
    }
    let counted = activity.called.len() + activity.uncalled.len();
    if activity.called.len() * 100 < counted * rules.selectors_percent as usize {
        missing.push(format!(
            "{} of {counted} state-changing functions were called, {} % are needed; never called: \
             {}",
            activity.called.len(),
            rules.selectors_percent,
            activity.uncalled.join(", ")
        ));
    }
    age.and(Verdict::from_findings(facts.faults.clone(), missing))
}

#[cfg(test)]
mod tests {
    use tidegate_model::BlockRef;

    use super::*;

    fn facts(windows: &[(u64, u64)]) -> SoakFacts {
        SoakFacts {
            network: "sepolia".to_owned(),
            head: Head { block: BlockRef { number: 9, hash: B256::ZERO }, timestamp: 5_000_000 },
            start: 0,
            started_by: "anchor".to_owned(),
            block_time_secs: 3_600,
            windows: windows
                .iter()
                .map(|&(blocks, elapsed_secs)| Window { blocks, elapsed_secs })
                .collect(),
            activity: Activity {
                transactions: 25,
                senders: (0..3).map(Address::with_last_byte).collect(),
                called: vec!["Vault.deposit".to_owned()],
                uncalled: vec!["Vault.pause".to_owned()],
                digest: B256::ZERO,
            },
            faults: Vec::new(),
            missing: Vec::new(),
            inputs: Vec::new(),
        }
    }

    #[test]
    fn windows_count_only_where_the_chain_produced_blocks() {
        let rules = PolicyRules::default();
        let credited = |windows: &[(u64, u64)]| {
            let progress = progress(&rules, &facts(windows));
            (progress.credited_secs, progress.lost_windows)
        };
        assert_eq!(credited(&[(24, WINDOW_SECS), (12, WINDOW_SECS)]), (2 * WINDOW_SECS, 0));
        assert_eq!(credited(&[(24, WINDOW_SECS), (11, WINDOW_SECS)]), (WINDOW_SECS, 1));
        assert_eq!(credited(&[(24, WINDOW_SECS), (5, 36_000)]), (WINDOW_SECS + 36_000, 0));
        assert_eq!(credited(&[(24, WINDOW_SECS), (4, 36_000)]), (WINDOW_SECS, 0));
    }

    #[test]
    fn verdicts() {
        let rules = PolicyRules::default();
        let word = |facts: SoakFacts| gate(&rules, &Ok(facts)).verdict.word();
        let full: Vec<_> = [(24, WINDOW_SECS); 14].into();
        assert_eq!(word(facts(&full)), "PASS");
        assert_eq!(word(facts(&full[..13])), "WAITING");
        assert_eq!(gate(&rules, &Err("x".to_owned())).verdict.word(), "UNKNOWN");
        let mut quiet = facts(&full);
        quiet.activity.transactions = 24;
        assert_eq!(word(quiet), "UNKNOWN");
        let mut lonely = facts(&full);
        lonely.activity.senders.pop();
        assert_eq!(word(lonely), "UNKNOWN");
        let mut narrow = facts(&full);
        narrow.activity.uncalled.push("Vault.setCap".to_owned());
        assert_eq!(word(narrow), "UNKNOWN");
        let mut swapped = facts(&full[..13]);
        swapped.faults.push("implementation changed".to_owned());
        assert_eq!(word(swapped), "FAIL");
    }
}
