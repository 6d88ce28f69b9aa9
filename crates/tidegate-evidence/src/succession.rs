//! Where later deployments took the place of a release on a network.
//!
//! A release that was promoted is judged by what stands on its testnet. Later deployments may take
//! that away, as an upgrade of the same proxy does; then it is judged as it stood before. What they
//! only share with it, such as an unchanged library, takes nothing away. So an end is a block in
//! which a transaction of a later deployment changed something that is judged, and nothing else.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use tidegate_chain::{CallOutcome, Log, Network, ReadError};
use tidegate_model::BlockRef;
use tidegate_model::record::{ANCHOR_OP, DeploymentRecord, FOREIGN_OP, MinedTransaction};

use crate::deployed::{Borne, borne_out, mined};
use crate::soak::{Probe, all, named};

/// The most later deployments that are looked at, the newest ones.
const RECORDS_MAX: usize = 64;
/// The most transactions of one that are looked at.
const TRANSACTIONS_MAX: usize = 256;
/// The most ends that are told, the latest ones.
const ENDS_MAX: usize = 8;

/// The last block before a later deployment changed a release on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The last block before that.
    pub until: u64,
    /// The file of the later deployment's record.
    pub by: String,
    /// The part that it changed, in words.
    pub what: String,
}

impl End {
    /// For people, of a network.
    pub fn sentence(&self, network: &str) -> String {
        let Self { until, by, what } = self;
        format!("in block {} of {network} deployments/{network}/{by} changed {what}", until + 1)
    }
}

/// The state of a deployment that gates judge, at one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Standing {
    codes: BTreeMap<Address, B256>,
    slots: BTreeMap<(Address, B256), B256>,
    /// By contract, calldata and function; `None` where it reverts.
    answers: BTreeMap<(Address, Bytes, String), Option<Bytes>>,
}

impl Standing {
    async fn read(
        network: &Network,
        record: &DeploymentRecord,
        probes: &[Probe],
        at: BlockRef,
    ) -> Result<Self, ReadError> {
        let deployment = &record.deployment;
        let codes = all(deployment.addresses(), |address| async move {
            Ok((address, network.code_hash(address, at).await?))
        });
        let slots = all(&deployment.slots, |watched| async move {
            let found = network.storage(watched.address, watched.slot.into(), at).await?;
            Ok(((watched.address, watched.slot), found.into()))
        });
        let answers = all(probes, |probe| async move {
            let answer = match network.try_call(probe.to, &probe.data, at).await? {
                CallOutcome::Returned(bytes) => Some(bytes),
                CallOutcome::Reverted(_) => None,
            };
            Ok(((probe.to, probe.data.clone(), probe.signature.clone()), answer))
        });
        Ok(Self {
            codes: codes.await?.into_iter().collect(),
            slots: slots.await?.into_iter().collect(),
            answers: answers.await?.into_iter().collect(),
        })
    }

    /// The first part that differs afterwards, in words; `None` if nothing does.
    fn changed(&self, after: &Self) -> Option<String> {
        let code =
            self.codes.iter().find(|(address, hash)| after.codes.get(*address) != Some(hash));
        let slot = self.slots.iter().find(|(place, value)| after.slots.get(*place) != Some(value));
        let answer = self.answers.iter().find(|(call, was)| after.answers.get(*call) != Some(was));
        code.map(|(address, _)| format!("the code of {address}"))
            .or_else(|| slot.map(|((address, slot), _)| format!("slot {slot} of {address}")))
            .or_else(|| {
                answer.map(|((address, _, name), _)| format!("what {name} of {address} is"))
            })
    }
}

/// The transactions of a later deployment after a block, as the chain has them: by block, what they
/// logged.
type Sent = BTreeMap<u64, Vec<Log>>;

/// The blocks in which later deployments changed what is judged of one, the latest first. A record
/// counts where the chain shows the anchor that its executor sent of it, and of its transactions
/// only those that this executor sent. Whose records are asked for is the caller's to say.
///
/// # Errors
/// If the chain cannot be read, at old blocks too.
pub async fn ends(
    network: &Network,
    record: &DeploymentRecord,
    probes: &[Probe],
    later: &[DeploymentRecord],
) -> Result<Vec<End>, ReadError> {
    let own = record.transactions.iter().filter(|sent| sent.op != FOREIGN_OP);
    let after = own.map(|sent| sent.block.number).max().unwrap_or_default();
    let last = network.finalized_head().await?.block.number;
    let mut later: Vec<_> = later.iter().collect();
    later.sort_by_key(|other| std::cmp::Reverse(newest(other)));
    let mut found: BTreeMap<u64, End> = BTreeMap::new();
    for other in later.into_iter().take(RECORDS_MAX) {
        if newest(other) <= after || borne_out(network, other).await? == Borne::Nothing {
            continue;
        }
        let sent = sent(network, other, (after, last)).await?;
        let by = other.file_name();
        for (block, what) in changes(network, record, probes, &sent).await? {
            found.insert(block, End { until: block - 1, by: by.clone(), what });
        }
    }
    Ok(found.into_values().rev().take(ENDS_MAX).collect())
}

