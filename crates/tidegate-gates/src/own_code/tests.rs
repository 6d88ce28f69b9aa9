use alloy_primitives::{address, hex, keccak256};
use tidegate_model::ReasonCode::*;
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

/// What is said of one account with these slots beside an external: codes and sentences.
fn said(code: &[u8], slots: &[(U256, U256)], out: &Outsider) -> (Vec<ReasonCode>, String) {
    let slots = slots.iter().copied().collect();
    let account = Account { name: "fwd", address: AT, code, slots: Some(&slots) };
    told(foreign_code("mainnet", &[account], std::slice::from_ref(out)))
}

fn told(found: Vec<Reason>) -> (Vec<ReasonCode>, String) {
    let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
    (found.into_iter().map(|reason| reason.code).collect(), texts.join(" | "))
}

fn codes(code: &[u8], slots: &[(U256, U256)], out: &Outsider) -> Vec<ReasonCode> {
    said(code, slots, out).0
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
        let (other, text) = said(&code, &slots, &outsider(OUT, &[0], false));
        assert_eq!(other, [OwnCodeDiffers], "{name}");
        let hashes = [keccak256([0]), keccak256("another")].map(|hash| hash.to_string());
        for named in ["fwd", "@impl", &hashes[0], &hashes[1]] {
            assert!(text.contains(named), "{name}, {named}: {text}");
        }
        assert_eq!(codes(&code, &slots, &outsider(OUT, &[0], true)), [], "{name}");
        // Whose key may give it other code at any time.
        let borrowed = outsider(OUT, &[0xef, 0x01, 0x00, 0x11], true);
        assert_eq!(codes(&code, &slots, &borrowed), [OwnCodeOfKey], "{name}");
        // One that the plan does not name.
        let (unnamed, text) = said(&code, &slots, &outsider(OTHER, &[0], false));
        if name == "an entry" {
            assert_eq!(unnamed, [], "{name}: {text}");
        } else {
            assert_eq!(unnamed, [OwnCodeUnnamed], "{name}: {text}");
            assert!(text.starts_with("fwd runs the code at 0x"), "{name}: {text}");
        }
    }
}

#[test]
fn an_external_that_is_called_may_be_another() {
    let slots = [(U256::ZERO, word(OUT)), (U256::from(1), word(OUT))];
    for code in [code!("OwnCalls"), code!("OwnMulticall"), code!("UUPS")] {
        assert_eq!(codes(&code, &slots, &outsider(OUT, &[0], false)), []);
    }
    // The slot that is run holds nothing.
    assert_eq!(codes(&code!("OwnSlot"), &slots[..1], &outsider(OUT, &[0], false)), []);
}

#[test]
fn where_nothing_tells_every_external_counts() {
    for code in [code!("OwnMemory"), code!("OwnParts"), code!("PokeElsewhere")] {
        let (other, text) = said(&code, &[], &outsider(OUT, &[0], false));
        assert_eq!(other, [OwnCodeUnknown], "{text}");
        assert!(text.contains("@impl"), "{text}");
        assert_eq!(codes(&code, &[], &outsider(OUT, &[0], true)), []);
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
        told(foreign_code("mainnet", &[account, behind], std::slice::from_ref(&out)))
    };
    let (found, text) = all(&slot[..], Some(&none));
    assert_eq!(found, [OwnCodeDiffers], "{text}");
    assert!(text.starts_with("vault runs the code of @impl"), "{text}");
    // Behind what was there before, nobody knows what a slot holds.
    let (found, text) = all(&slot[..], None);
    assert_eq!(found, [OwnCodeDiffers, OwnCodeUnknown], "{text}");
    let through = outsider(OTHER, &code!("OwnConstant"), true);
    let slots = [(U256::from(1), word(OTHER))];
    let (unnamed, text) = said(&slot, &slots, &through);
    assert_eq!(unnamed, [OwnCodeUnnamed], "{text}");
    assert!(text.contains(&OUT.to_string()), "{text}");
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
    let (found, text) = told(foreign_code("mainnet", &[account, own], std::slice::from_ref(&out)));
    assert_eq!(found, [OwnCodeDiffers], "{text}");
    assert!(text.starts_with("vault runs the code of @impl"), "{text}");
    // An external one may name anything.
    let (found, text) = told(foreign_code("mainnet", &[account], &[out]));
    assert_eq!(found, [OwnCodeUnknown], "{text}");
}

#[test]
fn what_cannot_be_other_code_is_not_asked_for() {
    let slot = |held: Address, out: &Outsider| {
        codes(&code!("OwnSlot"), &[(U256::from(1), word(held))], out)
    };
    let out = outsider(OUT, &[0], false);
    // Itself, a precompile, the helper.
    for fixed in [AT, Address::with_last_byte(1), HELPER, CREATE2_PROXY, MULTI_SENDS[0]] {
        assert_eq!(slot(fixed, &out), [], "{fixed}");
    }
    assert_eq!(slot(OUT, &out), [OwnCodeDiffers]);
    // What is upgraded is compared elsewhere.
    assert_eq!(slot(OUT, &Outsider { is_live: true, ..out.clone() }), []);
    // A place that no hash gives is no entry.
    let entry = |slot: U256| codes(&code!("OwnEntry"), &[(slot, word(OUT))], &out);
    assert_eq!(entry(U256::from(1) << (ENTRIES_BITS - 1)), []);
    assert_eq!(entry(U256::from(1) << ENTRIES_BITS), [OwnCodeDiffers]);
}

#[test]
fn behind_unknown_storage_every_external_counts() {
    let out = outsider(OUT, &[0], false);
    for code in [code!("OwnSlot"), code!("OwnEntry"), code!("UpBeaconProxy")] {
        let account = Account { name: "fwd", address: AT, code: &code, slots: None };
        let (found, text) = told(foreign_code("mainnet", &[account], std::slice::from_ref(&out)));
        assert_eq!(found, [OwnCodeUnknown], "{text}");
    }
}
