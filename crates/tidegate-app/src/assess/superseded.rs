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

/// What a deployment left, what is there by now, and what our other deployments there left.
pub(super) struct Changed {
    own: Left,
    held: Left,
    /// Each with its release's name, and the block in which it began where that was later.
    others: Vec<(String, Option<u64>, Left)>,
}

impl Changed {
    pub(super) async fn read(
        project: &Project,
        (name, network): (&str, &Network),
        record: &DeploymentRecord,
        head: Head,
    ) -> AppResult<Self> {
        let own = left(record);
        let mut held = Left::new();
        for place in own.keys() {
            held.insert(*place, slot(network, place.0, place.1, head.block).await?);
        }
        let all = records::own(project, name)?.into_iter().map(|(_, other)| other);
        let others =
            all.map(|other| (other.name.clone(), begun_after(record, &other), left(&other)));
        Ok(Self { own, held, others: others.collect() })
    }

    /// By which deployment of ours something was superseded; nothing if anything that was left is
    /// by now what no later record has.
    pub(super) fn superseded(&self) -> Option<Superseded> {
        let later = self.others.iter().filter_map(|(name, block, left)| {
            Some((Superseded { name: name.clone(), block: (*block)? }, left.clone()))
        });
        first(&self.own, &self.held, &later.collect::<Vec<_>>())
    }

    /// What somebody put back that another deployment of ours had left, one sentence each.
    pub(super) fn put_back(&self) -> Vec<String> {
        let changed = self.held.iter().filter(|(place, held)| self.own.get(*place) != Some(*held));
        let back = changed.filter_map(|(place, held)| {
            let left = self.others.iter().find(|(_, _, left)| left.get(place) == Some(held));
            let (name, ..) = left?;
            Some(format!(
                "{} has again what {name} left there, and no record says who put it back: upgrade \
                 it by a release that follows, or ask `tidegate verify --release {name}`",
                place.0
            ))
        });
        back.collect()
    }
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
    fn what_is_put_back_is_named() {
        let of = |byte| Left::from([(PROXY, word(byte))]);
        let others = vec![("a".to_owned(), None, of(1)), ("b".to_owned(), Some(9), of(2))];
        let changed = |held| Changed { own: of(2), held: of(held), others: others.clone() };
        assert_eq!(changed(2).put_back(), Vec::<String>::new());
        assert_eq!(changed(3).put_back(), Vec::<String>::new());
        let [back] = &changed(1).put_back()[..] else { panic!("one") };
        assert!(back.contains("has again what a left there"), "{back}");
        assert_eq!(changed(1).superseded(), None, "an earlier one supersedes nothing");
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
