//! The storage that a plan leaves, by the names of its variables.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use serde_json::Value;
use tidegate_model::release::Release;
use tidegate_model::stored::{Stored, StoredSlot};

use crate::expected::{Created, Expected};
use crate::resolve::{OpKind, Resolved, op_label};

/// The most slots of one contract that are compared.
const SLOTS_MAX: usize = 256;
/// The most slots of one contract that are named because they depend on the block.
const VARYING_MAX: usize = 8;
/// The most slots of one variable.
const VARIABLE_SLOTS_MAX: u64 = 16;
const SLOT_BYTES: u64 = 32;

/// The point of a plan at which its storage is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after a contract's creation or later: a key executes operation by operation.
    Any,
    /// When all is done: a Safe executes the whole plan at once.
    Done,
}

/// The slot values that each created contract must have, with the names of its variables.
pub fn stored(
    release: &Release,
    resolved: &Resolved,
    expected: &Expected,
    moment: Moment,
) -> Vec<Stored> {
    let created = expected.created.iter();
    created.map(|(address, made)| contract(release, resolved, *address, made, moment)).collect()
}

fn contract(
    release: &Release,
    resolved: &Resolved,
    address: Address,
    created: &Created,
    moment: Moment,
) -> Stored {
    let op = match created.nested {
        true => created.op.rsplit_once('+').map_or(created.op.as_str(), |(parent, _)| parent),
        false => created.op.as_str(),
    };
    let variables = variables(release, resolved, address);
    let name = |slot: &U256| variables.get(slot).map_or_else(|| slot.to_string(), Clone::clone);
    let varying = created.varying.iter().take(VARYING_MAX).map(name).collect();
    let slots = slots(created, &variables, moment).into_iter();
    let slots = slots.map(|(slot, values, is_written)| StoredSlot {
        slot,
        name: name(&slot),
        values,
        is_written,
    });
    let label = op_label(&created.op);
    Stored { op: op.to_owned(), label, address, slots: slots.collect(), varying }
}

/// All slots that the plan writes, and the contract's own variables that it leaves at zero.
fn slots(
    created: &Created,
    variables: &BTreeMap<U256, String>,
    moment: Moment,
) -> Vec<(U256, Vec<U256>, bool)> {
    let values = |values: &Vec<U256>| match moment {
        Moment::Any => values.clone(),
        Moment::Done => values.last().copied().into_iter().collect(),
    };
    let written = created.slots.iter().map(|(slot, held)| (*slot, values(held), true));
    let zero = variables.keys().filter(|slot| !created.varying.contains(*slot));
    let zero = zero.filter(|slot| !created.slots.contains_key(*slot));
    written.chain(zero.map(|slot| (*slot, vec![U256::ZERO], false))).take(SLOTS_MAX).collect()
}

/// The names of a contract's state variables by slot; behind a proxy, those of its implementation.
fn variables(release: &Release, resolved: &Resolved, address: Address) -> BTreeMap<U256, String> {
    let behind = resolved.places.values().find(|place| place.address == address);
    let own = behind.and_then(|place| place.implementation).unwrap_or(address);
    let contract = resolved.ops.iter().find_map(|op| match &op.kind {
        OpKind::Create { address, contract, .. } if *address == own => Some(contract),
        _ => None,
    });
    let layout = contract.and_then(|c| release.artifact(c)).map(|artifact| &artifact.layout);
    layout.map(named).unwrap_or_default()
}

/// The variables of a storage layout by slot.
fn named(layout: &Value) -> BTreeMap<U256, String> {
    let mut variables = BTreeMap::new();
    for item in layout["items"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (Some(label), Some(slot)) = (text(&item["label"]), text(&item["slot"])) else {
            continue;
        };
        let Ok(first) = slot.parse::<U256>() else { continue };
        let bytes = text(&item["type"]["numberOfBytes"]).and_then(|bytes| bytes.parse().ok());
        let slots = bytes.unwrap_or(SLOT_BYTES).div_ceil(SLOT_BYTES).min(VARIABLE_SLOTS_MAX);
        for offset in 0..slots {
            let names: &mut String = variables.entry(first + U256::from(offset)).or_default();
            let comma = if names.is_empty() { "" } else { ", " };
            *names += &format!("{comma}{label}");
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_primitives::{B256, Bytes};
    use serde_json::json;

    use super::*;

    fn u(n: u64) -> U256 {
        U256::from(n)
    }

    #[test]
    fn variables_have_all_their_slots() {
        let item = |label: &str, slot: &str, bytes: &str| {
            let ty = json!({"numberOfBytes": bytes});
            json!({"label": label, "slot": slot, "type": ty})
        };
        let items = [item("boss", "0", "20"), item("on", "0", "1"), item("list", "3", "64")];
        let names = named(&json!({"items": items}));
        let expected = [(0, "boss, on"), (3, "list"), (4, "list")];
        assert_eq!(names, expected.map(|(slot, name)| (u(slot), name.to_owned())).into());
        assert!(named(&json!({})).is_empty());
    }

    #[test]
    fn what_is_written_and_what_is_left_at_zero_is_looked_at() {
        let created = Created {
            op: "vault".to_owned(),
            code: Bytes::new(),
            code_hash: B256::ZERO,
            nested: false,
            // An owner that is handed over, and an entry of a mapping.
            slots: [(u(0), vec![u(7), u(9)]), (u(1_000), vec![u(5)])].into(),
            varying: BTreeSet::from([u(2)]),
            nonce: 1,
            balance: U256::ZERO,
            logs: 0,
        };
        let variables = [0, 1, 2].map(|slot| (u(slot), format!("v{slot}"))).into();
        let found = |moment| slots(&created, &variables, moment);
        let zero = (u(1), vec![U256::ZERO], false);
        let entry = (u(1_000), vec![u(5)], true);
        let any = [(u(0), vec![u(7), u(9)], true), entry.clone(), zero.clone()];
        assert_eq!(found(Moment::Any), any);
        assert_eq!(found(Moment::Done), [(u(0), vec![u(9)], true), entry, zero]);
    }
}
