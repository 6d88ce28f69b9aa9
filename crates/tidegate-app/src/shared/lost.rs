//! Calls that were made, and whose effect somebody has undone since: by this plan, or by a release
//! that it follows.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use tidegate_plan::{Due, Executor, Moment, Op, OpKind, Undone, When, stored, undone};

use super::{Begun, word};
use crate::deployment::{expect, prepare_with, simulate};
use crate::error::AppResult;
use crate::follow;
use crate::network::slot;
use crate::release::kept;
use crate::wiped::command;

/// A slot of a contract.
type Slot = (Address, U256);

/// A call whose effect is gone: it, the slot, and what that is and was, for people.
struct Lost {
    op: String,
    at: Slot,
    text: String,
}

impl Begun<'_> {
    /// What calls of this plan did that is gone, one sentence each, and the slots that they are
    /// about. What is still `due` writes is not gone: nothing has written it yet.
    pub(crate) async fn lost(&self, due: Option<&Due>) -> AppResult<(Vec<String>, BTreeSet<Slot>)> {
        let say = |lost: Lost| {
            let Lost { op, at, text } = lost;
            (format!("{op} was made already, but {text}; `deploy --again {op}` makes it again"), at)
        };
        let is_left = |lost: &Lost| due.is_none_or(|due| !due.writes.contains_key(&lost.at));
        Ok(self.undone().await?.into_iter().filter(is_left).map(say).unzip())
    }

    /// The same of calls that releases made which this one follows, and that it does not make
    /// again. What a later one of them changed, or this plan does, is no loss.
    pub(crate) async fn lost_before(&self) -> AppResult<Vec<String>> {
        let Begun { project, place: (name, network), built, head, .. } = *self;
        let mut made = built.release.plan.made.clone();
        let Some(chain) = follow::of(project, built)?.filter(|_| !made.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut changed: BTreeSet<Slot> = self.plan.1.outside.keys().copied().collect();
        let (mut own, mut said) = (Some((built.roots.release_root, self.id)), Vec::new());
        for release in chain.releases.iter().rev() {
            let root = release.roots.release_root;
            let Some(record) = follow::recorded_of(project, name, root, own)? else { break };
            own = Some((root, record.id));
            let executor = Executor::Key(record.deployment.executor);
            let values = BTreeMap::clone(&record.deployment.params);
            let then = kept(release);
            // What cannot be prepared any more, nothing is said of.
            let prepared = prepare_with(project, &then, name, executor, record.id, values);
            let Ok(prepared) = prepared else { break };
            let expected = expect(network, &prepared, head, When::After).await?;
            let is_made = |op: &&tidegate_plan::Op| {
                matches!(op.kind, OpKind::Call { .. }) && made.contains(&op.step)
            };
            let calls = prepared.resolved.ops.iter().filter(is_made).map(|op| op.id.clone());
            let (done, plan) = (calls.collect(), (&prepared, &expected));
            let begun = Begun { built: &then, plan, id: record.id, done: &done, ..*self };
            let again = command(project, name, &record.name, None)?;
            for Lost { op, at, text } in begun.undone().await? {
                if !changed.contains(&at) {
                    said.push(format!(
                        "{op} was made by {}, but {text}; `{again} --again {op}` makes it again",
                        record.name
                    ));
                }
            }
            changed.extend(expected.outside.keys());
            made.retain(|step| release.release.plan.step(step).is_none());
        }
        Ok(said)
    }

    /// The upgrades that count as made, as another release made exactly them before, though the
    /// proxy has other code now: a release in between took them back.
    pub(crate) async fn taken_back(&self) -> AppResult<BTreeSet<String>> {
        let Begun { place: (_, network), plan: (prepared, _), done, head, .. } = *self;
        let resolved = &prepared.resolved;
        let mut back = BTreeSet::new();
        for start in &resolved.starts {
            let is_call = |op: &&Op| {
                op.step == start.step
                    && matches!(op.kind, OpKind::Call { .. })
                    && done.contains(&op.id)
            };
            let Some(upgrade) = resolved.ops.iter().find(is_call) else { continue };
            let held = slot(network, start.address, start.slot, head.block).await?;
            let made = resolved.places.get(&start.step).and_then(|place| place.implementation);
            if made != Some(Address::from_word(held)) {
                back.insert(upgrade.id.clone());
            }
        }
        Ok(back)
    }

    async fn undone(&self) -> AppResult<Vec<Lost>> {
        let Begun { place: (_, network), built, plan: (prepared, expected), done, head, .. } =
            *self;
        let resolved = &prepared.resolved;
        let contracts = stored(&built.release, resolved, expected, Moment::Any);
        let say = |undone: Undone<'_>| {
            let Undone { op, at, slot, holds, leaves } = undone;
            let contract = contracts.iter().find(|contract| contract.address == at);
            let place = match contract {
                Some(contract) => {
                    let named = contract.slots.iter().find(|stored| stored.slot == slot);
                    let name = named.map_or_else(|| slot_name(slot), |stored| stored.name.clone());
                    format!("{name} of {}", contract.label)
                }
                None => format!("{} of {at}", slot_name(slot)),
            };
            let text = format!("{place} is {} now, not {}", word(holds), word(leaves));
            Lost { op: op.to_owned(), at: (at, slot), text }
        };
        let run = |snapshot: &_| undone(resolved, expected, snapshot, done);
        simulate(network, head, |snapshot| Ok(run(snapshot)?.into_iter().map(say).collect())).await
    }
}

fn slot_name(slot: U256) -> String {
    format!("slot {}", word(slot))
}
