//! What a later deployment on a testnet has put in place of what an earlier one left. It is no
//! contradiction of the earlier one, as long as the chain holds what the later record says.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tidegate_chain::Network;
use tidegate_model::Head;
use tidegate_model::record::DeploymentRecord;

use crate::error::AppResult;
use crate::network::slot;
use crate::project::Project;
use crate::records;

/// The first deployment after one that changed what it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superseded {
    /// Its release's name.
    pub(super) name: String,
    /// The first block in which it did anything.
    pub(super) block: u64,
}

/// A slot, and what a deployment leaves in it.
type Left = BTreeMap<(Address, B256), B256>;

/// By which deployment of ours something was superseded; nothing if anything that it left is now
/// what no later record has.
pub(super) async fn superseded(
    project: &Project,
    (name, network): (&str, &Network),
    record: &DeploymentRecord,
    head: Head,
) -> AppResult<Option<Superseded>> {
    let all = records::own(project, name)?.into_iter();
    let later: Vec<_> = all
        .filter_map(|(_, other)| {
            let by = Superseded { block: begun_after(record, &other)?, name: other.name.clone() };
            Some((by, left(&other)))
        })
        .collect();
    if later.is_empty() {
        return Ok(None);
    }
    let mut held = Left::new();
    for place in left(record).into_keys() {
        held.insert(place, slot(network, place.0, place.1, head.block).await?);
    }
    Ok(first(&left(record), &held, &later))
}

/// The block in which another deployment first did something after one was complete.
fn begun_after(record: &DeploymentRecord, other: &DeploymentRecord) -> Option<u64> {
    let last = records::last_block(record);
    let blocks = other.transactions.iter().filter(|tx| tx.success).map(|tx| tx.block.number);
    blocks.filter(|block| *block > last).min()
}

fn left(record: &DeploymentRecord) -> Left {
    let slots = record.deployment.slots.iter();
    slots.map(|at| ((at.address, at.slot), at.value)).collect()
}

fn first(own: &Left, held: &Left, later: &[(Superseded, Left)]) -> Option<Superseded> {
    let mut by: Option<Superseded> = None;
    for (place, value) in held.iter().filter(|(place, value)| own.get(*place) != Some(*value)) {
        let of_place = later.iter().filter_map(|(by, left)| Some((*left.get(place)?, by.clone())));
        let of_place: Vec<_> = of_place.collect();
        // What nobody recorded stays a fault.
        if !of_place.iter().any(|(recorded, _)| recorded == value) {
            return None;
        }
        let all = of_place.into_iter().map(|(_, by)| by).chain(by.take());
        by = all.min_by_key(|by| by.block);
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: (Address, B256) = (Address::repeat_byte(7), B256::repeat_byte(8));
    const OTHER: (Address, B256) = (Address::repeat_byte(9), B256::repeat_byte(8));

    fn word(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    #[test]
    fn what_a_later_record_explains_is_superseded_and_nothing_else_is() {
        let own = Left::from([(PROXY, word(1)), (OTHER, word(1))]);
        let named = |name: &str, block| Superseded { name: name.to_owned(), block };
        let later = [
            (named("c", 30), Left::from([(PROXY, word(3))])),
            (named("b", 20), Left::from([(PROXY, word(2)), (OTHER, word(1))])),
        ];
        let by = |name: &str, block| Some(named(name, block));
        for (proxy, other, expected) in [
            (1, 1, None),
            (2, 1, by("b", 20)),
            (3, 1, by("b", 20)),
            // Somebody's own upgrade, also beside one that is recorded.
            (4, 1, None),
            (3, 4, None),
        ] {
            let held = Left::from([(PROXY, word(proxy)), (OTHER, word(other))]);
            assert_eq!(first(&own, &held, &later), expected, "{proxy} {other}");
        }
    }
}
