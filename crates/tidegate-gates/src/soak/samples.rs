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
}

impl SampleFact {
    /// Whether the block that they saw is on the chain, with the time that they say.
    pub fn is_canonical(&self) -> bool {
        self.here.is_some_and(|here| here.block == self.block && here.timestamp == self.timestamp)
    }
}

/// Where samples contradict the chain, or each other: what was final has gone, or somebody was
/// shown another chain.
pub(super) fn contradictions(network: &str, samples: &[SampleFact]) -> Vec<String> {
    let mut found = Vec::new();
    for sample in samples {
        let SampleFact { by, block: BlockRef { number, hash }, timestamp, .. } = sample;
        match sample.here {
            Some(here) if here.block.hash != *hash => found.push(format!(
                "{by} saw block {number} of {network} as final with hash {hash}; the chain has {}",
                here.block.hash
            )),
            Some(here) if here.timestamp != *timestamp => found.push(format!(
                "{by} signed that block {number} of {network} is of {}; it is of {}",
                format_utc(*timestamp),
                format_utc(here.timestamp)
            )),
            _ => {}
        }
    }
    for (index, a) in samples.iter().enumerate() {
        let rest = &samples[index + 1..];
        for b in rest.iter().filter(|b| b.block.number == a.block.number) {
            let (by, other, number) = (&a.by, &b.by, a.block.number);
            if a.block.hash != b.block.hash {
                found.push(format!("{by} and {other} saw different blocks {number} of {network}"));
            } else if a.state != b.state {
                found.push(format!(
                    "{by} and {other} saw different code or slots in block {number} of {network}"
                ));
            }
        }
    }
    found
}

/// Samples whose code, slots or probes are not those of the finalized head: something was changed
/// since, and nobody knows when exactly.
pub fn changed(samples: &[SampleFact], state: B256) -> Vec<Reset> {
    let other = samples.iter().filter(|sample| sample.is_canonical() && sample.state != state);
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
            sample.is_canonical()
                && sample.state == state
                && (*from..*from + WINDOW_SECS).contains(&sample.timestamp)
        })
    };
    from.filter(|from| !seen(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(by: &str, number: u64, hash: u8, here: Option<u8>, state: u8) -> SampleFact {
        let block = |hash| BlockRef { number, hash: B256::repeat_byte(hash) };
        let timestamp = number * 3_600;
        SampleFact {
            digest: StatementDigest(B256::ZERO),
            by: by.to_owned(),
            signer: Address::ZERO,
            block: block(hash),
            timestamp,
            state: B256::repeat_byte(state),
            here: here.map(|hash| Head { block: block(hash), timestamp }),
        }
    }

    #[test]
    fn samples_that_contradict_are_named() {
        let found = |samples: &[SampleFact]| contradictions("sepolia", samples);
        assert_eq!(
            found(&[sample("kim", 5, 1, Some(1), 7), sample("eva", 5, 1, Some(1), 7)]),
            [""; 0]
        );
        assert_eq!(found(&[sample("kim", 5, 1, None, 7)]), [""; 0], "it is not final here yet");
        let gone = found(&[sample("kim", 5, 1, Some(2), 7)]);
        assert!(gone[0].starts_with("kim saw block 5 of sepolia as final with hash 0x0101"));
        assert!(gone[0].contains("the chain has 0x0202"), "{gone:?}");
        let ahead = [sample("kim", 5, 1, None, 7), sample("eva", 5, 2, None, 7)];
        assert_eq!(found(&ahead), ["kim and eva saw different blocks 5 of sepolia"]);
        let state = [sample("kim", 5, 1, Some(1), 7), sample("eva", 5, 1, Some(1), 8)];
        assert!(found(&state)[0].contains("different code or slots in block 5"));
        let mut late = sample("kim", 5, 1, Some(1), 7);
        late.timestamp += 1;
        assert!(found(&[late.clone()])[0].starts_with("kim signed that block 5"));
        assert!(!late.is_canonical());
    }

    #[test]
    fn a_sample_of_another_state_restarts_and_covers_nothing() {
        let state = B256::repeat_byte(7);
        let day = |day: u64, state| sample("kim", day * 24 + 1, 1, Some(1), state);
        let samples = [day(0, 7), day(1, 8), day(2, 7)];
        let resets = changed(&samples, state);
        assert_eq!(resets.iter().map(|reset| reset.block).collect::<Vec<_>>(), [Some(25)]);
        let windows = [Window { blocks: 24, elapsed_secs: WINDOW_SECS }; 3];
        assert_eq!(uncovered(0, &windows, &samples, state), [WINDOW_SECS]);
        let running = [windows[0], Window { blocks: 1, elapsed_secs: 60 }];
        assert_eq!(uncovered(0, &running, &samples, state), [0; 0], "now is read from the chain");
        let gone = [sample("kim", 1, 1, Some(2), 7)];
        assert_eq!(uncovered(0, &windows[..1], &gone, state), [0]);
    }
}
