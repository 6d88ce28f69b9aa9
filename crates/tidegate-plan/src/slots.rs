//! Where a beacon keeps what it points at.

use alloy_primitives::{B256, U256};
use serde_json::Value;
pub use tidegate_model::slots::ADMIN_SLOT;
pub(crate) use tidegate_model::slots::{
    BEACON_SLOT, IMPLEMENTATION_SLOT, OLD_ADMIN_SLOT, OLD_IMPLEMENTATION_SLOT, PROXIABLE_SLOT,
};

/// The slot in which a beacon keeps its implementation: one of its own layout that holds nothing
/// else below it.
pub(crate) fn beacon_slot(layout: &Value) -> Option<B256> {
    let items = layout.get("items")?.as_array()?;
    let item = items.iter().find(|item| item["label"] == "_implementation")?;
    let slot: U256 = item["slot"].as_str()?.parse().ok()?;
    (item["offset"] == 0).then(|| B256::from(slot))
}
