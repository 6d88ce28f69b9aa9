//! Gate `safe`: the root of trust is a Safe that several people hold, whose code is known, and
//! which nothing else can move.

use alloy_primitives::{Address, B256};
use tidegate_model::policy::SafeTrust;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::{Observed, PolicyRules};

/// The fewest owners that a root of trust has.
const OWNERS_MIN: usize = 3;
/// The fewest of them that must sign.
const THRESHOLD_MIN: u32 = 2;

/// How many approvals on chain are named, of those that wait.
const APPROVALS_SHOWN_MAX: usize = 8;

/// The Safe, and what happened to it since it adopted the policy.
#[derive(Debug, Clone)]
pub struct SafeFacts {
    /// The Safe as it is.
    pub trust: SafeTrust,
    /// The reasons that it is not a known Safe, one sentence each.
    pub doubts: Vec<String>,
    /// That this machine relied on another Safe of the project before, as a sentence.
    pub other: Option<String>,
    /// What shows that nothing else moves it.
    pub proof: Observed<SafeProof>,
    /// Whether its fallback handler is one that Safe published, by address and code.
    pub handler_known: bool,
    /// Changes of owners, threshold, modules, guards, handler or code since the adoption, and what
    /// modules did: what was changed and changed back leaves no other trace.
    pub changes: Observed<Vec<SafeChange>>,
    /// Proposals in git that would change the root of trust.
    pub queued: Observed<Vec<Reason>>,
    /// The blocks it was read at.
    pub inputs: Vec<GateInput>,
}

/// What a Safe holds and what ran as it, beside what it shows. It answers for its lists by walking
/// them and looks its owners and modules up: an entry beside the lists moves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SafeProof {
    /// By what, for people.
    pub by: String,
    /// At which block.
    pub at: u64,
    /// What its storage holds that is not shown, one sentence each.
    pub hidden: Vec<String>,
    /// Where no root proves its storage: what ran as the Safe and may have written to it.
    pub unexplained: Vec<SafeChange>,
    /// Where no root proves its storage: what ran as the Safe and nobody here knows.
    pub unknown: Vec<UnknownExecution>,
    /// Transactions that owners approved on chain and that are not executed, with how many did:
    /// most approvals first, then the newest.
    pub approvals: Vec<(B256, usize)>,
    /// Owners that are more than a key, for people.
    pub owners_with_code: Vec<String>,
}

/// An execution that is known by its hash alone: whoever sent it hid it from the calldata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownExecution {
    /// The transaction in which it ran.
    pub transaction: B256,
    /// The hash that the owners signed.
    pub hash: B256,
    /// The file of its proposal, below the project's folder.
    pub file: String,
}

impl SafeProof {
    /// What follows the count of owners. An owner can approve without end, so few are shown.
    fn summary(&self, threshold: u32) -> String {
        let mut summary = String::new();
        if self.hidden.is_empty() && self.unexplained.is_empty() && self.unknown.is_empty() {
            summary += &format!(", {}", self.by);
        }
        let shown = self.approvals.iter().take(APPROVALS_SHOWN_MAX).map(|(hash, owners)| {
            let missing = (threshold as usize).saturating_sub(*owners);
            let missing = if missing <= 1 { format!(", {missing} missing") } else { String::new() };
            format!("{hash} (by {owners}{missing})")
        });
        let more = self.approvals.len().saturating_sub(APPROVALS_SHOWN_MAX);
        let more = (more > 0).then(|| format!("and {more} more, all in `status --json`"));
        let approvals = shown.chain(more).collect();
        let lists = [
            ("owners with code", &self.owners_with_code),
            ("approved on chain and not executed", &approvals),
        ];
        for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            summary += &format!("; {what}: {}", list.join(", "));
        }
        summary
    }

    /// What speaks against it under a policy: contradictions, and what could not be shown.
    pub fn faults(&self, rules: &PolicyRules) -> (Vec<Reason>, Vec<Reason>) {
        let hidden = self.hidden.iter().map(|what| Reason::new(ReasonCode::HiddenState, what));
        let unexplained = self.unexplained.iter().filter(|change| !change.is_allowed(rules));
        let missing = unexplained.map(|SafeChange { what, .. }| {
            let text = format!(
                "{what}, and no storage root proves that it hid nothing in the Safe's \
                         storage"
            );
            Reason::new(ReasonCode::UnexplainedRun, text)
        });
        let unknown = self.unknown.iter().map(|UnknownExecution { transaction, hash, file }| {
            let text = format!(
                "what {transaction} executed as {hash} is in no calldata, proposal or store here, \
                 and no storage root proves that it hid nothing in the Safe's storage: restore \
                 {file} from git or from an owner"
            );
            Reason::new(ReasonCode::UnknownExecution, text)
        });
        (hidden.collect(), missing.chain(unknown).collect())
    }

    /// What to do where [`SafeProof::faults`] names something.
    pub fn next_step(&self, rules: &PolicyRules) -> &'static str {
        let explained = self.unexplained.iter().all(|change| change.is_allowed(rules));
        if self.hidden.is_empty() && explained {
            return "run this again once the proposal's file is back";
        }
        "adopt the policy with another Safe, created by Safe's own factory"
    }
}

