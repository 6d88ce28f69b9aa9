//! Signed samples: what people saw of a soak, beside what the chain shows now.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tidegate_model::units::format_utc;
use tidegate_model::{BlockRef, Head, Reason, ReasonCode, StatementDigest};

use super::{Reset, SoakFacts, WINDOW_SECS, Window, credited};

/// How many others say that a sample was wrong whose state no endpoint keeps.
const OTHERS_MIN: usize = 2;

/// At how many blocks of one author the state is read, the newest ones. Whoever holds their key
/// can take any of them back, so nothing is hidden by more.
const LOOKS_MAX: usize = 16;

/// A sample that somebody of the policy signed of this deployment, with the chain's block at that
/// height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFact {
    pub digest: StatementDigest,
    /// The person.
    pub by: String,
    /// The key.
    pub signer: Address,
    /// The block that was final to them.
    pub block: BlockRef,
    /// Its timestamp, as they say.
    pub timestamp: u64,
    /// Digest of code, slots and probes at that block.
    pub state: B256,
    /// What the chain has at that height; `None` above the finalized head.
    pub here: Option<Head>,
    /// What the chain shows of the state there.
    pub there: StateThere,
    /// By which statement its author has taken it back; it counts for nothing then.
    pub withdrawn: Option<StatementDigest>,
}

/// What the endpoints show of code, slots and probes at a sample's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateThere {
    /// Nobody asks: it says what the finalized head shows, or decides nothing.
    #[default]
    Unasked,
    /// The digest at that block, as the quorum has it.
    Read(B256),
    /// None of them keeps it.
    Forgotten,
}

/// Somebody's word that a sample was wrong, and what they see at its height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalFact {
    pub digest: StatementDigest,
    /// The key.
    pub signer: Address,
    /// The person of the policy who holds it, if they did not deploy the release.
    pub by: Option<String>,
    pub sample: StatementDigest,
    /// The block at its height, as they say.
    pub block: BlockRef,
    /// Its timestamp, as they say.
    pub timestamp: u64,
}

impl SampleFact {
    /// Whether the block that they saw is on the chain, with the time that they say.
    pub fn is_canonical(&self) -> bool {
        self.here.is_some_and(|here| here.block == self.block && here.timestamp == self.timestamp)
    }

    /// Whether the chain shows another state at its block.
    pub fn is_disproved(&self) -> bool {
        matches!(self.there, StateThere::Read(state) if state != self.state)
    }

    /// Whether it says something of this soak: its block is on the chain, with the state that it
    /// says where that was asked, and it stands.
    pub fn counts(&self) -> bool {
        self.is_canonical() && self.withdrawn.is_none() && !self.is_disproved()
    }

    /// Takes it back if its own key has said so and sees at its height what the chain has there:
    /// who was shown another chain sees this one now. No sample of another height does. Where the
    /// state of its block decides and no endpoint keeps that, two others may say that it was wrong,
    /// who did not deploy the release.
    #[must_use]
    pub fn withdrawn_by(mut self, said: &[WithdrawalFact]) -> Self {
        let sees = |word: &&WithdrawalFact| {
            let same = |here: Head| here.block == word.block && here.timestamp == word.timestamp;
            word.sample == self.digest && self.here.is_some_and(same)
        };
        let own = said.iter().filter(sees).find(|word| word.signer == self.signer);
        let mut others: BTreeMap<&str, StatementDigest> = BTreeMap::new();
        if self.is_canonical() && self.there == StateThere::Forgotten {
            let words = said.iter().filter(sees);
            others.extend(words.filter_map(|word| Some((word.by.as_deref()?, word.digest))));
            others.remove(self.by.as_str());
        }
        let others = others.into_values().nth(OTHERS_MIN - 1);
        self.withdrawn = own.map(|word| word.digest).or(others);
        self
    }
}

/// Which samples the state at their block decides about, by their blocks: those that say another
/// state than the finalized head shows, at or after `since`; of each author the newest ones.
pub fn to_look_at(samples: &[SampleFact], state: B256, since: u64) -> BTreeSet<BlockRef> {
    let mut of: BTreeMap<&str, BTreeSet<(u64, BlockRef)>> = BTreeMap::new();
    let other = samples.iter().filter(|sample| sample.counts() && sample.state != state);
    for sample in other.filter(|sample| sample.timestamp >= since) {
        of.entry(&sample.by).or_default().insert((sample.timestamp, sample.block));
    }
    let newest = |blocks: BTreeSet<(u64, BlockRef)>| blocks.into_iter().rev().take(LOOKS_MAX);
    of.into_values().flat_map(newest).map(|(_, block)| block).collect()
}

