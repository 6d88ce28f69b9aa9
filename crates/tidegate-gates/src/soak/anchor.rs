//! Whose time a soak is counted in: a testnet's operator may date blocks as they like, so the
//! start of a soak is posted on the target too, and no more is credited than has passed there.

use alloy_primitives::B256;
use tidegate_model::units::{format_span_secs, format_utc};
use tidegate_model::{ChainId, GateInput, Head, Reason, ReasonCode};

use crate::PolicyRules;

/// Whether the start of a soak must be posted on the target: always where one operator sets the
/// soak network's time; else on every real target, unless the policy says `soak_anchor = false`;
/// on simulated targets only if it says `true`.
pub fn anchor_required(rules: &PolicyRules, target: ChainId, one_sets_its_time: bool) -> bool {
    match (target.is_simulated(), rules.soak_anchor) {
        (true, asked) => asked == Some(true),
        (false, asked) => one_sets_its_time || asked != Some(false),
    }
}

/// Why a network may not back a target, if so: what is simulated backs nothing real, and of a
/// chain that is not built in somebody has to know who runs it.
pub fn soak_network_fault(
    rules: &PolicyRules,
    target: ChainId,
    (name, soak): (&str, ChainId),
    is_listed: bool,
) -> Option<String> {
    if target.is_simulated() {
        return None;
    }
    if soak.is_simulated() {
        return Some(format!(
            "`{name}` is a simulated chain and cannot back chain {target}, which \
                             is a real one"
        ));
    }
    (!is_listed && !rules.unlisted).then(|| {
        format!(
            "`{name}` is chain {soak}, which Tidegate does not know: its operator sets its time \
             and blocks, so it cannot back chain {target}"
        )
    })
}

/// When the start of a soak was posted on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPost {
    /// The target's name.
    pub target: String,
    /// The target's chain.
    pub chain: ChainId,
    /// Its newest final block.
    pub head: Head,
    /// When somebody of the policy, or the deployer, posted it; `None` if nobody did.
    pub posted_at: Option<u64>,
    /// The subject under which it is posted.
    pub subject: B256,
}

impl StartPost {
    /// How much time has passed there since.
    pub(super) const fn span_secs(&self) -> u64 {
        match self.posted_at {
            Some(at) => self.head.timestamp.saturating_sub(at),
            None => 0,
        }
    }

    /// The post as evidence, if there is one.
    pub fn input(&self) -> Option<GateInput> {
        self.posted_at?;
        let (chain, block, digest) = (self.chain, self.head.block, self.subject);
        Some(GateInput { kind: "soak/posted".to_owned(), chain, block, digest })
    }

    pub(super) fn missing(&self) -> Option<Reason> {
        let target = &self.target;
        self.posted_at.is_none().then(|| {
            let text = format!(
                "nobody posted the start of this soak on {target}, whose time it is counted in: \
                 run `tidegate record start --target {target} --as KEY`, which shows its fees \
                 first"
            );
            Reason::new(ReasonCode::StartNotPosted, text)
        })
    }

    /// What to say where it counts for less than the testnet shows.
    pub(super) fn shorter_than(&self, credited_secs: u64) -> Option<Reason> {
        let (at, span) = (self.posted_at?, self.span_secs());
        (span < credited_secs).then(|| {
            let text = format!(
                "its start was posted on {} on {}, {} ago by the time there",
                self.target,
                format_utc(at),
                format_span_secs(span)
            );
            Reason::new(ReasonCode::StartPostedLate, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: ChainId = ChainId(1);
    const SIMULATED: ChainId = ChainId(31_337);

    fn rules(soak_anchor: Option<bool>, unlisted: bool) -> PolicyRules {
        PolicyRules { soak_anchor, unlisted, ..PolicyRules::default() }
    }

    #[test]
    fn a_start_is_posted_wherever_one_sets_the_time_and_by_default() {
        for (target, asked, one, expected) in [
            (REAL, None, false, true),
            (REAL, None, true, true),
            (REAL, Some(false), false, false),
            (REAL, Some(false), true, true),
            (SIMULATED, None, true, false),
            (SIMULATED, Some(false), true, false),
            (SIMULATED, Some(true), false, true),
        ] {
            let found = anchor_required(&rules(asked, false), target, one);
            assert_eq!(found, expected, "{target} {asked:?} {one}");
        }
    }

    #[test]
    fn a_chain_that_is_not_built_in_backs_nothing_real_unasked() {
        let fault = |target, soak, listed, unlisted| {
            let soak = ("testnet", ChainId(soak));
            soak_network_fault(&rules(None, unlisted), target, soak, listed).unwrap_or_default()
        };
        assert!(fault(REAL, 4_242, false, false).contains("`testnet` is chain 4242"));
        assert!(fault(ChainId(4_243), 4_242, false, false).contains("sets its time"));
        assert_eq!(fault(REAL, 4_242, false, true), "");
        assert_eq!(fault(REAL, 560_048, true, false), "");
        // What is simulated backs nothing real, whatever the policy says.
        assert!(fault(REAL, 31_338, false, true).contains("is a simulated chain"));
        assert_eq!(fault(SIMULATED, 31_338, false, false), "");
    }

    #[test]
    fn what_was_posted_is_evidence_and_counts_from_then() {
        let block = tidegate_model::BlockRef { number: 9, hash: B256::repeat_byte(1) };
        let post = |posted_at| StartPost {
            target: "mainnet".to_owned(),
            chain: REAL,
            head: Head { block, timestamp: 1_000 },
            posted_at,
            subject: B256::repeat_byte(2),
        };
        let input = post(Some(400)).input().unwrap();
        assert_eq!((input.kind.as_str(), input.chain, input.block), ("soak/posted", REAL, block));
        assert_eq!((input.digest, post(None).input()), (B256::repeat_byte(2), None));
        assert_eq!(post(Some(400)).shorter_than(600), None);
        let late = post(Some(400)).shorter_than(601).unwrap();
        assert_eq!(late.code, ReasonCode::StartPostedLate);
        assert_eq!(post(None).shorter_than(601), None);
    }
}
