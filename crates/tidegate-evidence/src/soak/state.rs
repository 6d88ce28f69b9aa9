//! What a deployment is at one block: code and slots.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use tidegate_chain::{Network, ReadError};
use tidegate_gates::{SampleFact, StateThere, WithdrawalFact, to_look_at};
use tidegate_model::record::{DeploymentRecord, SlotValue};
use tidegate_model::statement::{ProbeValue, soak_state};
use tidegate_model::{BlockRef, Head, Reason, ReasonCode};

use super::{SeenSample, SoakRequest, all, resets};

/// The most samples that are compared with the chain, the latest ones.
const SAMPLES_MAX: usize = 2_000;

/// The code of every address of a deployment.
pub(super) struct Codes(BTreeMap<Address, Bytes>);

impl Codes {
    pub(super) async fn read(
        network: &Network,
        record: &DeploymentRecord,
        at: BlockRef,
    ) -> Result<Self, ReadError> {
        let addresses = record.deployment.addresses();
        let code = |address| async move { Ok((address, network.code(address, at).await?)) };
        let codes = all(addresses, code);
        Ok(Self(codes.await?.into_iter().collect()))
    }

    /// The digest of code, slots and probes.
    pub(super) async fn state(
        &self,
        network: &Network,
        record: &DeploymentRecord,
        probes: &[ProbeValue],
        at: BlockRef,
    ) -> Result<B256, ReadError> {
        let slots = all(record.deployment.slots.iter(), |slot| async move {
            let value = network.storage(slot.address, slot.slot.into(), at).await?;
            Ok(SlotValue { value: value.into(), ..slot.clone() })
        });
        let hashes: Vec<_> =
            self.0.iter().map(|(address, code)| (*address, keccak256(code))).collect();
        Ok(soak_state(&hashes, &slots.await?, probes))
    }

    /// The code at an address of the deployment.
    pub(super) fn at(&self, address: Address) -> Option<&Bytes> {
        self.0.get(&address)
    }
}

/// Looks up what the chain has at the height of each sample, and whether its author has taken it
/// back.
pub(super) async fn samples(
    network: &Network,
    (seen, withdrawals): (&[SeenSample], &[WithdrawalFact]),
    head: Head,
    missing: &mut Vec<Reason>,
) -> Result<Vec<SampleFact>, ReadError> {
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort_by_key(|sample| (std::cmp::Reverse(sample.says.block.number), sample.digest));
    if seen.len() > SAMPLES_MAX {
        let text = format!("only {SAMPLES_MAX} of {} samples were checked", seen.len());
        missing.push(Reason::new(ReasonCode::SamplesCut, text));
    }
    all(seen.into_iter().take(SAMPLES_MAX), |sample| async move {
        let number = sample.says.block.number;
        let here = match number > head.block.number {
            true => None,
            false => Some(network.head_at(number).await?),
        };
        let fact = SampleFact {
            digest: sample.digest,
            by: sample.by.clone(),
            signer: sample.signer,
            block: sample.says.block,
            timestamp: sample.says.timestamp,
            state: sample.says.state,
            here,
            there: StateThere::Unasked,
            withdrawn: None,
        };
        Ok(fact.withdrawn_by(withdrawals))
    })
    .await
}

/// Looks at the state of each block in which a sample says that it was another than now: the chain
/// decides what was there, where an endpoint still has it.
pub(super) async fn look(
    network: &Network,
    request: &SoakRequest<'_>,
    samples: &mut [SampleFact],
    (state, since): (B256, u64),
) {
    for block in to_look_at(samples, state, since) {
        let there = match at(network, request, block).await {
            Ok(state) => StateThere::Read(state),
            Err(error) => {
                tracing::debug!(number = block.number, %error, "no state of a sample's block");
                StateThere::Forgotten
            }
        };
        for sample in samples.iter_mut().filter(|sample| sample.block == block) {
            sample.there = there;
            *sample = sample.clone().withdrawn_by(request.withdrawals);
        }
    }
}

/// The digest of code, slots and probes at a block.
async fn at(
    network: &Network,
    request: &SoakRequest<'_>,
    block: BlockRef,
) -> Result<B256, ReadError> {
    let codes = Codes::read(network, request.record, block).await?;
    let values = resets::values(network, request.probes, block).await?;
    codes.state(network, request.record, &values, block).await
}
