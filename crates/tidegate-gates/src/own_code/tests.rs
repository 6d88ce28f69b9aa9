use alloy_primitives::{address, hex, keccak256};
use tidegate_model::slots::IMPLEMENTATION_SLOT;

use super::*;

/// Code that a compiler made, of `slot_writes/code/Own.sol` and its neighbours.
macro_rules! code {
    ($name:literal) => {
        hex::decode(include_str!(concat!("../slot_writes/code/", $name, ".hex")).trim()).unwrap()
    };
}

/// As in the source.
const OUT: Address = address!("0e01111111111111111111111111111111111e01");
const AT: Address = Address::repeat_byte(0xaa);
const OTHER: Address = Address::repeat_byte(0xbb);

fn outsider(address: Address, code: &[u8], is_same: bool) -> Outsider {
    let soaked = if is_same { keccak256(code) } else { keccak256("another") };
    Outsider {
        name: "impl".to_owned(),
        address,
        code: code.to_vec(),
        hashes: [keccak256(code), soaked],
        is_same,
        is_live: false,
    }
}

fn word(address: Address) -> U256 {
    address.into_word().into()
}

/// What is said of one account with these slots beside an external.
fn said(code: &[u8], slots: &[(U256, U256)], out: &Outsider) -> Vec<String> {
    let slots = slots.iter().copied().collect();
    let account = Account { name: "fwd", address: AT, code, slots: Some(&slots) };
    foreign_code("mainnet", &[account], std::slice::from_ref(out)).into_iter().collect()
}

#[test]
fn code_that_runs_as_its_own_is_the_same_on_both() {
    let entry = U256::from_be_bytes(keccak256("entry").0);
    let one = U256::from(1);
    for (name, code, slots) in [
        ("a constant", code!("OwnConstant"), vec![]),
        ("a slot", code!("OwnSlot"), vec![(one, word(OUT))]),
        ("a packed slot", code!("OwnPacked"), vec![(U256::ZERO, (word(OUT) << 32) | one)]),
        ("an entry", code!("OwnEntry"), vec![(entry, word(OUT))]),
        ("a proxy's slot", code!("ERC1967Proxy"), vec![(IMPLEMENTATION_SLOT.into(), word(OUT))]),
    ] {
        let other = said(&code, &slots, &outsider(OUT, &[0], false));
        assert!(other.len() == 1 && other[0].starts_with("fwd runs the code of @impl"), "{name}");
        assert!(other[0].contains("other code (hash 0x"), "{name}: {other:?}");
        assert_eq!(said(&code, &slots, &outsider(OUT, &[0], true)), [""; 0], "{name}");
        // Whose key may give it other code at any time.
        let borrowed = said(&code, &slots, &outsider(OUT, &[0xef, 0x01, 0x00, 0x11], true));
        assert!(borrowed[0].contains("EIP-7702"), "{name}");
        // One that the plan does not name.
        let unnamed = said(&code, &slots, &outsider(OTHER, &[0], false));
        let entries = name == "an entry";
        assert_eq!(unnamed.len(), usize::from(!entries), "{name}: {unnamed:?}");
        assert!(unnamed.iter().all(|why| why.contains("neither in the plan nor")), "{name}");
    }
}

#[test]
fn an_external_that_is_called_may_be_another() {
    let slots = [(U256::ZERO, word(OUT)), (U256::from(1), word(OUT))];
    for code in [code!("OwnCalls"), code!("OwnMulticall"), code!("UUPS")] {
        assert_eq!(said(&code, &slots, &outsider(OUT, &[0], false)), [""; 0]);
    }
    // The slot that is run holds nothing.
    assert_eq!(said(&code!("OwnSlot"), &slots[..1], &outsider(OUT, &[0], false)), [""; 0]);
}

#[test]
fn where_nothing_tells_every_external_counts() {
    for code in [code!("OwnMemory"), code!("OwnParts"), code!("PokeElsewhere")] {
        let other = said(&code, &[], &outsider(OUT, &[0], false));
        assert!(other.len() == 1 && other[0].contains("nothing tells where"), "{other:?}");
        assert_eq!(said(&code, &[], &outsider(OUT, &[0], true)), [""; 0]);
    }
}

/// What the plan's own code runs is followed, and so is an external that is the same on both.
#[test]
fn code_is_followed_through_code() {
    let (proxy, slot) = (code!("ERC1967Proxy"), code!("OwnSlot"));
    let out = outsider(OUT, &[0], false);
    let of_proxy: BTreeMap<_, _> =
        [(IMPLEMENTATION_SLOT.into(), word(OTHER)), (U256::from(1), word(OUT))].into();
    let none = BTreeMap::new();
    let all = |behind, slots| {
        let account = Account { name: "vault", address: AT, code: &proxy, slots: Some(&of_proxy) };
        let behind = Account { name: "vault/implementation", address: OTHER, code: behind, slots };
        foreign_code("mainnet", &[account, behind], std::slice::from_ref(&out))
    };
    let found = all(&slot[..], Some(&none));
    assert!(found.len() == 1 && found.first().unwrap().starts_with("vault runs the code of @impl"));
    // Behind what was there before, nobody knows what a slot holds.
    let found = all(&slot[..], None);
    assert_eq!(found.len(), 2, "{found:?}");
    let through = outsider(OTHER, &code!("OwnConstant"), true);
    let slots = [(U256::from(1), word(OTHER))];
    let unnamed = said(&slot, &slots, &through);
    assert!(unnamed.len() == 1 && unnamed[0].contains(&OUT.to_string()), "{unnamed:?}");
}

#[test]
fn a_beacon_says_what_runs() {
    // Its place in the code is empty here.
    let (proxy, beacon) = (code!("UpBeaconProxy"), code!("UpgradeableBeacon"));
    let out = outsider(OUT, &[0], false);
    let of_proxy: BTreeMap<_, _> = [(BEACON_SLOT.into(), word(Address::ZERO))].into();
    let of_beacon: BTreeMap<_, _> = [(U256::from(1), word(OUT))].into();
    let account = Account { name: "vault", address: AT, code: &proxy, slots: Some(&of_proxy) };
    let own =
        Account { name: "hub", address: Address::ZERO, code: &beacon, slots: Some(&of_beacon) };
    let found = foreign_code("mainnet", &[account, own], std::slice::from_ref(&out));
    assert!(found.len() == 1 && found.first().unwrap().starts_with("vault runs the code of @impl"));
    // An external one may name anything.
    let found = foreign_code("mainnet", &[account], &[out]);
    assert!(found.len() == 1 && found.first().unwrap().contains("nothing tells where"));
}
