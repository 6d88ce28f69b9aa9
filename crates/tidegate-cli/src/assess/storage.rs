//! The storage of created contracts, beside what their constructors leave.
//!
//! Equal code at an address does not say that its storage is the constructor's: a stranger may
//! have created the contract first and used it. What others do with a contract after its creation
//! is its use, and is not compared.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use serde_json::Value;
use tidegate_chain::Network;
use tidegate_gates::CodeFacts;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{BlockRef, Head};
use tidegate_plan::{Created, Expected, OpKind};

use crate::deployment::{Prepared, op_label};
use crate::error::CliResult;
use crate::release::Built;

/// The most slots of one contract that are compared.
const SLOTS_MAX: usize = 256;
/// The most slots of one contract that are named because they depend on the block.
const VARYING_MAX: usize = 8;
/// The most slots of one variable.
const VARIABLE_SLOTS_MAX: u64 = 16;
const SLOT_BYTES: u64 = 32;

/// Compares every created contract as it was in the block of its creation.
pub(super) async fn compare(
    network: &Network,
    head: Head,
    built: &Built,
    record: &DeploymentRecord,
    (prepared, expected): (&Prepared, &Expected),
    facts: &mut CodeFacts,
) -> CliResult {
    let Some(anchor) = record.anchor() else { return Ok(()) };
    for (address, created) in &expected.created {
        let op = match created.nested {
            true => created.op.rsplit_once('+').map_or(created.op.as_str(), |(parent, _)| parent),
            false => created.op.as_str(),
        };
        let made = record.transactions.iter().find(|tx| tx.success && tx.op == op);
        let at = made.map_or(anchor.block, |tx| tx.block);
        let variables = variables(built, prepared, *address);
        let name = |slot: &U256| variables.get(slot).map_or_else(|| slot.to_string(), Clone::clone);
        let label = op_label(&created.op);
        let varying = created.varying.iter().take(VARYING_MAX);
        facts.varying.extend(varying.map(|slot| format!("{} of {label}", name(slot))));
        for (slot, values) in wanted(created, &variables) {
            let present = network.storage(*address, slot, head.block).await?;
            if values.contains(&present) {
                continue;
            }
            let name = name(&slot);
            // Use may have changed it since; what it was then needs state that not all keep.
            match network.storage(*address, slot, at).await {
                Ok(found) if values.contains(&found) => {}
                Ok(found) => facts.record_faults.push(fault(&label, &name, found, &values, at)),
                Err(_) => facts.missing.push(format!(
                    "slot {name} of {label} has changed since its creation, and {} does not keep \
                     the state of block {}",
                    network.name(),
                    at.number
                )),
            }
        }
    }
    Ok(())
}

fn fault(label: &str, name: &str, found: U256, values: &[U256], at: BlockRef) -> String {
    let values: Vec<_> = values.iter().map(|value| B256::from(*value).to_string()).collect();
    format!(
        "storage of {label}: {name} held {} in block {}, the constructor leaves {}",
        B256::from(found),
        at.number,
        values.join(" or ")
    )
}

/// Slots with the values that they may hold: all that the plan writes, and the contract's own
/// variables that it leaves at zero.
fn wanted(created: &Created, variables: &BTreeMap<U256, String>) -> Vec<(U256, Vec<U256>)> {
    let written = created.slots.iter().map(|(slot, values)| (*slot, values.clone()));
    let zero = variables.keys().filter(|slot| !created.varying.contains(*slot));
    let zero = zero.filter(|slot| !created.slots.contains_key(*slot));
    written.chain(zero.map(|slot| (*slot, vec![U256::ZERO]))).take(SLOTS_MAX).collect()
}

/// The names of a contract's state variables by slot; behind a proxy, those of its implementation.
fn variables(built: &Built, prepared: &Prepared, address: Address) -> BTreeMap<U256, String> {
    let places = &prepared.resolved.places;
    let behind = places.values().find(|place| place.address == address);
    let own = behind.and_then(|place| place.implementation).unwrap_or(address);
    let contract = prepared.resolved.ops.iter().find_map(|op| match &op.kind {
        OpKind::Create { address, contract, .. } if *address == own => Some(contract),
        _ => None,
    });
    let layout = contract.and_then(|c| built.release.artifact(c)).map(|artifact| &artifact.layout);
    let items = layout.and_then(|layout| layout["items"].as_array());
    let mut variables = BTreeMap::new();
    for item in items.into_iter().flatten() {
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
