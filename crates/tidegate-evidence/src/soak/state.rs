//! What a deployment is at one block: code, slots, and what may change without a trace.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use tidegate_chain::{Network, ReadError};
use tidegate_gates::SampleFact;
use tidegate_gates::slot_writes::{Part, Watch, Writes, slot_writes};
use tidegate_model::record::{DeploymentRecord, SlotValue};
use tidegate_model::slots::{ADMIN_SLOT, BEACON_SLOT};
use tidegate_model::statement::{ProbeValue, soak_state};
use tidegate_model::{BlockRef, Head};

use super::resets::{ADMIN_CHANGED, BEACON_UPGRADED, UPGRADED};
use super::{SeenSample, SoakRequest, Watched, all};

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
        let codes = all(addresses, async |address| Ok((address, network.code(address, at).await?)));
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
        let slots = all(record.deployment.slots.iter(), async |slot: &SlotValue| {
            let value = network.storage(slot.address, slot.slot.into(), at).await?;
            Ok(SlotValue { value: value.into(), ..slot.clone() })
        });
        let hashes: Vec<_> =
            self.0.iter().map(|(address, code)| (*address, keccak256(code))).collect();
        Ok(soak_state(&hashes, &slots.await?, probes))
    }

    /// Watched slots that code may write without the event that would tell, with a sentence each.
    pub(super) fn silent<'a>(&self, request: &SoakRequest<'a>) -> Vec<(&'a Watched, String)> {
        let watched = request.watched.iter();
        watched.filter_map(|slot| Some((slot, self.silent_slot(request, slot)?))).collect()
    }

    fn silent_slot(&self, request: &SoakRequest<'_>, watched: &Watched) -> Option<String> {
        let topic = match watched.slot {
            ADMIN_SLOT => ADMIN_CHANGED,
            BEACON_SLOT => BEACON_UPGRADED,
            _ => UPGRADED,
        };
        let deployment = &request.record.deployment;
        let behind = deployment.steps.iter().filter(|(_, place)| place.address == watched.address);
        let mut parts = vec![(watched.address, "its own code".to_owned(), Part::Own)];
        parts.extend(behind.filter_map(|(step, place)| {
            Some((
                place.implementation?,
                format!("the implementation of {step}"),
                Part::Implementation,
            ))
        }));
        let behind: Vec<_> = parts.iter().skip(1).map(|(address, ..)| *address).collect();
        let libraries = deployment.libraries.iter().filter(|_| !behind.is_empty());
        parts.extend(
            libraries
                .map(|(fqn, at)| (*at, format!("library {}", fqn.name()), Part::Implementation)),
        );
        let libraries: Vec<_> = deployment.libraries.values().copied().collect();
        parts.into_iter().find_map(|(address, name, part)| {
            let code = self.0.get(&address)?;
            let known = if part == Part::Own { &behind } else { &libraries };
            let watch = Watch { slot: watched.slot, topics: &[topic], part, known };
            let how = match slot_writes(code, &watch) {
                Writes::Never | Writes::Announced => return None,
                Writes::Silently => "can write it without an event",
                Writes::Anywhere => "writes to a slot that may be it",
                Writes::Elsewhere => "runs code that nothing here knows",
                Writes::Unclear => "is too intricate to tell which slots it writes",
            };
            Some(format!("{} of {}: {name} {how}", watched.name, watched.address))
        })
    }
}

/// Looks up what the chain has at the height of each sample.
pub(super) async fn samples(
    network: &Network,
    seen: &[SeenSample],
    head: Head,
    missing: &mut Vec<String>,
) -> Result<Vec<SampleFact>, ReadError> {
    let mut seen: Vec<_> = seen.iter().collect();
    seen.sort_by_key(|sample| (std::cmp::Reverse(sample.says.block.number), sample.digest));
    if seen.len() > SAMPLES_MAX {
        missing.push(format!("only {SAMPLES_MAX} of {} samples were looked at", seen.len()));
    }
    all(seen.into_iter().take(SAMPLES_MAX), async |sample: &SeenSample| {
        let number = sample.says.block.number;
        let here = match number > head.block.number {
            true => None,
            false => Some(network.head_at(number).await?),
        };
        Ok(SampleFact {
            digest: sample.digest,
            by: sample.by.clone(),
            signer: sample.signer,
            block: sample.says.block,
            timestamp: sample.says.timestamp,
            state: sample.says.state,
            here,
        })
    })
    .await
}
