//! Chains that need no configuration beyond an endpoint.

use std::time::Duration;

use alloy_primitives::{B256, b256};
use tidegate_model::ids::ChainId;

/// A simulated chain answers at once and mines when asked.
const POLL_SIMULATED_MS: u64 = 25;
const POLL_MS_MIN: u64 = 500;
const POLL_MS_MAX: u64 = 4_000;
const POLLS_PER_BLOCK: u64 = 3;

/// Built-in facts about a public chain: id, name, genesis, block time and who sets its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownChain {
    pub chain: ChainId,
    /// Its customary name.
    pub name: &'static str,
    /// The hash of its block 0.
    pub genesis: B256,
    /// Seconds from a block to the next.
    pub block_time_secs: u64,
    /// The party that sets its blocks' time.
    pub time: Time,
}

/// The party that sets the timestamps of a chain's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Its consensus: no operator alone can date a block.
    Consensus,
    /// One operator, as a rollup's sequencer.
    Operator,
}

const KNOWN: [KnownChain; 9] = [
    KnownChain {
        chain: ChainId(1),
        name: "mainnet",
        genesis: b256!("0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"),
        block_time_secs: 12,
        time: Time::Consensus,
    },
    KnownChain {
        chain: ChainId(11_155_111),
        name: "sepolia",
        genesis: b256!("0x25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9"),
        block_time_secs: 12,
        time: Time::Consensus,
    },
    KnownChain {
        chain: ChainId(560_048),
        name: "hoodi",
        genesis: b256!("0xbbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b"),
        block_time_secs: 12,
        time: Time::Consensus,
    },
    KnownChain {
        chain: ChainId(10),
        name: "optimism",
        genesis: b256!("0x7ca38a1916c42007829c55e69d3e9a73265554b586a499015373241b8a3fa48b"),
        block_time_secs: 2,
        time: Time::Operator,
    },
    KnownChain {
        chain: ChainId(11_155_420),
        name: "optimism-sepolia",
        genesis: b256!("0x102de6ffb001480cc9b8b548fd05c34cd4f46ae4aa91759393db90ea0409887d"),
        block_time_secs: 2,
        time: Time::Operator,
    },
    KnownChain {
        chain: ChainId(8453),
        name: "base",
        genesis: b256!("0xf712aa9241cc24369b143cf6dce85f0902a9731e70d66818a3a5845b296c73dd"),
        block_time_secs: 2,
        time: Time::Operator,
    },
    KnownChain {
        chain: ChainId(84_532),
        name: "base-sepolia",
        genesis: b256!("0x0dcc9e089e30b90ddfc55be9a37dd15bc551aeee999d2e2b51414c54eaf934e4"),
        block_time_secs: 2,
        time: Time::Operator,
    },
    KnownChain {
        chain: ChainId(42_161),
        name: "arbitrum",
        genesis: b256!("0x7ee576b35482195fc49205cec9af72ce14f003b9ae69f6ba0faef4514be8b442"),
        block_time_secs: 1,
        time: Time::Operator,
    },
    KnownChain {
        chain: ChainId(421_614),
        name: "arbitrum-sepolia",
        genesis: b256!("0x77194da4010e549a7028a9c3c51c3e277823be6ac7d138d0bb8a70197b5c004c"),
        block_time_secs: 1,
        time: Time::Operator,
    },
];

/// The built-in facts about a chain, or `None`.
pub fn known_chain(chain: ChainId) -> Option<KnownChain> {
    KNOWN.into_iter().find(|known| known.chain == chain)
}

/// Whether a chain's coin is known to be worth nothing: it is simulated, or a testnet that is built
/// in.
pub fn is_known_testnet(chain: ChainId) -> bool {
    chain.is_simulated() || (known_chain(chain).is_some() && !chain.is_valued())
}

/// Seconds from a block to the next: as built in, else as the file says. A soak counts days by the
/// blocks that they should have, so nobody who may write the file makes that fewer.
pub fn block_time_secs(chain: ChainId, written: Option<u64>) -> Option<u64> {
    known_chain(chain).map(|known| known.block_time_secs).or(written)
}

/// The pause between two polls of a chain for something new.
pub fn poll_interval(chain: ChainId, block_time_secs: u64) -> Duration {
    if chain.is_simulated() {
        return Duration::from_millis(POLL_SIMULATED_MS);
    }
    let even = block_time_secs.saturating_mul(1_000) / POLLS_PER_BLOCK;
    Duration::from_millis(even.clamp(POLL_MS_MIN, POLL_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_follows_the_chain() {
        let cases = [(1, 12, 4_000), (10, 2, 666), (42_161, 0, 500), (31337, 12, 25)];
        for (chain, secs, expected_ms) in cases {
            let interval = poll_interval(ChainId(chain), secs);
            assert_eq!(interval, Duration::from_millis(expected_ms), "{chain}");
        }
    }

    #[test]
    fn the_file_says_no_other_block_time_than_is_built_in() {
        for written in [None, Some(1), Some(12), Some(86_400)] {
            assert_eq!(block_time_secs(ChainId(11_155_111), written), Some(12));
            assert_eq!(block_time_secs(ChainId(4242), written), written);
        }
    }

    #[test]
    fn a_testnet_is_built_in_or_simulated() {
        for chain in [11_155_111, 560_048, 11_155_420, 84_532, 421_614, 31337, 31338, 1337] {
            assert!(is_known_testnet(ChainId(chain)), "{chain}");
        }
        for chain in [1, 10, 8453, 42_161, 56, 100, 137, 43_114, 59_144, 534_352, 4242] {
            assert!(!is_known_testnet(ChainId(chain)), "{chain}");
        }
    }

    #[test]
    fn no_simulated_chain_is_known() {
        assert!(ChainId::SIMULATED.iter().all(|id| known_chain(ChainId(*id)).is_none()));
        assert_eq!(known_chain(ChainId(1)).map(|known| known.name), Some("mainnet"));
    }
}