/// Where samples contradict the chain, or each other: what was final has gone, or somebody was
/// shown another chain. Which of both, nobody else can tell. Above the finalized head one person
/// alone contradicts nobody.
pub(super) fn contradictions(network: &str, samples: &[SampleFact]) -> Vec<Reason> {
    let standing = || samples.iter().filter(|sample| sample.withdrawn.is_none());
    let mut found: Vec<_> =
        standing().filter_map(|sample| against_chain(network, sample)).collect();
    for (index, a) in standing().enumerate() {
        let rest = standing().skip(index + 1);
        let differ = |b: &&SampleFact| {
            let same = a.block.number == b.block.number;
            same && a.block.hash != b.block.hash && (a.here.is_some() || a.by != b.by)
        };
        for b in rest.filter(differ) {
            let text = format!(
                "{} and {} saw different blocks {} of {network}: {}, {}",
                a.by,
                b.by,
                a.block.number,
                take_back(a),
                take_back(b)
            );
            found.push(Reason::new(ReasonCode::SamplesOfOtherBlocks, text));
        }
    }
    found
}

/// Samples of another state whose block no endpoint keeps the state of: nobody can tell whether
/// they are right. None where a whole soak has passed since.
pub(super) fn doubts(facts: &SoakFacts, required_secs: u64) -> Vec<Reason> {
    let standing = facts.samples.iter().filter(|sample| sample.counts());
    let open = standing.filter(|sample| {
        let since: u64 = credited(facts)
            .filter(|(from, _, counts)| *counts && *from >= sample.timestamp)
            .map(|(_, window, _)| window.elapsed_secs)
            .sum();
        sample.there == StateThere::Forgotten && since < required_secs
    });
    let doubt = |sample: &SampleFact| {
        let text = format!(
            "{} saw other code, slots or probe values in block {} of {}, and no endpoint here \
             keeps the state of that block. Use an endpoint that does; otherwise {}, or two \
             others with such an endpoint run the same",
            sample.by,
            sample.block.number,
            facts.network,
            take_back(sample)
        );
        Reason::new(ReasonCode::SampleStateUnkept, text)
    };
    open.map(doubt).collect()
}

/// Samples that the chain contradicts and that count for nothing, in words.
pub(super) fn set_aside(samples: &[SampleFact]) -> Vec<String> {
    let wrong = samples.iter().filter(|sample| sample.is_disproved() && sample.withdrawn.is_none());
    let named = wrong.map(|sample| {
        let SampleFact { digest, by, block, .. } = sample;
        let digest = digest.short();
        format!(
            "the sample {digest} by {by} does not count: block {} has another state",
            block.number
        )
    });
    named.collect()
}

fn against_chain(network: &str, sample: &SampleFact) -> Option<Reason> {
    let SampleFact { by, block: BlockRef { number, hash }, timestamp, .. } = sample;
    let here = sample.here.filter(|_| !sample.is_canonical())?;
    let (code, what) = if here.block.hash == *hash {
        let what = format!(
            "{by} signed that block {number} of {network} is of {}; it is of {}",
            format_utc(*timestamp),
            format_utc(here.timestamp)
        );
        (ReasonCode::SampleMisdated, what)
    } else {
        let what = format!(
            "{by} saw block {number} of {network} as final with hash {hash}; the chain has {}",
            here.block.hash
        );
        (ReasonCode::SampleOffChain, what)
    };
    Some(Reason::new(code, format!("{what}: {}", take_back(sample))))
}

/// The way out, which is its author's alone.
fn take_back(sample: &SampleFact) -> String {
    let SampleFact { by, digest, .. } = sample;
    format!("if {by} was wrong, `tidegate record withdraw {digest}`")
}

/// Where the chain shows that code, slots or probes were not those of the finalized head: something
/// was changed since, and nobody knows when exactly. Samples say where to look, and the chain
/// decides.
pub fn changed(samples: &[SampleFact], state: B256) -> Vec<Reset> {
    let mut found: BTreeMap<BlockRef, (u64, Option<&str>)> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.is_canonical()) {
        let StateThere::Read(there) = sample.there else { continue };
        if there != state {
            let (_, by) = found.entry(sample.block).or_insert((sample.timestamp, None));
            *by = by.or(Some(sample.by.as_str()).filter(|_| !sample.is_disproved()));
        }
    }
    let reset = |(block, (time, by)): (BlockRef, (u64, Option<&str>))| {
        let number = block.number;
        let reason = match by {
            Some(by) => format!("{by} saw other code, slots or probe values in block {number}"),
            None => format!("block {number} has other code, slots or probe values"),
        };
        Reset { time, block: Some(number), reason }
    };
    found.into_iter().map(reset).collect()
}

/// The full windows in which nobody of the policy saw this state, by their first second.
pub(super) fn uncovered(
    start: u64,
    windows: &[Window],
    samples: &[SampleFact],
    state: B256,
) -> Vec<u64> {
    let full = windows.iter().filter(|window| window.elapsed_secs == WINDOW_SECS).count();
    let from = (0..full as u64).map(|index| start + index * WINDOW_SECS);
    let seen = |from: &u64| {
        samples.iter().any(|sample| {
            sample.counts()
                && sample.state == state
                && (*from..*from + WINDOW_SECS).contains(&sample.timestamp)
        })
    };
    from.filter(|from| !seen(from)).collect()
}

#[cfg(test)]
mod tests;
