//! Storage slots that say what is behind a proxy.

use alloy_primitives::{B256, U256, b256};
use serde_json::Value;

/// ERC-1967's implementation slot: `keccak256("eip1967.proxy.implementation") - 1`.
pub const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// ERC-1967's admin slot: `keccak256("eip1967.proxy.admin") - 1`.
pub const ADMIN_SLOT: B256 =
    b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");

/// ERC-1967's beacon slot: `keccak256("eip1967.proxy.beacon") - 1`.
pub const BEACON_SLOT: B256 =
    b256!("a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50");

/// Where a beacon keeps its implementation: a slot of its own layout, which holds nothing else
/// below it.
pub(crate) fn beacon_slot(layout: &Value) -> Option<B256> {
    let items = layout.get("items")?.as_array()?;
    let item = items.iter().find(|item| item["label"] == "_implementation")?;
    let slot: U256 = item["slot"].as_str()?.parse().ok()?;
    (item["offset"] == 0).then(|| B256::from(slot))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    #[test]
    fn slots_are_those_of_erc_1967() {
        let slot = |name: &str| B256::from(U256::from_be_bytes(keccak256(name).0) - U256::ONE);
        assert_eq!(slot("eip1967.proxy.implementation"), IMPLEMENTATION_SLOT);
        assert_eq!(slot("eip1967.proxy.admin"), ADMIN_SLOT);
        assert_eq!(slot("eip1967.proxy.beacon"), BEACON_SLOT);
    }
}