/// What happened to a Safe since it adopted the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeChange {
    /// A sentence.
    pub what: String,
    /// The module that moved the Safe or tried to; `None` where anything else happened.
    pub moved_by: Option<Address>,
}

impl SafeChange {
    /// Whether it is no change: a module that the policy allows did what modules do.
    pub fn is_allowed(&self, rules: &PolicyRules) -> bool {
        self.moved_by.is_some_and(|module| allows(rules, "module", module))
    }
}

/// Whether `safe_allow` lists it.
fn allows(rules: &PolicyRules, what: &str, address: Address) -> bool {
    rules.safe_allow.iter().any(|item| {
        item.split_once(':').is_some_and(|(kind, written)| {
            kind == what && written.parse::<Address>() == Ok(address)
        })
    })
}

pub(crate) fn gate(rules: &PolicyRules, facts: &Observed<SafeFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => {
            (missing.clone().into_unknown(), "could not be read".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let SafeTrust { threshold, owners, .. } = &facts.trust;
            let mut summary = format!("{threshold} of {}", counted(owners.len(), "owner"));
            if let Ok(proof) = &facts.proof {
                summary += &proof.summary(*threshold);
            }
            (judge(rules, facts), summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Safe, verdict, summary, inputs }
}

fn judge(rules: &PolicyRules, facts: &SafeFacts) -> Verdict {
    let trust = &facts.trust;
    let other = facts.other.iter().map(|other| Reason::new(ReasonCode::OtherSafe, other));
    let doubts = facts.doubts.iter();
    let doubts = doubts.map(|doubt| Reason::new(ReasonCode::SafeUnknown, doubt));
    let mut reasons: Vec<_> = other.chain(doubts).collect();
    if trust.owners.len() < OWNERS_MIN {
        let owners = counted(trust.owners.len(), "owner");
        let text = format!("the Safe has {owners}, at least {OWNERS_MIN} are needed");
        reasons.push(Reason::new(ReasonCode::TooFewOwners, text));
    }
    if trust.threshold < THRESHOLD_MIN {
        let text = format!(
            "the Safe's threshold is {}, at least {THRESHOLD_MIN} is needed",
            trust.threshold
        );
        reasons.push(Reason::new(ReasonCode::ThresholdTooLow, text));
    }
    let mut extras: Vec<_> = trust.modules.iter().map(|module| ("module", *module)).collect();
    extras.extend([("guard", trust.guard), ("module_guard", trust.module_guard)]);
    if !facts.handler_known {
        extras.push(("handler", trust.handler));
    }
    for (what, address) in extras.into_iter().filter(|(_, address)| !address.is_zero()) {
        if !allows(rules, what, address) {
            let words = what.replace('_', " ");
            let text = format!(
                "the Safe has the {words} {address}, which `safe_allow` of the policy does not list"
            );
            reasons.push(Reason::new(ReasonCode::PartNotAllowed, text));
        }
    }
    let mut missing = Vec::new();
    let unread = |what: &str, why: &Reason| why.clone().reworded(|why| format!("{what}: {why}"));
    match facts.proof.as_ref().map(|proof| proof.faults(rules)) {
        Ok((hidden, unexplained)) => {
            reasons.extend(hidden);
            missing.extend(unexplained);
        }
        Err(why) => missing.push(unread("what the Safe's storage holds", why)),
    }
    match &facts.changes {
        Ok(changes) => {
            let changes = changes.iter().filter(|change| !change.is_allowed(rules));
            reasons.extend(changes.map(|SafeChange { what, .. }| {
                let text = format!(
                    "{what}, since it adopted the policy; run `tidegate policy adopt` again"
                );
                Reason::new(ReasonCode::SafeChanged, text)
            }));
        }
        Err(why) => missing.push(unread("the Safe's changes since the adoption", why)),
    }
    match &facts.queued {
        Ok(queued) => missing.extend(queued.iter().cloned()),
        Err(why) => missing.push(unread("the proposals to the Safe", why)),
    }
    Verdict::from_findings(reasons, missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::exemplar;
    use crate::told;

    fn proof(facts: &mut SafeFacts) -> &mut SafeProof {
        facts.proof.as_mut().unwrap()
    }

    fn unknown() -> UnknownExecution {
        let (transaction, hash) = (B256::repeat_byte(1), B256::repeat_byte(2));
        UnknownExecution { transaction, hash, file: "deployments/m/proposals/0x02.json".into() }
    }

    /// What nobody here knows is named with its file; another Safe is advised only where a file
    /// would not help.
    #[test]
    fn an_execution_that_nobody_knows_says_what_to_do() {
        let rules = PolicyRules::default();
        let mut proof = SafeProof { unknown: vec![unknown()], ..SafeProof::default() };
        let (hidden, missing) = proof.faults(&rules);
        let says = "restore deployments/m/proposals/0x02.json from git or from an owner";
        assert!(hidden.is_empty() && missing.len() == 1, "{missing:?}");
        assert_eq!(missing[0].code, ReasonCode::UnknownExecution);
        assert!(missing[0].text.contains(says), "{missing:?}");
        assert!(proof.next_step(&rules).contains("once the proposal's file is back"));
        assert!(!proof.summary(2).contains("past known"), "{}", proof.summary(2));
        proof.unexplained.push(SafeChange { what: "ran code".into(), moved_by: None });
        assert_eq!(proof.faults(&rules).1[0].code, ReasonCode::UnexplainedRun);
        assert!(proof.next_step(&rules).contains("another Safe"));
        proof.unexplained.clear();
        proof.hidden.push("an owner".into());
        assert!(proof.next_step(&rules).contains("another Safe"));
    }

    #[test]
    fn what_is_named_beside_the_owners() {
        let mut facts = exemplar(&PolicyRules::default()).safe.unwrap();
        proof(&mut facts).approvals.push((B256::ZERO, 1));
        proof(&mut facts).owners_with_code.push("0xcd".into());
        let report = gate(&PolicyRules::default(), &Ok(facts));
        let says = "; owners with code: 0xcd; approved on chain and not executed: 0x0000";
        assert!(report.summary.contains(says), "{}", report.summary);
        assert!(report.summary.ends_with("(by 1, 1 missing)"), "{}", report.summary);
        assert_eq!(report.verdict.word(), "PASS");
    }

    /// One owner approves without end: what is closest to its execution stays in sight.
    #[test]
    fn a_flood_of_approvals_is_counted() {
        let mut facts = exemplar(&PolicyRules::default()).safe.unwrap();
        facts.trust.threshold = 3;
        let hash = |n: usize| B256::from(alloy_primitives::U256::from(n));
        proof(&mut facts).approvals.push((hash(9_999), 2));
        proof(&mut facts).approvals.extend((0..1_500).map(|n| (hash(n), 1)));
        let report = gate(&PolicyRules::default(), &Ok(facts));
        let count = report.summary.matches("(by 1)").count();
        assert_eq!(count, APPROVALS_SHOWN_MAX - 1, "{}", report.summary);
        let first = format!("not executed: {} (by 2, 1 missing), ", hash(9_999));
        assert!(report.summary.contains(&first), "{}", report.summary);
        assert!(report.summary.ends_with("and 1493 more, all in `status --json`"));
    }

    #[test]
    fn a_root_of_trust() {
        let at = Address::with_last_byte;
        let word = |edit: &dyn Fn(&mut SafeFacts), allow: &[&str]| {
            let mut facts = exemplar(&PolicyRules::default()).safe.unwrap();
            edit(&mut facts);
            let safe_allow = allow.iter().map(|item| (*item).to_owned()).collect();
            let rules = PolicyRules { safe_allow, ..PolicyRules::default() };
            told(&gate(&rules, &Ok(facts)).verdict)
        };
        let nine = "0x0000000000000000000000000000000000000009";
        assert_eq!(word(&|_| {}, &[]), "PASS");
        assert_eq!(word(&|f| f.trust.owners.truncate(2), &[]), "FAIL too-few-owners");
        assert_eq!(word(&|f| f.trust.threshold = 1, &[]), "FAIL threshold-too-low");
        assert_eq!(word(&|f| f.doubts.push("unknown code".into()), &[]), "FAIL safe-unknown");
        assert_eq!(word(&|f| f.other = Some("another Safe".into()), &[]), "FAIL other-safe");
        let module = &|f: &mut SafeFacts| f.trust.modules.push(at(9));
        assert_eq!(word(module, &[]), "FAIL part-not-allowed");
        assert_eq!(word(module, &[&format!("module:{nine}")]), "PASS");
        assert_eq!(word(module, &[&format!("guard:{nine}")]), "FAIL part-not-allowed");
        assert_eq!(word(&|f| f.trust.guard = at(9), &[]), "FAIL part-not-allowed");
        assert_eq!(word(&|f| f.trust.module_guard = at(9), &[]), "FAIL part-not-allowed");
        assert_eq!(word(&|f| f.handler_known = false, &[]), "FAIL part-not-allowed");
        let change = |moved_by| SafeChange { what: "something happened".to_owned(), moved_by };
        let allowed = format!("module:{nine}");
        let changed =
            |moved_by, allow: &[&str]| word(&|f| f.changes = Ok(vec![change(moved_by)]), allow);
        assert_eq!(changed(None, &[&allowed]), "FAIL safe-changed");
        assert_eq!(changed(Some(at(9)), &[&allowed]), "PASS");
        assert_eq!(changed(Some(at(9)), &[&format!("guard:{nine}")]), "FAIL safe-changed");
        assert_eq!(changed(Some(at(8)), &[&allowed]), "FAIL safe-changed");
        assert_eq!(
            word(&|f| f.changes = Err(Reason::unreadable("no answer")), &[]),
            "UNKNOWN unreadable"
        );
        assert_eq!(
            word(&|f| f.proof = Err(Reason::unreadable("no answer")), &[]),
            "UNKNOWN unreadable"
        );
        let hidden = |f: &mut SafeFacts| proof(f).hidden.push("an owner".into());
        assert_eq!(word(&hidden, &[&allowed]), "FAIL hidden-state");
        let ran = |moved_by, allow: &[&str]| {
            word(&|f| proof(f).unexplained.push(change(moved_by)), allow)
        };
        assert_eq!(ran(None, &[&allowed]), "UNKNOWN unexplained-run");
        assert_eq!(ran(Some(at(9)), &[]), "UNKNOWN unexplained-run");
        assert_eq!(ran(Some(at(8)), &[&allowed]), "UNKNOWN unexplained-run");
        assert_eq!(ran(Some(at(9)), &[&allowed]), "PASS");
        let lost = |f: &mut SafeFacts| proof(f).unknown.push(unknown());
        assert_eq!(word(&lost, &[&allowed]), "UNKNOWN unknown-execution");
        assert_eq!(
            word(&|f| f.queued = Ok(vec![Reason::new(ReasonCode::AdoptionQueued, "one")]), &[]),
            "UNKNOWN adoption-queued"
        );
    }

    /// What shows that nothing else moves the Safe is said only where that is so.
    #[test]
    fn what_proves_the_safe_is_said_where_nothing_contradicts_it() {
        let says = |edit: fn(&mut SafeProof)| {
            let mut proof = SafeProof { by: "all proven".into(), ..SafeProof::default() };
            edit(&mut proof);
            proof.summary(2)
        };
        assert_eq!(says(|_| {}), ", all proven");
        assert_eq!(says(|p| p.hidden.push("an owner".into())), "");
        assert_eq!(says(|p| p.unknown.push(unknown())), "");
        let ran = |p: &mut SafeProof| {
            p.unexplained.push(SafeChange { what: "ran code".into(), moved_by: None });
        };
        assert_eq!(says(ran), "");
    }
}
