//! Gate `soak`: the release has lived long enough, on chain time, and was used by others.

mod anchor;
mod lifecycle;
mod progress;
mod samples;

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::units::{counted, format_date, format_span_secs};
use tidegate_model::{GateId, GateInput, GateReport, Head, Reason, ReasonCode, Verdict};

pub use self::anchor::{StartPost, anchor_required, soak_network_fault};
pub use self::lifecycle::{EndOfLife, end_of_life};
pub use self::progress::{Pause, SoakProgress, credited, pauses, progress};
pub use self::samples::{SampleFact, StateThere, WithdrawalFact, changed, to_look_at};
use self::samples::{contradictions, doubts, set_aside, uncovered};
use crate::{Observed, PolicyRules};

/// Seconds in one window of the soak.
pub const WINDOW_SECS: u64 = 86_400;

/// The most days that one reason names.
const DAYS_NAMED_MAX: usize = 5;

/// The most samples that one summary names.
const ASIDE_NAMED_MAX: usize = 3;

/// The facts of the soak network.
#[derive(Debug, Clone)]
pub struct SoakFacts {
    /// The network's name.
    pub network: String,
    /// Its latest finalized header.
    pub head: Head,
    /// Its newest header, where it could be read.
    pub latest: Option<Head>,
    /// When the soak started: the latest of anchor, creations, last step and last reset.
    pub start: u64,
    /// The event that set the start, for people.
    pub started_by: String,
    /// When its start was posted on the target; `None` where that is not asked.
    pub posted: Observed<Option<StartPost>>,
    /// Everything that set the clock back since the anchor and the last step, in order of time.
    pub resets: Vec<Reset>,
    /// Expected seconds between blocks.
    pub block_time_secs: u64,
    /// When the network ends, where that is known.
    pub end_of_life: Option<EndOfLife>,
    /// Blocks in each window from the start; the last one may be running.
    pub windows: Vec<Window>,
    /// What others did with it.
    pub activity: Activity,
    /// Digest of code, slots and probes at the finalized head.
    pub state: B256,
    /// Watched slots that the code may write without saying so, one sentence each.
    pub silent_slots: Vec<String>,
    /// The samples that people of the policy signed of this deployment.
    pub samples: Vec<SampleFact>,
    /// Evidence that contradicts.
    pub faults: Vec<Reason>,
    /// Evidence that could not be read.
    pub missing: Vec<Reason>,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

/// Something after which the soak begins anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Reset {
    /// When it happened.
    pub time: u64,
    /// In which block of the soak network, where it happened there.
    pub block: Option<u64>,
    /// The incident, such as its number.
    pub reason: String,
}

/// One window of the soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// The senders.
    pub users: Vec<User>,
    /// Successful transactions that reached a plan contract through another one; they do not
    /// count.
    pub indirect: u32,
    /// Counted functions that were called, as `Contract.function`.
    pub called: Vec<String>,
    /// Counted functions that were not.
    pub uncalled: Vec<String>,
    /// Those of them that emit no event: calls of them are found only where a result names them.
    pub eventless: Vec<String>,
    /// Whether it backs no target: then nobody is of a policy who could name transactions.
    pub is_alone: bool,
    /// Transactions that results name and that do not count, each with the reason.
    pub set_aside: Vec<SetAside>,
    /// keccak256 over the transactions, as evidence.
    pub digest: B256,
}

/// A transaction that a result names and that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SetAside {
    /// Its hash.
    pub transaction: B256,
    /// The author of the result.
    pub by: String,
    /// Why it does not count.
    pub why: String,
}

/// Somebody who used the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct User {
    /// The sender.
    pub address: Address,
    /// The sender's identity.
    pub who: Who,
    /// How many of the counted transactions they sent.
    pub transactions: u32,
}

/// The identity of a sender, as far as the project knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Somebody under `[people]`.
    Person(String),
    /// A destination of this approved request for test funds.
    Request(String),
    /// Nobody whom the project names.
    Stranger,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Request(digest) => write!(f, "request {digest}"),
            Self::Stranger => f.write_str("stranger"),
        }
    }
}

