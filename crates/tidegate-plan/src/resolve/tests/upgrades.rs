//! Upgrades of what is there already, and of what the same plan makes.

use super::*;

/// The example with one more upgrade to `Tiny`.
fn upgraded(target: &str) -> Resolved {
    let made = format!("[[step]]\nname = \"more\"\nupgrade = \"@{target}\"\ncreate = \"Tiny\"");
    on("testnet", &format!("{made}\nargs = [\"@safe\"]"), |_, _| {}).unwrap()
}

fn start(resolved: &Resolved, step: &str) -> Start {
    resolved.starts.iter().find(|start| start.step == step).cloned().unwrap()
}

/// What the watched slot of an address must hold.
fn watched(resolved: &Resolved, of: Address, slot: B256) -> Vec<Option<B256>> {
    let slots = resolved.slots.iter().filter(|watch| watch.address == of && watch.slot == slot);
    slots.map(|watch| watch.value).collect()
}

#[test]
fn a_live_proxy_is_upgraded_through_its_admin() {
    let resolved = plain("testnet");
    let made = at(&resolved, "next/implementation");
    let init = pairCall { both: (U256::from(1_000), "text".to_owned()) }.abi_encode();
    let data = upgradeAndCallCall { proxy: LIVE, to: made, data: init.into() }.abi_encode();
    let expected = call(ADMIN, data, "upgradeAndCall(address,address,bytes)");
    assert_eq!(op(&resolved, "next"), &expected);
    let expected = Start {
        step: "next".to_owned(),
        target: "live".to_owned(),
        address: LIVE,
        admin: Some(ADMIN),
        slot: IMPLEMENTATION_SLOT,
        reference: Fqn("src/old.sol:Old".to_owned()),
        in_plan: false,
    };
    assert_eq!(resolved.starts, std::slice::from_ref(&expected));
    // Once more: what is behind it then this plan put there.
    let twice = upgraded("live");
    assert_eq!(start(&twice, "next"), expected);
    let more = start(&twice, "more");
    assert_eq!((more.address, more.in_plan), (LIVE, true));
    let last = at(&twice, "more/implementation").into_word();
    assert_eq!(watched(&twice, LIVE, IMPLEMENTATION_SLOT), [Some(last)]);
}

#[test]
fn a_proxy_of_the_plan_is_upgraded_where_it_stands() {
    let resolved = upgraded("pair");
    let (proxy, made) = (at(&resolved, "pair/proxy"), at(&resolved, "more/implementation"));
    // The first contract that a transparent proxy creates is its admin.
    let admin = proxy.create(1);
    let data = upgradeAndCallCall { proxy, to: made, data: Bytes::new() }.abi_encode();
    let expected = call(admin, data, "upgradeAndCall(address,address,bytes)");
    assert_eq!(op(&resolved, "more"), &expected);
    let found = start(&resolved, "more");
    assert_eq!((found.address, found.admin, found.in_plan), (proxy, Some(admin), true));
    assert_eq!(watched(&resolved, proxy, IMPLEMENTATION_SLOT), [Some(made.into_word())]);
    assert_eq!(resolved.places["pair"].implementation, Some(made));
    assert_eq!(resolved.places["more"], Place { address: proxy, implementation: Some(made) });
    // Its admin slot is watched as before.
    assert_eq!(watched(&resolved, proxy, ADMIN_SLOT), [None]);
}

#[test]
fn a_beacon_is_upgraded_in_place_of_its_proxies() {
    let resolved = upgraded("pool");
    let (beacon, made) = (at(&resolved, "pool/beacon"), at(&resolved, "more/implementation"));
    let data = upgradeToCall { to: made }.abi_encode();
    assert_eq!(op(&resolved, "more"), &call(beacon, data, "upgradeTo(address)"));
    let found = start(&resolved, "more");
    assert_eq!((found.address, found.admin, found.in_plan), (beacon, None, true));
    let slot = B256::with_last_byte(1);
    assert_eq!(watched(&resolved, beacon, slot), [Some(made.into_word())]);
    let proxy = at(&resolved, "pool/proxy");
    assert_eq!(watched(&resolved, proxy, BEACON_SLOT), [Some(beacon.into_word())]);
    assert_eq!(resolved.places["more"].address, proxy);
}
