//! Samples of a soak, their withdrawal, and results of those who tried the release in it.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::digest::Preimage;
use crate::ids::{BlockRef, DeploymentDigest, NetworkId, ReleaseRoot, StatementDigest};
use crate::record::SlotValue;

/// A sample: the state of a deployment at a block that was final on the signer's endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoakSample {
    /// The soak network.
    pub network: NetworkId,
    pub release: ReleaseRoot,
    pub deployment: DeploymentDigest,
    /// The finalized block.
    pub block: BlockRef,
    pub timestamp: u64,
    /// Digest of code, slots and probes at that block, see [`soak_state`].
    pub state: B256,
    /// keccak256 of the hashes of all transactions that counted, sorted, end to end.
    pub activity: B256,
    /// The number of transactions that counted.
    pub transactions: u32,
    /// The number of outsiders who sent them.
    pub senders: u32,
}

/// Somebody takes a sample of their own back: what they see at its height now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleWithdrawal {
    /// The sample, by the same key.
    pub sample: StatementDigest,
    /// The soak network.
    pub network: NetworkId,
    /// The chain's block at the height of the sample.
    pub block: BlockRef,
    pub timestamp: u64,
    pub reason: String,
}

/// A result: transactions in which somebody tried a release on a soak network. What leaves no event
/// is found by their hashes alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// The soak network.
    pub network: NetworkId,
    pub release: ReleaseRoot,
    /// Their hashes, each once, in the order of the author.
    pub transactions: Vec<B256>,
    /// What was tried.
    pub reason: String,
}

impl TestResult {
    /// The most transactions that one result names.
    pub const TRANSACTIONS_MAX: usize = 32;
}

/// A view call of the plan, and what it returned; `None` where it reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeValue {
    /// The contract.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
    pub returned: Option<Bytes>,
}

/// The digest of what a deployment is at one block: the code hash of each address in the order of
/// addresses, the watched slots in the deployment's order, the plan's `expect` calls in its order.
pub fn soak_state(codes: &[(Address, B256)], slots: &[SlotValue], probes: &[ProbeValue]) -> B256 {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    let mut preimage = Preimage::new().string("soak-state/1").number(codes.len() as u64);
    for (address, hash) in codes {
        preimage = preimage.address(address).digest(hash);
    }
    preimage = preimage.number(slots.len() as u64);
    for slot in slots {
        preimage = preimage.address(slot.address).digest(slot.slot).digest(slot.value);
    }
    preimage = preimage.number(probes.len() as u64);
    for probe in probes {
        let returned = probe.returned.as_ref().map_or(B256::ZERO, keccak256);
        preimage = preimage.address(probe.to).digest(keccak256(&probe.data)).digest(returned);
    }
    preimage.keccak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_of_everything_and_of_no_order_of_reading() {
        let (a, b) = (Address::with_last_byte(1), Address::with_last_byte(2));
        let hash = |byte| B256::repeat_byte(byte);
        let slot = |value| SlotValue { address: a, slot: hash(3), value: hash(value) };
        let probe = |returned: Option<&'static [u8]>| ProbeValue {
            to: b,
            data: Bytes::from_static(&[1, 2, 3, 4]),
            returned: returned.map(Bytes::from_static),
        };
        let codes = [(a, hash(1)), (b, hash(2))];
        let state = soak_state(&codes, &[slot(4)], &[probe(Some(&[9]))]);
        assert_eq!(soak_state(&[codes[1], codes[0]], &[slot(4)], &[probe(Some(&[9]))]), state);
        let others = [
            soak_state(&codes[..1], &[slot(4)], &[probe(Some(&[9]))]),
            soak_state(&[(a, hash(2)), (b, hash(1))], &[slot(4)], &[probe(Some(&[9]))]),
            soak_state(&codes, &[slot(5)], &[probe(Some(&[9]))]),
            soak_state(&codes, &[slot(4)], &[probe(Some(&[8]))]),
            soak_state(&codes, &[slot(4)], &[probe(Some(&[]))]),
            soak_state(&codes, &[slot(4)], &[probe(None)]),
            soak_state(&codes, &[slot(4)], &[]),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, state, "{index}");
            assert!(!others[..index].contains(other), "{index}");
        }
    }
}