impl Activity {
    /// The outsiders for people: `3 strangers`, or `3 outsiders (kim, 2 strangers)`.
    pub fn outsiders(&self) -> String {
        let mut known = BTreeMap::<&Who, usize>::new();
        for user in &self.users {
            *known.entry(&user.who).or_default() += 1;
        }
        let strangers = known.remove(&Who::Stranger).unwrap_or(0);
        if known.is_empty() {
            return counted(strangers, "stranger");
        }
        let mut names: Vec<_> = known
            .into_iter()
            .map(|(who, keys)| if keys > 1 { format!("{who} ×{keys}") } else { who.to_string() })
            .collect();
        if strangers > 0 {
            names.push(counted(strangers, "stranger"));
        }
        format!("{} ({})", counted(self.users.len(), "outsider"), names.join(", "))
    }
}

/// The soak of a release on one further network.
#[derive(Debug, Clone)]
pub struct OtherSoak {
    /// The network's name.
    pub network: String,
    /// Whether it has a record of the release.
    pub has_record: bool,
    /// What its gates `code`, `parameters` and `soak` say; none where that is said elsewhere.
    pub reports: Vec<GateReport>,
    /// Records that somebody saw there and that are gone, one sentence each.
    pub gone: Vec<String>,
    /// Samples of it that contradict the chain or each other.
    pub disputed: Vec<Reason>,
}

/// Samples that contradict the chain or each other, or of which nobody can tell whether they are
/// right.
pub fn disputed(rules: &PolicyRules, facts: &SoakFacts) -> Vec<Reason> {
    let mut found = contradictions(&facts.network, &facts.samples);
    found.extend(doubts(facts, rules.soak_secs));
    found
}

/// Adds to a gate's report what the same gate says on other networks: a contradiction anywhere is
/// a contradiction, a record that is gone may have been one, and so may what somebody saw
/// otherwise; all else is only shown, as ages are not added up.
pub(crate) fn with_others(mut report: GateReport, others: &[OtherSoak]) -> GateReport {
    for other in others {
        if report.gate == GateId::Soak && !other.has_record {
            report.summary += &format!("; no record of it on {}", other.network);
        }
        if report.gate == GateId::Soak && !(other.gone.is_empty() && other.disputed.is_empty()) {
            let gone = other.gone.iter();
            let gone = gone.map(|text| Reason::new(ReasonCode::RecordGone, text));
            let named = |reason: Reason| reason.reworded(|it| format!("{}: {it}", other.network));
            let missing = gone.chain(other.disputed.iter().cloned()).map(named);
            report.verdict = report.verdict.and(Verdict::Unknown { missing: missing.collect() });
        }
        let Some(theirs) = other.reports.iter().find(|theirs| theirs.gate == report.gate) else {
            continue;
        };
        if report.gate == GateId::Soak {
            let word = theirs.verdict.word();
            report.summary += &format!("; {word} with {}", theirs.summary);
        }
        if let Verdict::Fail { reasons } = &theirs.verdict {
            let words = |reason: &str| format!("{}: {reason}", other.network);
            let reasons = reasons.iter().map(|reason| reason.clone().reworded(words)).collect();
            report.verdict = report.verdict.and(Verdict::Fail { reasons });
        }
    }
    report
}

