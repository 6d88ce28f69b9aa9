//! What a plan writes in contracts that are there already, in trials of what others decide.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use tidegate_model::ChainId;

use super::vary::Trial;
use super::{Other, Read};
use crate::expected::Expected;
use crate::kept::Kept;
use crate::outside::{Compared, slot_of};
use crate::run::Run;
use crate::same::Names;

/// Ids of chains that nobody has.
const STRANGE_CHAINS: [u64; 2] = [0x7469_6465_6761_7465, 0x7469_6465_6761_7464];
/// The most chain ids that are tried.
const CHAINS_MAX: usize = 8;

impl Trial<'_, '_> {
    /// The slot outside the plan that it leaves otherwise then.
    pub(super) fn other_outside(
        &mut self,
        found: &Expected,
        others: &[(Read, &Other)],
    ) -> Option<(Address, U256)> {
        let varied = |at: Address, slot: U256| {
            let word = |(read, other): &(Read, &Other)| match (read, other) {
                (Read::Slot(of, varied), Other::Word(word)) if (*of, *varied) == (at, slot) => {
                    Some(*word)
                }
                _ => None,
            };
            others.iter().find_map(word)
        };
        let names = Names::default();
        let changed = self.outside.iter().chain(&found.outside).filter(|(_, k)| k.is_changed());
        let slots: BTreeSet<_> = changed.map(|((at, slot), _)| (*at, *slot)).collect();
        for (at, slot) in slots {
            let kept = |word| Kept { before: word, after: word, varies: false };
            let own = match (self.outside.get(&(at, slot)), self.run.sandbox.storage(at, slot)) {
                (Some(own), _) => *own,
                (None, Ok(word)) => kept(word),
                (None, Err(error)) => {
                    self.failed(error);
                    continue;
                }
            };
            let untouched = || kept(varied(at, slot).unwrap_or(own.before));
            let other = found.outside.get(&(at, slot)).copied().unwrap_or_else(untouched);
            if !own.resembles(&other, &names) && !own.is_flag_of(&other) {
                return Some((at, slot));
            }
        }
        None
    }

    /// What the plan writes in contracts that are there already, if it follows from the chain's id
    /// by more than what stands for it.
    pub(super) fn other_chains(&mut self, compared: &BTreeSet<(U256, U256)>) -> Option<String> {
        if !self.outside.values().any(Kept::is_changed) {
            return None;
        }
        let here = self.run.sandbox.env().chain.0;
        let own = Expected {
            created: self.created.clone(),
            outside: self.outside.clone(),
            ..self.found(self.run.clone()).ok()?
        };
        let with = compared.iter().filter_map(|(a, b)| match U256::from(here) {
            word if *a == word => Some(*b),
            word if *b == word => Some(*a),
            _ => None,
        });
        let with: BTreeSet<u64> = with.filter_map(|word| word.try_into().ok()).collect();
        for id in STRANGE_CHAINS.into_iter().chain(with).take(CHAINS_MAX) {
            let sandbox = self.run.sandbox.clone().on_chain(ChainId(id));
            let run = Run { sandbox, ..self.run.clone() };
            let Ok(found) = self.found(run) else { continue };
            let names = Names::of_chains((here, &own), (id, &found));
            let all = own.outside.keys().chain(found.outside.keys());
            let all: BTreeSet<_> = all.map(|(at, _)| *at).collect();
            for at in all {
                let pairs = Compared::new(&names, (&own.outside, at), (&found.outside, at));
                if let Some(unlike) = pairs.unlike_in(|slot| {
                    let word = self.run.sandbox.storage(at, slot).ok()?;
                    Some(Kept { before: word, after: word, varies: false })
                }) {
                    return Some(format!(
                        "{} holds what the chain's id decides, so it is not what soaked elsewhere: \
                         pass what differs between networks as a parameter",
                        slot_of(self.run.resolved, at, unlike)
                    ));
                }
            }
        }
        None
    }
}
