//! What stands behind a proxy, as its code and its slots show it.

use alloy_primitives::{Address, B256, hex};
use schemars::JsonSchema;
use serde::Serialize;
pub(crate) use tidegate_model::slots::{
    ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT, PROXIABLE_SLOT,
};

/// The slots that say what is behind a proxy.
const PROXY_SLOTS: [B256; 4] = [IMPLEMENTATION_SLOT, BEACON_SLOT, ADMIN_SLOT, PROXIABLE_SLOT];

/// How a proxy finds its implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub enum ProxyKind {
    /// Its address is in the code.
    #[serde(rename = "EIP-1167")]
    Minimal,
    /// Its address is in a slot.
    #[serde(rename = "EIP-1967")]
    Slot,
    /// A beacon, whose address is in a slot, names it.
    #[serde(rename = "EIP-1967 beacon")]
    Beacon,
    /// Its address is in the older slot.
    #[serde(rename = "EIP-1822")]
    Proxiable,
}

impl ProxyKind {
    /// The standard, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minimal => "EIP-1167",
            Self::Slot => "EIP-1967",
            Self::Beacon => "EIP-1967 beacon",
            Self::Proxiable => "EIP-1822",
        }
    }
}

/// A proxy, and what is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Behind {
    /// How it finds its implementation.
    pub kind: ProxyKind,
    /// The implementation, or the beacon.
    pub target: Address,
    /// Who may change it, where a slot says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Address>,
}

/// The slots worth reading of a contract: those whose number stands in its code. A proxy that
/// computes its slot is not seen.
pub fn slots_in(code: &[u8]) -> Vec<B256> {
    let stands_in = |slot: &B256| code.windows(32).any(|window| window == slot.as_slice());
    PROXY_SLOTS.into_iter().filter(stands_in).collect()
}

/// What these slots and this code say. A slot that was not read counts as empty.
pub fn classify(code: &[u8], slots: &[(B256, B256)]) -> Option<Behind> {
    let read = |slot: B256| {
        let (_, value) = slots.iter().find(|(known, _)| *known == slot)?;
        let address = Address::from_word(*value);
        // More than an address is something else.
        (address.into_word() == *value && !address.is_zero()).then_some(address)
    };
    let admin = read(ADMIN_SLOT);
    let behind = |kind| move |target| Behind { kind, target, admin };
    (minimal_proxy(code).map(behind(ProxyKind::Minimal)))
        .or_else(|| read(IMPLEMENTATION_SLOT).map(behind(ProxyKind::Slot)))
        .or_else(|| read(BEACON_SLOT).map(behind(ProxyKind::Beacon)))
        .or_else(|| read(PROXIABLE_SLOT).map(behind(ProxyKind::Proxiable)))
}

/// The target of a minimal proxy: EIP-1167, or ERC-7511 with `PUSH0`. Arguments may follow the
/// code; they are never executed.
pub(crate) fn minimal_proxy(code: &[u8]) -> Option<Address> {
    const SHAPES: [(&[u8], &[u8]); 2] = [
        (&hex!("363d3d373d3d3d363d73"), &hex!("5af43d82803e903d91602b57fd5bf3")),
        (&hex!("365f5f375f5f365f73"), &hex!("5af43d5f5f3e5f3d91602a57fd5bf3")),
    ];
    SHAPES.into_iter().find_map(|(before, after)| {
        let rest = code.strip_prefix(before)?;
        let (target, rest) = rest.split_first_chunk::<20>()?;
        rest.starts_with(after).then(|| Address::from(*target))
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{U256, address, keccak256};

    use super::*;

    const TARGET: Address = address!("0x00000000219ab540356cBB839Cbe05303d7705Fa");
    const ADMIN: Address = address!("0x1111111111111111111111111111111111111111");

    #[test]
    fn the_slots_are_those_of_the_standards() {
        for (text, slot) in [
            ("eip1967.proxy.implementation", IMPLEMENTATION_SLOT),
            ("eip1967.proxy.beacon", BEACON_SLOT),
            ("eip1967.proxy.admin", ADMIN_SLOT),
        ] {
            let hash = U256::from_be_bytes(keccak256(text).0) - U256::from(1);
            assert_eq!(B256::from(hash), slot, "{text}");
        }
        assert_eq!(keccak256("PROXIABLE"), PROXIABLE_SLOT);
    }

    #[test]
    fn a_proxy_is_known_by_its_slots_or_its_code() {
        let minimal = hex!(
            "363d3d373d3d3d363d7300000000219ab540356cbb839cbe05303d7705fa5af43d82803e903d91602b57fd5bf3"
        );
        let push0 = hex!(
            "365f5f375f5f365f7300000000219ab540356cbb839cbe05303d7705fa5af43d5f5f3e5f3d91602a57fd5bf3"
        );
        let word = |address: Address| address.into_word();
        let behind = |kind, admin| Some(Behind { kind, target: TARGET, admin });
        for (code, slots, expected) in [
            (&minimal[..], vec![], behind(ProxyKind::Minimal, None)),
            (&push0, vec![], behind(ProxyKind::Minimal, None)),
            (&[&minimal[..], &[1, 2]].concat(), vec![], behind(ProxyKind::Minimal, None)),
            (&minimal[..44], vec![], None),
            (&[0x60], vec![(IMPLEMENTATION_SLOT, word(TARGET))], behind(ProxyKind::Slot, None)),
            (
                &[0x60],
                vec![(ADMIN_SLOT, word(ADMIN)), (IMPLEMENTATION_SLOT, word(TARGET))],
                behind(ProxyKind::Slot, Some(ADMIN)),
            ),
            (&[0x60], vec![(BEACON_SLOT, word(TARGET))], behind(ProxyKind::Beacon, None)),
            (&[0x60], vec![(PROXIABLE_SLOT, word(TARGET))], behind(ProxyKind::Proxiable, None)),
            (&[0x60], vec![(IMPLEMENTATION_SLOT, B256::ZERO)], None),
            (&[0x60], vec![(IMPLEMENTATION_SLOT, B256::repeat_byte(1))], None),
            (&[0x60], vec![(ADMIN_SLOT, word(ADMIN))], None),
            (&[], vec![], None),
        ] {
            assert_eq!(classify(code, &slots), expected, "{} {slots:?}", hex::encode(code));
        }
        let code = [&[0x7f], BEACON_SLOT.as_slice(), &[0x54]].concat();
        assert_eq!(slots_in(&code), [BEACON_SLOT]);
    }
}