pub(crate) fn gate(rules: &PolicyRules, facts: &Observed<SoakFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => (missing.clone().into_unknown(), "not soaking".to_owned(), Vec::new()),
        Ok(facts) => {
            let progress = progress(rules, facts);
            let mut summary = format!(
                "{} of {} on {}; {} by {}, {} of {}",
                format_span_secs(progress.credited_secs),
                format_span_secs(progress.required_secs),
                facts.network,
                counted(facts.activity.transactions, "transaction"),
                facts.activity.outsiders(),
                facts.activity.called.len(),
                counted(facts.activity.called.len() + facts.activity.uncalled.len(), "function"),
            );
            let aside = set_aside(&facts.samples);
            for what in aside.iter().take(ASIDE_NAMED_MAX) {
                summary += &format!("; {what}");
            }
            (judge(rules, facts, progress), summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Soak, verdict, summary, inputs }
}

fn judge(rules: &PolicyRules, facts: &SoakFacts, progress: SoakProgress) -> Verdict {
    let mut missing = facts.missing.clone();
    let age = if progress.credited_secs >= progress.required_secs {
        Verdict::Pass
    } else {
        let left = progress.required_secs - progress.credited_secs;
        let mut text = format!("{} of chain time left", format_span_secs(left));
        if progress.lost_windows > 0 {
            let lost = counted(progress.lost_windows as usize, "day");
            text += &format!("; {lost} did not count");
        }
        let mut reasons = vec![Reason::new(ReasonCode::TooYoung, text)];
        reasons.extend(facts.resets.last().map(|reset| {
            let text = format!("it started over on {}: {}", format_date(reset.time), reset.reason);
            Reason::new(ReasonCode::BegunAnew, text)
        }));
        if let Ok(Some(post)) = &facts.posted {
            reasons.extend(post.shorter_than(progress.shown_secs));
        }
        missing.extend(too_late(facts, progress));
        Verdict::Waiting { reasons, eta: Some(progress.eta) }
    };
    missing.extend(match &facts.posted {
        Ok(post) => post.as_ref().and_then(StartPost::missing),
        Err(why) => Some(why.clone()),
    });
    missing.extend(unseen(facts));
    let activity = &facts.activity;
    let senders = activity.users.len();
    if activity.transactions < rules.transactions {
        let text = format!(
            "{} of {} by outsiders",
            activity.transactions,
            counted(rules.transactions, "transaction")
        );
        missing.push(Reason::new(ReasonCode::TooFewTransactions, text));
    }
    if senders < rules.senders as usize {
        let text = format!("{senders} of {}", counted(rules.senders, "outside sender"));
        missing.push(Reason::new(ReasonCode::TooFewSenders, text));
    }
    let functions = activity.called.len() + activity.uncalled.len();
    if activity.called.len() * 100 < functions * rules.selectors_percent as usize {
        let text = format!(
            "called are {} of {}, {} % are needed; never called: {}",
            activity.called.len(),
            counted(functions, "state-changing function"),
            rules.selectors_percent,
            activity.uncalled.join(", ")
        );
        missing.push(Reason::new(ReasonCode::TooFewFunctions, text + &eventless(activity)));
    }
    missing.extend(disputed(rules, facts));
    age.and(Verdict::from_findings(facts.faults.clone(), missing))
}

/// How calls of functions count that emit no event.
fn eventless(activity: &Activity) -> String {
    let (names, emit) = match &activity.eventless[..] {
        [] => return String::new(),
        [one] => (one.clone(), "emits"),
        more => (more.join(", "), "emit"),
    };
    if activity.is_alone {
        return format!(
            "; {names} {emit} no event: a call counts once there is a target, and a person of its \
             policy names the transaction"
        );
    }
    format!(
        "; {names} {emit} no event: a call counts once a person of the policy names its \
         transaction, by `tidegate record result --tx HASH`"
    )
}

/// A soak that cannot be complete while its network is counted on.
fn too_late(facts: &SoakFacts, progress: SoakProgress) -> Option<Reason> {
    let end = facts.end_of_life.as_ref()?;
    let text = end.too_soon(&facts.network, facts.head.timestamp, progress.eta)?;
    Some(Reason::new(ReasonCode::NetworkEnds, text))
}

/// Slots that may change in silence, unless somebody of the policy looked on each day.
fn unseen(facts: &SoakFacts) -> Vec<Reason> {
    let days = uncovered(facts.start, &facts.windows, &facts.samples, facts.state);
    if days.is_empty() {
        return Vec::new();
    }
    let named: Vec<_> = days.iter().take(DAYS_NAMED_MAX).map(|day| format_date(*day)).collect();
    let more = if days.len() > DAYS_NAMED_MAX { ", …" } else { "" };
    let sentence = |slot: &String| {
        let text = format!(
            "{slot}; nothing shows that it did not change between the start and now. Nobody in \
             the policy signed a sample on {} of {} (from {}{more}): run `tidegate status \
             --watch --as KEY`",
            counted(days.len(), "day"),
            facts.windows.len(),
            named.join(", ")
        );
        Reason::new(ReasonCode::SilentSlot, text)
    };
    facts.silent_slots.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests;
