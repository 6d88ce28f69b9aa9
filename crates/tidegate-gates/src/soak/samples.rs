//! Signed samples: what people saw of a soak, beside what the chain shows now.

use alloy_primitives::{Address, B256};
use tidegate_model::units::format_utc;
use tidegate_model::{BlockRef, Head, StatementDigest};

use super::{Reset, WINDOW_SECS, Window};

/// What somebody of the policy signed of this deployment, and what the chain has at that height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFact {
    /// The statement.
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
    /// By which statement its author has taken it back; it counts for nothing then.
    pub withdrawn: Option<StatementDigest>,
}

/// Somebody's word that a sample of theirs was wrong, and what they see at its height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawalFact {
    /// The statement.
    pub digest: StatementDigest,
    /// The key.
    pub signer: Address,
    /// The sample.
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

    /// Whether it says something of this soak: its block is on the chain, and it stands.
    pub fn counts(&self) -> bool {
        self.is_canonical() && self.withdrawn.is_none()
    }

    /// Takes it back if its own key has said so and sees at its height what the chain has there:
    /// who was shown another chain sees this one now. Nobody else takes it back, and no sample of
    /// another height does.
    #[must_use]
    pub fn withdrawn_by(mut self, said: &[WithdrawalFact]) -> Self {
        let is_this = |word: &&WithdrawalFact| {
            let sees = |here: Head| here.block == word.block && here.timestamp == word.timestamp;
            word.signer == self.signer && word.sample == self.digest && self.here.is_some_and(sees)
        };
        self.withdrawn = said.iter().find(is_this).map(|word| word.digest);
        self
    }
}

/// Where samples contradict the chain, or each other, one sentence each: what was final has gone,
/// or somebody was shown another chain. Which of both, nobody else can tell.
pub(super) fn contradictions(network: &str, samples: &[SampleFact]) -> Vec<String> {
    let standing = || samples.iter().filter(|sample| sample.withdrawn.is_none());
    let mut found: Vec<_> =
        standing().filter_map(|sample| against_chain(network, sample)).collect();
    for (index, a) in standing().enumerate() {
        let rest = standing().skip(index + 1);
        for b in rest.filter(|b| b.block.number == a.block.number) {
            let what = match () {
                () if a.block.hash != b.block.hash => "different blocks",
                () if a.state != b.state => "different code or slots in block",
                () => continue,
            };
            found.push(format!(
                "{} and {} saw {what} {} of {network}: {}, {}",
                a.by,
                b.by,
                a.block.number,
                take_back(a),
                take_back(b)
            ));
        }
    }
    found
}

fn against_chain(network: &str, sample: &SampleFact) -> Option<String> {
    let SampleFact { by, block: BlockRef { number, hash }, timestamp, .. } = sample;
    let here = sample.here.filter(|_| !sample.is_canonical())?;
    let what = if here.block.hash == *hash {
        format!(
            "{by} signed that block {number} of {network} is of {}; it is of {}",
            format_utc(*timestamp),
            format_utc(here.timestamp)
        )
    } else {
        format!(
            "{by} saw block {number} of {network} as final with hash {hash}; the chain has {}",
            here.block.hash
        )
    };
    Some(format!("{what}: {}", take_back(sample)))
}

/// The way out, which is its author's alone.
fn take_back(sample: &SampleFact) -> String {
    let SampleFact { by, digest, .. } = sample;
    format!("if {by} was wrong, `tidegate record withdraw {digest}`")
}

/// Samples whose code, slots or probes are not those of the finalized head: something was changed
/// since, and nobody knows when exactly.
pub fn changed(samples: &[SampleFact], state: B256) -> Vec<Reset> {
    let other = samples.iter().filter(|sample| sample.counts() && sample.state != state);
    let reset = |sample: &SampleFact| Reset {
        time: sample.timestamp,
        block: Some(sample.block.number),
        reason: format!(
            "{} saw other code, slots or probe values in block {}",
            sample.by, sample.block.number
        ),
    };
    other.map(reset).collect()
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