fn newest(record: &DeploymentRecord) -> u64 {
    record.transactions.iter().map(|sent| sent.block.number).max().unwrap_or_default()
}

async fn sent(
    network: &Network,
    record: &DeploymentRecord,
    (after, last): (u64, u64),
) -> Result<Sent, ReadError> {
    let of_plan =
        |sent: &&MinedTransaction| sent.success && sent.op != ANCHOR_OP && sent.op != FOREIGN_OP;
    let mut found = Sent::new();
    for recorded in record.transactions.iter().filter(of_plan).take(TRANSACTIONS_MAX) {
        let Some((tx, receipt)) = mined(network, Some(recorded)).await? else { continue };
        let block = receipt.block.number;
        let own = tx.from == record.deployment.executor && receipt.status;
        if own && block > after && block <= last {
            found.entry(block).or_default().extend(receipt.logs);
        }
    }
    Ok(found)
}

/// The blocks of these in which something changed, and what.
async fn changes(
    network: &Network,
    record: &DeploymentRecord,
    probes: &[Probe],
    sent: &Sent,
) -> Result<Vec<(u64, String)>, ReadError> {
    let (Some((first, _)), Some((last, _))) = (sent.first_key_value(), sent.last_key_value())
    else {
        return Ok(Vec::new());
    };
    let standing = async |number: u64| {
        let at = network.head_at(number).await?.block;
        Standing::read(network, record, probes, at).await
    };
    let is_same = standing(first - 1).await? == standing(*last).await?;
    let addresses = record.deployment.addresses();
    let mut found = Vec::new();
    for (block, logs) in sent {
        let logged = event(&addresses, logs);
        let changed = match is_same {
            true => None,
            false => standing(block - 1).await?.changed(&standing(*block).await?),
        };
        found.extend(changed.or(logged).map(|what| (*block, what)));
    }
    Ok(found)
}

/// An event that sets a soak back, of one of these contracts.
fn event(addresses: &[Address], logs: &[Log]) -> Option<String> {
    let own = logs.iter().filter(|log| addresses.contains(&log.address));
    let (_, event, address) = own.filter_map(named).next()?;
    Some(format!("{address}, which logged {event},"))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    const HERE: Address = Address::with_last_byte(1);
    const THERE: Address = Address::with_last_byte(2);

    fn standing() -> Standing {
        let word = B256::with_last_byte;
        Standing {
            codes: [(HERE, word(1)), (THERE, word(2))].into(),
            slots: [((HERE, word(3)), word(4))].into(),
            answers: [((HERE, Bytes::new(), "cap()".to_owned()), Some(Bytes::from([5])))].into(),
        }
    }

    #[test]
    fn only_what_is_judged_ends_a_reading() {
        let changed = |edit: &dyn Fn(&mut Standing)| {
            let mut after = standing();
            edit(&mut after);
            standing().changed(&after).unwrap_or_default()
        };
        assert_eq!(changed(&|_| {}), "");
        // What came to stand beside it is the later deployment's alone.
        assert_eq!(changed(&|s| s.codes.extend([(Address::ZERO, B256::ZERO)])), "");
        let code = changed(&|s| s.codes.extend([(THERE, B256::ZERO)]));
        assert_eq!(code, format!("the code of {THERE}"));
        let slot = changed(&|s| s.slots.values_mut().for_each(|value| *value = B256::ZERO));
        assert!(slot.starts_with("slot 0x") && slot.ends_with(&HERE.to_string()), "{slot}");
        for answer in [None, Some(Bytes::from([6]))] {
            let told = changed(&|s| s.answers.values_mut().for_each(|was| *was = answer.clone()));
            assert_eq!(told, format!("what cap() of {HERE} is"));
        }
    }

    #[test]
    fn events_count_of_its_own_contracts() {
        let granted = b256!("2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d");
        let log = |address, topic| Log {
            address,
            topics: vec![topic],
            data: Bytes::new(),
            block: BlockRef { number: 7, hash: B256::ZERO },
            transaction: B256::ZERO,
            index: 0,
        };
        let told = |address, topic| event(&[HERE], &[log(address, topic)]);
        assert!(told(HERE, granted).is_some_and(|told| told.contains("RoleGranted")));
        assert_eq!(told(THERE, granted), None);
        assert_eq!(told(HERE, B256::ZERO), None);
    }
}
