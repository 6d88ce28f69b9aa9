//! Storage slots that standards give to what is behind a proxy.

use alloy_primitives::{B256, U256, b256, keccak256};

/// ERC-1967: `keccak256("eip1967.proxy.implementation") - 1`.
pub const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
/// ERC-1967: `keccak256("eip1967.proxy.beacon") - 1`.
pub const BEACON_SLOT: B256 =
    b256!("a3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50");
/// ERC-1967: `keccak256("eip1967.proxy.admin") - 1`.
pub const ADMIN_SLOT: B256 =
    b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");
/// ERC-1822: `keccak256("PROXIABLE")`.
pub const PROXIABLE_SLOT: B256 =
    b256!("c5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7");
/// Before ERC-1967: `keccak256("org.zeppelinos.proxy.implementation")`.
pub const OLD_IMPLEMENTATION_SLOT: B256 =
    b256!("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3");
/// Before ERC-1967: `keccak256("org.zeppelinos.proxy.admin")`.
pub const OLD_ADMIN_SLOT: B256 =
    b256!("10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b");

/// ERC-7201: the first slot of the namespace of this name.
pub fn namespace_slot(name: &[u8]) -> U256 {
    let inner = U256::from_be_bytes(keccak256(name).0).wrapping_sub(U256::ONE);
    U256::from_be_bytes(keccak256(inner.to_be_bytes::<32>()).0) & !U256::from(0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_from_their_names() {
        let slot = |name: &str| B256::from(U256::from_be_bytes(keccak256(name).0) - U256::ONE);
        assert_eq!(slot("eip1967.proxy.implementation"), IMPLEMENTATION_SLOT);
        assert_eq!(slot("eip1967.proxy.beacon"), BEACON_SLOT);
        assert_eq!(slot("eip1967.proxy.admin"), ADMIN_SLOT);
        assert_eq!(keccak256("PROXIABLE"), PROXIABLE_SLOT);
        assert_eq!(keccak256("org.zeppelinos.proxy.implementation"), OLD_IMPLEMENTATION_SLOT);
        assert_eq!(keccak256("org.zeppelinos.proxy.admin"), OLD_ADMIN_SLOT);
        let example = b256!("183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500");
        assert_eq!(B256::from(namespace_slot(b"example.main")), example);
    }
}
