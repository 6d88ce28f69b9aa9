//! How far the soak of a release has come.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_gates::{
    Pause, PolicyRules, Reset, SampleFact, SetAside, SoakFacts, User, credited, pauses, progress,
};
use tidegate_model::{BlockRef, Head, StatementDigest};

/// The soak on one network. Times are in seconds since 1970, spans in seconds of chain time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoakView {
    /// The network's name.
    pub network: String,
    /// When it started.
    pub start: u64,
    /// The event that set the start, for people.
    pub started_by: String,
    /// Seconds that count.
    pub credited_secs: u64,
    /// Seconds that the policy requires.
    pub required_secs: u64,
    /// Full days that do not count.
    pub lost_days: u32,
    /// When it is complete, if every day counts from now on.
    pub eta: u64,
    /// The network's latest finalized header.
    pub head: Head,
    /// Its days, from the start.
    pub windows: Vec<WindowView>,
    /// After what it began anew, in order of time.
    pub resets: Vec<Reset>,
    /// When it did not count.
    pub pauses: Vec<Pause>,
    /// When the network ends, where that is known.
    pub end_of_life: Option<EndView>,
    /// The digest of code, slots and probes at the head.
    pub state: B256,
    /// The samples that people of the policy signed.
    pub samples: Vec<SampleView>,
    /// Watched slots that the code may write without an event, one sentence each.
    pub silent_slots: Vec<String>,
    /// How many transactions of outsiders reached the plan's contracts.
    pub transactions: u32,
    pub senders: Vec<Address>,
    /// The same with what each of them did.
    pub users: Vec<User>,
    /// Transactions that reached a contract through another one; they do not count.
    pub indirect: u32,
    /// Counted functions that were called, as `Contract.function`.
    pub called: Vec<String>,
    /// Counted functions that were not.
    pub uncalled: Vec<String>,
    /// Those of them that emit no event: a call counts once a result names its transaction.
    pub eventless: Vec<String>,
    /// Transactions that results name and that do not count.
    pub set_aside: Vec<SetAside>,
}

/// One day of a soak.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WindowView {
    /// When it begins.
    pub from: u64,
    /// The blocks that the chain made in it.
    pub blocks: u64,
    /// Seconds of it that have passed.
    pub elapsed_secs: u64,
    /// Whether it counts.
    pub counts: bool,
}

/// The end of a network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndView {
    /// Seconds since 1970.
    pub at: u64,
    /// The source of that date.
    pub source: String,
}

/// A signed sample of a soak.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SampleView {
    pub digest: StatementDigest,
    /// The signer, by name.
    pub by: String,
    /// The block that it speaks of.
    pub block: BlockRef,
    /// That block's time.
    pub timestamp: u64,
    /// The digest of the state that was seen there.
    pub state: B256,
    /// Whether the block is still of the chain; `null` where this could not be read.
    pub canonical: Option<bool>,
    /// Whether the chain shows something else there.
    pub disproved: bool,
    /// The statement by which its author took it back.
    pub withdrawn: Option<StatementDigest>,
}

impl SoakView {
    pub(super) fn of(rules: &PolicyRules, facts: &SoakFacts) -> Self {
        let progress = progress(rules, facts);
        let windows = credited(facts).map(|(from, window, counts)| WindowView {
            from,
            blocks: window.blocks,
            elapsed_secs: window.elapsed_secs,
            counts,
        });
        let end = facts.end_of_life.as_ref();
        Self {
            network: facts.network.clone(),
            start: facts.start,
            started_by: facts.started_by.clone(),
            credited_secs: progress.credited_secs,
            required_secs: progress.required_secs,
            lost_days: progress.lost_windows,
            eta: progress.eta,
            head: facts.head,
            windows: windows.collect(),
            resets: facts.resets.clone(),
            pauses: pauses(facts),
            end_of_life: end.map(|end| EndView { at: end.at, source: end.source.clone() }),
            state: facts.state,
            samples: facts.samples.iter().map(SampleView::of).collect(),
            silent_slots: facts.silent_slots.clone(),
            transactions: facts.activity.transactions,
            senders: facts.activity.users.iter().map(|user| user.address).collect(),
            users: facts.activity.users.clone(),
            indirect: facts.activity.indirect,
            called: facts.activity.called.clone(),
            uncalled: facts.activity.uncalled.clone(),
            eventless: facts.activity.eventless.clone(),
            set_aside: facts.activity.set_aside.clone(),
        }
    }
}

impl SampleView {
    fn of(sample: &SampleFact) -> Self {
        Self {
            digest: sample.digest,
            by: sample.by.clone(),
            block: sample.block,
            timestamp: sample.timestamp,
            state: sample.state,
            canonical: sample.here.map(|_| sample.is_canonical()),
            disproved: sample.is_disproved(),
            withdrawn: sample.withdrawn,
        }
    }
}
